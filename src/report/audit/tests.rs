#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use std::collections::BTreeMap;
use std::time::Duration;

use lookback_query::audit::coverage::{Coverage, Denied, Place, Reads};
use lookback_query::audit::exceptions::Unused;
use lookback_query::audit::get;
use lookback_query::diagnostics::parse_time;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::report::tests::tags;

fn time(text: &str) -> i64 {
    parse_time(text).unwrap()
}

/// An audit in which every text that comes from a lake, from AWS or from a file begins with a word and ends with this one.
fn audit(end: &str) -> Audit {
    let text = |text: &str| format!("{text}{end}");
    let finding = |id: &str, verdict: Verdict| Finding {
        check: get(id).unwrap(),
        account_id: text("111122223333"),
        region: text("eu-west-1"),
        entity_type: text("cluster"),
        entity: text("arn:aws:redshift:eu-west-1:111122223333:namespace:1"),
        entity_name: text("sales"),
        verdict,
        reason: text("ModifyCluster 2026-01-10 23:45 by arn:aws:iam::111122223333:user/etl."),
        evidence: vec![
            json!({ "table": text("encryption_events"), "key": { "event_key": text("k") } }),
            json!(text("row")),
        ],
        coverage_pct: Some(99.46),
        since: Some(time("2026-01-10T23:45")),
        window_from: time("2026-01-01"),
        window_to: time("2026-02-01"),
        acceptance: None,
    };
    let acceptance = |holds| Acceptance {
        owner: text("dba@example.com"),
        reason: text("moves in March"),
        until: Some(time("2026-03-01")),
        holds,
    };
    let accepted = Finding { acceptance: Some(acceptance(true)), ..finding("LB-ENC-01", Verdict::Fail) };
    let expired = Finding { acceptance: Some(acceptance(false)), ..finding("LB-ENC-01", Verdict::Fail) };
    let bare = Finding {
        coverage_pct: None,
        since: None,
        evidence: Vec::new(),
        entity: String::new(),
        entity_name: String::new(),
        account_id: String::new(),
        region: String::new(),
        ..finding("LB-KEY-08", Verdict::Unknown)
    };
    let long = Finding { evidence: vec![json!(text("row")); 25], ..finding("LB-KEY-08", Verdict::Pass) };
    let judged = |id: &str, findings: Vec<Finding>| Judged {
        check: get(id).unwrap(),
        findings,
        params: BTreeMap::from([("key_admins".to_owned(), text("arn:aws:iam::1:role/admin"))]),
        error: None,
        took: Duration::from_millis(3),
    };
    let mut reads = Reads::default();
    reads.complete.add(time("2026-01-01"), time("2026-01-20"));
    reads.complete.add(time("2026-01-21T12:00"), time("2026-02-01"));
    let denied = |call: &str| Denied {
        call: text(call),
        code: text("AccessDenied"),
        grant: text("kms:DescribeKey"),
        resource: Some(text("arn:aws:kms:eu-west-1:444444444444:key/9")),
        window: (time("2026-01-01"), time("2026-01-02")),
    };
    let altogether = Denied { resource: None, ..denied("kms:ListGrants") };
    reads.denied.extend([denied("kms:DescribeKey"), denied("kms:DescribeKey"), altogether]);
    let place = Place { collector: text("keys"), account_id: text("111122223333"), region: text("eu-west-1") };
    Audit {
        as_of: time("2026-02-01"),
        window: (time("2026-01-01"), time("2026-02-01")),
        lake: text("s3://logs/lake"),
        versions: vec![(text("kms_key_state"), 7), (text("collection_runs"), 12)],
        checks: vec![
            judged("LB-ENC-01", vec![finding("LB-ENC-01", Verdict::Fail), accepted, expired]),
            judged("LB-KEY-08", vec![bare, long, finding("LB-KEY-08", Verdict::NotApplicable)]),
        ],
        coverage: Coverage { reads: BTreeMap::from([(place, reads)]), ..Coverage::default() },
        unused: vec![Unused { check: "LB-ENC-02", entity: text("web"), owner: text("dba@example.com") }],
    }
}

fn written(end: &str) -> String {
    let entry =
        "[[exception]]\ncheck = \"LB-ENC-01\"\nentity = \"sales\"\nowner = \"a\"\nreason = \"b\"\nuntil = 2026-03-01";
    page(&audit(end), &Exceptions::parse(entry).unwrap()).unwrap()
}

/// The page without its style sheet.
#[test]
fn a_page_to_sign() {
    let page = written("");
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    insta::assert_snapshot!(format!("{head}{body}"));
}

#[test]
fn nothing_on_the_page_runs_or_is_fetched() {
    let page = written("");
    for never in ["<script", "src=", "url(", "http://", "https://", "@import", "javascript:"] {
        assert!(!page.contains(never), "{never}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn hostile_texts_are_text() {
    let page = written("\"'><script>alert(1)</script>\u{202e}\u{7}");
    assert!(!page.contains("<script") && !page.contains(['\u{202e}', '\u{7}']));
    // All that the audit was told is on the page, and can be seen: what a bidirectional mark or a control character was as well.
    let shown = "&#34;&#39;&#62;&#60;script&#62;alert(1)&#60;/script&#62;\u{fffd}\u{fffd}";
    let told = [
        "sales",
        "111122223333",
        "user/etl.",
        "role/admin",
        "dba@example.com",
        "moves in March",
        "s3://logs/lake",
        "keys",
        "web",
    ];
    for word in told {
        assert!(page.contains(&format!("{word}{shown}")), "{word}\n{page}");
    }
}

proptest! {
    /// Whatever names, statements and files hold, the page has the same tags and attributes, and nothing that is not seen.
    #[test]
    fn texts_of_the_record_change_no_structure(
        hostile in prop_oneof![
            any::<String>(),
            prop::sample::select(vec![
                "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onload='x", "</td></table>", "{{ lake }}", "{% if %}",
                "&lt;b&gt;", "<!--", "]]>", "\u{202e}", "\u{2066}a\u{2069}", "\r\n", "\0",
            ]).prop_map(str::to_owned),
        ],
    ) {
        let page = written(&hostile);
        prop_assert_eq!(tags(&page), tags(&written("")));
        let hides = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        prop_assert!(!page.contains(hides));
    }
}
