#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

mod columns;
mod dates;
mod json;
mod masks;
mod numbers;
mod regexps;
mod system;
mod texts;

use std::sync::OnceLock;

use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use super::*;
use crate::dialect::{parse, rewrite};

/// The rows of one column as Redshift prints them.
async fn rows(select: &str) -> std::result::Result<Vec<String>, crate::QueryError> {
    static CONTEXT: OnceLock<SessionContext> = OnceLock::new();
    let context = CONTEXT.get_or_init(|| {
        let context = SessionContext::new();
        for function in all(1_767_225_600_000_000) {
            context.register_udf(function.as_ref().clone());
        }
        context
    });
    let mut statement = parse(select)?.pop_front().unwrap();
    rewrite::rewrite(&mut statement)?;
    let plan = context.state().statement_to_plan(statement).await?;
    let batches = context.execute_logical_plan(plan).await?.collect().await?;
    let mut rows = Vec::new();
    for batch in batches {
        let texts = plain::texts(batch.column(0))?;
        rows.extend(texts.iter().map(|text| text.unwrap_or("NULL").to_owned()));
    }
    Ok(rows)
}

/// The answer as Redshift prints it, of one row and column.
async fn printed(expression: &str) -> std::result::Result<String, crate::QueryError> {
    Ok(rows(&format!("SELECT {expression} AS v")).await?.remove(0))
}

async fn prints(cases: &[(&str, &str)]) {
    for (expression, want) in cases {
        let printed = printed(expression).await.unwrap_or_else(|e| panic!("{expression}: {e}"));
        assert_eq!(&printed, want, "{expression}");
    }
}

/// Each is refused as the statement's fault, with a message that holds the text.
async fn refuses(cases: &[(&str, &str)]) {
    for (expression, want) in cases {
        let error = printed(expression).await.expect_err(expression);
        assert_eq!(error.kind(), crate::ErrorKind::Sql, "{expression}: {error}");
        assert!(error.to_string().contains(want), "{expression}: {error}");
    }
}

async fn value(sql: &str) -> std::result::Result<String, DataFusionError> {
    let context = SessionContext::new();
    for function in all(1_767_225_600_000_000) {
        context.register_udf(function.as_ref().clone());
    }
    let batches = context.sql(&format!("SELECT {sql} AS v")).await?.collect().await?;
    let text = pretty_format_batches(&batches)?.to_string();
    Ok(text.lines().nth(3).unwrap().trim_matches(['|', ' ']).to_owned())
}

async fn check(cases: &[(&str, &str)]) {
    for (sql, want) in cases {
        assert_eq!(&value(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}")), want, "{sql}");
    }
}

#[tokio::test]
async fn datediff_counts_boundaries() {
    check(&[
        ("datediff('year', '2025-12-31 23:59:59', '2026-01-01')", "1"),
        ("datediff('year', '2026-01-01', '2026-12-31 23:59:59')", "0"),
        ("datediff('quarter', '1998-07-01', '2008-12-31')", "41"),
        ("datediff('month', '2026-03-01', '2026-02-28')", "-1"),
        ("datediff('week', '2009-01-01', '2009-12-31')", "52"),
        ("datediff('week', '2026-01-04 23:00:00', '2026-01-05')", "1"),
        ("datediff('day', '2026-01-01 23:59:59', '2026-01-02')", "1"),
        ("datediff('day', '1969-12-31 23:59:59', '1970-01-01')", "1"),
        ("datediff('hour', '2026-01-01 00:59:59', '2026-01-01 01:00:00')", "1"),
        ("datediff('ms', '2026-01-01', '2026-01-01 00:00:01.5')", "1500"),
        ("datediff('us', '2026-01-01', '2026-01-01 00:00:00.000007')", "7"),
        ("datediff('century', '2000-12-31', '2001-01-01')", "1"),
        ("datediff('decade', '2009-12-31', '2010-01-01')", "1"),
        ("datediff('day', DATE '2026-01-01', TIMESTAMP '2026-01-03 12:00:00')", "2"),
        ("datediff('day', NULL, '2026-01-03')", ""),
        ("SUM(datediff('day', x, '2026-01-03')) FROM (VALUES ('2026-01-01'), (NULL), ('2026-01-02')) t(x) -- ", "3"),
    ])
    .await;
}

#[tokio::test]
async fn dateadd_moves_by_parts() {
    check(&[
        ("dateadd('month', 1, '2026-01-31')", "2026-02-28T00:00:00"),
        ("dateadd('month', 1, '2008-04-30')", "2008-05-30T00:00:00"),
        ("dateadd('month', 18, DATE '2008-02-28')", "2009-08-28T00:00:00"),
        ("dateadd('year', -1, '2024-02-29 10:00:00')", "2023-03-01T10:00:00"),
        ("dateadd('year', 1, '2016-02-29')", "2017-03-01T00:00:00"),
        ("dateadd('year', 4, '2016-02-29')", "2020-02-29T00:00:00"),
        ("dateadd('month', 12, '2016-02-29')", "2017-02-28T00:00:00"),
        ("dateadd('quarter', 1, '2026-11-30')", "2027-02-28T00:00:00"),
        ("dateadd('week', -1, '2026-01-01')", "2025-12-25T00:00:00"),
        ("dateadd('minute', 90, '2026-01-01')", "2026-01-01T01:30:00"),
        ("dateadd('us', 1, '2026-01-01')", "2026-01-01T00:00:00.000001"),
        ("dateadd('day', NULL, '2026-01-01')", ""),
    ])
    .await;
    for sql in [
        "dateadd('day', 9223372036854775807, '2026-01-01')",
        "dateadd('year', 300000, '2026-01-01')",
        "dateadd(x, 1, '2026-01-01') FROM (VALUES ('day')) t(x)",
    ] {
        assert!(value(sql).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn the_clock_stands_still() {
    check(&[
        ("getdate()", "2026-01-01T00:00:00"),
        ("now()", "2026-01-01T00:00:00"),
        ("current_timestamp", "2026-01-01T00:00:00"),
        ("current_date", "2026-01-01"),
    ])
    .await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_added_is_counted(n in -2_000_i64..2_000, day in 0_i64..20_000, part in 0_usize..9) {
        let part = ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "us"][part];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let from = lookback_schemas::time::sql_literal(day * lookback_schemas::time::DAY);
        let sql = format!("datediff('{part}', '{from}', dateadd('{part}', {n}, '{from}'))");
        prop_assert_eq!(runtime.block_on(value(&sql)).unwrap(), n.to_string());
    }

    #[test]
    fn any_text_is_answered_or_refused(
        one in "\\PC{0,12}", mask in "[A-Za-z0-9.,\\- \"\\\\]{0,12}", pattern in "[a-z0-9()\\[\\]|*+?.^$\\\\{}:,-]{0,10}",
        json in "[\\[\\]{}:,\"a-c0-9 \\\\.]{0,16}", n in any::<i64>(), digits in 0_i64..20,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let (one, mask, pattern, json) = (text(&one), text(&mask), text(&pattern), text(&json));
        for sql in [
            format!("to_char(getdate(), {mask})"),
            format!("to_char({n}, {mask})"),
            format!("to_char({n}.5, {one})"),
            format!("to_date({digits}, {mask})"),
            format!("to_timestamp({one}, {mask})"),
            format!("to_number({digits}, {mask})"),
            format!("regexp_replace({one}, {pattern}, {mask}, {digits})"),
            format!("regexp_substr({mask}, {pattern}, {n}, {digits})"),
            format!("regexp_instr({one}, {one}, {digits}, {n})"),
            format!("json_extract_path_text({json}, 'a', {one})"),
            format!("json_extract_array_element_text({json}, {n})"),
            format!("convert_timezone({one}, {mask})"),
            format!("convert_timezone({mask}, '2024-01-01')"),
            format!("date_trunc('week', {one})"),
            format!("substring({one}, {n}, {digits}) || split_part({one}, {mask}, {n})"),
            format!("lpad({one}, {n}, {mask}) || right({one}, {n}) || repeat({one}, {n})"),
            format!("round({n}, {n}) + round({n}.5, {n}) + trunc(cast({digits} as decimal(18, 3)), {n})"),
            format!("add_months(getdate(), {n}) > dateadd(day, {n}, getdate())"),
            format!("strtol({one}, {n}) + strtol({mask}, {digits}) + ascii({one})"),
            format!("soundex({one}) || initcap({one}) || quote_ident({one}) || translate({one}, {mask}, {one})"),
        ] {
            // A panic is what this looks for.
            let _ = runtime.block_on(printed(&sql));
        }
    }
}
