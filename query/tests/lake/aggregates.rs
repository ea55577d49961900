//! Aggregates and window functions.

use proptest::prelude::*;

use crate::support::{TestLake, ask, csv};

async fn check(cases: &[(&str, &str)]) {
    let session = TestLake::new().session().await;
    let mut wrong = Vec::new();
    for (sql, want) in cases {
        let got = match csv(&session, sql).await {
            Ok(got) => got,
            Err(error) => format!("error: {error}"),
        };
        if !(got == *want || (want.starts_with("error: ") && got.starts_with("error: ") && got.contains(&want[7..]))) {
            wrong.push(format!("{sql}\n  want {want}\n  got  {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const INTS: &str = "(VALUES (1, 'a'), (2, 'a'), (4, 'b'), (NULL, 'b'), (10, 'b')) t(x, g)";

/// "AVG function", "SUM function".
#[tokio::test]
async fn averages_and_sums_keep_their_types() {
    check(&[
        (&format!("SELECT AVG(x), SUM(x), COUNT(x), COUNT(*) FROM {INTS}"), "4,17,4,5"),
        (&format!("SELECT g, AVG(x), SUM(x) FROM {INTS} GROUP BY g ORDER BY g"), "a,1,3\nb,7,14"),
        (&format!("SELECT AVG(-x), AVG(x::float), AVG(x::numeric(5,2)), SUM(x::numeric(5,2)) FROM {INTS}"), "-4,4.25,4.25,17.00"),
        ("SELECT AVG(x) FROM (VALUES (1.00), (1.01), (1.01)) t(x)", "1.00"),
        ("SELECT arrow_typeof(AVG(x)), arrow_typeof(SUM(x)) FROM (VALUES (1.25::dec(5,2))) t(x)", "\"Decimal128(38, 2)\",\"Decimal128(38, 2)\""),
        ("SELECT SUM(x), AVG(x) FROM (VALUES (1)) t(x) WHERE x > 1", ","),
        ("SELECT SUM(x) FROM (VALUES (9223372036854775807), (1)) t(x)", "error: numeric overflow"),
        ("SELECT SUM(x) FROM (VALUES (9223372036854775807), (1), (-5)) t(x)", "9223372036854775803"),
        ("SELECT AVG(x) FROM (VALUES (9223372036854775807), (9223372036854775805)) t(x)", "9223372036854775806"),
        ("SELECT SUM(x::numeric(38,0)) FROM (VALUES (9223372036854775807), (1)) t(x)", "9223372036854775808"),
        ("SELECT SUM(DISTINCT x), AVG(DISTINCT x), COUNT(DISTINCT x) FROM (VALUES (1), (1), (4)) t(x)", "5,2,2"),
        ("SELECT SUM(DISTINCT x), SUM(x), AVG(DISTINCT y) FROM (VALUES (1, 1.5), (1, 1.5), (4, 2.5)) t(x, y)", "5,6,2.0"),
        ("SELECT SUM(x) FILTER (WHERE x > 1), AVG(x) FILTER (WHERE x > 100) FROM (VALUES (1), (2), (3)) t(x)", "5,"),
        ("SELECT SUM('1')", "error: takes a number"),
        (&format!("SELECT x, SUM(x) OVER (PARTITION BY g ORDER BY x), AVG(x) OVER (PARTITION BY g) FROM {INTS} ORDER BY g, x"), "1,1,1\n2,3,1\n4,4,7\n10,14,7\n,14,7"),
        ("SELECT x, SUM(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), AVG(x) OVER (ORDER BY x ROWS 1 PRECEDING) FROM (VALUES (1), (2), (4), (9)) t(x) ORDER BY x", "1,3,1\n2,7,1\n4,15,3\n9,13,6"),
        ("SELECT SUM(a - b) > INTERVAL '1 hour' FROM (VALUES (TIMESTAMP '2026-01-01 02:00', TIMESTAMP '2026-01-01')) t(a, b)", "true"),
    ])
    .await;
}

/// "MEDIAN function", "PERCENTILE_CONT function" (whose examples print 1.0 for an integer), "PERCENTILE_DISC window function".
#[tokio::test]
async fn percentiles_interpolate_or_take_the_nearest() {
    check(&[
        (&format!("SELECT MEDIAN(x), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x) FROM {INTS}"), "3.0,3.0"),
        (&format!("SELECT g, MEDIAN(x) FROM {INTS} GROUP BY g ORDER BY g"), "a,1.5\nb,7.0"),
        (&format!("SELECT PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY x), PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY x DESC) FROM {INTS}"), "1.75,5.50"),
        (&format!("SELECT PERCENTILE_CONT(0) WITHIN GROUP (ORDER BY x), PERCENTILE_CONT(1) WITHIN GROUP (ORDER BY x) FROM {INTS}"), "1,10"),
        (&format!("SELECT PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY x), PERCENTILE_DISC(0.51) WITHIN GROUP (ORDER BY x), PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY x DESC), PERCENTILE_DISC(0) WITHIN GROUP (ORDER BY x) FROM {INTS}"), "2,4,4,1"),
        (&format!("SELECT percentile_cont(x, 0.5), percentile_disc(x, 0.9), percentile_cont(x::float, 0.5) FROM {INTS}"), "3.0,10,3"),
        (&format!("SELECT x, MEDIAN(x) OVER (PARTITION BY g), percentile_disc(x, 0.5) OVER (PARTITION BY g) FROM {INTS} ORDER BY g, x"), "1,1.5,1\n2,1.5,1\n4,7.0,4\n10,7.0,4\n,7.0,4"),
        ("SELECT MEDIAN(x) FROM (VALUES (1.5), (2.0)) t(x)", "1.75"),
        ("SELECT MEDIAN(x), percentile_disc(x, 0.5) FROM (VALUES (TIMESTAMP '2026-01-01'), (TIMESTAMP '2026-01-02')) t(x)", "2026-01-01 12:00:00,2026-01-01 00:00:00"),
        ("SELECT MEDIAN(x) FROM (VALUES (DATE '2026-01-01'), (DATE '2026-01-04')) t(x)", "2026-01-02"),
        ("SELECT MEDIAN(x), percentile_cont(x, 0.9), percentile_disc(x, 0.9) FROM (VALUES (1)) t(x) WHERE x > 1", ",,"),
        ("SELECT MEDIAN(x) FROM (VALUES (NULL), (NULL)) t(x)", "\"\""),
        ("SELECT percentile_cont(x, 1.5) FROM (VALUES (1)) t(x)", "error: a number from 0 to 1"),
        ("SELECT percentile_cont(x, x) FROM (VALUES (1)) t(x)", "error: must be a constant"),
        ("SELECT MEDIAN(x) FROM (VALUES ('a')) t(x)", "error: the form is median(value)"),
    ])
    .await;
}

#[tokio::test]
async fn the_other_aggregates_answer_under_redshifts_names() {
    check(&[
        ("SELECT VARIANCE(x), VAR_SAMP(x), VAR_POP(x) FROM (VALUES (1), (3)) t(x)", "2,2,1"),
        ("SELECT STDDEV(x), STDDEV_SAMP(x), STDDEV_POP(x) FROM (VALUES (1.0), (3.0), (5.0)) t(x)", "2,2,1.632993161855452"),
        ("SELECT BOOL_AND(x > 0), BOOL_OR(x > 2), BIT_AND(x), BIT_OR(x) FROM (VALUES (1), (3)) t(x)", "true,true,1,3"),
        ("SELECT MIN(x), MAX(x), MIN(y), MAX(y) FROM (VALUES (true, 'b'), (false, 'a')) t(x, y)", "false,true,a,b"),
        ("SELECT ANY_VALUE(x), APPROX_DISTINCT(x) FROM (VALUES (7), (7)) t(x)", "7,1"),
        ("SELECT LISTAGG(x, ',') WITHIN GROUP (ORDER BY x DESC), LISTAGG(DISTINCT x, ',') WITHIN GROUP (ORDER BY x) FROM (VALUES ('a'), ('b'), ('a')) t(x)", "\"b,a,a\",\"a,b\""),
        ("SELECT LISTAGG(DISTINCT x, ',') WITHIN GROUP (ORDER BY x DESC), LISTAGG(DISTINCT x) FROM (VALUES (1), (10), (2), (NULL), (2)) t(x)", "\"10,2,1\",1210"),
        ("SELECT LISTAGG(DISTINCT x) IS NULL FROM (VALUES (NULL::int)) t(x)", "true"),
    ])
    .await;
}

#[tokio::test]
async fn window_functions_have_redshifts_frames() {
    let rows = "(VALUES (1, 10), (2, NULL), (3, 30), (4, 30)) t(i, x)";
    check(&[
        (&format!("SELECT i, LAG(x) OVER (ORDER BY i), LEAD(x, 2) OVER (ORDER BY i), LAG(x, 1, 0) OVER (ORDER BY i) FROM {rows} ORDER BY i"), "1,,30,0\n2,10,30,10\n3,,,\n4,30,,30"),
        (&format!("SELECT i, LAG(x) IGNORE NULLS OVER (ORDER BY i), LAST_VALUE(x IGNORE NULLS) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM {rows} ORDER BY i"), "1,,10\n2,10,10\n3,10,30\n4,30,30"),
        (&format!("SELECT i, FIRST_VALUE(x) OVER (ORDER BY i), NTH_VALUE(x, 3) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM {rows} ORDER BY i"), "1,10,30\n2,10,30\n3,10,30\n4,10,30"),
        (&format!("SELECT i, NTILE(2) OVER (ORDER BY i), ROW_NUMBER() OVER (ORDER BY i), RANK() OVER (ORDER BY x), DENSE_RANK() OVER (ORDER BY x) FROM {rows} ORDER BY i"), "1,1,1,1,1\n2,1,2,4,3\n3,2,3,2,2\n4,2,4,2,2"),
        (&format!("SELECT i, PERCENT_RANK() OVER (ORDER BY i), CUME_DIST() OVER (ORDER BY i) FROM {rows} WHERE i < 3 ORDER BY i"), "1,0,0.5\n2,1,1"),
        (&format!("SELECT i, SUM(x) OVER (ORDER BY x), COUNT(*) OVER (ORDER BY x) FROM {rows} WHERE x IS NOT NULL ORDER BY i"), "1,10,1\n3,70,3\n4,70,3"),
    ])
    .await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The answers are those of a computation that sorts and counts, in groups and in windows.
    #[test]
    fn averages_and_percentiles_are_what_a_naive_computation_says(
        rows in proptest::collection::vec((0_usize..3, proptest::option::of(-1_000_i64..1_000)), 1..60),
        hundredths in 0_i128..=100,
    ) {
        let values: Vec<String> = rows.iter()
            .map(|(g, x)| format!("({g}, {})", x.map_or("NULL::bigint".to_owned(), |x| x.to_string()))).collect();
        let fraction = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let columns = |over: &str| format!(
            "SUM(x){over}, AVG(x){over}, percentile_cont(x, {fraction}){over}, percentile_disc(x, {fraction}){over}"
        );
        let from = format!("FROM (VALUES {}) t(g, x)", values.join(", "));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (grouped, windows) = runtime.block_on(async {
            let session = TestLake::new().session().await;
            let grouped = format!("SELECT g, {} {from} GROUP BY g ORDER BY g", columns(""));
            let windows = format!("SELECT DISTINCT g, {} {from} ORDER BY g", columns(" OVER (PARTITION BY g)"));
            (ask(&session, &grouped).await, ask(&session, &windows).await)
        });
        let mut want = Vec::new();
        for group in 0..3 {
            let of_group: Vec<Option<i64>> = rows.iter().filter(|(g, _)| *g == group).map(|(_, x)| *x).collect();
            let mut known: Vec<i128> = of_group.iter().flatten().map(|x| i128::from(*x)).collect();
            known.sort_unstable();
            if of_group.is_empty() {
                continue;
            }
            let n = known.len() as i128;
            if n == 0 {
                want.push(format!("{group},,,,"));
                continue;
            }
            let sum: i128 = known.iter().sum();
            let position = hundredths * (n - 1);
            let (low, rest) = (known[(position / 100) as usize], position % 100);
            let high = known[((position + 99) / 100) as usize];
            let cont = low * (100 - rest) + high * rest;
            let sign = if cont < 0 { "-" } else { "" };
            let cont = format!("{sign}{}.{:02}", cont.abs() / 100, cont.abs() % 100);
            let disc = known.iter().enumerate().find(|(i, _)| (*i as i128 + 1) * 100 >= hundredths * n).unwrap().1;
            want.push(format!("{group},{sum},{},{cont},{disc}", sum / n));
        }
        prop_assert_eq!(&grouped, &want.join("\n"));
        prop_assert_eq!(&windows, &want.join("\n"));
    }
}
