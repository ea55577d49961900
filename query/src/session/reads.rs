//! What a statement reads, from its text alone: whoever serves a lake decides by it who may ask.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as Parsed;
use lookback_schemas::encryption;
use sqlparser::ast::{ObjectName, Visit, Visitor};

use super::Statement;
use crate::views;

impl Statement {
    /// The names of the tables and views that the statement names, in lower case and without schema. Names of `WITH` and of the
    /// session's own views and tables are among them.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<String> {
        let mut names = Names::default();
        collect(&self.parsed, &mut names);
        names.0
    }

    /// Whether the statement names a table of the encryption record, or a view over it.
    #[must_use]
    pub fn reads_record(&self) -> bool {
        let of_record = |name: &str| views::of_record().iter().any(|view| view.name == name);
        self.tables().iter().any(|name| encryption::table(name).is_some() || of_record(name))
    }
}

fn collect(statement: &Parsed, names: &mut Names) {
    match statement {
        Parsed::Statement(inner) => {
            let _: ControlFlow<()> = inner.visit(names);
        }
        Parsed::Explain(explain) => collect(&explain.statement, names),
        _ => {}
    }
}

#[derive(Default)]
struct Names(BTreeSet<String>);

impl Visitor for Names {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if let Some(name) = relation.0.last().and_then(|part| part.as_ident()) {
            self.0.insert(name.value.to_lowercase());
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::understand;

    fn statement(sql: &str) -> Statement {
        let one = understand(sql).unwrap().pop().unwrap();
        Statement { parsed: one.parsed, notices: one.notices }
    }

    #[test]
    fn every_place_of_a_table_counts() {
        for sql in [
            "SELECT 1 FROM public.Encryption_Events",
            "SELECT (SELECT max(event_time) FROM encryption_events)",
            "SELECT 1 FROM stl_query WHERE EXISTS (SELECT 1 FROM encryption_events)",
            "WITH e AS (SELECT * FROM encryption_events) SELECT * FROM e",
            "EXPLAIN SELECT * FROM encryption_events",
            "CREATE VIEW v AS SELECT * FROM encryption_events",
            "CREATE TEMP TABLE t AS SELECT 1 FROM stl_query q JOIN encryption_events e ON e.account_id = q.cluster_id",
            "SELECT * INTO TEMP t FROM \"encryption_events\"",
            "SELECT 1 UNION ALL (SELECT 2 FROM encryption_facts)",
            "SELECT * FROM (SELECT * FROM kms_key_latest) k",
        ] {
            assert!(statement(sql).reads_record(), "{sql}");
        }
        for sql in ["SELECT 'encryption_events' FROM stl_query", "SELECT 1", "SHOW TABLES", "COMMIT"] {
            assert!(!statement(sql).reads_record(), "{sql}");
        }
        assert!(statement("SELECT 1 FROM a, \"B\"").tables().into_iter().eq(["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn views_of_logs_do_not_read_the_record() {
        for view in views::list() {
            assert!(!statement(view.sql).reads_record(), "{}", view.name);
        }
    }
}
