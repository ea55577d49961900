//! What the logs show inside the segments of a story: the join that only a lake with both can make.

use std::collections::BTreeMap;

use lookback_schemas::names::cluster_name;
use lookback_schemas::time::sql_literal;

use super::assemble::Interval;
use super::{Incarnation, Segment, Work};
use crate::audit::coverage::Spans;
use crate::audit::rows::{Row, rows_of};
use crate::dialect::rewrite::text_literal;
use crate::error::QueryError;
use crate::session::Session;

/// Counts what ran in each segment. Logs know a cluster by the name that it is exported under, so that rows count for whoever had
/// that name at their time, or else for who has had it before.
pub(super) async fn add(
    session: &Session,
    incarnations: &mut [Incarnation],
    named: &[Row],
    as_of: i64,
) -> Result<(), QueryError> {
    let named: Vec<Interval> = named.iter().map(Interval::read).collect();
    let exported = exported(session).await?;
    for incarnation in incarnations {
        for name in own_names(incarnation) {
            let ids: Vec<&String> = exported.iter().filter(|id| cluster_name(id) == name).collect();
            if ids.is_empty() {
                continue;
            }
            let of_others = others(&named, incarnation, &name);
            let pieces = pieces(&incarnation.segments, &of_others, as_of);
            let list = ids.iter().map(|id| text_literal((*id).clone()).to_string()).collect::<Vec<_>>().join(", ");
            for segment in &mut incarnation.segments {
                segment.work.get_or_insert_default();
            }
            count(session, incarnation, &pieces, &list).await?;
        }
    }
    Ok(())
}

/// The clusters that the lake has logs of.
async fn exported(session: &Session) -> Result<Vec<String>, QueryError> {
    let sql = "SELECT cluster_id FROM stl_query GROUP BY cluster_id UNION \
               SELECT cluster_id FROM stl_connection_log GROUP BY cluster_id ORDER BY 1";
    Ok(rows_of(session, sql).await?.iter().map(|row| row.text("cluster_id")).collect())
}

fn own_names(incarnation: &Incarnation) -> Vec<String> {
    let mut names: Vec<String> = incarnation.names.iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The time in which another incarnation had the name.
fn others(named: &[Interval], incarnation: &Incarnation, name: &str) -> Spans {
    let mut spans = Spans::default();
    let of_others = named.iter().filter(|one| one.namespace_arn != incarnation.namespace_arn && one.name == name);
    for other in of_others.filter(|other| !other.gone) {
        spans.add(other.start_hi, other.end_hi.unwrap_or(i64::MAX));
    }
    spans
}

/// The time of each segment without that of others, as (segment, from, to).
fn pieces(segments: &[Segment], of_others: &Spans, as_of: i64) -> Vec<(usize, i64, i64)> {
    let mut pieces = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let from = segment.began.by.unwrap_or_default();
        let to = segment.ended.by.unwrap_or(as_of).min(as_of);
        pieces.extend(of_others.holes(from, to).into_iter().map(|(from, to)| (at, from, to)));
    }
    pieces
}

async fn count(
    session: &Session,
    incarnation: &mut Incarnation,
    pieces: &[(usize, i64, i64)],
    clusters: &str,
) -> Result<(), QueryError> {
    let Some((from, to)) = pieces.iter().map(|(_, from, to)| (*from, *to)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    else {
        return Ok(());
    };
    let case = |time: &str| {
        let when = |(at, from, to): &(usize, i64, i64)| {
            format!("WHEN {time} >= '{}' AND {time} < '{}' THEN {at}", sql_literal(*from), sql_literal(*to))
        };
        format!("CASE {} END", pieces.iter().map(when).collect::<Vec<_>>().join(" "))
    };
    let within = |time: &str| {
        let (from, to) = (sql_literal(from), sql_literal(to));
        format!("cluster_id IN ({clusters}) AND {time} >= '{from}' AND {time} < '{to}'")
    };
    let queries = format!(
        "SELECT {} AS at, COUNT(*) AS n FROM stl_query WHERE {} GROUP BY 1",
        case("starttime"),
        within("starttime")
    );
    let connections = format!(
        "SELECT {} AS at, COUNT(*) AS n, SUM(CASE WHEN COALESCE(BTRIM(sslversion), '') = '' THEN 1 ELSE 0 END) AS plain \
         FROM stl_connection_log WHERE BTRIM(event) = 'authenticated' AND {} GROUP BY 1",
        case("recordtime"),
        within("recordtime")
    );
    let mut found: BTreeMap<usize, Work> = BTreeMap::new();
    let at = |row: &Row| row.number("at").and_then(|at| usize::try_from(at).ok());
    for row in rows_of(session, &queries).await? {
        if let Some(at) = at(&row) {
            found.entry(at).or_default().queries += row.number("n").unwrap_or_default();
        }
    }
    for row in rows_of(session, &connections).await? {
        if let Some(at) = at(&row) {
            let work = found.entry(at).or_default();
            work.connections += row.number("n").unwrap_or_default();
            work.plaintext += row.number("plain").unwrap_or_default();
        }
    }
    for (at, more) in found {
        if let Some(work) = incarnation.segments.get_mut(at).map(|segment| segment.work.get_or_insert_default()) {
            work.queries += more.queries;
            work.connections += more.connections;
            work.plaintext += more.plaintext;
        }
    }
    Ok(())
}
