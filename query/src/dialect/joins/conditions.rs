//! What the conditions of one FROM say: which tables are of one cluster, and which are joined on ids.

use std::collections::HashMap;

use lookback_schemas::names::CLUSTER_ID;
use sqlparser::ast::{BinaryOperator, Expr, Ident, Value, ValueWithSpan};

use super::IDS;

/// A table of a FROM with rows of log tables.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub name: String,
    pub logs: bool,
    /// The one cluster that its rows are of.
    pub cluster: Option<String>,
    /// Whether it has the column `cluster_id`.
    pub shows_cluster: bool,
}

/// The node of a cluster's name among those of tables; no table's name begins like that.
pub(super) fn literal(cluster: &str) -> String {
    format!("'{cluster}")
}

/// The tables of one FROM, which of them are of one cluster, and which are joined on ids.
#[derive(Default)]
pub(super) struct Joins {
    pub(super) sources: Vec<Source>,
    // Each name points at one that it is of the same cluster with; a root points nowhere.
    same: HashMap<String, String>,
    pub(super) ids: Vec<(u64, String, String, String)>,
}

impl Joins {
    pub(super) fn root(&self, name: &str) -> String {
        let mut name = name;
        while let Some(next) = self.same.get(name) {
            name = next;
        }
        name.to_owned()
    }

    pub(super) fn unite(&mut self, left: &str, right: &str) {
        let (left, right) = (self.root(left), self.root(right));
        if left != right {
            self.same.insert(left, right);
        }
    }

    pub(super) fn cluster_of(&self, name: &str) -> Option<String> {
        let root = self.root(name);
        let mut names = self.same.iter().flat_map(|(from, to)| [from, to]);
        names.find_map(|name| name.strip_prefix('\'').filter(|_| self.root(name) == root).map(str::to_owned))
    }

    pub(super) fn using(&mut self, column: &Ident, left: &[String], right: &[String]) {
        let name = column.value.to_lowercase();
        for right in right {
            if name == CLUSTER_ID {
                for left in left {
                    self.unite(left, right);
                }
            } else if IDS.contains(&name.as_str())
                && let Some(left) = left.iter().find(|left| self.sources.iter().any(|s| s.logs && s.name == **left))
            {
                self.ids.push((column.span.start.line, name.clone(), left.clone(), right.clone()));
            }
        }
    }

    /// Takes in a condition that every row fulfils.
    pub(super) fn condition(&mut self, expr: &Expr) {
        match expr {
            Expr::Nested(inner) => self.condition(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.condition(left);
                self.condition(right);
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => match (left.as_ref(), right.as_ref()) {
                (Expr::Tuple(left), Expr::Tuple(right)) => {
                    for (left, right) in left.iter().zip(right) {
                        self.equal(left, right);
                    }
                }
                (left, right) => self.equal(left, right),
            },
            Expr::InList { expr, list, negated: false } => {
                if let [one] = list.as_slice() {
                    self.equal(expr, one);
                }
            }
            _ => {}
        }
    }

    fn equal(&mut self, left: &Expr, right: &Expr) {
        match (self.column(left), self.column(right), text(left), text(right)) {
            (Some((left_table, left)), Some((right_table, right)), ..) => {
                let (Some(left_table), Some(right_table)) = (left_table, right_table) else { return };
                let (l, r) = (left.value.to_lowercase(), right.value.to_lowercase());
                if l == CLUSTER_ID && r == CLUSTER_ID {
                    self.unite(&left_table, &right_table);
                } else if l == r && IDS.contains(&l.as_str()) && left_table != right_table {
                    self.ids.push((left.span.start.line, l, left_table, right_table));
                }
            }
            (Some((table, column)), None, _, Some(cluster)) | (None, Some((table, column)), Some(cluster), _)
                if column.value.eq_ignore_ascii_case(CLUSTER_ID) =>
            {
                let tables = match table {
                    Some(table) => vec![table],
                    // Without a table's name it is the column of all that were joined with USING, or of the only one.
                    None => self.sources.iter().filter(|s| s.shows_cluster).map(|s| s.name.clone()).collect(),
                };
                for table in tables {
                    self.unite(&table, &literal(cluster));
                }
            }
            _ => {}
        }
    }

    /// A column and the table that it is said to be of.
    fn column<'a>(&self, expr: &'a Expr) -> Option<(Option<String>, &'a Ident)> {
        match expr {
            Expr::Nested(inner) => self.column(inner),
            Expr::Identifier(name) => Some((None, name)),
            Expr::CompoundIdentifier(path) => match path.as_slice() {
                [.., table, name] => Some((Some(table.value.to_lowercase()), name)),
                _ => None,
            },
            _ => None,
        }
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => Some(text),
        _ => None,
    }
}
