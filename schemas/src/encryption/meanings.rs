//! What the tables of the record and their columns say, in words for people who ask questions of them.

mod events;
mod evidence;
mod states;

use super::table::Table;

/// A column and what it says.
type Meaning = (&'static str, &'static str);

/// Columns that mean the same wherever they are.
const COMMON: [Meaning; 9] = [
    ("account_id", "AWS account; partition column"),
    ("region", "AWS region"),
    ("run_id", "the collection that it comes from: `run_id` in `collection_runs`"),
    ("observed_at", "when it was read, UTC"),
    ("cluster_namespace_arn", "ARN of the cluster's namespace: survives a rename, is another one after a restore"),
    ("cluster_identifier", "name of the cluster or namespace at that time"),
    ("kms_key_arn", "KMS key, by its ARN"),
    ("tags", "tags, as a JSON object"),
    ("collector_version", "version of lookback that made the row"),
];

/// What a row of a table of the record says, in a sentence; `None` for a table that says nothing of itself.
#[must_use]
pub fn purpose(table: &Table) -> Option<&'static str> {
    words(table.name).map(|(purpose, _)| purpose)
}

/// What a column of a table of the record says; `None` if there is no such column, or nothing is known of it.
#[must_use]
pub fn meaning(table: &Table, column: &str) -> Option<&'static str> {
    let column = table.column(column)?.name;
    let own = words(table.name).map_or(&[][..], |(_, columns)| columns);
    own.iter().chain(&COMMON).find(|(name, _)| *name == column).map(|(_, meaning)| *meaning)
}

/// A table's sentence, and what its own columns say.
fn words(table: &str) -> Option<(&'static str, &'static [Meaning])> {
    events::words(table).or_else(|| states::words(table)).or_else(|| evidence::words(table))
}

#[cfg(test)]
mod tests {
    use super::super::TABLES;
    use super::*;

    #[test]
    fn every_table_and_column_says_something_once() {
        for table in TABLES {
            assert!(purpose(table).is_some(), "{} has no purpose", table.name);
            for column in table.columns {
                let text = meaning(table, column.name);
                assert!(text.is_some_and(|text| !text.is_empty()), "{}.{} has no meaning", table.name, column.name);
            }
            let own = words(table.name).map_or(&[][..], |(_, columns)| columns);
            for (n, (name, _)) in own.iter().enumerate() {
                assert!(table.column(name).is_some(), "{} has no column {name}", table.name);
                assert!(own.iter().skip(n + 1).all(|(other, _)| other != name), "{}.{name} twice", table.name);
            }
        }
        assert_eq!(meaning(TABLES[0], "no_such_column"), None);
    }
}
