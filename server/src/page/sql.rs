//! The page's own statements: SQL files with places for values, so that what is asked, what the console is given, and what a
//! test asks again is one text.
//!
//! A place is `:name`. Values are literals: times and numbers that we have read as such, and texts whose quotes and backslashes
//! are doubled, since Redshift's plain literals know both. The reader's role decides what a statement may see, not its text.

use lookback_schemas::time::{day_name, day_of, sql_literal};

/// What stands in a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Put<'a> {
    /// A moment.
    Time(i64),
    /// The UTC day of a moment.
    Day(i64),
    /// A whole number.
    Number(i64),
    /// Any text.
    Text(&'a str),
    /// Rows of these clusters; of all, if there are none.
    Clusters(&'a [String]),
    /// SQL of ours.
    Sql(&'a str),
}

impl Put<'_> {
    fn write(self) -> String {
        match self {
            Self::Time(micros) => format!("TIMESTAMP '{}'", sql_literal(micros)),
            Self::Day(micros) => format!("DATE '{}'", day_name(day_of(micros))),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => literal(text),
            Self::Clusters([]) => "TRUE".to_owned(),
            Self::Clusters(names) => {
                let names: Vec<String> = names.iter().map(|name| literal(name)).collect();
                format!("cluster_id IN ({})", names.join(", "))
            }
            Self::Sql(sql) => sql.to_owned(),
        }
    }
}

/// A text as a literal.
pub(super) fn literal(text: &str) -> String {
    // A character that no log has, and that ends a text in some programs.
    format!("'{}'", text.replace('\0', "").replace('\\', "\\\\").replace('\'', "''"))
}

/// A statement with its values. Comments at its head are for readers of the file and are left out; places without a value stay.
pub(super) fn fill(template: &str, values: &[(&str, Put<'_>)]) -> String {
    let body =
        template.lines().skip_while(|line| line.starts_with("--") || line.is_empty()).collect::<Vec<_>>().join("\n");
    let mut out = String::with_capacity(body.len() + 200);
    let mut rest = body.as_str();
    let mut quoted = false;
    while let Some(at) = rest.find(['\'', ':']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        rest = &found[1..];
        if found.starts_with('\'') {
            quoted = !quoted;
            out.push('\'');
            continue;
        }
        // `::` is a cast.
        if let Some(after) = rest.strip_prefix(':') {
            out.push_str("::");
            rest = after;
            continue;
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let name = &rest[..end];
        match values.iter().find(|(own, _)| *own == name && !quoted) {
            Some((_, value)) => {
                out.push_str(&value.write());
                rest = &rest[end..];
            }
            None => out.push(':'),
        }
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// The begin of the step (in hours) that a time column falls in, as SQL.
pub(super) fn bucket(column: &str, hours: i64) -> String {
    if hours <= 1 {
        return format!("DATE_TRUNC('hour', {column})");
    }
    if hours == 24 {
        return format!("DATE_TRUNC('day', {column})");
    }
    let origin = "TIMESTAMP '2000-01-01 00:00:00'";
    format!("DATEADD(hour, {hours} * (DATEDIFF(hour, {origin}, {column}) / {hours}), {origin})")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_go_where_their_names_are() {
        let sql = "-- what: it is\nSELECT ':from', a::int, :n\nFROM t WHERE at >= :from AND :clusters AND x = :other";
        let clusters = ["etl".to_owned(), "it's".to_owned()];
        let values = [("from", Put::Time(0)), ("n", Put::Number(-3)), ("clusters", Put::Clusters(&clusters))];
        assert_eq!(
            fill(sql, &values),
            "SELECT ':from', a::int, -3\nFROM t WHERE at >= TIMESTAMP '1970-01-01 00:00:00.000000' AND \
             cluster_id IN ('etl', 'it''s') AND x = :other"
        );
        assert_eq!(
            fill("SELECT :d WHERE :clusters", &[("d", Put::Day(0)), ("clusters", Put::Clusters(&[]))]),
            "SELECT DATE '1970-01-01' WHERE TRUE"
        );
    }

    proptest! {
        /// No text of a user can end its literal: the statement stays one, of one literal.
        #[test]
        fn a_text_stays_one_literal(text in "(\\PC|['\\\\;:\n-]){0,40}") {
            let sql = fill("SELECT :t", &[("t", Put::Text(&text))]);
            let parsed = lookback_query::dialect::parse(&sql).unwrap();
            prop_assert_eq!(parsed.len(), 1);
            let datafusion::sql::parser::Statement::Statement(statement) = &parsed[0] else { unreachable!() };
            let sqlparser::ast::Statement::Query(query) = &**statement else { unreachable!() };
            let select = query.body.as_select().unwrap();
            prop_assert_eq!(select.projection.len(), 1);
            let sqlparser::ast::SelectItem::UnnamedExpr(sqlparser::ast::Expr::Value(value)) = &select.projection[0] else {
                return Err(TestCaseError::fail(sql));
            };
            prop_assert_eq!(value.value.clone().into_string().unwrap(), text);
        }
    }
}
