//! Crashes, repeats and exporters side by side: nothing twice.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use lookback_exporter::run::TableOutcome;
use lookback_exporter::watermarks::{Grant, Lease, SqliteStore, Watermark, WatermarkStore};
use lookback_exporter::{ClusterJob, Error, ErrorKind, Result, Work};
use lookback_schemas::time::{HOUR, MINUTE};
use lookback_simulator::Cluster;
use tokio_util::sync::CancellationToken;

use super::{assert_done, broken, kinds};
use crate::support::rows::{late, plan, quick, scan, serve, text};
use crate::support::world::{NOON, World, job};

const TABLES: [&str; 4] = ["stl_query", "stl_querytext", "stl_explain", "stl_scan"];

/// Some rows of every table, ending from `from` on, a minute apart.
fn fill(cluster: &Cluster, first: i64, count: i64, from: i64) {
    for id in first..first + count {
        let end = from + (id - first) * MINUTE;
        cluster.insert("stl_query", vec![quick(id, end)]);
        cluster.insert("stl_querytext", vec![text(id, 0, "select 1", end)]);
        cluster.insert("stl_explain", vec![plan(id, 1, end), plan(id, 2, end)]);
        cluster.insert("stl_scan", (0..3).map(|slice| scan(id, slice, end)).collect());
    }
}

/// Copies the files of the watermark store.
fn copy_state(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("state.sqlite{suffix}");
        let target = to.join(&name);
        // A file that the copy does not have must not stay beside it.
        let _ = fs::remove_file(&target);
        if from.join(&name).exists() {
            fs::copy(from.join(&name), target).unwrap();
        }
    }
}

/// A store whose process dies at the moment of writing a watermark.
struct Dies(SqliteStore);

#[async_trait]
impl WatermarkStore for Dies {
    async fn get(&self, cluster_id: &str, table: &str) -> Result<Option<Watermark>> {
        self.0.get(cluster_id, table).await
    }

    async fn advance(&self, _: &str, _: &str, _: Option<&Watermark>, _: &Watermark, _: Option<&Lease>) -> Result<bool> {
        Err(Error::new(ErrorKind::Watermarks, "made up"))
    }

    async fn acquire(&self, cluster: &str, table: &str, who: &str, now: i64, until: i64) -> Result<Option<Grant>> {
        self.0.acquire(cluster, table, who, now, until).await
    }

    async fn release(&self, _: &str, _: &str, _: &Lease) -> Result<()> {
        Err(Error::new(ErrorKind::Watermarks, "made up"))
    }

    async fn list(&self) -> Result<Vec<(String, String, Watermark)>> {
        self.0.list().await
    }
}

/// The naive tool writes its data, dies, and writes all of it again from the old watermark.
#[tokio::test]
async fn f07_crash_between_commit_and_watermark_duplicates_nothing() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &TABLES)];
    fill(&cluster, 1, 20, NOON - HOUR);
    for round in 0..3 {
        let now = NOON + round * HOUR;
        world.at(&cluster, now);
        fill(&cluster, 100 * (round + 1), 10, now - 50 * MINUTE);
        let store = Dies(SqliteStore::open(&world.state_path()).unwrap());
        let exporter = world.exporter_with(world.lake().await, Arc::new(store));
        let report = exporter.run(&jobs, Work::Export { sweep: false }, &CancellationToken::new()).await;
        assert_eq!(report.exit_code(), 1);
        assert_eq!(kinds(&report).len(), TABLES.len());
        world.assert_equals_truth(&cluster, "c", &TABLES).await;
        // The dead process left its leases behind. They end.
        world.at(&cluster, now + 20 * MINUTE);
        let report = world.export(&jobs).await;
        assert_done(&report);
        assert_eq!(report.rows_new(), 0);
        world.assert_equals_truth(&cluster, "c", &TABLES).await;
    }
}

/// The naive tool has nothing but its watermark: with a lost or an old one it exports everything since again.
#[tokio::test]
async fn f07_a_lost_or_restored_watermark_file_duplicates_nothing() {
    let world = World::new();
    let folder = world.folder.path().to_owned();
    let backup = tempfile::tempdir().unwrap();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &TABLES)];
    fill(&cluster, 1, 20, NOON - HOUR);
    assert_done(&world.export(&jobs).await);
    copy_state(&folder, backup.path());
    for round in 1..4 {
        fill(&cluster, 100 * round, 10, NOON + round * HOUR - 30 * MINUTE);
        world.at(&cluster, NOON + round * HOUR);
        assert_done(&world.export(&jobs).await);
    }
    let whole = world.exporter().await.watermark("c", "stl_scan").await.unwrap().unwrap();

    copy_state(backup.path(), &folder);
    let old = world.exporter().await.watermark("c", "stl_scan").await.unwrap().unwrap();
    assert!(old.covered_until < whole.covered_until);
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.rows_new(), 0);

    let empty = tempfile::tempdir().unwrap();
    copy_state(empty.path(), &folder);
    fill(&cluster, 900, 5, NOON + 3 * HOUR + MINUTE);
    world.at(&cluster, NOON + 4 * HOUR);
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.rows_new(), 5 * 7);
    world.assert_equals_truth(&cluster, "c", &TABLES).await;
}

/// A watermark file that belongs to another lake must not make an empty lake look covered.
#[tokio::test]
async fn f07_a_lost_lake_is_filled_again_whatever_the_watermarks_say() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &TABLES)];
    fill(&cluster, 1, 20, NOON - 5 * HOUR);
    assert_done(&world.export(&jobs).await);
    fs::remove_dir_all(world.lake_path()).unwrap();
    world.at(&cluster, NOON + 5 * MINUTE);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &TABLES).await;
}

/// The naive tool writes the text `None` as watermark of an empty table; that table, and every one after it, fails for ever.
#[tokio::test]
async fn f08_empty_tables_are_covered_and_their_later_rows_arrive() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["core"])];
    for step in 0..3 {
        let now = NOON + step * HOUR;
        world.at(&cluster, now);
        let report = world.export(&jobs).await;
        assert_done(&report);
        assert_eq!((report.tables.len(), report.rows_new()), (8, 0));
        let watermarks = world.exporter().await.list_watermarks().await.unwrap();
        assert_eq!(watermarks.len(), 8);
        for (_, table, watermark) in watermarks {
            assert_eq!(watermark.covered_until, now - 2 * MINUTE, "{table}");
        }
    }
    fill(&cluster, 1, 5, NOON + 2 * HOUR + MINUTE);
    world.at(&cluster, NOON + 3 * HOUR);
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.rows_new(), 5 * 7);
    world.assert_equals_truth(&cluster, "c", &TABLES).await;
}

/// Every table that can be exported, from a cluster without a single row.
#[tokio::test]
async fn f08_all_tables_of_an_empty_cluster_are_exported_in_one_run() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["all"])];
    let report = world.export(&jobs).await;
    assert_done(&report);
    assert_eq!(report.tables.len(), 55);
    assert!(report.tables.iter().all(|t| t.covered_until == Some(NOON - 2 * MINUTE)));
}

#[tokio::test]
async fn exporting_twice_in_a_row_changes_nothing() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &TABLES)];
    fill(&cluster, 1, 30, NOON - 29 * MINUTE);
    let report = world.export(&jobs).await;
    let shown = report.rows_new();
    for _ in 0..2 {
        let again = world.export(&jobs).await;
        assert_done(&again);
        assert_eq!((again.rows_new(), again.tables.iter().map(|t| t.files).sum::<u64>()), (0, 0));
    }
    assert!(shown > 0);
    world.at(&cluster, NOON + 5 * MINUTE);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &TABLES).await;
}

/// Two exporters that know nothing of each other: separate watermark files, so that no lease keeps them apart.
async fn race(world: &World, jobs: &[ClusterJob], round: i64) {
    let other = SqliteStore::open(&world.folder.path().join("other.sqlite")).unwrap();
    let other = world.exporter_with(world.lake().await, Arc::new(other));
    let one = world.exporter().await;
    let cancel = CancellationToken::new();
    let work = Work::Export { sweep: false };
    let (a, b) = tokio::join!(one.run(jobs, work, &cancel), other.run(jobs, work, &cancel));
    assert_done(&a);
    assert_done(&b);
    assert_eq!(a.rows_new() + b.rows_new(), 10 * 7, "round {round}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_exporters_at_once_without_leases_duplicate_nothing() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &TABLES)];
    for round in 0..3 {
        let now = NOON + round * HOUR;
        world.at(&cluster, now);
        fill(&cluster, 100 * (round + 1), 10, now - 20 * MINUTE);
        race(&world, &jobs, round).await;
        world.assert_equals_truth(&cluster, "c", &TABLES).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_exporters_at_once_with_leases_duplicate_nothing() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &TABLES)];
    fill(&cluster, 1, 10, NOON - 20 * MINUTE);
    let (a, b) = tokio::join!(world.export(&jobs), world.export(&jobs));
    for report in [&a, &b] {
        assert_eq!(kinds(report), []);
        assert!([0, 4].contains(&report.exit_code()));
    }
    assert_eq!(a.rows_new() + b.rows_new(), 10 * 7);
    world.assert_equals_truth(&cluster, "c", &TABLES).await;
}

#[tokio::test]
async fn a_lease_held_by_another_is_exit_code_4() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &TABLES)];
    fill(&cluster, 1, 10, NOON - 20 * MINUTE);
    let store = SqliteStore::open(&world.state_path()).unwrap();
    for table in TABLES {
        assert!(store.acquire("c", table, "another", NOON, NOON + HOUR).await.unwrap().is_some());
    }
    let report = world.export(&jobs).await;
    assert_eq!(report.exit_code(), 4);
    assert!(report.tables.iter().all(|t| matches!(t.outcome, TableOutcome::LeaseHeld)));
    assert!(world.rows("stl_query").await.is_empty());
    // One that has ended stands in nobody's way, and one table that is held stops no other.
    world.at(&cluster, NOON + HOUR);
    store.acquire("c", "stl_scan", "another", NOON + HOUR, NOON + 2 * HOUR).await.unwrap().unwrap();
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query", "stl_querytext", "stl_explain"]).await;
    assert!(world.rows("stl_scan").await.is_empty());
}

/// A read that is cut, cancelled or refused must not count: neither its rows nor its coverage.
#[tokio::test]
async fn a_read_that_breaks_off_leaves_nothing_behind() {
    use lookback_simulator::Fault;
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    fill(&cluster, 1, 30, NOON - 40 * MINUTE);
    cluster.insert("stl_query", vec![late(quick(99, NOON - 35 * MINUTE), NOON + MINUTE)]);
    let name = || Some("stl_query".to_owned());
    for fault in [
        Fault::CutAfterRows { table: name(), rows: 0 },
        Fault::CutAfterRows { table: name(), rows: 7 },
        Fault::CutAfterRows { table: name(), rows: 30 },
        Fault::Cancel { table: name() },
        broken("stl_query"),
    ] {
        cluster.fault(fault.clone());
        let report = world.export(&jobs).await;
        assert_eq!(report.exit_code(), 1, "{fault:?}");
        assert_eq!(world.rows("stl_query").await, []);
        assert!(world.exporter().await.list_watermarks().await.unwrap().is_empty());
        cluster.clear_faults();
    }
    // Once is nothing: it is tried again within the run.
    cluster.fault(Fault::CutAfterRows { table: name(), rows: 7 }.times(2));
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}
