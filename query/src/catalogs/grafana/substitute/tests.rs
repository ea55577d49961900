#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{Stand, statement};
use crate::diagnostics;
use crate::dialect::LookbackDialect;

fn stands() -> BTreeMap<&'static str, Stand> {
    BTreeMap::from([
        ("from", Stand::From),
        ("to", Stand::To),
        ("cluster", Stand::Clusters),
        ("top", Stand::Number("top".to_owned())),
        ("word", Stand::Text("word".to_owned())),
    ])
}

#[test]
fn parameters_become_macros_and_variables() {
    let sql = "-- title: gone\nSELECT 1 -- stays: '$'\nFROM t\nWHERE (:from IS NULL OR at >= :from)\n  AND (:cluster IS NULL OR t.cluster_id = :cluster)\n  \
               AND at < DATEADD(day, 1, COALESCE(:to, GETDATE())) AND x::int > 0 AND w = :word\nLIMIT :top\n";
    let want = "SELECT 1 -- stays: '$'\nFROM t\nWHERE (at >= CAST($__timeFrom() AS TIMESTAMP))\n  \
                AND ('*' IN (${cluster:sqlstring}) OR t.cluster_id IN (${cluster:sqlstring}))\n  \
                AND at < DATEADD(day, 1, COALESCE(CAST($__timeTo() AS TIMESTAMP), GETDATE())) AND x::int > 0 \
                AND w = '${word:percentencode}'\nLIMIT CAST('${top:percentencode}' AS BIGINT)";
    assert_eq!(statement(sql, &stands()).unwrap(), want);
}

#[test]
fn a_test_for_null_goes_only_where_the_rest_stays_as_it_was() {
    let made = |sql: &str| statement(sql, &stands()).unwrap();
    assert_eq!(made("WHERE :from IS NULL OR a >= :from"), "WHERE a >= CAST($__timeFrom() AS TIMESTAMP)");
    // AND binds tighter: without its first half this would be another condition.
    assert_eq!(made("WHERE b AND :from IS NULL OR c"), "WHERE b AND CAST($__timeFrom() AS TIMESTAMP) IS NULL OR c");
    assert_eq!(made("WHERE (:from IS NULL)"), "WHERE (CAST($__timeFrom() AS TIMESTAMP) IS NULL)");
}

#[test]
fn what_grafana_would_change_is_refused() {
    for (sql, why) in [
        ("SELECT '$name'", "take '$n'"),
        ("SELECT '${x}'", "take '${'"),
        ("SELECT '[[x]]'", "take '[[x'"),
        ("SELECT :other", "nothing stands for the parameter 'other'"),
        ("SELECT UPPER(:cluster)", "is several clusters"),
    ] {
        let refused = statement(sql, &stands()).unwrap_err();
        assert!(refused.contains(why), "{sql}: {refused}");
    }
    // A literal that looks like a parameter is none.
    assert_eq!(statement("SELECT ':top', '[[:space:]]$'", &stands()).unwrap(), "SELECT ':top', '[[:space:]]$'");
}

#[test]
fn no_diagnostic_has_what_grafana_would_change() {
    for diagnostic in diagnostics::list() {
        let stands = diagnostic.params.iter().map(|param| {
            let stand = match param.name {
                "from" => Stand::From,
                "to" => Stand::To,
                "cluster" => Stand::Clusters,
                other => Stand::Number(other.to_owned()),
            };
            (param.name, stand)
        });
        let sql = statement(diagnostic.sql, &stands.collect()).unwrap();
        assert!(!sql.starts_with("--") && !sql.contains(":from"), "{}", diagnostic.name);
    }
}

/// What Grafana's `percentencode` leaves of a value.
fn percent_encoded(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

proptest! {
    #[test]
    fn no_value_that_is_typed_leaves_its_literal(value in r#"(?s).{0,24}|[\\'"$;%-]{0,8}"#) {
        let sql = statement("SELECT :top, :word, 'end'", &stands()).unwrap();
        let sql = sql.replace("${top:percentencode}", &percent_encoded(&value));
        let sql = sql.replace("${word:percentencode}", &percent_encoded(&value));
        let tokens = Tokenizer::new(&LookbackDialect::default(), &sql).with_unescape(false).tokenize().unwrap();
        let literals: Vec<&str> = tokens
            .iter()
            .filter_map(|token| if let Token::SingleQuotedString(text) = token { Some(text.as_str()) } else { None })
            .collect();
        let encoded = percent_encoded(&value);
        prop_assert_eq!(literals, [encoded.as_str(), encoded.as_str(), "end"]);
    }

    #[test]
    fn text_without_parameters_stays_as_it_is(sql in r"(SELECT|a|'x''y'|--c\n|/\*c\*/|::|1\.5e3|\n| |,|\(|\)|<>|~){0,20}") {
        if let Ok(made) = statement(&sql, &stands()) {
            let body: Vec<&str> = sql.lines().skip_while(|line| line.starts_with("--")).collect();
            let want = body.join("\n");
            prop_assert_eq!(made, want.trim_end());
        }
    }
}
