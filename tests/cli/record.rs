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
