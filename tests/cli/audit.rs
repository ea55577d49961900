//! `audit` and `timeline`: exit codes, formats, what is recorded, and input that is wrong.

use lookback_schemas::encryption::table;
use serde_json::{Value, json};

use crate::lakes::TestLake;
use crate::support::{Place, Ran};

const ACCOUNT: &str = "111122223333";
const DAY: &str = "2026-01-10";
const WHEN: [&str; 4] = ["--as-of", "2026-01-20", "--from", "2026-01-10"];

fn state(name: &str, encrypted: bool) -> Value {
    let key = encrypted.then_some("arn:aws:kms:eu-west-1:111122223333:key/1");
    json!({
        "observed_at": "2026-01-20T00:00:00Z", "obs_kind": "heartbeat", "state_hash": name, "region": "eu-west-1",
        "run_id": "r", "source_call": "redshift:DescribeClusters",
        "cluster_namespace_arn": format!("arn:aws:redshift:eu-west-1:{ACCOUNT}:namespace:{name}"),
        "deployment": "provisioned", "cluster_identifier": name, "create_time": "2025-12-01T00:00:00Z",
        "encrypted": encrypted, "encryption_type": if encrypted { "kms_cmk" } else { "none" }, "kms_key_arn": key,
        "cluster_status": "available", "availability_status": "Available",
    })
}

/// Two clusters, one of them encrypted, and collectors that looked at them all the time.
async fn lake() -> TestLake {
    let lake = TestLake::new();
    let states = json!([state("open", false), state("closed", true)]);
    lake.add_record(table("cluster_encryption_state").unwrap(), ACCOUNT, "2026-01-20", &states).await;
    let run = |collector: &str| {
        json!({
            "run_id": collector, "collector": collector, "collector_version": "1", "region": "eu-west-1",
            "started_at": "2026-01-20T00:00:00Z", "finished_at": "2026-01-20T00:00:00Z", "status": "ok",
            "window_from": "2026-01-01T00:00:00Z", "window_to": "2026-01-20T00:00:00Z", "calls": 1, "throttles": 0, "rows": 2,
        })
    };
    let runs = json!([run("clusters"), run("serverless")]);
    lake.add_record(table("collection_runs").unwrap(), ACCOUNT, DAY, &runs).await;
    lake
}

async fn audit(place: &Place, lake: &TestLake, more: &[&str]) -> Ran {
    let base = ["--lake", lake.location(), "audit", "--control", "LB-ENC-01"];
    place.run(&[&base[..], &WHEN, more].concat()).await
}

#[tokio::test]
async fn a_failure_is_exit_code_1_until_it_is_accepted() {
    let (place, lake) = (Place::new(), lake().await);
    let ran = audit(&place, &lake, &[]).await.expect(1);
    insta::assert_snapshot!(ran.stdout, @r"
    check      severity  verdict  entity       account  region     since                reason
    ---------  --------  -------  ------  ------------  ---------  -------------------  ----------------------
    LB-ENC-01  critical  FAIL     open    111122223333  eu-west-1  2026-01-20 00:00:00  Not encrypted at rest.

    1 checks as of 2026-01-20 00:00:00, window 2026-01-10 00:00:00 to 2026-01-20 00:00:00 (UTC)
    1 FAIL, 0 UNKNOWN, 1 PASS, 0 NOT_APPLICABLE
    ");
    let entry = |until: &str| {
        format!(
            "[[exception]]\ncheck = \"LB-ENC-01\"\nentity = \"open\"\nowner = \"dba\"\nreason = \"soon\"\nuntil = {until}\n"
        )
    };
    place.write("good.toml", &entry("2026-02-01"));
    let ran = audit(&place, &lake, &["--exceptions", "good.toml"]).await.expect(0);
    assert!(ran.stdout.contains("FAIL (accepted)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("accepted until 2026-02-02 00:00:00 by dba: soon"), "{}", ran.stdout);
    place.write("old.toml", &entry("2026-01-19"));
    let ran = audit(&place, &lake, &["--exceptions", "old.toml"]).await.expect(1);
    assert!(ran.stdout.contains("expired, it counts again"), "{}", ran.stdout);
    place.write("idle.toml", &entry("2026-02-01").replace("\"open\"", "\"other\""));
    audit(&place, &lake, &["--exceptions", "idle.toml"]).await.expect(1).says(&["'other' is not needed any more"]);
}

#[tokio::test]
async fn unknown_fails_only_if_it_is_asked_to() {
    let (place, lake) = (Place::new(), TestLake::new());
    let base = ["--lake", lake.location(), "audit", "--control", "lb-enc-01", "--control", "LB-ENC-08"];
    let ran = place.run(&base).await.expect(0);
    assert!(ran.stdout.contains("0 FAIL, 2 UNKNOWN, 0 PASS"), "{}", ran.stdout);
    place.run(&[&base[..], &["--strict"]].concat()).await.expect(1);
}

#[tokio::test]
async fn every_format_says_the_same() {
    let (place, lake) = (Place::new(), lake().await);
    let json = audit(&place, &lake, &["--format", "json"]).await.expect(1).json();
    assert_eq!((&json["summary"]["fail"], &json["summary"]["pass"]), (&json!(1), &json!(1)));
    let csv = audit(&place, &lake, &["--format", "csv"]).await.expect(1).stdout;
    assert_eq!(csv.lines().count(), 3);
    let ocsf = audit(&place, &lake, &["--format", "ocsf"]).await.expect(1).json();
    assert_eq!(ocsf[0]["class_uid"], 2003);
    let asff = audit(&place, &lake, &["--format", "asff"]).await.expect(1).json();
    assert_eq!(asff["Findings"][0]["Compliance"]["Status"], "FAILED");
    let junit = audit(&place, &lake, &["--format", "junit"]).await.expect(1).stdout;
    assert!(junit.contains("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\""), "{junit}");
    // A file's name says the form, and the file is whole.
    let ran = audit(&place, &lake, &["-o", "report.html"]).await.expect(1);
    assert_eq!(ran.stdout, "");
    let page = std::fs::read_to_string(place.path("report.html")).unwrap();
    for part in ["Signature", "Coverage of the evidence", "LB-ENC-01", "What to do", "arn:aws:redshift:"] {
        assert!(page.to_lowercase().contains(&part.to_lowercase()), "{part}");
    }
    assert!(!page.contains("<script") && page.trim_end().ends_with("</html>"));
}

#[tokio::test]
async fn what_is_recorded_is_recorded_once() {
    let (place, lake) = (Place::new(), lake().await);
    let count = async || {
        let sql = "SELECT verdict, COUNT(*) FROM audit_results GROUP BY 1 ORDER BY 1";
        place.run(&["--lake", lake.location(), "sql", "--format", "csv", sql]).await.expect(0).stdout
    };
    audit(&place, &lake, &[]).await.expect(1);
    assert_eq!(count().await.lines().count(), 1, "an audit writes only if it is asked to");
    audit(&place, &lake, &["--record"]).await.expect(1).says(&["audit_results has 2 new rows: audit-"]);
    audit(&place, &lake, &["--record"]).await.expect(1).says(&["already"]);
    assert_eq!(count().await.lines().skip(1).collect::<Vec<_>>(), ["FAIL,1", "PASS,1"]);
}

#[tokio::test]
async fn wrong_input_is_refused() {
    let (place, lake) = (Place::new(), lake().await);
    place.write("bad.toml", "[[exception]]\ncheck = \"LB-ENC-01\"\nentitty = \"x\"\n");
    for (more, says) in [
        (&["--control", "LB-ENC-1"][..], "no check has the id 'LB-ENC-1'"),
        (&["--format", "pdf"], "'pdf' is not a format"),
        (&["--to", "soon"], "'soon' is not a time"),
        (&["--to", "2026-01-01"], "no time in it"),
        (&["--to", "2026-01-21"], "after the moment of the audit"),
        (&["-p", "days"], "'days' is not a parameter"),
        (&["-p", "nothing=1"], "has a parameter 'nothing'"),
        (&["--exceptions", "none.toml"], "reading none.toml"),
        (&["--exceptions", "bad.toml"], "entitty"),
    ] {
        audit(&place, &lake, more).await.expect(2).says(&[says]);
    }
    let list = place.run(&["audit", "--list"]).await.expect(0).stdout;
    assert!(list.matches("LB-").count() >= 26, "{list}");
}

#[tokio::test]
async fn the_story_of_a_cluster() {
    let (place, lake) = (Place::new(), lake().await);
    let told = async |more: &[&str]| place.run(&[&["--lake", lake.location(), "timeline"], more].concat()).await;
    let ran = told(&["closed"]).await.expect(0);
    assert!(ran.stdout.contains("first seen, encrypted with a customer managed key"), "{}", ran.stdout);
    let json = told(&["open", "--format", "json"]).await.expect(0).json();
    assert_eq!(json["incarnations"][0]["segments"][0]["encrypted"], false);
    assert!(told(&["open", "--format", "html"]).await.expect(0).stdout.contains("first seen, not encrypted"));
    told(&["opne"]).await.expect(2).says(&["did you mean 'open'"]);
    told(&["open", "--from", "2026-02-01", "--to", "2026-01-01"]).await.expect(2).says(&["--from must be before --to"]);
}
