//! Rows of simulated clusters, as tests write them. A row can be read from the moment at which it ended, unless it is `late`.

use lookback_schemas::time::SECOND;
use lookback_simulator::{Cluster, Row, ServeOptions, Server};

/// A query in `stl_query`.
pub(crate) fn query(id: i64, start: i64, end: i64) -> Row {
    Row::new(end)
        .with("userid", 100 + id % 7)
        .with("query", id)
        .with("label", "default")
        .with("xid", 5_000 + id)
        .with("pid", 900 + id % 5)
        .with("database", "dev")
        .with("querytxt", format!("select {id}"))
        .at("starttime", start)
        .at("endtime", end)
        .with("aborted", 0)
        .with("insert_pristine", 0)
}

/// A query of one second.
pub(crate) fn quick(id: i64, end: i64) -> Row {
    query(id, end - SECOND, end)
}

/// A fragment of a query's text in `stl_querytext`.
pub(crate) fn text(id: i64, sequence: i64, text: &str, visible_at: i64) -> Row {
    Row::new(visible_at)
        .with("userid", 100 + id % 7)
        .with("xid", 5_000 + id)
        .with("pid", 900 + id % 5)
        .with("query", id)
        .with("sequence", sequence)
        .with("text", text)
}

/// A node of a query's plan in `stl_explain`.
pub(crate) fn plan(id: i64, node: i64, visible_at: i64) -> Row {
    Row::new(visible_at)
        .with("userid", 100 + id % 7)
        .with("query", id)
        .with("nodeid", node)
        .with("parentid", node - 1)
        .with("plannode", format!("XN Seq Scan {node}"))
        .with("info", "")
}

/// A scan step in `stl_scan`.
pub(crate) fn scan(id: i64, slice: i64, end: i64) -> Row {
    Row::new(end)
        .with("userid", 100 + id % 7)
        .with("query", id)
        .with("slice", slice)
        .with("segment", 0)
        .with("step", 1)
        .at("starttime", end - SECOND)
        .at("endtime", end)
        .with("rows", 1_000 + slice)
        .with("tbl", 42)
        .with("perm_table_name", "sales")
}

/// An alert in `stl_alert_event_log`.
pub(crate) fn alert(id: i64, time: i64) -> Row {
    Row::new(time)
        .with("userid", 100)
        .with("query", id)
        .with("slice", 0)
        .with("event", "Missing statistics")
        .at("event_time", time)
}

/// The row, readable only from `visible_at` on.
pub(crate) fn late(mut row: Row, visible_at: i64) -> Row {
    row.visible_at = visible_at;
    row
}

/// Serves a cluster on a free port, without TLS.
pub(crate) async fn serve(cluster: &Cluster) -> Server {
    cluster.serve(ServeOptions::default()).await.unwrap()
}
