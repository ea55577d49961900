#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails shall say where")]

use proptest::prelude::*;

use super::*;
use crate::audit::list;

fn check() -> &'static Check {
    &list()[0]
}

fn finding(entity: &str, since: Option<&str>) -> Finding {
    Finding {
        check: check(),
        account_id: "1".to_owned(),
        region: "eu".to_owned(),
        entity_type: "cluster".to_owned(),
        entity: entity.to_owned(),
        entity_name: "sales".to_owned(),
        verdict: Verdict::Fail,
        reason: String::new(),
        evidence: Vec::new(),
        coverage_pct: None,
        since: since.map(|since| parse_time(since).unwrap()),
        window_from: 0,
        window_to: 1,
        acceptance: None,
    }
}

/// An exception with these lines; `check` is there already.
fn exception(lines: &str) -> String {
    format!("[[exception]]\ncheck = \"{}\"\n{lines}\n", check().id)
}

const REST: &str = "owner = \"a\"\nreason = \"b\"\nuntil = 2026-06-30";

fn accepted(text: &str, finding: &Finding, moment: &str) -> Option<bool> {
    let exceptions = Exceptions::parse(text).unwrap_or_else(|e| panic!("{e}"));
    exceptions.of(finding, parse_time(moment).unwrap()).map(|acceptance| acceptance.holds)
}

#[test]
fn an_exception_holds_to_the_end_of_its_day() {
    let text = exception(&format!("entity = \"arn:*:sales-?\"\n{REST}"));
    let fails = finding("arn:aws:x:sales-1", None);
    assert_eq!(accepted(&text, &fails, "2026-06-30 23:59:59"), Some(true));
    assert_eq!(accepted(&text, &fails, "2026-07-01"), Some(false), "it is expired, and says so");
    assert_eq!(accepted(&text, &finding("arn:aws:x:sales-12", None), "2026-06-30"), None);
    assert_eq!(accepted(&text, &Finding { verdict: Verdict::Unknown, ..fails }, "2026-06-01"), None);
    // By name as well; the entry that holds longest counts.
    let two = format!(
        "{}{}",
        exception(&format!("entity = \"sales\"\n{REST}")),
        exception("entity = \"sales\"\nowner = \"c\"\nreason = \"d\"\nuntil = 2026-08-01T12:00:00Z")
    );
    assert_eq!(accepted(&two, &finding("arn", None), "2026-08-01 11:59"), Some(true));
    assert_eq!(accepted(&two, &finding("arn", None), "2026-08-01 12:00"), Some(false));
}

#[test]
fn a_baseline_accepts_one_fact() {
    let text = format!(
        "[[baseline]]\ncheck = \"{}\"\nentity = \"sales\"\nsince = 2025-01-10T23:45:00Z\nowner = \"a\"\nreason = \"b\"\n",
        check().id
    );
    assert_eq!(accepted(&text, &finding("x", Some("2025-01-10 23:45:00.25")), "2030-01-01"), Some(true));
    assert_eq!(accepted(&text, &finding("x", Some("2025-03-01")), "2030-01-01"), None, "it failed again");
    assert_eq!(accepted(&text, &finding("x", None), "2030-01-01"), None);
}

#[test]
fn entries_that_mean_nothing_are_told() {
    let text = exception(&format!("entity = \"gone\"\n{REST}"));
    let exceptions = Exceptions::parse(&text).unwrap();
    let findings = [finding("x", None)];
    let unused = exceptions.unused(findings.iter(), &[check()]);
    assert_eq!(unused.iter().map(|entry| entry.entity.as_str()).collect::<Vec<_>>(), ["gone"]);
    assert!(exceptions.unused(findings.iter(), &[]).is_empty(), "its check was not asked");
    // Who knows nothing of an entity cannot say that its exception is done with.
    let unknown = |entity: &str| Finding { verdict: Verdict::Unknown, ..finding(entity, None) };
    assert!(exceptions.unused([unknown("gone")].iter(), &[check()]).is_empty());
    assert!(exceptions.unused([unknown("")].iter(), &[check()]).is_empty());
    assert_eq!(exceptions.unused([unknown("arn")].iter(), &[check()]).len(), 1);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let good = exception(&format!("entity = \"sales\"\n{REST}"));
    assert!(Exceptions::parse(&good).is_ok() && Exceptions::parse("").unwrap().is_empty());
    for (from, to, says) in [
        ("owner =", "ownr =", "ownr"),
        ("until = 2026-06-30", "", "missing field `until`"),
        ("until = 2026-06-30", "until = \"soon\"", "line"),
        ("until = 2026-06-30", "until = 10:00:00", "'10:00:00' is not a date"),
        ("reason = \"b\"", "reason = \" \"", "line 1: 'reason' is empty"),
        ("entity = \"sales\"", "entity = \"*\"", "would switch the check off"),
        ("[[exception]]", "[[exceptions]]", "exceptions"),
        ("check = \"", "check = \"X", "no check has the id"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Exceptions::parse(&good.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
        assert_eq!(error.kind(), ErrorKind::Parameter);
    }
}

proptest! {
    #[test]
    fn patterns_mean_what_their_regular_expressions_mean(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
        let expression = format!("^{}$", pattern.replace('*', ".*").replace('?', "."));
        prop_assert_eq!(matches(&pattern, &text), regex::Regex::new(&expression).unwrap().is_match(&text));
    }
}
