#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use proptest::prelude::*;

use super::*;
use crate::dialect::parse;

fn rewritten(sql: &str) -> Result<String, QueryError> {
    let mut statement = parse(sql)?.pop_front().ok_or_else(|| QueryError::sql("it has no effect"))?;
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
        ("SELECT sysdate - interval '1 day'", "SELECT getdate() - INTERVAL '1 days'"),
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
        (
            "SELECT AVG(a::float8), AVG(a) FROM t HAVING AVG(a) > 1 ORDER BY AVG(a)",
            "SELECT AVG(CAST(a AS FLOAT8)), AVG(CASE WHEN true THEN a END) AS \"AVG(a)\" FROM t \
             HAVING AVG(CASE WHEN true THEN a END) > 1 ORDER BY AVG(CASE WHEN true THEN a END)",
        ),
        ("EXPLAIN SELECT TOP 1 a FROM t", "EXPLAIN SELECT a FROM t LIMIT 1"),
        ("SELECT * EXCLUDE (a) FROM t", "SELECT * EXCLUDE (a) FROM t"),
        ("SELECT '''' || 'it''s'", r"SELECT E'\'' || E'it\'s'"),
        ("SELECT 'TOP 5 SYSDATE NVL(a)'", "SELECT 'TOP 5 SYSDATE NVL(a)'"),
        ("SELECT DISTINCT TOP 10 a FROM t", "SELECT DISTINCT a FROM t LIMIT 10"),
        ("SELECT a FROM t MINUS SELECT b FROM u", "SELECT a FROM t EXCEPT SELECT b FROM u"),
        ("SELECT a - generate_series(0, 2)", "SELECT a - unnest(generate_series(0, 2))"),
        ("SELECT unnest(generate_series(0, 2))", "SELECT unnest(generate_series(0, 2))"),
        ("SELECT a FROM t ORDER BY a FETCH FIRST 5 ROWS ONLY", "SELECT a FROM t ORDER BY a LIMIT 5"),
        ("SELECT a FROM t OFFSET 2 ROWS FETCH NEXT ROW ONLY", "SELECT a FROM t LIMIT 1 OFFSET 2 ROWS"),
    ] {
        assert_eq!(rewritten(sql).unwrap_or_else(|e| panic!("{sql}: {e}")), want, "{sql}");
    }
}

#[test]
fn functions_that_choose() {
    for (sql, want) in [
        ("DECODE(a, 1, 'x', 2, 'y')", "CASE WHEN a = 1 THEN 'x' WHEN a = 2 THEN 'y' END"),
        ("DECODE(a, 1, 'x', 'z')", "CASE WHEN a = 1 THEN 'x' ELSE 'z' END"),
        (
            "DECODE(a + 1, NULL, 0, b, 1, a)",
            "CASE WHEN (a + 1) IS NULL THEN 0 WHEN (a + 1) IS NOT DISTINCT FROM b THEN 1 ELSE a END",
        ),
        ("DECODE('YWJj', 'base64')", "DECODE('YWJj', 'base64')"),
        ("CONCAT(a, b || c)", "(a || (b || c))"),
        ("CONVERT(int, a)", "CAST(a AS INT)"),
        ("CONVERT(datetime, a)", "CAST(a AS TIMESTAMP)"),
        ("DATE(a + 1)", "CAST(a + 1 AS DATE)"),
        ("FLOAT8(a)", "CAST(a AS DOUBLE PRECISION)"),
        ("NVL2(a, 1, 2)", "NVL2(a, 1, 2)"),
    ] {
        assert_eq!(expression_of(sql), want, "{sql}");
    }
}

#[test]
fn aggregates_with_an_order() {
    for (sql, want) in [
        ("LISTAGG(a)", "string_agg(a, '')"),
        ("LISTAGG(a, ', ') WITHIN GROUP (ORDER BY b DESC)", "string_agg(a, ', ' ORDER BY b DESC)"),
        (
            "LISTAGG(DISTINCT a, ',') WITHIN GROUP (ORDER BY a)",
            "array_to_string(array_sort(array_agg(DISTINCT a) FILTER (WHERE a IS NOT NULL), 'ASC'), ',')",
        ),
        (
            "LISTAGG(a, ',') WITHIN GROUP (ORDER BY b) OVER (PARTITION BY c)",
            "string_agg(a, ',') OVER (PARTITION BY c ORDER BY b ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
        ),
        ("PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY a)", "percentile_cont(a, 0.9)"),
        ("PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY a DESC)", "percentile_cont(a, 0.9, true)"),
        ("PERCENTILE_CONT(1) WITHIN GROUP (ORDER BY a DESC)", "percentile_cont(a, 1, true)"),
        (
            "PERCENTILE_DISC(.5) WITHIN GROUP (ORDER BY a) OVER (PARTITION BY b)",
            "percentile_disc(a, .5) OVER (PARTITION BY b)",
        ),
        ("APPROXIMATE PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY a)", "percentile_disc(a, 0.5)"),
        ("APPROXIMATE COUNT(DISTINCT a)", "COUNT(DISTINCT a)"),
        ("approximate\n count(distinct a)", "count(DISTINCT a)"),
        (
            "RATIO_TO_REPORT(a) OVER (PARTITION BY b)",
            "(CAST(a AS DOUBLE PRECISION) / nullif(CAST(sum(a) OVER (PARTITION BY b) AS DOUBLE PRECISION), 0))",
        ),
    ] {
        assert_eq!(expression_of(sql), want, "{sql}");
    }
}

#[test]
fn rows_are_compared_value_by_value() {
    for (sql, want) in [
        ("(a, b) = (c, d)", "(a = c AND (b = d))"),
        ("(a, b) <> (1, 2)", "(NOT (a = 1 AND (b = 2)))"),
        ("(a, b) IN ((1, 2), (3, 4))", "((a = 1 AND (b = 2)) OR (a = 3 AND (b = 4)))"),
        ("(a, b) NOT IN ((1, 2))", "(NOT ((a = 1 AND (b = 2))))"),
    ] {
        assert_eq!(expression_of(sql), want, "{sql}");
    }
    assert_eq!(
        rewritten("SELECT 1 FROM t WHERE x = 1 AND (a, b) IN (SELECT c, d FROM u)").unwrap(),
        "SELECT 1 FROM t WHERE x = 1 AND EXISTS (SELECT 1 FROM (SELECT c, d FROM u) AS lookback_candidate \
         (lookback_candidate_0, lookback_candidate_1) WHERE lookback_candidate.lookback_candidate_0 = a AND \
         (lookback_candidate.lookback_candidate_1 = b))"
    );
}

#[test]
fn types_and_patterns() {
    for (sql, want) in [
        ("a::oid", "CAST(a AS BIGINT)"),
        ("a::bpchar", "CAST(a AS CHAR(256))"),
        ("a::bpchar(5)", "CAST(a AS CHAR(5))"),
        ("a::name", "CAST(a AS VARCHAR)"),
        ("a::dec(5, 2)", "CAST(a AS DECIMAL(5,2))"),
        ("a::datetime", "CAST(a AS TIMESTAMP)"),
        ("|/ 25.0 + (||/ a) + (@ b)", "sqrt(25.0) + (cbrt(a)) + (abs(b))"),
        ("~ a", "(-1 - a)"),
        ("NOT aborted", "NOT CAST(aborted AS BOOLEAN)"),
        ("NOT (a = 1)", "NOT (a = 1)"),
        ("row_number() OVER (ORDER BY a)", "CAST(row_number() OVER (ORDER BY a) AS BIGINT)"),
        ("ntile(4) OVER (ORDER BY a)::bigint", "CAST(ntile(4) OVER (ORDER BY a) AS BIGINT)"),
        ("interval '1 second' * a", "lookback_interval_times(INTERVAL '1 seconds', a)"),
        ("(a / 1000000.0) * interval '1 second'", "lookback_interval_times(INTERVAL '1 seconds', (a / 1000000.0))"),
        ("interval '1 day' / 2", "lookback_interval_divided(INTERVAL '1 days', 2)"),
        ("a::int8 + b::float4", "CAST(a AS INT8) + CAST(b AS FLOAT4)"),
        ("a SIMILAR TO '%(x|y)_'", "(a ~ '(?s)^(?:.*(x|y).)$')"),
        ("a NOT SIMILAR TO 'x^%' ESCAPE '^'", "(a !~ '(?s)^(?:x%)$')"),
        ("a LIKE 'x^_%' ESCAPE '^'", r"a LIKE E'x\\_%'"),
        ("a LIKE 'x%' ESCAPE '\\\\'", "a LIKE 'x%'"),
        (r"'a\\d\'x\t'", r"E'a\\d\'x\t'"),
    ] {
        assert_eq!(expression_of(sql), want, "{sql}");
    }
}

#[test]
fn words_that_are_also_names() {
    for word in [
        "rows",
        "text",
        "label",
        "user",
        "type",
        "time",
        "date",
        "day",
        "step",
        "value",
        "table",
        "schema",
        "query",
        "year",
        "hour",
        "count",
        "min",
        "max",
        "avg",
        "status",
        "mode",
        "key",
        "index",
        "zone",
        "class",
        "database",
        "timestamp",
    ] {
        let sql = format!("SELECT a AS {word} FROM t");
        assert_eq!(rewritten(&sql).unwrap_or_else(|e| panic!("{sql}: {e}")), sql);
    }
    for column in ["rows", "text", "label", "type", "step", "query", "status", "event", "segment", "slice", "database"]
    {
        let sql = format!("SELECT {column}, t.{column} FROM t ORDER BY {column}");
        assert_eq!(rewritten(&sql).unwrap_or_else(|e| panic!("{sql}: {e}")), sql);
    }
    for word in
        ["rows", "label", "type", "day", "step", "value", "text", "size", "status", "state", "minutes", "total", "max"]
    {
        let sql = format!("SELECT sum(a) {word} FROM t");
        assert_eq!(rewritten(&sql).unwrap_or_else(|e| panic!("{sql}: {e}")), format!("SELECT sum(a) AS {word} FROM t"));
    }
}

/// The expression after the rewrite.
fn expression_of(sql: &str) -> String {
    let whole = rewritten(&format!("SELECT {sql} FROM t")).unwrap_or_else(|e| panic!("{sql}: {e}"));
    whole.strip_prefix("SELECT ").unwrap().strip_suffix(" FROM t").unwrap().to_owned()
}

fn resolved(sql: &str) -> Result<String, QueryError> {
    let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let tables = Columns::from([("t".to_owned(), columns(&["a", "c", "d"])), ("u".to_owned(), columns(&["a", "x"]))]);
    let mut statement = parse(sql)?.pop_front().unwrap();
    rewrite(&mut statement)?;
    resolve(&mut statement, &tables)?;
    Ok(statement.to_string())
}

#[test]
fn names_of_the_select_list_are_known_beside_it() {
    for (sql, want) in [
        ("SELECT a * 2 AS b, b + 1 AS e FROM t", "SELECT a * 2 AS b, (a * 2) + 1 AS e FROM t"),
        ("SELECT a * 2 AS b, b FROM t", "SELECT a * 2 AS b, (a * 2) AS \"b 2\" FROM t"),
        ("SELECT b + 1 AS e, a AS b FROM t", "SELECT b + 1 AS e, a AS b FROM t"),
        ("SELECT a * 2 AS c, c + 1 AS e FROM t", "SELECT a * 2 AS c, c + 1 AS e FROM t"),
        ("SELECT a AS b FROM t WHERE b > 1", "SELECT a AS b FROM t WHERE a > 1"),
        ("SELECT a AS c FROM t WHERE c > 1", "SELECT a AS c FROM t WHERE c > 1"),
        ("SELECT 0 AS q, count(*) AS n FROM t GROUP BY q", "SELECT 0 AS q, count(*) AS n FROM t GROUP BY 1"),
        ("SELECT a AS b FROM t GROUP BY b", "SELECT a AS b FROM t GROUP BY b"),
        ("SELECT max(a) AS a FROM t HAVING max(a) > 1", "SELECT max(a) AS a FROM t HAVING max(\"t\".a) > 1"),
        (
            "SELECT a AS b FROM (SELECT x AS b FROM u) v, t WHERE b = 1",
            "SELECT a AS b FROM (SELECT x AS b FROM u) v, t WHERE b = 1",
        ),
        (
            "WITH w (z) AS (SELECT a FROM t) SELECT z + 1 AS y, y + z AS s FROM w",
            "WITH w (z) AS (SELECT a FROM t) SELECT z + 1 AS y, (z + 1) + z AS s FROM w",
        ),
        (
            "SELECT a AS b, (SELECT max(x) FROM u WHERE u.a = b) AS m FROM t",
            "SELECT a AS b, (SELECT max(x) FROM u WHERE u.a = b) AS m FROM t",
        ),
        ("SELECT a AS b, b AS e, e + b AS f FROM t", "SELECT a AS b, a AS e, a + a AS f FROM t"),
    ] {
        assert_eq!(resolved(sql).unwrap_or_else(|e| panic!("{sql}: {e}")), want, "{sql}");
    }
    let names: Vec<String> = (1..40).map(|n| format!("b{} + b{} AS b{n}", n - 1, n - 1)).collect();
    let error = resolved(&format!("SELECT a AS b0, {} FROM t", names.join(", "))).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

#[test]
fn tables_are_turned() {
    for (sql, want) in [
        (
            "SELECT * FROM (SELECT a, c FROM t) PIVOT (count(*) AS n FOR c IN ('X' AS x, NULL, 3))",
            "SELECT * FROM (SELECT \"a\", count(*) FILTER (WHERE \"c\" = 'X') AS \"x_n\", \
             count(*) FILTER (WHERE \"c\" IS NULL) AS \"null_n\", count(*) FILTER (WHERE \"c\" = 3) AS \"3_n\" \
             FROM (SELECT a, c FROM t) GROUP BY \"a\") AS lookback_turned",
        ),
        (
            "SELECT p.x FROM t PIVOT (sum(d) FOR c IN ('x', 'y')) AS p",
            "SELECT p.x FROM (SELECT \"a\", sum(d) FILTER (WHERE \"c\" = 'x') AS \"x\", \
             sum(d) FILTER (WHERE \"c\" = 'y') AS \"y\" FROM t GROUP BY \"a\") AS p",
        ),
    ] {
        assert_eq!(resolved(sql).unwrap_or_else(|e| panic!("{sql}: {e}")), want, "{sql}");
    }
    for (sql, want) in [
        ("SELECT * FROM t PIVOT (sum(d) FOR c IN (SELECT x FROM u))", "a list of values"),
        ("SELECT * FROM t PIVOT (sum(d), max(d) FOR c IN (1))", "needs an alias"),
        ("SELECT * FROM generate_series(1, 2) PIVOT (count(*) FOR c IN (1))", "cannot be found out"),
    ] {
        let error = resolved(sql).expect_err(sql).to_string();
        assert!(error.contains(want), "{sql}: {error}");
    }
}

#[test]
fn what_is_not_understood_is_said() {
    for (sql, want) in [
        ("SELECT TOP 5 PERCENT a FROM t", "PERCENT"),
        ("SELECT TOP 5 a FROM t LIMIT 3", "TOP and LIMIT"),
        ("SELECT DATEADD(fortnight, 1, a)", "'fortnight' is not a date part in dateadd()"),
        ("SELECT (a, b) < (c, d)", "rows can be compared"),
        ("SELECT (a, b) = (c, d, e)", "a row of 2 values is compared with one of 3"),
        ("SELECT 1 FROM t WHERE (a, b) NOT IN (SELECT c, d FROM u)", "NOT IN"),
        ("SELECT (a, b) IN (SELECT c, d FROM u)", "as a filter"),
        ("SELECT a SIMILAR TO b", "must be a literal"),
        ("SELECT a SIMILAR TO 'x('", "not a pattern"),
        ("SELECT a::regclass", "REGCLASS"),
        ("SELECT a::super", "super"),
        ("SELECT a::timetz", "TIMETZ"),
        ("SELECT CONCAT(a, b, c)", "takes two values"),
        ("SELECT LISTAGG(a, ',', b)", "not 3 arguments"),
        ("SELECT LISTAGG(DISTINCT a, ',') OVER (PARTITION BY b)", "LISTAGG(DISTINCT ...) OVER"),
        ("SELECT LISTAGG(DISTINCT a, ',') WITHIN GROUP (ORDER BY b)", "can only be ordered by a"),
        ("SELECT PERCENTILE_CONT(0.5, 1) WITHIN GROUP (ORDER BY a)", "the form is PERCENTILE_CONT"),
        ("SELECT RATIO_TO_REPORT(a)", "OVER"),
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
        "[a-z' ;%\\\\é]{0,6}".prop_map(|text| format!("'{}'", text.replace('\\', r"\\").replace('\'', "''"))),
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
            (two.clone(), inner.clone()).prop_map(|((a, b), c)| format!("DECODE({a}, {b}, {c}, NULL, 1)")),
            two.clone().prop_map(|(a, b)| format!("CONCAT({a}, {b})")),
            inner.clone().prop_map(|a| format!("({a})::varchar(5)")),
            inner.clone().prop_map(|a| format!("({a})::timestamp::numeric")),
            inner.clone().prop_map(|a| format!("LISTAGG({a}, ',') WITHIN GROUP (ORDER BY {a} DESC)")),
            two.clone()
                .prop_map(|(a, b)| format!("PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY {a}) OVER (PARTITION BY {b})")),
            two.clone().prop_map(|(a, b)| format!("RATIO_TO_REPORT({a}) OVER (PARTITION BY {b})")),
            (two.clone(), two.clone())
                .prop_map(|((a, b), (c, d))| format!("CASE WHEN ({a}, {b}) IN (({c}, {d})) THEN 1 END")),
            inner.clone().prop_map(|a| format!("({a}) SIMILAR TO 'x%[a-c]'")),
            inner.clone().prop_map(|a| format!("({a}) LIKE 'x^_' ESCAPE '^'")),
            inner.clone().prop_map(|a| format!("EXTRACT(hr FROM {a})")),
            two.clone().prop_map(|(a, b)| format!("SUBSTRING({a}, {b}) || POSITION(({a}) IN ({b}))")),
            two.prop_map(|(a, b)| format!("CASE WHEN {a} > {b} THEN ({a}) ELSE ({b})::varchar END")),
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
