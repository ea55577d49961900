//! `status` of the record of encryption: what the collectors have read, and what will soon be lost.

use chrono::{Duration, SecondsFormat, Utc};
use lookback_schemas::encryption::table;
use serde_json::{Value, json};

use crate::lakes::TestLake;
use crate::support::Place;

const ACCOUNT: &str = "111122223333";

/// A moment so many hours ago.
fn ago(hours: i64) -> String {
    (Utc::now() - Duration::hours(hours)).to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn run(id: &str, collector: &str, hours: i64, status: &str, covered_hours: i64, more: &Value) -> Value {
    let mut row = json!({
        "run_id": id, "collector": collector, "collector_version": "1", "region": "eu-west-1",
        "started_at": ago(hours), "finished_at": ago(hours), "status": status, "watermark": ago(covered_hours),
        "calls": 1, "throttles": 0, "rows": 2,
    });
    for (name, value) in more.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

#[tokio::test]
async fn collectors_have_a_table_of_their_own_and_say_what_will_soon_be_lost() {
    let (place, lake) = (Place::new(), TestLake::new());
    let denied = r#"[{"call":"kms:DescribeKey","code":"AccessDeniedException","grant":"kms:DescribeKey","resource":"arn:aws:kms:eu-west-1:1:key/a"}]"#;
    let windows = |from: i64, to: i64| json!({"window_from": ago(from), "window_to": ago(to)});
    let runs = json!([
        run("1", "redshift_events", 264, "ok", 264, &windows(288, 264)),
        run("2", "redshift_events", 1, "failed", 264, &json!({"error": "redshift:DescribeEvents: 500"})),
        run(
            "3",
            "keys",
            1,
            "partial",
            1,
            &json!({"access_errors": denied, "window_from": ago(2), "window_to": ago(1)})
        ),
        run("4", "cloudtrail", 30, "gap", 30, &windows(50, 40)),
        run("5", "cloudtrail", 30, "ok", 31, &windows(40, 30)),
    ]);
    lake.add_record(table("collection_runs").unwrap(), ACCOUNT, &ago(1)[..10], &runs).await;
    let base = ["--lake", lake.location(), "status"];

    let ran = place.run(&[&base[..], &["--record", "--format", "json"]].concat()).await.expect(0);
    let said = ran.stderr.clone();
    assert!(said.contains("redshift_events: read completely only until") && said.contains("in 2 d 23 h"), "{said}");
    let all = ran.json();
    let names: Vec<_> = all.as_array().unwrap().iter().map(|one| one["collector"].as_str().unwrap()).collect();
    assert_eq!(names, ["cloudtrail", "keys", "redshift_events"]);
    let (trail, keys, events) = (&all[0], &all[1], &all[2]);
    assert_eq!((&trail["alarm"], &trail["runs"], &trail["failed"]), (&Value::Null, &json!(1), &json!(0)));
    assert_eq!(trail["gaps"].as_array().unwrap().len(), 1, "{trail}");
    let days = trail["headroom_seconds"].as_i64().unwrap() / 86_400;
    assert_eq!(days, 88, "{trail}");
    assert_eq!((&keys["last_status"], &keys["last_complete"]), (&json!("partial"), &Value::Null));
    assert_eq!(keys["refused"][0]["resource"], "arn:aws:kms:eu-west-1:1:key/a");
    assert_eq!((&keys["forgets_at"], &keys["last_error"]), (&Value::Null, &Value::Null));
    assert_eq!((&events["last_status"], &events["failed"], &events["runs"]), (&json!("failed"), &json!(1), &json!(2)));
    assert!(events["alarm"].as_str().unwrap().contains("let a collection succeed before then"), "{events}");
    assert!(events["last_complete"].as_str().unwrap() < ago(263).as_str());

    let shown = place.run(&base).await.expect(0).stdout;
    assert!(shown.starts_with("nothing has been exported yet\n"), "{shown}");
    let own = &shown[shown.find("account ").unwrap()..];
    let line = |of: &str| own.lines().find(|line| line.contains(of)).unwrap().to_owned();
    assert!(
        line("redshift_events").contains("2d 23h SOON LOST") && line("redshift_events").contains("FAILED"),
        "{own}"
    );
    assert!(line("keys").contains("partial, 1 refused"), "{own}");
    let refused = "eu-west-1 keys: kms:DescribeKey of arn:aws:kms:eu-west-1:1:key/a was refused (AccessDeniedException): \
                   grant kms:DescribeKey";
    assert!(own.contains(refused), "{own}");
    // Programs that read the log tables' list read what they always did.
    let logs = place.run(&[&base[..], &["--format", "json"]].concat()).await.expect(0).json();
    assert_eq!(logs, json!([]));
}

#[tokio::test]
async fn without_a_record_nothing_is_said_of_it() {
    let (place, lake) = (Place::new(), TestLake::new());
    let ran = place.run(&["--lake", lake.location(), "status", "--record"]).await.expect(0);
    assert_eq!(ran.stdout, "no record of encryption has been collected yet\n");
    let ran = place.run(&["--lake", lake.location(), "status"]).await.expect(0);
    assert!(!ran.stdout.contains("record of"), "{}", ran.stdout);
}

/// Two clusters under a key each, one of which may not be described; and nobody could ask for Serverless at all.
#[tokio::test]
async fn what_was_refused_about_one_key_makes_unknown_what_is_under_that_key() {
    let (place, lake) = (Place::new(), TestLake::new());
    let (day, from, to) = ("2026-01-20", "2026-01-01T00:00:00Z", "2026-01-20T00:00:00Z");
    let key = |name: &str| format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{name}");
    let seen = json!({
        "observed_at": to, "obs_kind": "heartbeat", "state_hash": "h", "region": "eu-west-1", "run_id": "r",
        "source_call": "x", "deployment": "provisioned", "create_time": "2025-12-01T00:00:00Z", "encrypted": true,
        "cluster_status": "available", "availability_status": "Available",
    });
    let with = |base: &Value, more: Value| {
        let mut row = base.clone();
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let cluster = |name: &str, kind: &str| {
        with(
            &seen,
            json!({
                "cluster_namespace_arn": format!("arn:aws:redshift:eu-west-1:{ACCOUNT}:namespace:{name}"),
                "cluster_identifier": name, "encryption_type": kind, "kms_key_arn": key(name),
            }),
        )
    };
    let clusters = json!([cluster("ours", "kms_cmk"), cluster("theirs", "unknown")]);
    lake.add_record(table("cluster_encryption_state").unwrap(), ACCOUNT, day, &clusters).await;
    let observed = json!({
        "observed_at": to, "obs_kind": "heartbeat", "state_hash": "h", "region": "eu-west-1", "run_id": "r", "source_call": "x",
    });
    let ours = json!({"kms_key_arn": key("ours"), "key_manager": "CUSTOMER", "key_state": "Enabled", "enabled": true});
    let theirs = json!({"kms_key_arn": key("theirs"), "access_error": "kms:DescribeKey: AccessDeniedException"});
    let keys = json!([with(&observed, ours), with(&observed, theirs)]);
    lake.add_record(table("kms_key_state").unwrap(), ACCOUNT, day, &keys).await;
    let denied = |resource: &str| {
        let entry =
            json!({"call": "kms:DescribeKey", "code": "Denied", "grant": "kms:DescribeKey", "resource": resource});
        json!([entry]).to_string()
    };
    let run = |collector: &str, status: &str, more: Value| {
        let base = json!({
            "run_id": collector, "collector": collector, "collector_version": "1", "region": "eu-west-1", "started_at": to,
            "finished_at": to, "status": status, "window_from": from, "window_to": to, "calls": 1, "throttles": 0, "rows": 2,
        });
        with(&base, more)
    };
    let failed = json!({"error": "no answer", "window_from": null, "window_to": null});
    let runs = json!([
        run("clusters", "ok", json!({})),
        run("serverless", "failed", failed),
        run("keys", "partial", json!({"access_errors": denied(&key("theirs"))})),
    ]);
    lake.add_record(table("collection_runs").unwrap(), ACCOUNT, "2026-01-10", &runs).await;
    let base = ["--lake", lake.location(), "audit", "--as-of", day, "--from", "2026-01-10", "--format", "csv"];
    let ran = place.run(&[&base[..], &["--control", "LB-ENC-01", "--control", "LB-ENC-02"]].concat()).await.expect(0);
    let verdict = |check: &str, name: &str| {
        let line = ran.stdout.lines().find(|line| line.contains(check) && line.contains(&format!("namespace:{name}")));
        let line = line.unwrap_or_else(|| panic!("no {check} of {name}: {}", ran.stdout));
        ["PASS", "FAIL", "UNKNOWN"].into_iter().find(|word| line.contains(word)).unwrap()
    };
    assert_eq!((verdict("LB-ENC-01", "ours"), verdict("LB-ENC-01", "theirs")), ("PASS", "PASS"), "{}", ran.stdout);
    assert_eq!((verdict("LB-ENC-02", "ours"), verdict("LB-ENC-02", "theirs")), ("PASS", "UNKNOWN"), "{}", ran.stdout);
}
