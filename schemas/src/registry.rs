//! The registry: every Redshift system log table that lookback knows, read from `data/tables.json`.
//!
//! The registry is a hint. A cluster's own column list is the truth when rows are exported; what the registry adds is what a
//! cluster cannot say: which column closes a window, which table gives a row without a time its time, and what the table is
//! for. Columns and types are those of the Amazon Redshift Database Developer Guide.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::types::LakeType;

/// How a table is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Append-only with a time of its own.
    Log,
    /// Without a time: its rows get the time of their parent's row.
    Driven,
    /// Rows change while a query runs; only final states may be kept.
    Final,
    /// The current state of something; kept as a history of changes.
    State,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "log",
            Self::Driven => "driven",
            Self::Final => "final",
            Self::State => "state",
        })
    }
}

/// The unit of a cursor column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CursorUnit {
    /// A `timestamp` column.
    #[default]
    Timestamp,
    /// A `bigint` of microseconds since 2000-01-01 00:00:00 UTC (STL_DISK_FULL_DIAG).
    #[serde(rename = "micros_since_2000")]
    MicrosSince2000,
}

/// A named set of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The eight tables of the AWS blog post that this project replaces.
    Core,
    /// What ran, and why it was slow.
    Performance,
    /// Who connected, who changed what.
    Security,
    /// Everything exportable.
    All,
}

impl FromStr for Group {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "core" => Ok(Self::Core),
            "performance" => Ok(Self::Performance),
            "security" => Ok(Self::Security),
            "all" => Ok(Self::All),
            _ => Err(()),
        }
    }
}

/// A documented column.
#[derive(Debug, Clone, Deserialize)]
pub struct ColumnSpec {
    /// Lower-case name.
    pub name: String,
    /// Redshift's type as documented, such as `character(32)`.
    #[serde(rename = "type")]
    pub redshift_type: String,
}

impl ColumnSpec {
    /// The type of the column in the lake; `None` if it cannot be stored.
    #[must_use]
    pub fn lake_type(&self) -> Option<LakeType> {
        LakeType::of_redshift(&self.redshift_type)
    }
}

/// Where a driven table's rows take their time from.
#[derive(Debug, Clone, Deserialize)]
pub struct ParentSpec {
    /// The parent table.
    pub table: String,
    /// Columns that both tables have and that lead from a row to its parent, inside one cluster.
    pub on: Vec<String>,
}

/// A system table.
#[derive(Debug, Clone, Deserialize)]
pub struct TableSpec {
    /// Lower-case name, also the name of the lake table.
    pub name: String,
    /// `STL`, `SVL`, `SVCS` or `SYS`.
    pub family: String,
    /// What one row says, in a phrase.
    pub purpose: String,
    /// How it is exported.
    pub class: Class,
    /// The column closest to the moment at which a row becomes visible; windows are cut on it.
    pub cursor: Option<String>,
    /// The unit of `cursor`.
    #[serde(default)]
    pub cursor_unit: CursorUnit,
    /// The cursor is only a start time, so a row appears later than its cursor says: windows overlap more.
    #[serde(default)]
    pub cursor_is_start: bool,
    /// The time that stands in for a cursor that is null or 2000-01-01 ("never").
    pub fallback: Option<String>,
    /// Parent of a driven table.
    pub parent: Option<ParentSpec>,
    /// Every column of a time type.
    pub time_columns: Vec<String>,
    /// Named sets it belongs to, without `all`.
    pub groups: Vec<Group>,
    /// Columns in the order of the documentation.
    pub columns: Vec<ColumnSpec>,
}

impl TableSpec {
    /// Whether `lookback export` can export it: classes `log` and `driven` of the STL family. The other families are
    /// declared, so that their names and columns are known.
    #[must_use]
    pub fn exportable(&self) -> bool {
        self.family == "STL" && matches!(self.class, Class::Log | Class::Driven)
    }

    /// The documented column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnSpec> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The lake column that holds the time by which a row is placed: the cursor, or for driven tables the time taken from the
    /// parent.
    #[must_use]
    pub fn time_column(&self) -> &str {
        self.cursor.as_deref().unwrap_or(crate::names::LOG_TIME)
    }

    /// Whether rows can appear long after the time that places them, because it is only a start: the table's own, or its
    /// parent's.
    #[must_use]
    pub fn placed_by_start(&self) -> bool {
        let parent = self.parent.as_ref().and_then(|p| registry().table(&p.table));
        self.cursor_is_start || parent.is_some_and(|p| p.cursor_is_start)
    }

    /// Whether the table belongs to the group.
    #[must_use]
    pub fn in_group(&self, group: Group) -> bool {
        group == Group::All || self.groups.contains(&group)
    }
}

/// All known tables.
#[derive(Debug)]
pub struct Registry {
    tables: Vec<TableSpec>,
    by_name: HashMap<String, usize>,
}

/// A table or group name that the registry does not have, with the nearest name that it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No table and no group of this name.
    #[error("no table or group is named '{name}'{}", hint(nearest))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
    },
    /// The table is known but not exported.
    #[error(
        "table '{name}' is declared but cannot be exported (family {family}, class {class}); STL tables can: see `lookback tables`"
    )]
    NotExportable {
        /// The table.
        name: String,
        /// Its family.
        family: String,
        /// Its class.
        class: Class,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(|| "; see `lookback tables`".to_owned(), |n| format!("; did you mean '{n}'?"))
}

impl Registry {
    fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let tables: Vec<TableSpec> = serde_json::from_str(json)?;
        let by_name = tables.iter().enumerate().map(|(i, t)| (t.name.clone(), i)).collect();
        Ok(Self { tables, by_name })
    }

    /// Every table, in the order of the registry.
    #[must_use]
    pub fn tables(&self) -> &[TableSpec] {
        &self.tables
    }

    /// The table of that lower-case name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableSpec> {
        self.by_name.get(name).map(|&i| &self.tables[i])
    }

    /// The exportable tables that a list of table and group names selects, in registry order, each once.
    ///
    /// # Errors
    /// [`SelectError`] for a name that is neither, or a table that cannot be exported.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<&TableSpec>, SelectError> {
        let mut chosen = vec![false; self.tables.len()];
        for name in names.iter().map(AsRef::as_ref) {
            let lower = name.to_lowercase();
            if let Ok(group) = lower.parse::<Group>() {
                for (i, table) in self.tables.iter().enumerate() {
                    chosen[i] |= table.exportable() && table.in_group(group);
                }
            } else if let Some(&i) = self.by_name.get(&lower) {
                let table = &self.tables[i];
                if !table.exportable() {
                    return Err(SelectError::NotExportable {
                        name: table.name.clone(),
                        family: table.family.clone(),
                        class: table.class,
                    });
                }
                chosen[i] = true;
            } else {
                return Err(SelectError::Unknown { name: name.to_owned(), nearest: self.nearest(&lower) });
            }
        }
        Ok(self.tables.iter().zip(chosen).filter_map(|(t, yes)| yes.then_some(t)).collect())
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let groups = ["core", "performance", "security", "all"].map(str::to_owned);
        let names = self.tables.iter().map(|t| t.name.clone()).chain(groups);
        names.map(|n| (edit_distance(&n, name), n)).min().filter(|(d, _)| *d <= 3).map(|(_, n)| n)
    }
}

/// The number of single-character insertions, deletions and replacements between two short names.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replace = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The registry that ships with this build.
#[must_use]
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        // The file is part of the binary: a broken one is a broken build, and must not look like a registry without tables.
        Registry::parse(include_str!("../data/tables.json"))
            .unwrap_or_else(|e| unreachable!("the registry of this build cannot be read: {e}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_registry_is_whole() {
        let r = Registry::parse(include_str!("../data/tables.json")).unwrap_or_else(|e| panic!("tables.json: {e}"));
        assert_eq!(r.tables.len(), 148);
        assert_eq!(r.tables.iter().map(|t| t.columns.len()).sum::<usize>(), 1_802);
        let stl: Vec<_> = r.tables.iter().filter(|t| t.family == "STL").collect();
        assert_eq!(stl.len(), 55);
        for t in stl {
            assert!(t.exportable(), "{}", t.name);
            assert!(t.columns.iter().all(|c| c.lake_type().is_some()), "{}", t.name);
            match t.class {
                Class::Log => assert!(t.column(t.time_column()).is_some(), "{}", t.name),
                _ => {
                    let parent = t.parent.as_ref().unwrap_or_else(|| panic!("{} has no parent", t.name));
                    let spec = r.table(&parent.table).unwrap_or_else(|| panic!("{}", parent.table));
                    assert!(spec.cursor.is_some());
                    assert!(parent.on.iter().all(|c| t.column(c).is_some() && spec.column(c).is_some()), "{}", t.name);
                }
            }
            for name in t.fallback.iter().chain(&t.time_columns) {
                assert!(t.column(name).is_some(), "{}.{name}", t.name);
            }
        }
    }

    #[test]
    fn a_child_is_placed_as_its_parent_is() {
        let starts = |name: &str| registry().table(name).is_some_and(TableSpec::placed_by_start);
        assert!(starts("stl_load_errors") && starts("stl_loaderror_detail"));
        assert!(!starts("stl_query") && !starts("stl_querytext"));
    }

    #[test]
    fn groups_and_names_select() {
        let names = |list: &[&str]| -> Vec<String> {
            registry().select(list).map(|v| v.iter().map(|t| t.name.clone()).collect()).unwrap_or_default()
        };
        assert_eq!(names(&["core"]).len(), 8);
        assert_eq!(names(&["all"]).len(), 55);
        assert_eq!(names(&["STL_QUERY", "core"]).len(), 8);
        assert_eq!(names(&["stl_userlog"]), ["stl_userlog"]);
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        let error = registry().select(&["stl_qurey"]).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(error, Err("no table or group is named 'stl_qurey'; did you mean 'stl_query'?".to_owned()));
        let error = registry().select(&["sys_query_history"]).map(|_| ()).map_err(|e| e.to_string());
        assert!(error.is_err_and(|e| e.contains("cannot be exported")));
    }
}
