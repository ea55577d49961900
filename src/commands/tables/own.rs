//! Tables that are lookback's own, beside the clusters' logs: the record of encryption, and rollups.

use lookback_schemas::encryption::{self, meaning, purpose};
use lookback_schemas::names::{FINGERPRINTS_TABLE, HOURLY_TABLE};
use lookback_schemas::rollups::{ROLLUPS, Rollup, rollup};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::print;

/// The groups that these tables are listed under.
pub(super) const GROUPS: [&str; 2] = [RECORD, SUMS];
const RECORD: &str = "encryption";
const SUMS: &str = "rollups";

/// A table.
#[derive(Clone, Copy)]
pub(super) enum Own {
    Record(&'static encryption::Table),
    Rollup(&'static Rollup),
}

/// All of them, or those of one group.
pub(super) fn list(group: Option<&str>) -> Vec<Own> {
    let record = encryption::TABLES.into_iter().map(Own::Record);
    let all = record.chain(ROLLUPS.into_iter().map(Own::Rollup));
    all.filter(|own| group.is_none_or(|group| own.group() == group)).collect()
}

/// The table of that name.
pub(super) fn get(name: &str) -> Option<Own> {
    encryption::table(name).map(Own::Record).or_else(|| rollup(name).map(Own::Rollup))
}

impl Own {
    fn name(self) -> &'static str {
        match self {
            Self::Record(table) => table.name,
            Self::Rollup(rollup) => rollup.name,
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::Record(_) => RECORD,
            Self::Rollup(_) => SUMS,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Record(_) => "record",
            Self::Rollup(_) => "rollup",
        }
    }

    fn time(self) -> &'static str {
        match self {
            Self::Record(table) => table.time_column,
            Self::Rollup(rollup) if rollup.name == HOURLY_TABLE => "hour",
            Self::Rollup(_) => "-",
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Self::Record(table) => purpose(table).unwrap_or_default(),
            Self::Rollup(rollup) => match rollup.name {
                HOURLY_TABLE => "queries, queues and scans of each hour by user and service class, summed up",
                FINGERPRINTS_TABLE => "queries of a day that differ in nothing but constants, as one row",
                _ => "",
            },
        }
    }

    /// Name, type and meaning of each column.
    fn columns(self) -> Vec<(String, String, &'static str)> {
        match self {
            Self::Record(table) => {
                let column = |c: &encryption::Column| {
                    (c.name.to_owned(), c.kind.arrow().to_string(), meaning(table, c.name).unwrap_or_default())
                };
                table.columns.iter().map(column).collect()
            }
            Self::Rollup(rollup) => {
                let schema = rollup.schema();
                schema.fields().iter().map(|f| (f.name().clone(), f.data_type().to_string(), "")).collect()
            }
        }
    }

    /// Its line in the list of tables.
    pub(super) fn row(self) -> Vec<String> {
        vec![
            self.name().to_owned(),
            self.class().to_owned(),
            self.time().to_owned(),
            self.columns().len().to_string(),
            self.group().to_owned(),
            self.purpose().to_owned(),
        ]
    }

    /// Prints it with its columns.
    pub(super) fn show(self) -> Result<(), Failure> {
        print::line(format!("{}: {}", self.name(), self.purpose()))?;
        print::line(format!("class {}, time {}, groups: {}\n", self.class(), self.time(), self.group()))?;
        let columns = self.columns();
        let told = columns.iter().any(|(_, _, meaning)| !meaning.is_empty());
        let headers = ["column", "type in the lake", "what it says"];
        let headers = if told { &headers[..] } else { &headers[..2] };
        let rows: Vec<Vec<String>> = columns
            .into_iter()
            .map(|(name, kind, meaning)| {
                let cells = [name, kind, meaning.to_owned()];
                cells.into_iter().take(headers.len()).collect()
            })
            .collect();
        print::table(headers, &rows)
    }

    /// It as JSON, with the same keys as a table of logs; columns also say what they mean.
    pub(super) fn json(self) -> Value {
        let columns = self.columns().into_iter().map(|(name, kind, meaning)| {
            let meaning = (!meaning.is_empty()).then_some(meaning);
            json!({ "name": name, "type": kind, "meaning": meaning })
        });
        let time = Some(self.time()).filter(|time| *time != "-");
        json!({
            "name": self.name(), "family": "lookback", "purpose": self.purpose(), "class": self.class(),
            "exportable": false, "cursor": time, "parent": null, "groups": [self.group()],
            "columns": columns.collect::<Vec<_>>(),
        })
    }
}
