#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use lookback_query::audit::timeline::{Between, Work};
use lookback_query::diagnostics::parse_time;
use lookback_schemas::time::{DAY, MINUTE};
use proptest::prelude::*;

use super::*;
use crate::report::tests::tags;

/// A story in which every text that comes from AWS or from a lake ends with this one.
fn story(end: &str) -> Timeline {
    let text = |text: &str| format!("{text}{end}");
    let time = |text: &str| parse_time(text).unwrap();
    let seen = |after: Option<&str>, by: Option<&str>| Between { after: after.map(time), by: by.map(time) };
    let plain = Segment {
        encrypted: Some(false),
        encryption_type: text("none"),
        kms_key_arn: None,
        began: seen(None, Some("2025-11-10T09:00")),
        ended: seen(Some("2025-12-03T16:00"), Some("2025-12-03T16:15")),
        work: Some(Work { queries: 12_345, connections: 678, plaintext: 9 }),
    };
    let encrypted = Segment {
        encrypted: Some(true),
        encryption_type: text("kms_cmk"),
        kms_key_arn: Some(text("arn:aws:kms:eu-west-1:111122223333:key/1")),
        began: seen(Some("2025-12-03T16:00"), Some("2025-12-03T16:15")),
        ended: seen(Some("2026-01-31T23:45"), None),
        work: None,
    };
    let entry = |at: &str, after: Option<&str>, what: &str, failed, times| Entry {
        time: time(at),
        after: after.map(time),
        class: text("encryption.enabled"),
        what: text(what),
        who: text("arn:aws:iam::111122223333:user/etl"),
        failed,
        times,
    };
    let one = Incarnation {
        namespace_arn: text("arn:aws:redshift:eu-west-1:111122223333:namespace:1"),
        account_id: text("111122223333"),
        region: text("eu-west-1"),
        created: Some(time("2025-11-10T08:50")),
        gone: None,
        names: vec![
            (text("sales"), seen(None, Some("2025-11-10T09:00"))),
            (text("sales-eu"), seen(Some("2026-01-15T09:45"), Some("2026-01-15T10:00"))),
        ],
        segments: vec![plain, encrypted],
        entries: vec![
            entry("2025-12-03T16:15", Some("2025-12-03T16:00"), "seen encrypted", false, 1),
            entry("2025-12-05T10:00", None, "rotation of the cluster's own keys started: failed, Denied", true, 3),
        ],
    };
    let before = Incarnation { created: None, segments: Vec::new(), entries: Vec::new(), ..one.clone() };
    let as_of = time("2026-02-01");
    Timeline { cluster: text("sales"), as_of, window: (0, as_of), incarnations: vec![before, one] }
}

#[test]
fn a_page_with_a_story() {
    let page = page(&story("")).unwrap();
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    insta::assert_snapshot!(format!("{head}{body}"));
    for never in ["<script", "src=", "url(", "http://", "https://", "@import", "javascript:"] {
        assert!(!page.contains(never), "{never}");
    }
}

#[test]
fn hostile_texts_are_text() {
    let page = page(&story("\"'><script>alert(1)</script>\u{202e}\u{7}")).unwrap();
    assert!(!page.contains("<script") && !page.contains(['\u{202e}', '\u{7}']));
    let shown = "&#34;&#39;&#62;&#60;script&#62;alert(1)&#60;/script&#62;\u{fffd}\u{fffd}";
    for word in ["sales", "sales-eu", "namespace:1", "key/1", "seen encrypted", "user/etl", "eu-west-1"] {
        assert!(page.contains(&format!("{word}{shown}")), "{word}\n{page}");
    }
}

proptest! {
    /// Whatever names and events hold, the page has the same tags and attributes, and nothing that is not seen.
    #[test]
    fn texts_of_the_record_change_no_structure(
        hostile in prop_oneof![
            any::<String>(),
            prop::sample::select(vec![
                "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onload='x", "</td></table>", "{{ cluster }}", "{% if %}",
                "</title><b>", "<!--", "\u{202e}", "\u{2066}a\u{2069}", "\r\n", "\0",
            ]).prop_map(str::to_owned),
        ],
    ) {
        let page_of = |end: &str| page(&story(end)).unwrap();
        prop_assert_eq!(tags(&page_of(&hostile)), tags(&page_of("")));
        let is_hidden = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        prop_assert!(!page_of(&hostile).contains(is_hidden));
    }
}

#[test]
fn moments_between_two_looks() {
    assert_eq!(between(None, Some(0)), "1970-01-01 00:00:00");
    assert_eq!(between(Some(0), Some(0)), "1970-01-01 00:00:00");
    assert_eq!(between(Some(0), Some(15 * MINUTE)), "1970-01-01 00:00 to 00:15");
    assert_eq!(between(Some(0), Some(DAY)), "1970-01-01 00:00 to 1970-01-02 00:00");
    assert_eq!(between(Some(0), None), "-");
}
