//! The statements that a cluster is asked become rows of its own logs, if a test wants that.

use crate::access::User;
use crate::cluster::Shared;
use crate::value::Row;

/// Writes a statement into `stl_query` and `stl_querytext`, if the cluster logs its own queries. It begins and ends at the
/// current moment of the virtual clock and is visible at once.
pub(crate) fn log_statement(cluster: &Shared, user: &User, pid: i32, group: &str, sql: &str, aborted: bool) {
    let now = cluster.now();
    let mut state = cluster.state();
    if !state.log_own {
        return;
    }
    let query = state.next_query;
    state.next_query += 1;
    let xid = 1_000_000 + query;
    let row = Row::new(now)
        .with("userid", user.id)
        .with("query", query)
        .with("label", group)
        .with("xid", xid)
        .with("pid", pid)
        .with("database", crate::catalog::DATABASE)
        .with("querytxt", sql)
        .at("starttime", now)
        .at("endtime", now)
        .with("aborted", i32::from(aborted))
        .with("insert_pristine", 0)
        .with("concurrency_scaling_status", 0);
    let texts: Vec<Row> = fragments(sql)
        .zip(0_i32..)
        .map(|(text, sequence)| {
            Row::new(now)
                .with("userid", user.id)
                .with("xid", xid)
                .with("pid", pid)
                .with("query", query)
                .with("sequence", sequence)
                .with("text", text)
        })
        .collect();
    for (table, rows) in [("stl_query", vec![row]), ("stl_querytext", texts)] {
        // A test may have dropped one of the columns; the cluster goes on without that row.
        if let Err(problem) = state.insert(table, &rows) {
            tracing::warn!(table, problem, "own query not logged");
        }
    }
}

/// The pieces of a statement as the text tables keep them: 200 characters each.
pub(crate) fn fragments(text: &str) -> impl Iterator<Item = &str> {
    let width = lookback_schemas::types::FRAGMENT_WIDTH as usize;
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.char_indices().nth(width).map_or(rest.len(), |(end, _)| end);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}
