#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use proptest::prelude::*;
use sqlparser::ast::{Expr, Value, ValueWithSpan};

use super::*;
use crate::dialect;

#[test]
fn every_file_parses_and_uses_what_it_declares() {
    for (name, text) in FILES {
        let diagnostic = header::parse(name, text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut statements = dialect::parse(text).unwrap();
        assert_eq!(statements.len(), 1, "{name}");
        let given = diagnostic.params.iter().filter(|param| param.required);
        let given = given.map(|param| (param.name.to_owned(), "7".to_owned())).collect();
        let values = params::values(name, &diagnostic.params, &given).unwrap();
        params::substitute(&mut statements[0], &values).unwrap();
        for param in &diagnostic.params {
            assert!(text.contains(&format!(":{}", param.name)), "{name}: {} is declared and not used", param.name);
        }
        assert!(!statements[0].to_string().contains(" :"), "{name}: {}", statements[0]);
    }
}

#[test]
fn every_file_of_the_folder_is_in_the_list() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("diagnostics");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = files.map(|name| name.strip_suffix(".sql").unwrap().to_owned()).collect();
    files.sort();
    let mut listed: Vec<&str> = list().iter().map(|diagnostic| diagnostic.name).collect();
    listed.sort_unstable();
    assert_eq!(listed, files);
    assert!(files.len() >= 36, "{}", files.len());
}

#[test]
fn advice_names_diagnostics_that_exist() {
    let known: Vec<&str> = list().iter().map(|diagnostic| diagnostic.name).collect();
    for diagnostic in list() {
        for advice in &diagnostic.advice {
            let words = advice.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            for word in words.filter(|word| {
                word.contains('_') && known.iter().any(|name| names::nearest(word, [*name], 1).len() == 1)
            }) {
                let is_column = list().iter().any(|other| other.columns.iter().any(|column| column.name == word));
                assert!(known.contains(&word) || is_column, "{}: '{word}'", diagnostic.name);
            }
        }
    }
}

/// Query numbers repeat on every cluster: a join that forgets the cluster mixes them.
#[test]
fn every_join_is_within_a_cluster() {
    struct Joins(Vec<String>);
    impl sqlparser::ast::Visitor for Joins {
        type Break = ();
        fn pre_visit_select(&mut self, select: &sqlparser::ast::Select) -> std::ops::ControlFlow<()> {
            use sqlparser::ast::JoinOperator::CrossJoin;
            let joins = select.from.iter().flat_map(|from| &from.joins);
            let joins = joins.filter(|join| !matches!(join.join_operator, CrossJoin(_)));
            self.0.extend(joins.map(ToString::to_string));
            std::ops::ControlFlow::Continue(())
        }
    }
    let mut count = 0;
    for (name, text) in FILES {
        let datafusion::sql::parser::Statement::Statement(statement) =
            dialect::parse(text).unwrap().pop_front().unwrap()
        else {
            panic!("{name}")
        };
        let mut joins = Joins(Vec::new());
        let _ = sqlparser::ast::Visit::visit(&*statement, &mut joins);
        count += joins.0.len();
        for join in joins.0 {
            assert_eq!(join.matches(".cluster_id").count(), 2, "{name}: {join}");
        }
    }
    assert!(count > 20, "{count}");
}

const WHOLE: &str = "-- title: a\n-- group: queries\n-- severity: info\n-- question: b?\n-- param x int = 1: c\n\
                     -- column n name: d\n-- column m seconds: e\n-- chart bars: x=n y=m\n-- do: f\nSELECT 1";

#[test]
fn a_header_says_what_it_says() {
    let read = header::parse("x", WHOLE).unwrap();
    assert_eq!((read.title, read.group, read.severity), ("a", Group::Queries, Severity::Info));
    assert_eq!(read.columns[1], Column { name: "m", unit: Unit::Seconds, meaning: "e" });
    assert_eq!(read.chart, Some(Chart { kind: ChartKind::Bars, x: vec!["n"], y: "m", series: Vec::new() }));
    assert_eq!(read.advice, ["f"]);
    assert!(read.runs_alone());
}

#[test]
fn headers_that_are_wrong() {
    let with = |from: &str, to: &str| {
        assert!(WHOLE.contains(from), "{from}");
        WHOLE.replacen(from, to, 1)
    };
    for text in [
        "SELECT 1".to_owned(),
        with("-- title: a", "-- title"),
        with("-- title: a", "-- title:"),
        with("-- title: a\n", ""),
        with("-- title: a", "-- titel: a"),
        with("-- title: a", "-- title: a\n-- title: b"),
        with("queries", "others"),
        with("-- severity: info\n", ""),
        with("info", "bad"),
        with("b?", "b"),
        with("x int", "x blob"),
        with("x int = 1", "x int default 1"),
        with("-- param x int = 1: c", "-- param x int = 1: c\n-- param x text: c"),
        with("m seconds", "m parsecs"),
        with("m seconds", "n seconds"),
        with("bars", "pie"),
        with("x=n", "x=z"),
        with("y=m", "y=n"),
        with("x=n y=m", "x=n"),
        with("x=n y=m", "x=n y=m z=n"),
        with("-- do: f\n", ""),
        with("-- do: f", "-- note: f"),
        with("-- do: f", "--"),
    ] {
        // The text of a header lives as long as the program.
        let leaked: &'static str = Box::leak(text.into_boxed_str());
        assert!(header::parse("x", leaked).is_err(), "{leaked}");
    }
}

#[test]
fn times() {
    for text in [
        "2026-01-31",
        "2026-01-31 00:00",
        "2026-01-31T00:00:00",
        " 2026-01-31 00:00:00.000000",
        "2026-01-31T02:00:00+02:00",
        "2026-01-31T00:00:00Z",
    ] {
        assert_eq!(parse_time(text).unwrap(), 1_769_817_600_000_000, "{text}");
    }
    for text in ["", "now", "31.01.2026", "2026-02-30", "2026-01-31; DROP TABLE x"] {
        assert!(parse_time(text).is_err(), "{text}");
    }
}

fn back(expr: &Expr) -> Expr {
    let sql = format!("SELECT {expr}");
    let mut statements = dialect::parse(&sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert_eq!(statements.len(), 1, "{sql}");
    let datafusion::sql::parser::Statement::Statement(statement) = statements.pop_front().unwrap() else {
        panic!("{sql}")
    };
    let sqlparser::ast::Statement::Query(query) = *statement else { panic!("{sql}") };
    let select = query.body.as_select().unwrap().clone();
    match select.projection.into_iter().next().unwrap() {
        sqlparser::ast::SelectItem::UnnamedExpr(expr) => expr,
        other => panic!("{sql}: {other}"),
    }
}

proptest! {
    /// Whatever a value holds, it is one literal, and that value.
    #[test]
    fn texts_stay_texts(value in "(\\PC|['\"\\\\;\n\0$-]){0,40}") {
        let literal = params::literal(ParamType::Text, Some(&value)).unwrap();
        match back(&literal) {
            Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(read) | Value::EscapedStringLiteral(read), .. }) => {
                prop_assert_eq!(read, value);
            }
            other => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn numbers_stay_numbers(value in any::<i64>()) {
        let literal = params::literal(ParamType::Int, Some(&value.to_string())).unwrap();
        prop_assert_eq!(back(&literal).to_string(), value.to_string());
    }

    #[test]
    fn times_stay_times(value in lookback_schemas::time::EARLIEST..lookback_schemas::time::LATEST) {
        let text = lookback_schemas::time::rfc3339(value);
        prop_assert_eq!(parse_time(&text).unwrap(), value);
        let literal = params::literal(ParamType::Timestamp, Some(&text)).unwrap();
        prop_assert_eq!(back(&literal).to_string(), literal.to_string());
    }

    #[test]
    fn other_texts_are_refused_as_numbers(value in "[^0-9]{0,10}") {
        prop_assert!(params::literal(ParamType::Int, Some(&value)).is_err());
    }
}
