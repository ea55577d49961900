#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails shall say where")]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::audit::check::list;
use crate::audit::coverage::Coverage;
use crate::audit::finding::{Acceptance, Verdict};
use crate::audit::run::Judged;
use crate::diagnostics::parse_time;

use super::*;

mod ocsf;

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

/// Findings of all kinds: verdicts, acceptances, entities, places, and texts that are empty, blank, long or hostile.
fn all_kinds() -> Audit {
    let long = "ä€\u{1f511} ".repeat(2_000);
    let accepted = |until: Option<&str>, holds| Acceptance {
        owner: HOSTILE.to_owned(),
        reason: " ".to_owned(),
        until: until.map(|until| parse_time(until).unwrap()),
        holds,
    };
    let at = |region: &str, entity_type: &str, entity: &str| Finding {
        region: region.to_owned(),
        entity_type: entity_type.to_owned(),
        ..finding(Verdict::Unknown, entity, "AWS did not say.")
    };
    let fail = |entity: &str| finding(Verdict::Fail, entity, HOSTILE);
    audit(vec![
        Finding { entity_name: HOSTILE.to_owned(), ..fail("arn:aws:redshift:x:1") },
        Finding { acceptance: Some(accepted(Some("2026-03-01"), true)), ..fail("arn:aws:redshift:x:2") },
        Finding { acceptance: Some(accepted(Some("2026-01-09"), false)), since: None, ..fail("arn:aws:redshift:x:3") },
        Finding { acceptance: Some(accepted(None, true)), ..fail(HOSTILE) },
        Finding { evidence: vec![json!(long); 60], reason: long.clone(), ..fail(&format!("arn:aws:{long}")) },
        Finding {
            coverage_pct: None,
            evidence: Vec::new(),
            entity_name: " ".to_owned(),
            ..finding(Verdict::Pass, "arn:aws:x", " \n ")
        },
        finding(Verdict::NotApplicable, "arn:aws:redshift:x:4", "There is nothing"),
        at("cn-north-1", "collector", "111122223333/cn-north-1/clusters"),
        at("us-gov-west-1", "kms_key", "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1"),
        at("us-iso-east-1", "namespace", "arn:aws-iso:redshift-serverless:us-iso-east-1:111122223333:namespace/1"),
        at("eu-west-1", "snapshot", "arn:\"<:redshift:x"),
        at("", "kms_key", "arn:aws:kms::1"),
        Finding { account_id: String::new(), region: String::new(), entity_name: String::new(), ..at("", "", "") },
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

/// Each call is of one account and region. `tests/aws/extension/test_asff.py` holds these calls against AWS's own description of the
/// interface.
#[test]
fn asff_calls() {
    let text = write(&all_kinds(), Form::Asff);
    let calls: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for call in &calls {
        let findings = call["Findings"].as_array().unwrap();
        let place = |one: &Value| (one["AwsAccountId"].clone(), one["Region"].clone(), one["ProductArn"].clone());
        assert!(findings.iter().all(|one| place(one) == place(&findings[0])), "{findings:?}");
    }
    let regions: Vec<&str> = calls.iter().map(|call| call["Findings"][0]["Region"].as_str().unwrap()).collect();
    assert_eq!(regions, ["cn-north-1", "eu-west-1", "us-gov-west-1", "us-iso-east-1"]);
    insta::assert_snapshot!(text);
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
    let wide = |n| Finding {
        evidence: vec![json!("\u{1f511}".repeat(5_000)); 60],
        ..finding(Verdict::Fail, &format!("arn:aws:x:{n}"), &long)
    };
    let text = write(&audit((0..90).map(wide).collect()), Form::Asff);
    assert!(text.lines().count() > 1 && text.lines().all(|call| call.len() < 6_000_000));
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
