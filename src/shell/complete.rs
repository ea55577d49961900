//! What could stand where the cursor is: commands and their arguments, or in a statement keywords, functions, tables, and the
//! columns of the tables that the statement names.

use super::command;
use super::split::{End, split};
use lookback_query::diagnostics;
use lookback_query::output::Format;

/// Keywords and functions of statements that read logs.
const WORDS: [&str; 86] = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COALESCE",
    "COUNT",
    "CREATE",
    "CROSS",
    "CURRENT_DATE",
    "DATEADD",
    "DATEDIFF",
    "DATE_PART",
    "DATE_TRUNC",
    "DECODE",
    "DENSE_RANK",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXTRACT",
    "FALSE",
    "FIRST_VALUE",
    "FROM",
    "FULL",
    "GETDATE",
    "GREATEST",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LAG",
    "LAST_VALUE",
    "LEAD",
    "LEAST",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LISTAGG",
    "LOWER",
    "MEDIAN",
    "NOT",
    "NULL",
    "NULLIF",
    "NVL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "PERCENTILE_CONT",
    "QUALIFY",
    "RANK",
    "REPLACE",
    "RIGHT",
    "ROUND",
    "ROW_NUMBER",
    "SELECT",
    "SHOW",
    "SUBSTRING",
    "SYSDATE",
    "TABLES",
    "THEN",
    "TRIM",
    "TRUE",
    "UNION",
    "UPPER",
    "USING",
    "VIEW",
    "WHEN",
    "WHERE",
];

/// The words behind which a table is expected.
const BEFORE_TABLES: [&str; 4] = ["from", "join", "describe", "view"];

/// The names of a lake.
pub(crate) trait Names {
    /// Tables and views.
    fn tables(&self) -> Vec<String>;
    /// The columns of a table or view; none if there is no such table.
    fn columns(&self, table: &str) -> Vec<String>;
}

/// Where the word begins that can be completed, and what it can become.
pub(crate) type Completion = (usize, Vec<String>);

/// Completes the word before the cursor. `before` is what was entered on earlier lines of the statement.
pub(crate) fn complete(before: &str, line: &str, cursor: usize, names: &dyn Names) -> Completion {
    let typed = &line[..cursor];
    if before.is_empty() && typed.trim_start().starts_with('\\') {
        return of_command(typed, names);
    }
    let until = format!("{before}{typed}");
    let cut = split(&until);
    // Nothing is known of what stands in quotes.
    if cut.end == End::Quoted {
        return (cursor, Vec::new());
    }
    let word_start =
        typed.rfind(|c| !is_name_part(c)).map_or(0, |at| at + typed[at..].chars().next().map_or(1, char::len_utf8));
    let word = &typed[word_start..];
    let statement =
        format!("{}{}", cut.rest, split(&line[cursor..]).statements.first().copied().unwrap_or(&line[cursor..]));
    let named = named_tables(&statement, &names.tables());
    let head = &cut.rest[..cut.rest.len().saturating_sub(word.len())];
    if let Some(qualifier) = head.strip_suffix('.') {
        return (word_start, starting(word, columns_behind(qualifier, &named, names)));
    }
    let last = words(head).last().map(|word| word.to_lowercase()).unwrap_or_default();
    if BEFORE_TABLES.contains(&last.as_str()) && head.ends_with(char::is_whitespace) {
        return (word_start, starting(word, names.tables()));
    }
    let mut found: Vec<String> = named.iter().flat_map(|named| names.columns(&named.table)).collect();
    found.extend(named.iter().filter_map(|named| named.alias.clone()));
    if !word.is_empty() {
        let lower = word.chars().next().is_some_and(char::is_lowercase);
        found.extend(WORDS.iter().map(|word| if lower { word.to_lowercase() } else { (*word).to_owned() }));
        found.extend(names.tables());
    }
    (word_start, starting(word, found))
}

fn of_command(typed: &str, names: &dyn Names) -> Completion {
    let start = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = &typed[start..];
    let words: Vec<&str> = typed[..start].split_whitespace().collect();
    let text = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let known = match words.as_slice() {
        [] => command::ALL.iter().map(|known| known.name.to_owned()).collect(),
        ["\\d"] => names.tables(),
        ["\\diag"] => diagnostics::list().iter().map(|d| d.name.to_owned()).collect(),
        ["\\diag", name, ..] => {
            let params = diagnostics::get(name).map(|d| d.params.as_slice()).unwrap_or_default();
            params.iter().map(|param| format!("{}=", param.name)).collect()
        }
        ["\\format"] => Format::ALL.iter().map(ToString::to_string).collect(),
        ["\\x" | "\\timing" | "\\pager"] => text(&["on", "off"]),
        _ => Vec::new(),
    };
    (start, starting(word, known))
}

/// A table that a statement names, and what it calls it.
struct Named {
    table: String,
    alias: Option<String>,
}

fn named_tables(statement: &str, tables: &[String]) -> Vec<Named> {
    let words: Vec<&str> = words(statement).collect();
    let mut named: Vec<Named> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Some(table) = tables.iter().find(|table| table.eq_ignore_ascii_case(word)) else { continue };
        let mut next = words[at + 1..].iter().copied();
        let alias = next.next().and_then(|word| if word.eq_ignore_ascii_case("as") { next.next() } else { Some(word) });
        let alias = alias.filter(|alias| is_name(alias) && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(alias)));
        named.push(Named { table: table.clone(), alias: alias.map(str::to_lowercase) });
    }
    named
}

/// The columns of the table that `... qualifier.` means.
fn columns_behind(text: &str, named: &[Named], names: &dyn Names) -> Vec<String> {
    let start =
        text.rfind(|c| !is_name_part(c)).map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let qualifier = text[start..].to_lowercase();
    let is_meant = |named: &&Named| named.alias.as_deref() == Some(&qualifier) || named.table == qualifier;
    named.iter().find(is_meant).map(|named| names.columns(&named.table)).unwrap_or_default()
}

/// Names, numbers, and signs one by one; blanks are left out. Quotes and comments are not known here: what stands in them only
/// makes a suggestion more.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let length = match rest.find(|c| !is_name_part(c)) {
            Some(0) => first.len_utf8(),
            Some(end) => end,
            None => rest.len(),
        };
        let (word, after) = rest.split_at(length);
        rest = after;
        Some(word)
    })
}

fn is_name(word: &str) -> bool {
    word.chars().all(is_name_part)
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn starting(word: &str, mut known: Vec<String>) -> Vec<String> {
    let lower = word.to_lowercase();
    known.retain(|name| name.to_lowercase().starts_with(&lower));
    known.sort();
    known.dedup();
    known
}

#[cfg(test)]
#[path = "complete_tests.rs"]
mod tests;
