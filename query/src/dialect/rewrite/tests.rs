#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use proptest::prelude::*;

use super::*;
use crate::dialect::parse;

fn rewritten(sql: &str) -> Result<String, QueryError> {
    let mut statement = parse(sql)?.pop_front().unwrap();
    rewrite(&mut statement)?;
    Ok(statement.to_string())
}

#[test]
fn constructs() {
    for (sql, want) in [
        ("SELECT TOP 5 a FROM t ORDER BY 1", "SELECT a FROM t ORDER BY 1 LIMIT 5"),
        ("SELECT TOP 5 DISTINCT a FROM t", "SELECT DISTINCT a FROM t LIMIT 5"),
        ("SELECT TOP 1 a FROM t UNION SELECT b FROM u", "(SELECT a FROM t LIMIT 1) UNION SELECT b FROM u"),
        ("SELECT a FROM (SELECT TOP 2 a FROM t) x", "SELECT a FROM (SELECT a FROM t LIMIT 2) x"),
        ("WITH q AS (SELECT TOP 3 a FROM t) SELECT a FROM q", "WITH q AS (SELECT a FROM t LIMIT 3) SELECT a FROM q"),
        ("SELECT SYSDATE", "SELECT getdate()"),
        ("SELECT sysdate - interval '1 day'", "SELECT getdate() - INTERVAL '1 day'"),
        ("SELECT \"sysdate\"", "SELECT \"sysdate\""),
        ("SELECT NVL(a, b, c)", "SELECT coalesce(a, b, c)"),
        ("SELECT LEN(a), TEXTLEN(b)", "SELECT length(a), length(b)"),
        ("SELECT DATEDIFF(hrs, a, SYSDATE)", "SELECT DATEDIFF('hour', a, getdate())"),
        ("SELECT DATE_DIFF('d', a, b)", "SELECT datediff('day', a, b)"),
        ("SELECT DATEADD(mon, -1, a)", "SELECT DATEADD('month', -1, a)"),
        ("SELECT DATE_PART(dw, a), DATE_PART('isodow', a)", "SELECT DATE_PART('dow', a), DATE_PART('isodow', a)"),
        ("SELECT DATE_TRUNC('Day', a)", "SELECT DATE_TRUNC('day', a)"),
        ("SELECT EXTRACT(hrs FROM a), EXTRACT('dw' FROM a)", "SELECT extract_part('hour', a), extract_part('dow', a)"),
        ("SELECT a AT TIME ZONE 'PST'", "SELECT timezone('PST', a)"),
        ("SELECT POSITION('b' IN a)", "SELECT strpos(a, 'b')"),
        ("SELECT SUBSTRING(a FROM 2 FOR 3), SUBSTR(a, 2)", "SELECT SUBSTRING(a, 2, 3), SUBSTRING(a, 2)"),
        ("SELECT a FROM pg_catalog.stl_query", "SELECT a FROM stl_query"),
        ("SELECT a FROM other.stl_query", "SELECT a FROM other.stl_query"),
        ("SELECT getdate(), SYSDATE, now()", "SELECT getdate(), getdate() AS \"getdate() 2\", now()"),
        ("EXPLAIN SELECT TOP 1 a FROM t", "EXPLAIN SELECT a FROM t LIMIT 1"),
        ("SELECT * EXCLUDE (a) FROM t", "SELECT * EXCLUDE (a) FROM t"),
        ("SELECT '''' || 'it''s'", r"SELECT E'\'' || E'it\'s'"),
        ("SELECT 'TOP 5 SYSDATE NVL(a)'", "SELECT 'TOP 5 SYSDATE NVL(a)'"),
    ] {
        assert_eq!(rewritten(sql).unwrap_or_else(|e| panic!("{sql}: {e}")), want, "{sql}");
    }
}

#[test]
fn what_is_not_understood_is_said() {
    for (sql, want) in [
        ("SELECT TOP 5 PERCENT a FROM t", "PERCENT"),
        ("SELECT TOP 5 a FROM t LIMIT 3", "TOP and LIMIT"),
        ("SELECT DATEADD(fortnight, 1, a)", "'fortnight' is not a date part in dateadd()"),
        ("SELECT EXTRACT(fortnight FROM a)", "'fortnight' is not a date part in extract()"),
    ] {
        let error = rewritten(sql).expect_err(sql).to_string();
        assert!(error.contains(want), "{sql}: {error}");
    }
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("t.b".to_owned()),
        Just("SYSDATE".to_owned()),
        Just("GETDATE()".to_owned()),
        any::<u16>().prop_map(|n| n.to_string()),
        "[a-z' ;%\\\\é]{0,6}".prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
    ];
    let part = prop_oneof![Just("day"), Just("hrs"), Just("'mon'"), Just("us"), Just("\"w\"")];
    leaf.prop_recursive(3, 24, 3, move |inner| {
        let (part, two) = (part.clone(), (inner.clone(), inner.clone()));
        prop_oneof![
            (part.clone(), two.clone()).prop_map(|(p, (a, b))| format!("DATEDIFF({p}, {a}, {b})")),
            (part.clone(), two.clone()).prop_map(|(p, (a, b))| format!("DATEADD({p}, {a}, {b})")),
            (part, inner.clone()).prop_map(|(p, a)| format!("DATE_PART({p}, {a})")),
            (two.clone(), inner.clone()).prop_map(|((a, b), c)| format!("NVL({a}, {b}, {c})")),
            inner.clone().prop_map(|a| format!("LEN({a})")),
            inner.clone().prop_map(|a| format!("EXTRACT(hr FROM {a})")),
            two.clone().prop_map(|(a, b)| format!("SUBSTRING({a}, {b}) || POSITION({a} IN {b})")),
            two.prop_map(|(a, b)| format!("CASE WHEN {a} > {b} THEN ({a}) ELSE {b}::varchar END")),
            inner.prop_map(|a| format!("(SELECT TOP 3 {a} FROM pg_catalog.stl_scan)")),
        ]
    })
}

proptest! {
    /// What is printed means what was rewritten, and there is nothing left to rewrite.
    #[test]
    fn a_rewritten_statement_is_printed_and_read_back_unchanged(
        columns in proptest::collection::vec(expression(), 1..4),
        filter in expression(),
        top in proptest::option::of(0_u32..100),
    ) {
        let top = top.map_or_else(String::new, |n| format!("TOP {n} "));
        let sql = format!("SELECT {top}{} FROM stl_query t WHERE {filter} IS NULL", columns.join(", "));
        let mut first = parse(&sql).unwrap().pop_front().unwrap();
        rewrite(&mut first).unwrap();
        let printed = first.to_string();
        let mut second = parse(&printed).unwrap().pop_front().unwrap();
        prop_assert_eq!(&second.to_string(), &printed);
        rewrite(&mut second).unwrap();
        prop_assert_eq!(second.to_string(), printed);
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,60}") {
        let _ = rewritten(&text);
        let _ = rewritten(&format!("SELECT {text}"));
    }
}
