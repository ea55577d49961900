#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use proptest::prelude::*;
use sqlparser::ast::{Expr, Value, ValueWithSpan};

use super::*;
use crate::dialect;

#[test]
fn every_file_parses_and_uses_what_it_declares() {
    for (name, text) in FILES {
        let diagnostic = header::parse(name, text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(diagnostic.question.ends_with('?'), "{name}");
        let mut statements = dialect::parse(text).unwrap();
        assert_eq!(statements.len(), 1, "{name}");
        let values = params::values(&diagnostic, &BTreeMap::new()).unwrap();
        params::substitute(&mut statements[0], &values).unwrap();
        for param in &diagnostic.params {
            assert!(text.contains(&format!(":{}", param.name)), "{name}: {} is declared and not used", param.name);
        }
        assert!(!statements[0].to_string().contains(" :"), "{name}: {}", statements[0]);
    }
    assert_eq!(list().len(), FILES.len());
}

#[test]
fn headers_that_are_wrong() {
    for text in [
        "SELECT 1",
        "-- title\nSELECT 1",
        "-- title: a\nSELECT 1",
        "-- title: a\n-- question: b?\n-- param x blob: c\nSELECT 1",
    ] {
        assert!(header::parse("x", text).is_err(), "{text}");
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
