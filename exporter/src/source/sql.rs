//! The SQL sent to a cluster, as text. Only identifiers from the registry or the cluster's own column list and timestamps as
//! literals go in, so there is nothing to inject.

use lookback_schemas::names::LOG_TIME;
use lookback_schemas::registry::CursorUnit;
use lookback_schemas::time::{Y2000, sql_literal};
use lookback_schemas::{LakeType, TableSpec, registry};

use super::{SourceColumn, Window};

/// Quotes an identifier. Names are lower case, which Redshift and PostgreSQL store unquoted names as.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// How a table's time is written as a literal of its cursor's unit.
fn literal(spec: &TableSpec, micros: i64) -> String {
    match spec.cursor_unit {
        CursorUnit::Timestamp => format!("'{}'", sql_literal(micros)),
        CursorUnit::MicrosSince2000 => micros.saturating_sub(Y2000).to_string(),
    }
}

/// The fallback time column, if the cluster has it.
fn fallback<'a>(spec: &'a TableSpec, columns: &[SourceColumn]) -> Option<&'a str> {
    let name = spec.fallback.as_deref()?;
    columns.iter().any(|c| c.name == name && c.lake_type == LakeType::Timestamp).then_some(name)
}

/// Rows of the alias whose cursor lies in the window, or whose cursor says "never" and whose fallback does.
fn in_window(spec: &TableSpec, cursor: &str, fallback: Option<&str>, alias: &str, window: Window) -> String {
    let (from, to) = (literal(spec, window.from), literal(spec, window.to));
    let within = |column: &str| format!("{alias}.{0} >= {from} AND {alias}.{0} < {to}", quote(column));
    let Some(other) = fallback else { return within(cursor) };
    let never = format!("{alias}.{0} IS NULL OR {alias}.{0} <= {1}", quote(cursor), literal(spec, Y2000));
    format!("({}) OR (({never}) AND {})", within(cursor), within(other))
}

fn select_list(columns: &[SourceColumn]) -> String {
    columns.iter().map(|c| format!("c.{}", quote(&c.name))).collect::<Vec<_>>().join(", ")
}

/// The parent of a driven table, with its cursor.
fn parent(spec: &TableSpec) -> Option<(&'static TableSpec, &'static str, String)> {
    let link = spec.parent.as_ref()?;
    let parent = registry().table(&link.table)?;
    let on = link.on.iter().map(|c| format!("c.{0} = p.{0}", quote(c))).collect::<Vec<_>>().join(" AND ");
    Some((parent, parent.cursor.as_deref()?, on))
}

/// Names of a driven table's link columns, quoted and comma-separated.
fn link_columns(spec: &TableSpec) -> String {
    let names = spec.parent.iter().flat_map(|p| &p.on);
    names.map(|c| quote(c)).collect::<Vec<_>>().join(", ")
}

/// Asks for no rows, only for the columns that a table has.
pub(super) fn describe(spec: &TableSpec) -> String {
    format!("SELECT * FROM {}", quote(&spec.name))
}

/// The time that places a row of the alias: its cursor, or the fallback where the cursor says "never".
fn placed_at(spec: &TableSpec, cursor: &str, fallback: Option<&str>, alias: &str) -> String {
    let own = format!("{alias}.{}", quote(cursor));
    match fallback {
        None => own,
        Some(other) => {
            let never = literal(spec, Y2000);
            format!("CASE WHEN {own} > {never} THEN {own} ELSE {alias}.{} END", quote(other))
        }
    }
}

/// Every row of a window. Driven tables take the time of the first parent inside it as `log_time`; a parent that occurs twice
/// must not double its children.
pub(super) fn read(spec: &TableSpec, columns: &[SourceColumn], window: Window) -> String {
    let list = select_list(columns);
    let table = quote(&spec.name);
    if let Some((parent, cursor, on)) = parent(spec) {
        let other = parent.fallback.as_deref();
        return format!(
            "SELECT {list}, p.{LOG_TIME} FROM {table} c JOIN (SELECT {links}, min({time}) AS {LOG_TIME} \
             FROM {parent_table} q WHERE {window} GROUP BY {links}) p ON {on}",
            links = link_columns(spec),
            time = placed_at(parent, cursor, other, "q"),
            parent_table = quote(&parent.name),
            window = in_window(parent, cursor, other, "q", window),
        );
    }
    let cursor = spec.time_column();
    format!("SELECT {list} FROM {table} c WHERE {}", in_window(spec, cursor, fallback(spec, columns), "c", window))
}

/// The oldest time that places a row, and how many rows have one.
pub(super) fn oldest(spec: &TableSpec, columns: &[SourceColumn]) -> String {
    let (owner, cursor, other) = match parent(spec) {
        Some((parent, cursor, _)) => (parent, cursor, parent.fallback.as_deref()),
        None => (spec, spec.time_column(), fallback(spec, columns)),
    };
    let time = placed_at(owner, cursor, other, "c");
    format!("SELECT min({time}), count(*) FROM {} c WHERE {time} > {}", quote(&owner.name), literal(owner, Y2000))
}

/// Two counts: rows that no window contains, and rows dated at or after a moment.
pub(super) fn unplaced(spec: &TableSpec, columns: &[SourceColumn], after: i64) -> String {
    let table = quote(&spec.name);
    if let Some((parent, cursor, on)) = parent(spec) {
        let time = placed_at(parent, cursor, parent.fallback.as_deref(), "q");
        return format!(
            "SELECT count(*) - count(p.{LOG_TIME}), coalesce(sum(CASE WHEN p.{LOG_TIME} >= {} THEN 1 ELSE 0 END), 0) \
             FROM {table} c LEFT JOIN (SELECT {links}, min({time}) AS {LOG_TIME} FROM {parent_table} q \
             WHERE {time} > {} GROUP BY {links}) p ON {on}",
            literal(parent, after),
            literal(parent, Y2000),
            links = link_columns(spec),
            parent_table = quote(&parent.name),
        );
    }
    let time = placed_at(spec, spec.time_column(), fallback(spec, columns), "c");
    format!(
        "SELECT count(*) - coalesce(sum(CASE WHEN {time} > {} THEN 1 ELSE 0 END), 0), \
         coalesce(sum(CASE WHEN {time} >= {} THEN 1 ELSE 0 END), 0) FROM {table} c",
        literal(spec, Y2000),
        literal(spec, after),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lookback_schemas::time::DAY;

    fn columns(spec: &TableSpec) -> Vec<SourceColumn> {
        let known = spec.columns.iter().filter_map(|c| Some((c.name.clone(), c.lake_type()?)));
        known.map(|(name, lake_type)| SourceColumn { name, lake_type }).take(3).collect()
    }

    fn spec(name: &str) -> &'static TableSpec {
        registry().table(name).unwrap_or_else(|| panic!("{name}"))
    }

    const WINDOW: Window = Window { from: Y2000, to: Y2000 + DAY };

    #[test]
    fn a_log_table_is_read_by_its_cursor() {
        let spec = spec("stl_alert_event_log");
        assert_eq!(
            read(spec, &columns(spec), WINDOW),
            "SELECT c.\"userid\", c.\"query\", c.\"slice\" FROM \"stl_alert_event_log\" c WHERE c.\"event_time\" >= \
             '2000-01-01 00:00:00.000000' AND c.\"event_time\" < '2000-01-02 00:00:00.000000'"
        );
    }

    #[test]
    fn a_cursor_that_says_never_is_replaced_by_the_fallback() {
        let spec = spec("stl_query");
        let mut columns = columns(spec);
        assert!(!read(spec, &columns, WINDOW).contains("IS NULL"), "the cluster does not have the fallback");
        columns.push(SourceColumn { name: "starttime".into(), lake_type: LakeType::Timestamp });
        assert!(read(spec, &columns, WINDOW).ends_with(
            "OR ((c.\"endtime\" IS NULL OR c.\"endtime\" <= '2000-01-01 00:00:00.000000') AND c.\"starttime\" >= \
             '2000-01-01 00:00:00.000000' AND c.\"starttime\" < '2000-01-02 00:00:00.000000')"
        ));
    }

    #[test]
    fn a_driven_table_joins_its_parent_over_its_own_window() {
        let spec = spec("stl_explain");
        let sql = read(spec, &columns(spec), WINDOW);
        let time = "CASE WHEN q.\"endtime\" > '2000-01-01 00:00:00.000000' THEN q.\"endtime\" ELSE q.\"starttime\" END";
        assert!(
            sql.contains(&format!("min({time}) AS log_time FROM \"stl_query\" q WHERE (q.\"endtime\" >=")),
            "{sql}"
        );
        assert!(sql.ends_with("GROUP BY \"query\") p ON c.\"query\" = p.\"query\""), "{sql}");
    }

    #[test]
    fn a_cursor_of_microseconds_is_compared_as_a_number() {
        let spec = spec("stl_disk_full_diag");
        let sql = read(spec, &columns(spec), WINDOW);
        assert!(sql.ends_with("c.\"currenttime\" >= 0 AND c.\"currenttime\" < 86400000000"), "{sql}");
    }
}
