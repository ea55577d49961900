//! Random values and masks, as they are written in SQL.

use proptest::prelude::*;

pub(crate) fn text() -> BoxedStrategy<String> {
    let words = prop_oneof![
        "[a-d ,.-]{0,12}",
        "[A-Za-z0-9_ ]{0,10}",
        Just("select * from t where a = 1".to_owned()),
        Just("Ünïcödé 日本".to_owned()),
    ];
    words.prop_map(|text| format!("'{text}'")).boxed()
}

pub(crate) fn timestamp() -> BoxedStrategy<String> {
    // From 1900 to 2100, some of them at the start of something.
    let micros = prop_oneof![
        (-2_208_988_800_000_000_i64..4_102_444_800_000_000),
        (-25_000_i64..47_000).prop_map(|day| day * lookback_schemas::time::DAY),
    ];
    micros.prop_map(|micros| format!("timestamp '{}'", lookback_schemas::time::sql_literal(micros))).boxed()
}

pub(crate) fn time_mask() -> BoxedStrategy<String> {
    let fields = prop::sample::select(vec![
        "YYYY", "YYY", "YY", "Y", "Y,YYY", "IYYY", "IYY", "IY", "I", "MM", "MONTH", "Month", "month", "MON", "Mon",
        "mon", "RM", "rm", "DAY", "Day", "day", "DY", "Dy", "dy", "DDD", "DD", "D", "ID", "IDDD", "WW", "IW", "W",
        "CC", "J", "Q", "HH", "HH12", "HH24", "MI", "SS", "MS", "US", "SSSS", "AM", "pm", "a.m.", "P.M.", "BC", "ad",
        "A.D.", "yyyy", "hh24", "mi", "ss", "ddd", "dd",
    ]);
    let part = (fields, prop::bool::weighted(0.2), prop::sample::select(vec!["", "", "", "TH", "th"]), "[-/: .,]{0,2}");
    let part = part.prop_map(|(field, bare, th, gap)| format!("{}{field}{th}{gap}", if bare { "FM" } else { "" }));
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.concat()).boxed()
}

pub(crate) fn number_mask() -> BoxedStrategy<String> {
    let front = prop::sample::select(vec!["", "", "", "FM", "S", "MI", "PL", "SG", "FMS", "FMMI", "FMPL", "FMSG"]);
    let back = prop::sample::select(vec!["", "", "", "th", "TH"]);
    let whole = "[9]{0,2}(,?[09]{1,3}){1,2}";
    let built = (front, whole, prop::option::of("[.D][09]{0,3}"), back)
        .prop_map(|(front, whole, fraction, back)| format!("{front}{whole}{}{back}", fraction.unwrap_or_default()));
    let fixed = prop::sample::select(vec![
        "999PR",
        "9,999.99PR",
        "FM999PR",
        "999S",
        "99.9S",
        "FM9.99S",
        "RN",
        "FMRN",
        "rn",
        "999MI",
        "99V9",
        "099",
        "FM090.009",
    ]);
    prop_oneof![3 => built, 1 => fixed.prop_map(str::to_owned)].boxed()
}

pub(crate) fn decimal() -> BoxedStrategy<String> {
    (-2_000_000_i64..2_000_000)
        .prop_map(|n| {
            format!("cast('{}{}.{:03}' as decimal(12,3))", if n < 0 { "-" } else { "" }, n.abs() / 1000, n.abs() % 1000)
        })
        .boxed()
}

pub(crate) fn pattern() -> BoxedStrategy<String> {
    prop::sample::select(vec![
        "[a-c]+",
        "b",
        "[[:space:]]+",
        "[[:digit:]]",
        "a.c",
        "^a",
        "[a-z]+$",
        "[^a-z]",
        r"\\d+",
        r"\\w+",
        r"\\s",
        "(a|b)c?",
        "x*y",
        "[.,-]+",
        "[A-Z][a-z]*",
        "(t|w)h?",
        r"\\.",
        "a{2,3}",
        "[0-9a-f]{2}",
    ])
    .prop_map(str::to_owned)
    .boxed()
}

pub(crate) fn read_mask() -> BoxedStrategy<String> {
    prop::sample::select(vec![
        "YYYY-MM-DD HH24:MI:SS.US",
        "YYYYMMDDHH24MISS",
        "DD Mon YYYY HH12:MI:SS AM",
        "Month DD, YYYY",
        "YYYY-DDD",
        "MM/DD/YYYY",
        "IYYY-IW-ID",
        "J",
        "DDth FMMonth YYYY",
        "DY, DD MON YYYY HH24:MI:SS.MS",
        "YYYY RM DD",
        "Y,YYY-MM-DD",
    ])
    .prop_map(str::to_owned)
    .boxed()
}
