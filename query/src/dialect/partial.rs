//! What a statement is told about Redshift's views that lack rows here: a count over them would be short without a word.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use sqlparser::ast::{Cte, ObjectName, Query, Spanned, Visit, Visitor};

use super::Notice;
use crate::views;

/// One notice for each such view, at the line that names it first.
pub(super) fn notices(statement: &Statement) -> Vec<Notice> {
    let mut search = Search::default();
    match statement {
        Statement::Statement(inner) => {
            let _: ControlFlow<()> = inner.visit(&mut search);
        }
        Statement::Explain(explain) => return notices(&explain.statement),
        _ => {}
    }
    search.found
}

#[derive(Default)]
struct Search {
    // Names of WITH, which hide views; those of enclosing queries too.
    hidden: Vec<Vec<String>>,
    named: Vec<&'static str>,
    found: Vec<Notice>,
}

impl Visitor for Search {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let names = |cte: &Cte| cte.alias.name.value.to_lowercase();
        self.hidden.push(query.with.iter().flat_map(|with| with.cte_tables.iter().map(names)).collect());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.hidden.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let Some(name) = relation.0.last().and_then(|part| part.as_ident()) else { return ControlFlow::Continue(()) };
        let table = name.value.to_lowercase();
        let hidden = relation.0.len() == 1 && self.hidden.iter().flatten().any(|hidden| *hidden == table);
        if let Some(view) = views::get(&table)
            && !view.lacks.is_empty()
            && !hidden
            && !self.named.contains(&view.name)
        {
            self.named.push(view.name);
            let said = format!("{} is made of STL tables here, and lacks {}", view.name, view.lacks);
            self.found.push(Notice::new(relation.span().start.line, said));
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use crate::dialect::understand;

    #[test]
    fn a_view_that_lacks_rows_is_named_once() {
        let scaling = "svcs_explain is made of STL tables here, and lacks what ran on concurrency scaling clusters";
        for (sql, want) in [
            ("SELECT 1 FROM svl_qlog", vec![]),
            ("SELECT 1\nFROM pg_catalog.SVCS_EXPLAIN", vec![format!("line 2: {scaling}")]),
            (
                "EXPLAIN SELECT 1 FROM svcs_explain WHERE query IN (SELECT query FROM svcs_explain)",
                vec![format!("line 1: {scaling}")],
            ),
            ("WITH svcs_explain AS (SELECT 1 AS a) SELECT a FROM svcs_explain", vec![]),
        ] {
            let told: Vec<String> =
                understand(sql).unwrap().remove(0).notices.iter().map(ToString::to_string).collect();
            assert_eq!(told, want, "{sql}");
        }
    }
}
