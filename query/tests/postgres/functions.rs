//! Random calls of functions that mean the same in both systems. All calls of one function go to the server in one query;
//! answers are compared as text.

use lookback_query::{Limits, Session};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::inputs::{decimal, number_mask, pattern, read_mask, text, time_mask, timestamp};
use crate::server::{Postgres, ask};

/// Calls per function. The same ones every time.
const CALLS: usize = 300;

/// One function, and a call of it for lookback and for PostgreSQL.
struct Family {
    name: &'static str,
    call: BoxedStrategy<(String, String)>,
}

/// The same call for both systems.
fn both(call: impl Strategy<Value = String> + 'static) -> BoxedStrategy<(String, String)> {
    call.prop_map(|call| (call.clone(), call)).boxed()
}

fn families() -> Vec<Family> {
    let part = || {
        prop::sample::select(vec![
            "century",
            "millennium",
            "year",
            "quarter",
            "month",
            "week",
            "day",
            "dow",
            "doy",
            "hour",
            "minute",
            "second",
            "epoch",
        ])
    };
    let cut = || {
        prop::sample::select(vec![
            "microsecond",
            "millisecond",
            "second",
            "minute",
            "hour",
            "day",
            "week",
            "month",
            "quarter",
            "year",
            "decade",
            "century",
            "millennium",
        ])
    };
    let one = |function: &'static str| both(text().prop_map(move |text| format!("{function}({text})")));
    let family = |name, call| Family { name, call };
    let zone = || {
        prop::sample::select(vec![
            "America/New_York",
            "Europe/London",
            "Asia/Kolkata",
            "Australia/Lord_Howe",
            "US/Pacific",
            "PST",
            "EST",
            "CET",
            "NST",
            "UTC",
        ])
    };
    vec![
        family(
            "to_char of times",
            both((timestamp(), time_mask()).prop_map(|(time, mask)| format!("to_char({time}, '{mask}')"))),
        ),
        family(
            "to_char of decimals",
            both((decimal(), number_mask()).prop_map(|(number, mask)| format!("to_char({number}, '{mask}')"))),
        ),
        family(
            "to_char of integers",
            both(
                (-20_000_i32..20_000, number_mask()).prop_map(|(number, mask)| format!("to_char({number}, '{mask}')")),
            ),
        ),
        family(
            "to_char of floats",
            both(
                (decimal(), number_mask())
                    .prop_map(|(number, mask)| format!("to_char(cast({number} as double precision), '{mask}')")),
            ),
        ),
        family(
            "date_part",
            both((part(), timestamp()).prop_map(|(part, time)| format!("date_part('{part}', {time})"))),
        ),
        family(
            "date_trunc",
            both((cut(), timestamp()).prop_map(|(part, time)| format!("date_trunc('{part}', {time})"))),
        ),
        family(
            "timezone",
            (zone(), timestamp())
                .prop_map(|(zone, time)| {
                    (format!("timezone('{zone}', {time})"), format!("{time} AT TIME ZONE '{zone}'"))
                })
                .boxed(),
        ),
        family(
            "convert_timezone",
            (zone(), zone(), timestamp())
                .prop_map(|(from, to, time)| {
                    (
                        format!("convert_timezone('{from}', '{to}', {time})"),
                        format!("({time} AT TIME ZONE '{from}') AT TIME ZONE '{to}'"),
                    )
                })
                .boxed(),
        ),
        family("length", one("length")),
        family("octet_length", one("octet_length")),
        family("reverse", one("reverse")),
        family("initcap", both("[a-zA-Z0-9 ._-]{0,16}".prop_map(|text| format!("initcap('{text}')")))),
        family("upper", both("[a-zA-Z0-9 ._-]{0,16}".prop_map(|text| format!("upper('{text}') || lower('{text}')")))),
        family("ascii", one("ascii")),
        family("md5", one("md5")),
        family(
            "sha2",
            (text())
                .prop_map(|text| (format!("sha2({text}, 256)"), format!("encode(sha256({text}::bytea), 'hex')")))
                .boxed(),
        ),
        family("quote_ident", both("[a-zA-Z0-9_\" ]{1,6}".prop_map(|text| format!("quote_ident('{text}')")))),
        family("quote_literal", one("quote_literal")),
        family(
            "substring",
            both(
                (text(), -5_i32..15, 0_i32..10)
                    .prop_map(|(text, from, length)| format!("substring({text}, {from}, {length})")),
            ),
        ),
        family(
            "substring from",
            both((text(), -5_i32..15).prop_map(|(text, from)| format!("substring({text} from {from})"))),
        ),
        family(
            "left and right",
            both((text(), 0_i32..15).prop_map(|(text, n)| format!("left({text}, {n}) || '|' || right({text}, {n})"))),
        ),
        family(
            "lpad",
            both((text(), -2_i32..20, text()).prop_map(|(text, n, fill)| format!("lpad({text}, {n}, {fill})"))),
        ),
        family(
            "rpad",
            both((text(), -2_i32..20, text()).prop_map(|(text, n, fill)| format!("rpad({text}, {n}, {fill})"))),
        ),
        family("repeat", both((text(), -2_i32..5).prop_map(|(text, n)| format!("repeat({text}, {n})")))),
        family(
            "btrim",
            both((text(), "[a-d ]{0,3}").prop_map(|(text, set)| {
                format!("btrim({text}, '{set}') || '|' || ltrim({text}, '{set}') || '|' || rtrim({text})")
            })),
        ),
        family("strpos", both((text(), "[a-d]{0,2}").prop_map(|(text, part)| format!("strpos({text}, '{part}')")))),
        family(
            "split_part",
            both(
                (text(), "[a-d,. ]{0,2}", 1_i32..5)
                    .prop_map(|(text, by, n)| format!("split_part({text}, '{by}', {n})")),
            ),
        ),
        family(
            "replace",
            both(
                (text(), "[a-d]{0,2}", "[x-z]{0,2}")
                    .prop_map(|(text, old, new)| format!("replace({text}, '{old}', '{new}')")),
            ),
        ),
        family(
            "translate",
            both(
                (text(), "[a-f]{0,4}", "[x-z]{0,4}")
                    .prop_map(|(text, from, to)| format!("translate({text}, '{from}', '{to}')")),
            ),
        ),
        family("to_hex", both((0_i64..4_000_000_000).prop_map(|n| format!("to_hex({n})")))),
        family("round", both((decimal(), 0_i32..4).prop_map(|(number, places)| format!("round({number}, {places})")))),
        family("trunc", both((decimal(), 0_i32..4).prop_map(|(number, places)| format!("trunc({number}, {places})")))),
        family(
            "ceil and floor",
            both(decimal().prop_map(|number| format!("ceil({number}) * 1000000 + floor({number})"))),
        ),
        family("mod", both((-1000_i32..1000, 1_i32..50).prop_map(|(a, b)| format!("mod({a}, {b})")))),
        family("sign", both(decimal().prop_map(|number| format!("sign({number})")))),
        family(
            "regexp_replace",
            (text(), pattern(), "[x-z]{0,2}")
                .prop_map(|(text, pattern, new)| {
                    (
                        format!("regexp_replace({text}, '{pattern}', '{new}')"),
                        format!("regexp_replace({text}, '{pattern}', '{new}', 'g')"),
                    )
                })
                .boxed(),
        ),
        family(
            "regexp_substr",
            (text(), pattern())
                .prop_map(|(text, pattern)| {
                    let ours = format!("regexp_substr({text}, '{pattern}')");
                    (ours.clone(), format!("coalesce({ours}, '')"))
                })
                .boxed(),
        ),
        family(
            "regexp_count",
            both((text(), pattern()).prop_map(|(text, pattern)| format!("regexp_count({text}, '{pattern}')"))),
        ),
        family(
            "regexp_instr",
            both((text(), pattern()).prop_map(|(text, pattern)| format!("regexp_instr({text}, '{pattern}')"))),
        ),
        family(
            "to_timestamp",
            (timestamp(), read_mask())
                .prop_map(|(time, mask)| {
                    (
                        format!("to_timestamp(to_char({time}, '{mask}'), '{mask}')"),
                        format!("to_timestamp(to_char({time}, '{mask}'), '{mask}')"),
                    )
                })
                .boxed(),
        ),
        family(
            "to_date",
            both(
                (timestamp(), read_mask())
                    .prop_map(|(time, mask)| format!("to_date(to_char({time}, '{mask}'), '{mask}')")),
            ),
        ),
        family(
            "to_number",
            both(
                (0_i32..999_999, prop::sample::select(vec!["999999", "999,999", "9999.99", "9,999.99S", "999999MI"]))
                    .prop_map(|(n, mask)| {
                        let number =
                            if mask.contains('.') { format!("{}.{:02}", n / 100, n % 100) } else { n.to_string() };
                        format!("to_number(to_char(cast({number} as decimal(12,2)), '{mask}'), '{mask}')")
                    }),
            ),
        ),
    ]
}

/// Patterns that find the same whether the first or the longest alternative is taken.
/// Masks that say the whole date, so that reading gives one answer.
/// Numbers with the 14 digits that every way of computing them agrees on, times without an empty fraction or a zone that says UTC.
fn plain(text: &str) -> String {
    let text = text.strip_suffix("+00").unwrap_or(text);
    let text = text.strip_suffix('Z').unwrap_or(text).to_owned();
    let text = if text.len() >= 19 && text.as_bytes()[10] == b'T' { text.replacen('T', " ", 1) } else { text };
    match text.parse::<f64>() {
        Ok(number) if text.contains('.') || text.contains('e') => {
            format!("{number:.13e}").parse::<f64>().unwrap().to_string()
        }
        _ if text.len() > 19 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b' ' => {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => text,
    }
}

async fn ours(session: &Session, calls: &[(String, String)]) -> Vec<Option<String>> {
    use arrow::array::Array;
    use arrow::util::display::{ArrayFormatter, FormatOptions};

    let columns: Vec<String> = calls.iter().enumerate().map(|(n, (call, _))| format!("{call} AS v{n}")).collect();
    let sql = format!("SELECT {}", columns.join(", "));
    let answer = session.query(&sql).await.unwrap_or_else(|e| panic!("{e}: {sql}"));
    let batches = answer.collect().await.unwrap_or_else(|e| panic!("{e}: {sql}"));
    let shown = batches[0].columns().iter().map(|column| {
        let text = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default()).unwrap();
        column.is_valid(0).then(|| text.value(0).to_string())
    });
    shown.collect()
}

#[tokio::test]
async fn functions_answer_what_postgresql_answers() {
    let server = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lookback.json"), r#"{"format": "lookback-lake", "version": 1}"#).unwrap();
    let session = Session::open(dir.path().to_str().unwrap(), Limits { target_partitions: 1, ..Limits::default() })
        .await
        .unwrap();
    let mut different = Vec::new();
    for Family { name, call } in families() {
        let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), seed);
        let calls: Vec<_> = (0..CALLS).map(|_| call.new_tree(&mut runner).unwrap().current()).collect();
        let theirs: Vec<String> = calls.iter().map(|(_, call)| format!("SELECT ({call})::text")).collect();
        let theirs = ask(&server, &theirs.join(" UNION ALL ")).await;
        let ours = ours(&session, &calls).await;
        assert_eq!(theirs.len(), CALLS, "{name}");
        for (((call, _), theirs), ours) in calls.iter().zip(&theirs).zip(&ours) {
            let (theirs, ours) = (theirs[0].as_deref().map(plain), ours.as_deref().map(plain));
            if theirs != ours {
                different.push(format!("{name}: {call}: {theirs:?} in PostgreSQL, {ours:?} here"));
            }
        }
    }
    assert!(different.is_empty(), "{} of the answers differ:\n{}", different.len(), different.join("\n"));
}
