use lookback_schemas::time::DAY;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::observe::{SourceKind, Verdict};

/// An answer about a cluster that is not encrypted.
pub(crate) fn observation(name: &str) -> Observation {
    Observation {
        source: Source {
            kind: SourceKind::Check,
            name: "LB-ENC-01".to_owned(),
            title: "Encrypted at rest now".to_owned(),
        },
        severity: Severity::Critical,
        entity: Entity {
            kind: "cluster".to_owned(),
            id: format!("arn:aws:redshift:eu-west-1:111122223333:namespace:{name}"),
            name: name.to_owned(),
            account_id: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            cluster: name.to_owned(),
        },
        verdict: Verdict::Fail,
        said: "FAIL".to_owned(),
        reason: "Not encrypted at rest.".to_owned(),
        since: Some(20_000 * DAY),
        advice: vec!["Encrypt it.".to_owned()],
        evidence: vec![json!({"table": "cluster_encryption_state", "key": ["x"]})],
        values: Map::new(),
    }
}

pub(crate) fn told() -> Told<'static> {
    Told {
        id: "c0ffee",
        alert_id: "a1e47",
        change: Kind::Fail,
        at: 20_001 * DAY,
        opened_at: 20_001 * DAY,
        rule: "encryption",
    }
}

#[test]
fn what_people_and_programs_read() {
    let event = Event::new(&told(), &observation("sales"));
    insta::assert_snapshot!("body", serde_json::to_string_pretty(&event).unwrap());
    insta::assert_snapshot!("text", format!("{}\n\n{}\n\n{}", event.text, subject(&event), lines(&event)));
    let mut right = observation("sales");
    (right.said, right.reason, right.since) = ("PASS".to_owned(), "Encrypted at rest (kms_cmk).".to_owned(), None);
    let over = Event::new(&Told { id: "0fe4", change: Kind::Over, at: 20_002 * DAY, ..told() }, &right);
    insta::assert_snapshot!("over", format!("{}\n\n{}\n\n{}", over.text, subject(&over), lines(&over)));
}

#[test]
fn hostile_names_are_text() {
    let evil = "<!channel> <https://evil|click> [x](https://evil) @here ``` \u{202e}\n\r\u{7}&lt;";
    let event = Event::new(&told(), &observation(evil));
    insta::assert_snapshot!("hostile", format!("{}\n\n{}\n\n{}", event.text, subject(&event), lines(&event)));
    // In the document it is what it is.
    let read: Value = serde_json::from_str(&event.body()).unwrap();
    assert_eq!(read["entity"]["name"], evil);
}

#[test]
fn what_is_long_is_cut() {
    let mut long = observation(&"x".repeat(5_000));
    long.reason = "y".repeat(50_000);
    long.evidence = (0..1_000).map(|n| json!({ "n": "z".repeat(100), "m": n })).collect();
    long.values = (0..1_000).map(|n| (format!("c{n}"), json!("v".repeat(100)))).collect();
    let event = Event::new(&told(), &long);
    assert!(event.body().len() < 40_000, "{}", event.body().len());
    assert_eq!(event.evidence.len(), 20);
    assert!(subject(&event).len() <= 99 && event.text.len() < 1_500);
}

proptest! {
    #[test]
    fn no_name_is_markup_or_a_line(name in "\\PC{0,40}|[<>&\\[\\]`@a:/\n\u{202e}]{0,40}", reason in "[<>&\\[\\]`@a:/\r]{0,40}") {
        let mut one = observation(&format!("n{name}"));
        one.reason = reason;
        let event = Event::new(&told(), &one);
        let without = event.text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
        prop_assert!(!without.contains(['<', '>', '&', '[', ']', '`']), "{}", event.text);
        prop_assert!(!event.text.contains("://") && !event.text.contains("@a"), "{}", event.text);
        prop_assert!(event.text.lines().count() == 1);
        prop_assert!(subject(&event).bytes().all(|b| (b' '..=b'~').contains(&b)));
        prop_assert_eq!(lines(&event).lines().count(), lines(&Event::new(&told(), &Observation { reason: "r".into(), ..observation("n") })).lines().count());
        prop_assert_eq!(Event::read(&event.body()), Some(event));
    }
}
