#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails shall say where")]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::audit::check::list;
use crate::audit::coverage::Coverage;
use crate::audit::finding::{Acceptance, Verdict};
use crate::audit::run::Judged;
use crate::diagnostics::parse_time;

use super::*;

const HOSTILE: &str = "=\"<b>&'\u{202e}\u{7},\n]]>";

fn finding(verdict: Verdict, entity: &str, reason: &str) -> Finding {
    Finding {
        check: &list()[0],
        account_id: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        entity_type: "cluster".to_owned(),
        entity: entity.to_owned(),
        entity_name: "sales".to_owned(),
        verdict,
        reason: reason.to_owned(),
        evidence: vec![json!({ "table": "t", "key": { "a": 1 } })],
        coverage_pct: Some(99.5),
        since: Some(parse_time("2026-01-10").unwrap()),
        window_from: parse_time("2026-01-01").unwrap(),
        window_to: parse_time("2026-02-01").unwrap(),
        acceptance: None,
    }
}

fn audit(findings: Vec<Finding>) -> Audit {
    let judged = Judged {
        check: &list()[0],
        findings,
        params: BTreeMap::from([("days".to_owned(), "3".to_owned())]),
        error: None,
        took: Duration::from_millis(1_250),
    };
    Audit {
        as_of: parse_time("2026-02-01").unwrap(),
        window: (parse_time("2026-01-01").unwrap(), parse_time("2026-02-01").unwrap()),
        lake: "s3://lake".to_owned(),
        versions: vec![("kms_key_state".to_owned(), 7)],
        checks: vec![judged],
        coverage: Coverage::default(),
        unused: Vec::new(),
    }
}

fn four() -> Audit {
    let acceptance = Acceptance {
        owner: "dba".to_owned(),
        reason: "soon <gone>".to_owned(),
        until: Some(parse_time("2026-03-01").unwrap()),
        holds: true,
    };
    let accepted =
        Finding { acceptance: Some(acceptance), ..finding(Verdict::Fail, "arn:aws:redshift:x:2", "not encrypted") };
    let nobody = Finding {
        account_id: String::new(),
        region: String::new(),
        entity_name: String::new(),
        evidence: Vec::new(),
        since: None,
        ..finding(Verdict::Unknown, "", "never collected")
    };
    audit(vec![
        finding(Verdict::Fail, "arn:aws-cn:redshift:x:1", HOSTILE),
        accepted,
        nobody,
        finding(Verdict::Pass, "arn:aws:redshift:x:3", "encrypted"),
    ])
}

#[test]
fn as_csv() {
    insta::assert_snapshot!(write(&four(), Form::Csv));
}

#[test]
fn as_junit() {
    let xml = write(&four(), Form::Junit);
    assert!(!xml.contains("<b>") && !xml.contains('\u{7}'));
    insta::assert_snapshot!(xml);
}

#[test]
fn as_ocsf() {
    let events: Value = serde_json::from_str(&write(&four(), Form::Ocsf)).unwrap();
    assert_eq!(events.as_array().unwrap().len(), 4);
    for event in events.as_array().unwrap() {
        assert_eq!((&event["class_uid"], &event["type_uid"]), (&json!(2003), &json!(200_301)));
    }
    insta::assert_snapshot!(format!("{:#}", events[0]).replace(env!("CARGO_PKG_VERSION"), "<version>"));
}

#[test]
fn as_asff() {
    let text = write(&four(), Form::Asff);
    let call: Value = serde_json::from_str(&text).unwrap();
    let findings = call["Findings"].as_array().unwrap();
    assert_eq!(findings.len(), 3, "Security Hub takes findings of accounts only");
    let statuses: Vec<&str> = findings.iter().map(|one| one["Compliance"]["Status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["FAILED", "FAILED", "PASSED"]);
    assert_eq!(findings[1]["Workflow"]["Status"], "SUPPRESSED");
    insta::assert_snapshot!(format!("{:#}", findings[0]));
}

#[test]
fn asff_keeps_to_the_limits_of_security_hub() {
    let long = "ä".repeat(5_000);
    let mut many: Vec<Finding> = (0..250).map(|n| finding(Verdict::Fail, &format!("arn:aws:x:{n}"), "r")).collect();
    many[0] = Finding { evidence: vec![json!(long); 60], ..finding(Verdict::Fail, &format!("arn:aws:{long}"), &long) };
    let text = write(&audit(many), Form::Asff);
    let calls: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sizes: Vec<usize> = calls.iter().map(|call| call["Findings"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    let one = &calls[0]["Findings"][0];
    let length = |value: &Value| value.as_str().unwrap().chars().count();
    assert!(length(&one["Id"]) <= 512 && length(&one["Title"]) <= 256 && length(&one["Description"]) <= 1_024);
    assert!(length(&one["Resources"][0]["Id"]) <= 512);
    let fields = one["ProductFields"].as_object().unwrap();
    assert!(fields.len() <= 50 && fields.values().all(|value| length(value) <= 1_024));
    assert!(one.to_string().len() < 240_000);
}

#[test]
fn as_json() {
    let document: Value = serde_json::from_str(&write(&four(), Form::Json)).unwrap();
    assert_eq!(
        document["summary"],
        json!({ "fail": 2, "fail_accepted": 1, "unknown": 1, "pass": 1, "not_applicable": 0, "errors": 0 })
    );
    assert_eq!(document["checks"][0]["findings"][0]["reason"], HOSTILE);
    assert_eq!(document["versions"][0], json!({ "table": "kms_key_state", "version": 7 }));
}
