//! Collections leave a small file each behind: days that are over become one file, with the same rows.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;
use lookback_schemas::encryption::TABLES;
use lookback_schemas::ledger::{Outcome, RunKind};
use lookback_schemas::names::LEDGER_TABLE;
use lookback_schemas::time::{DAY, HOUR};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::scene::{Scene, cluster, notice, record};
use crate::clock::{Clock, SystemClock};
use crate::ledger::{LedgerRow, read};
use crate::maintain::{compact_own, vacuum};

/// Rows of all tables, each as often as it is there.
async fn contents(scene: &Scene) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in TABLES {
        let mut rows: Vec<String> = scene.rows(table.name).await.iter().map(|row| format!("{row:?}")).collect();
        rows.sort();
        all.insert(table.name, rows);
    }
    all
}

fn run(n: i64, started_at: i64) -> LedgerRow {
    LedgerRow {
        cluster_id: format!("c{n}"),
        run_id: n.to_string(),
        table: "stl_query".to_owned(),
        kind: RunKind::Export,
        window: None,
        covered_until: Some(started_at),
        gap: None,
        rows_read: 1,
        rows_new: 1,
        rows_present: 0,
        rows_rewritten: 0,
        files: 1,
        bytes: 1,
        started_at,
        duration_ms: 5,
        outcome: Outcome::Ok,
        error: None,
    }
}

/// The rows of the run ledger, sorted: which run, and when.
async fn ledger(scene: &Scene) -> Vec<(String, i64)> {
    let table = scene.exporter().lake_table(LEDGER_TABLE).await.unwrap().unwrap();
    let mut rows = Vec::new();
    for batch in read(&table).await.unwrap() {
        let ids = batch.column_by_name("run_id").unwrap().as_string::<i32>().clone();
        let times = batch.column_by_name("started_at").unwrap().as_primitive::<TimestampMicrosecondType>().clone();
        rows.extend((0..batch.num_rows()).map(|row| (ids.value(row).to_owned(), times.value(row))));
    }
    rows.sort();
    rows
}

#[tokio::test]
async fn days_that_are_over_become_one_file_with_the_same_rows() {
    let scene = Scene::new().await;
    for n in 0..19 {
        {
            // Something changes each time: a status, an event of each kind.
            let mut state = scene.world.state();
            let mut changing = cluster("c", None);
            changing.cluster_status = Some(if n % 2 == 0 { "available" } else { "modifying" }.to_owned());
            state.clusters = vec![changing];
            let at = scene.time.now();
            state.notices.push(notice("3000", "c", at));
            let request = json!({"clusterIdentifier": "c"});
            state.records.push((0, record(&format!("e{n}"), "RebootCluster", at, &request)));
        }
        scene.later(4 * HOUR).await;
        let rows = [run(n, scene.time.now() + 1), run(n + 1_000, scene.time.now())];
        scene.exporter().record(&rows).await.unwrap();
    }
    let (before, runs) = (contents(&scene).await, ledger(&scene).await);
    assert!(before["collection_runs"].len() > 100 && before["encryption_events"].len() >= 50 && runs.len() == 38);
    let names: Vec<&str> = ["collection_runs", "encryption_events", "cluster_encryption_state", LEDGER_TABLE].to_vec();
    let mut old = Vec::new();
    for name in &names {
        old.extend(scene.files(name).await);
    }

    let stop = CancellationToken::new();
    let done = compact_own(scene.exporter(), &stop).await.unwrap();
    assert!(done.failures.is_empty() && done.files_after * 4 < done.files_before, "{done:?}");
    assert_eq!(contents(&scene).await, before);
    assert_eq!(ledger(&scene).await, runs);
    // The first two days are over for long enough; today and yesterday are not.
    for name in &names {
        let files = scene.files(name).await;
        let of = |day: &str| files.iter().filter(|file| file.contains(&format!("log_date={day}"))).count();
        assert_eq!((of("2026-03-01"), of("2026-03-02")), (1, 1), "{files:?}");
        assert!(of("2026-03-03") >= 5 && of("2026-03-04") >= 1, "{files:?}");
        let whole = files.iter().find(|file| file.contains("log_date=2026-03-01")).unwrap();
        let partition = if *name == LEDGER_TABLE { "log_date=" } else { "account_id=111122223333/log_date=" };
        assert!(whole.starts_with(&format!("{name}/{partition}2026-03-01/day-")), "{whole}");
    }
    let again = compact_own(scene.exporter(), &stop).await.unwrap();
    assert_eq!((again.days, again.failures.len()), (0, 0));

    // Collections go on as if nothing had happened: nothing is new, nothing is forgotten.
    let report = scene.later(0).await;
    assert_eq!(report.collectors.iter().map(|one| one.rows).sum::<u64>(), 0, "{report:?}");
    // What nobody needs goes after the grace period, and only that.
    // When a file was removed is told by the machine's own clock.
    scene.time.set(SystemClock.now() + 3 * DAY);
    vacuum(scene.exporter(), DAY).await.unwrap();
    let mut kept = Vec::new();
    for name in &names {
        kept.extend(scene.files(name).await);
    }
    assert!(kept.iter().all(|file| scene.has(file)));
    assert!(old.iter().filter(|file| !kept.contains(file)).all(|file| !scene.has(file)), "files of before are left");
    let after = contents(&scene).await;
    assert_eq!(after["encryption_events"], before["encryption_events"]);
    assert_eq!(after["collection_runs"].len(), before["collection_runs"].len() + report.collectors.len());
}
