//! Generated histories: the same for the same seed, and consistent across tables.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{HashMap, HashSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use common::{DAY, START, connect, one, serve};
use lookback_simulator::{Cluster, Kind, SimConfig, VISIBLE_AT};

const KINDS: [Kind; 3] = [Kind::Etl, Kind::Dashboards, Kind::AdHoc];

fn history(kind: Kind, seed: u64) -> Cluster {
    Cluster::generate(&SimConfig { name: "c1".to_owned(), kind, seed, start: START, days: 2, queries_per_day: 400 })
}

fn ints(batch: &RecordBatch, name: &str) -> Vec<i64> {
    let array = cast(batch.column_by_name(name).unwrap(), &DataType::Int64).unwrap();
    array.as_primitive::<Int64Type>().iter().flatten().collect()
}

fn times(batch: &RecordBatch, name: &str) -> Vec<i64> {
    batch.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>().iter().flatten().collect()
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    batch.column_by_name(name).unwrap().as_string::<i32>().iter().map(|t| t.unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_same_seed_gives_the_same_rows() {
    for kind in KINDS {
        let (a, b, other) = (history(kind, 7), history(kind, 7), history(kind, 8));
        assert_eq!(a.now(), START + 2 * DAY);
        assert_eq!(a.namespace(), b.namespace());
        for table in a.tables() {
            assert_eq!(a.truth(&table), b.truth(&table), "{table}");
        }
        assert_ne!(a.truth("stl_query"), other.truth("stl_query"));
    }
}

#[test]
fn every_table_of_the_core_has_rows_and_they_belong_together() {
    for kind in KINDS {
        let cluster = history(kind, 7);
        let queries = cluster.truth("stl_query");
        let ids: HashSet<i64> = ints(&queries, "query").into_iter().collect();
        assert_eq!(ids.len(), queries.num_rows());
        for table in lookback_schemas::registry().select(&["core"]).unwrap() {
            let rows = cluster.truth(&table.name);
            assert!(rows.num_rows() > 0, "{kind:?} {}", table.name);
            if table.column("query").is_some() {
                assert!(ints(&rows, "query").iter().all(|q| ids.contains(q)), "{}", table.name);
            }
        }
        let text = cluster.truth("stl_querytext");
        let mut whole: HashMap<i64, String> = HashMap::new();
        for (query, text) in ints(&text, "query").into_iter().zip(texts(&text, "text")) {
            assert_eq!(text.len(), 200);
            whole.entry(query).or_default().push_str(&text);
        }
        for (query, start) in ints(&queries, "query").into_iter().zip(texts(&queries, "querytxt")) {
            assert!(whole[&query].starts_with(&start), "{query}");
        }
        let wlm = cluster.truth("stl_wlm_query");
        for (queued, left) in times(&wlm, "queue_end_time").into_iter().zip(times(&wlm, "service_class_end_time")) {
            assert!(queued <= left);
        }
        for (end, visible) in times(&queries, "endtime").into_iter().zip(ints(&queries, VISIBLE_AT)) {
            assert!((0..4 * 3_600_000_000 + 3_000_000).contains(&(visible - end)));
        }
    }
}

#[test]
fn the_odd_things_of_real_logs_are_there() {
    let all: Vec<Cluster> = KINDS.into_iter().map(|kind| history(kind, 11)).collect();
    let has = |what: &str, test: &dyn Fn(&Cluster) -> bool| assert!(all.iter().any(test), "no {what}");
    let column = |c: &Cluster, table: &str, name: &str| texts(&c.truth(table), name);
    has("statement longer than 4000 characters", &|c| {
        ints(&c.truth("stl_querytext"), "sequence").iter().any(|s| *s >= 20)
    });
    has("blank at a seam", &|c| {
        column(c, "stl_querytext", "text").iter().any(|t| t.ends_with(' ') && !t.trim().is_empty())
    });
    has("spill", &|c| column(c, "stl_hash", "is_diskbased").iter().any(|d| d == "t"));
    has("nested loop", &|c| c.truth("stl_nestloop").num_rows() > 0);
    has("failed query", &|c| ints(&c.truth("stl_query"), "aborted").contains(&1));
    has("wait in a queue", &|c| ints(&c.truth("stl_wlm_query"), "total_queue_time").iter().any(|t| *t > 1_000_000));
    has("plain connection", &|c| column(c, "stl_connection_log", "sslversion").iter().any(String::is_empty));
    has("failed login", &|c| column(c, "stl_connection_log", "event").iter().any(|e| e == "authentication failure"));
    has("late row", &|c| {
        let q = c.truth("stl_query");
        times(&q, "endtime").iter().zip(ints(&q, VISIBLE_AT)).any(|(end, at)| at - end > 60_000_000)
    });
    has("row that is not visible yet", &|c| c.truth("stl_scan").num_rows() > c.truth_visible("stl_scan").num_rows());
    has("pair of equal rows", &|c| {
        let alerts = c.truth("stl_alert_event_log");
        let mut seen = HashSet::new();
        let keys = ints(&alerts, "query").into_iter().zip(texts(&alerts, "event")).zip(times(&alerts, "event_time"));
        keys.into_iter().any(|key| !seen.insert(key))
    });
    let never: HashSet<String> = [
        "stl_restarted_sessions",
        "stl_file_scan",
        "stl_replacements",
        "stl_usage_control",
        "stl_mv_state",
        "stl_schema_quota_violations",
        "stl_parse",
        "stl_project",
        "stl_merge",
        "stl_mergejoin",
        "stl_analyze_compression",
        "stl_sshclient_error",
        "stl_s3client_error",
        "stl_disk_full_diag",
        "stl_tr_conflict",
    ]
    .map(str::to_owned)
    .into();
    for table in all[0].tables().into_iter().filter(|t| !never.contains(t)) {
        has(&format!("row in {table}"), &|c| c.truth(&table).num_rows() > 0);
    }
}

#[tokio::test]
async fn a_history_is_read_over_the_wire() {
    let cluster = history(Kind::AdHoc, 3);
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    let joined = "SELECT count(*) FROM stl_scan s JOIN stl_query q ON q.query = s.query WHERE s.endtime <= q.endtime";
    assert_ne!(one(&client, joined).await.as_deref(), Some("0"));
    for table in cluster.tables() {
        let rows = client.query(&format!("SELECT * FROM {table}"), &[]).await.unwrap();
        assert_eq!(rows.len(), cluster.truth_visible(&table).num_rows(), "{table}");
    }
    cluster.advance(DAY);
    let count = one(&client, "SELECT count(*) FROM stl_scan").await.unwrap();
    assert_eq!(count, cluster.truth("stl_scan").num_rows().to_string());
}
