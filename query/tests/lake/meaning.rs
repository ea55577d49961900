//! What expressions mean: numbers, casts, times, blanks.

use datafusion::physical_plan::displayable;
use lookback_query::Session;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{TestLake, ask, csv, sample};

async fn check(cases: &[(&str, &str)]) {
    let moment = lookback_query::diagnostics::parse_time("2026-01-02 12:30:00").unwrap();
    let session = TestLake::new().session().await.with_as_of(Some(moment));
    let mut wrong = Vec::new();
    for (sql, want) in cases {
        let got = match csv(&session, &format!("SELECT {sql}")).await {
            Ok(got) => got,
            Err(error) => format!("error: {error}"),
        };
        if !(got == *want || (want.starts_with("error: ") && got.starts_with("error: ") && got.contains(&want[7..]))) {
            wrong.push(format!("{sql}\n  want {want}\n  got  {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn integers_stay_integers_and_do_not_wrap() {
    check(&[
        ("|/ 25, ||/ 27, @ -5, ~ 5, ~ -6", "5,3,5,-6,5"),
        ("(1 = 1) = 't', 'false' = (1 = 1), (1 = 2) <> 'yes'", "true,false,true"),
        ("NOT a, NOT b FROM (SELECT 0 AS a, 2 > 1 AS b) t", "true,false"),
        ("a, row_number() OVER (ORDER BY a) - row_number() OVER (ORDER BY a DESC), rank() OVER (ORDER BY a) - 2, ntile(2) OVER (ORDER BY a) * -1 FROM (VALUES (1), (2)) t(a) ORDER BY a", "1,-1,-1,-1\n2,1,0,-2"),
        ("7 / 2, -7 / 2, 7 / -2, 7 % 3, -7 % 3, 7 % -3", "3,-3,-3,1,-1,1"),
        ("mod(-7, 3), 1000 * 1000 * 1000", "-1,1000000000"),
        ("1 / 0", "error: "),
        ("1 % 0", "error: "),
        ("9223372036854775807 + 1", "error: "),
        ("-9223372036854775807 - 2", "error: "),
        ("x * 4000000000 FROM (VALUES (4000000000)) t(x)", "error: "),
        ("x + 1, x - 1, x * 2 FROM (VALUES (1), (NULL)) t(x)", "2,0,2\n,,"),
        ("40000::int2", "error: "),
        ("3000000000::int", "error: "),
        ("CAST(9223372036854775807 AS BIGINT)", "9223372036854775807"),
    ])
    .await;
}

/// "Computations with numeric values", "Integer and floating-point literals".
#[tokio::test]
async fn decimals_are_exact_and_have_redshifts_scale() {
    check(&[
        ("0.1 + 0.2, 1.50 - 0.5, 1.5 * 1.25", "0.3,1.00,1.875"),
        (
            "arrow_typeof(1024.0), arrow_typeof(1e3), arrow_typeof(1.5e-3)",
            "\"Decimal128(5, 1)\",\"Decimal128(4, 0)\",\"Decimal128(4, 4)\"",
        ),
        ("10.00 / 3.00, 1 / 3.0", "3.3333,0.3333"),
        ("arrow_typeof(a / b) FROM (VALUES (1::numeric(8,2), 2::numeric(8,2))) t(a, b)", "\"Decimal128(17, 9)\""),
        ("x / 1000000.0 FROM (VALUES (1234567::bigint)) t(x)", "1.23456700"),
        ("x / 1024.0 / 1024.0 FROM (VALUES (10485760::bigint)) t(x)", "10.0000000000"),
        ("round(100.0 * a / b, 2) FROM (VALUES (1::bigint, 3::bigint)) t(a, b)", "33.33"),
        ("arrow_typeof(a::numeric(19,0) / a::numeric(19,0)) FROM (VALUES (1)) t(a)", "\"Decimal128(38, 19)\""),
        ("-2.0 / 3, 2.0 / -3", "-0.666666666666,-0.666666666666"),
        ("1.0 / 0", "error: division by zero"),
        ("1.0 / NULLIF(0, 0)", "\"\""),
        ("a::float / b FROM (VALUES (1, 3)) t(a, b)", "0.3333333333333333"),
        ("1::float / 0", "error: division by zero"),
        ("x / y FROM (VALUES (1.0::float, 0.0::float)) t(x, y)", "error: division by zero"),
        (
            "arrow_typeof(1::float), arrow_typeof(1::real), arrow_typeof(1::float8), arrow_typeof(2::numeric)",
            "Float64,Float32,Float64,\"Decimal128(18, 0)\"",
        ),
        ("SUM(x) / COUNT(*), SUM(x) / 2.0 FROM (VALUES (1), (2), (4)) t(x)", "2,3.5000"),
        ("1.5 > 1, 2.0 = 2, 1.0::float = 1.0", "true,true,true"),
        ("CASE WHEN true THEN 1.5 ELSE 2 END, COALESCE(NULL, 1.25, 3)", "1.5,1.25"),
        ("sqrt(4.0), power(2.0, 3), ln(1.0), floor(1.5), ceil(1.5), abs(-1.5)", "2,8,0,1,2,1.5"),
    ])
    .await;
}

/// "CAST and CONVERT functions", with its printed examples.
#[tokio::test]
async fn casts_of_numbers_round_and_refuse_what_does_not_fit() {
    check(&[
        ("CAST(2.5 AS INT), CAST(-2.5 AS INT), 2.4::int, 2.6::bigint, 0.5::smallint", "3,-3,2,3,1"),
        ("2.5::float::int, 3.5::float::int, -2.5::float::bigint, 2.6::float::int", "2,4,-2,3"),
        ("cast(109.652 as decimal(4,1))", "109.7"),
        ("cast(162.00 as integer), cast(2008 as char(4))", "162,2008"),
        ("123.456::decimal(2,1)", "error: "),
        ("12345678::smallint", "error: "),
        ("1e19::bigint", "error: "),
        ("1e300::float::bigint", "error: "),
        ("'NaN'::float::int", "error: "),
        ("1.25::numeric(18,1), -1.25::numeric(18,1), 4323.8951::numeric(8,2)", "1.3,-1.3,4323.90"),
        ("1::boolean, 0::boolean, true::int", "true,false,1"),
        ("TIMESTAMP '2026-01-01'::bigint", "error: cannot be cast to a number"),
        ("1767225600::timestamp", "error: cannot be cast to a date"),
    ])
    .await;
}

/// "Type compatibility and conversion": blanks around a text are ignored.
#[tokio::test]
async fn texts_become_numbers_booleans_and_times() {
    check(&[
        ("' 42 '::int, '-7'::bigint, ' 1.5 '::float, '2.345'::numeric(5,2), '+5'::int", "42,-7,1.5,2.35,5"),
        (
            "'t'::bool, 'false'::bool, ' yes '::bool, 'n'::bool, '1'::bool, '0'::bool",
            "true,false,true,false,true,false",
        ),
        ("'abc'::int", "error: "),
        ("''::int", "error: "),
        ("'1.5'::int", "error: "),
        ("'maybe'::bool", "error: "),
        (
            "cast('2008-02-18 02:36:48' as date), '20260131'::date, 'Jan 31, 2026'::date",
            "2008-02-18,2026-01-31,2026-01-31",
        ),
        ("'2026-01-31 23:59'::timestamp, '2026-01-31 4:05 PM'::timestamp", "2026-01-31 23:59:00,2026-01-31 16:05:00"),
        ("x::timestamp, x::date FROM (VALUES ('1/31/2026 10:00'), (NULL)) t(x)", "2026-01-31 10:00:00,2026-01-31\n,"),
        (
            "'today'::date, 'now'::timestamp, 'yesterday'::timestamp, dateadd(day, 1, 'today')",
            "2026-01-02,2026-01-02 12:30:00,2026-01-01 00:00:00,2026-01-03 00:00:00",
        ),
        ("'2026-02-30'::date", "error: is not a date or time"),
        ("x::date FROM (VALUES ('soon')) t(x)", "error: is not a date or time"),
        ("TIMESTAMP '2026-01-31' > '2026-01-30 23:59', DATE '2026-01-31' = 'Jan 31, 2026'", "true,true"),
        (
            "TIMESTAMP '2026-01-31' = DATE '2026-01-31', DATE '2026-01-31' < TIMESTAMP '2026-01-31 00:00:01'",
            "true,true",
        ),
        ("x IN ('Jan 1, 2026', '20260102') FROM (VALUES (DATE '2026-01-02')) t(x)", "true"),
        ("arrow_typeof('2026-01-31'::timestamp)", "Timestamp(µs)"),
    ])
    .await;
}

#[tokio::test]
async fn values_become_the_texts_that_redshift_shows() {
    check(&[
        ("TIMESTAMP '2026-01-01'::varchar, '2026-01-01 00:00:00.5'::timestamp::varchar", "2026-01-01 00:00:00,2026-01-01 00:00:00.5"),
        ("CONVERT(VARCHAR(30), GETDATE()), getdate() || ''", "2026-01-02 12:30:00,2026-01-02 12:30:00"),
        ("DATE '2026-01-01'::text, 12::varchar, 1.50::varchar, 'a' || 1, 1 || 'a'", "2026-01-01,12,1.50,a1,1a"),
        ("1::float::varchar, 0.1::float::text, (1::float / 3)::varchar, 1e20::float::varchar", "1,0.1,0.333333333333333,1e+20"),
        ("'abcdef'::varchar(3), 'abcdef'::char(3), 'abcdef'::char, 'ab  '::char(4) || 'x', 'ab  '::varchar(3) || 'x'", "abc,abc,a,abx,ab x"),
        ("'é€'::varchar(2), 'é€'::varchar(4), len('é€'::varchar(5))", "é,é,2"),
        ("CAST(12345 AS varchar(3)), CAST(NULL AS varchar(3))", "123,"),
        ("(TIMESTAMP '2026-01-02' - TIMESTAMP '2026-01-01')::varchar", "error: an interval cannot be cast to text"),
        ("'a' || NULL, '' IS NULL, NULL = NULL, 1 = NULL, NULL IS NULL", ",false,,,true"),
    ])
    .await;
}

/// "Interval literals", with its printed examples.
#[tokio::test]
async fn dates_and_intervals_count_as_in_redshift() {
    check(&[
        ("841363200000001 > TIMESTAMP '2026-08-30', 0 = DATE '2000-01-01', TIMESTAMP '2000-01-01 00:00:01' <= x FROM (VALUES (1000000)) t(x)", "true,true,true"),
        ("DATE '2026-01-31' + 1, DATE '2026-01-31' - 31, DATE '2026-02-01' - DATE '2026-01-01'", "2026-02-01,2025-12-31,31"),
        ("DATE '2008-12-31' + interval '1 second', interval '3 hours, 35 minutes' + DATE '2008-12-31'", "2008-12-31 00:00:01,2008-12-31 03:35:00"),
        ("TIMESTAMP '2008-12-31' + interval '52 weeks', TIMESTAMP '2008-12-31' + interval '1w, 1h, 1m, 1s'", "2009-12-30 00:00:00,2009-01-07 01:01:01"),
        ("TIMESTAMP '2008-12-31' + interval '0.5 days', TIMESTAMP '2008-12-31' + interval '90'", "2008-12-31 12:00:00,2008-12-31 00:01:30"),
        ("date '2023-03-31' - interval '4 months', date '2023-02-15' - interval '4 months'", "2022-11-30 00:00:00,2022-10-15 00:00:00"),
        ("TIMESTAMP '2026-01-01' + INTERVAL '1:30', TIMESTAMP '2026-01-01' + INTERVAL '5' minute", "2026-01-01 01:30:00,2026-01-01 00:05:00"),
        ("EXTRACT(EPOCH FROM (TIMESTAMP '2026-01-02' - TIMESTAMP '2026-01-01 12:00')) = 43200", "true"),
        ("(TIMESTAMP '2026-01-03' - TIMESTAMP '2026-01-01') > interval '1 day', (TIMESTAMP '2026-01-01 23:00' - TIMESTAMP '2026-01-01') > interval '1 day'", "true,false"),
        ("interval '24 hours' = interval '1 day', interval '1 month' > interval '29 days', interval '90 minutes' BETWEEN interval '1 hour' AND interval '2 hours'", "true,true,true"),
        ("date_trunc('week', TIMESTAMP '2026-01-04 23:00'), date_part(dow, DATE '2026-01-04'), date_part(week, DATE '2027-01-01')", "2025-12-29 00:00:00,0,53"),
        // Fractions of intervals, and days that are added to timestamps.
        ("TIMESTAMP '2026-01-01' + 1.5 * interval '1 second', TIMESTAMP '2026-01-01' + interval '1 day' / 4", "2026-01-01 00:00:01.500,2026-01-01 06:00:00"),
        ("'2000-01-01'::timestamp + (821095520123456 / 1000000.0) * interval '1 second'", "2026-01-07 10:05:20.123456"),
        ("TIMESTAMP '2026-01-31' + 3 * interval '1 month' * 2, TIMESTAMP '2026-01-01' + 0.5::float * interval '1 month'", "2026-07-31 00:00:00,2026-01-16 00:00:00"),
        ("TIMESTAMP '2026-01-01' + (TIMESTAMP '2026-01-02' - TIMESTAMP '2026-01-01') * 1.5, TIMESTAMP '2026-01-01' + (TIMESTAMP '2026-01-02' - TIMESTAMP '2026-01-01') / 2", "2026-01-02 12:00:00,2026-01-01 12:00:00"),
        ("a, rank() OVER (ORDER BY b - a DESC), SUM(1) OVER (PARTITION BY 1 ORDER BY b - a) FROM (VALUES (TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02'), (TIMESTAMP '2026-01-05', TIMESTAMP '2026-01-09')) t(a, b) ORDER BY a", "2026-01-01 00:00:00,2,1\n2026-01-05 00:00:00,1,2"),
        ("interval '1 day' / 0", "error: division of an interval by zero"),
        ("TIMESTAMP '2026-01-01 12:00' + 1, 2 + TIMESTAMP '2026-01-01 12:00', TIMESTAMP '2026-01-01 12:00' - 1, NULL::int + TIMESTAMP '2026-01-01' IS NULL", "2026-01-02 12:00:00,2026-01-03 12:00:00,2025-12-31 12:00:00,true"),
        ("TRUNC(TIMESTAMP '2026-01-01 12:00' - 7), DATE '2026-01-01' - 1", "2025-12-25,2025-12-31"),
        ("date('2026-01-31 10:00'), text(12) || 'x', int4('7') + 1, '2026-01-31'::datetime, CAST('2026-01-31' AS datetime)", "2026-01-31,12x,8,2026-01-31 00:00:00,2026-01-31 00:00:00"),
        ("interval 'soon'", "error: is not an interval"),
    ])
    .await;
}

#[tokio::test]
async fn nulls_and_texts_are_ordered_as_in_redshift() {
    check(&[
        ("x FROM (VALUES (2), (NULL), (1)) t(x) ORDER BY x", "1\n2\n\"\""),
        ("x FROM (VALUES (2), (NULL), (1)) t(x) ORDER BY x DESC", "\"\"\n2\n1"),
        ("x FROM (VALUES ('b'), ('B'), ('a'), ('_')) t(x) ORDER BY x", "B\n_\na\nb"),
        (
            "'abc' LIKE 'a%', 'ABC' LIKE 'a%', 'a_c' LIKE 'a\\\\_c', 'abc' LIKE 'a\\\\_c', 'a ' LIKE 'a'",
            "true,false,true,false,false",
        ),
    ])
    .await;
}

/// "Significance of trailing blanks".
#[tokio::test]
async fn trailing_blanks_do_not_matter_in_comparisons() {
    check(&[
        ("'a' = 'a  ', 'a' <> 'a ', 'a ' < 'a', 'a ' >= 'a', 'a' IN ('b', 'a '), 'a ' BETWEEN 'a' AND 'a'", "true,false,false,true,true,true"),
        ("x = 'a', x IN ('a'), x BETWEEN 'a' AND 'a', NULLIF(x, 'a') IS NULL, CASE x WHEN 'a' THEN 1 ELSE 2 END FROM (VALUES ('a  ')) t(x)", "true,true,true,true,1"),
        ("' a' = 'a', x LIKE 'a', x ~ '^a$' FROM (VALUES ('a ')) t(x)", "false,false,false"),
        ("COUNT(*), COUNT(DISTINCT x) FROM (VALUES ('a'), ('a '), ('b')) t(x)", "3,2"),
        ("x, COUNT(*) FROM (VALUES ('a'), ('a '), ('b')) t(x) GROUP BY x ORDER BY x", "a,2\nb,1"),
        ("COUNT(*) FROM (SELECT DISTINCT x FROM (VALUES ('a'), ('a '), ('b')) t(x))", "2"),
        ("COUNT(*) FROM (SELECT 'a' UNION SELECT 'a ')", "1"),
        ("COUNT(*) FROM (SELECT 'a' AS x INTERSECT SELECT 'a ')", "1"),
        ("COUNT(*) FROM (VALUES ('a ')) t(x) JOIN (VALUES ('a')) u(y) ON x = y", "1"),
        ("COUNT(*) FROM (VALUES ('a ')) t(x) JOIN (VALUES ('a')) u(x) USING (x)", "1"),
        ("COUNT(*) FROM (VALUES ('a ')) t(x), (VALUES ('a')) u(y) WHERE x = y", "1"),
        ("COUNT(*) FROM (VALUES ('a ')) t(x) WHERE x IN (SELECT y FROM (VALUES ('a   ')) u(y))", "1"),
        ("COUNT(*) FROM (VALUES ('a ')) t(x) WHERE x NOT IN (SELECT y FROM (VALUES ('a   ')) u(y))", "0"),
        ("COUNT(*) FROM (VALUES ('a ')) t(x) WHERE EXISTS (SELECT 1 FROM (VALUES ('a')) u(y) WHERE y = x)", "1"),
        ("row_number() OVER (PARTITION BY x ORDER BY y) FROM (VALUES ('a', 1), ('a ', 2)) t(x, y) ORDER BY y", "1\n2"),
        ("len('a '), 'a ' || 'b', x || 'b' FROM (VALUES ('a ')) t(x)", "2,a b,a b"),
    ])
    .await;
}

async fn plan(session: &Session, sql: &str) -> String {
    let answer = session.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    displayable(answer.plan().as_ref()).indent(true).to_string()
}

#[tokio::test]
async fn comparisons_with_char_columns_still_prune() {
    let lake = sample().await;
    let session = lake.session().await;
    let sql = "SELECT query FROM stl_query WHERE database = 'dev   ' AND cluster_id = 'etl '";
    let plan_of = plan(&session, sql).await;
    assert!(plan_of.contains("pruning_predicate=database_null_count"), "{plan_of}");
    assert!(!plan_of.contains("rtrim"), "{plan_of}");
    assert_eq!(plan_of.matches(".parquet").count(), 2, "{plan_of}");
    assert_eq!(ask(&session, &format!("{sql} ORDER BY query")).await, "1\n2\n3");
    let plan_of = plan(&session, "SELECT 1 FROM stl_query a JOIN stl_query b USING (cluster_id, query)").await;
    assert!(!plan_of.contains("rtrim"), "{plan_of}");
    let plan_of = plan(&session, "SELECT cluster_id, database, COUNT(*) FROM stl_query GROUP BY 1, 2").await;
    assert!(!plan_of.contains("rtrim"), "{plan_of}");
}

#[tokio::test]
async fn fragments_and_varchar_columns_are_compared_without_their_blanks() {
    let lake = TestLake::new();
    let rows = json!([
        { "userid": 1, "xid": 1, "pid": 1, "query": 1, "sequence": 0, "text": "select 1  " },
        { "userid": 1, "xid": 1, "pid": 1, "query": 2, "sequence": 0, "text": "select 1" },
    ]);
    lake.add("stl_querytext", "etl", "2026-01-01", &[], rows).await;
    let session = lake.session().await;
    assert_eq!(ask(&session, "SELECT query FROM stl_querytext WHERE text = 'select 1' ORDER BY 1").await, "1\n2");
    assert_eq!(ask(&session, "SELECT query FROM stl_querytext WHERE text LIKE 'select 1'").await, "2");
    assert_eq!(ask(&session, "SELECT text, COUNT(*) FROM stl_querytext GROUP BY text").await, "select 1,2");
    assert_eq!(ask(&session, "SELECT LEN(text) FROM stl_querytext ORDER BY query").await, "10\n8");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every comparison answers what the same comparison of the trimmed texts answers.
    #[test]
    fn comparing_is_comparing_trimmed_texts(texts in proptest::collection::vec("[ab ]{0,4}", 2..12)) {
        let rows: Vec<String> = texts.iter().map(|text| format!("('{text}')")).collect();
        let sql = format!(
            "SELECT a.x || '|', b.x || '|', a.x = b.x, a.x <> b.x, a.x < b.x, a.x <= b.x, a.x > b.x, a.x >= b.x, a.x IN (b.x), \
             a.x BETWEEN b.x AND b.x FROM (VALUES {0}) a(x) CROSS JOIN (VALUES {0}) b(x)",
            rows.join(", ")
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async { ask(&TestLake::new().session().await, &sql).await });
        prop_assert_eq!(answer.lines().count(), texts.len() * texts.len());
        for line in answer.lines() {
            let cells: Vec<&str> = line.split(',').collect();
            let text = |cell: &str| cell.trim_matches('"').trim_end_matches('|').trim_end_matches(' ').to_owned();
            let (a, b) = (text(cells[0]), text(cells[1]));
            let want = [a == b, a != b, a < b, a <= b, a > b, a >= b, a == b, a == b].map(|one| one.to_string());
            prop_assert_eq!(&cells[2..], &want, "{}", line);
        }
    }
}
