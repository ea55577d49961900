//! The files of a trail in a bucket: packed, on several pages, broken, late.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::land::{Land, REGION};
use super::{classes, status};
use crate::support::moto::ACCOUNT;

const TRAIL: &str = "trail-files";

/// The key of a file that was delivered then, and the record of a reboot at that time.
fn delivery(at: DateTime<Utc>, name: &str) -> (String, Value) {
    let place = format!("AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/{}", at.format("%Y/%m/%d"));
    let key = format!("{place}/{ACCOUNT}_CloudTrail_{REGION}_{}_{name}.json.gz", at.format("%Y%m%dT%H%MZ"));
    let record = json!({
        "eventVersion": "1.11", "eventID": name, "eventName": "RebootCluster", "eventSource": "redshift.amazonaws.com",
        "eventTime": at.to_rfc3339(), "awsRegion": REGION, "recipientAccountId": ACCOUNT, "readOnly": false,
        "requestParameters": {"clusterIdentifier": "sales"}, "responseElements": null,
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/admin/anna", "accountId": ACCOUNT},
    });
    (key, record)
}

async fn deliver(land: &Land, minutes_ago: i64, name: &str, cut: bool) {
    let (key, record) = delivery(Utc::now() - Duration::minutes(minutes_ago), name);
    // What is none of ours is in every file.
    let other = json!({"eventID": "x", "eventName": "GetObject", "eventSource": "s3.amazonaws.com"});
    let body = json!({"bucket": TRAIL, "key": key, "records": [other, record], "cut": cut});
    land.moto.control("trail-file", &body).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_trail_are_read_once_whatever_is_broken_or_late() {
    let mut land = Land::new().await;
    land.moto.create_bucket(REGION, TRAIL).await;
    land.cluster("sales", None).await;
    land.settings.trail_bucket = Some(TRAIL.to_owned());
    land.settings.trail_backfill = std::time::Duration::from_secs(3 * 3_600);
    for (n, minutes) in [170, 95, 94, 93, 50, 40].into_iter().enumerate() {
        deliver(&land, minutes, &format!("e{n}"), false).await;
    }
    // Older than what is to be read at first.
    deliver(&land, 200, "old", false).await;
    land.moto.control("settings", &json!({"s3_page": 2})).await;
    let report = land.collect().await;
    land.moto.control("settings", &json!({"s3_page": null})).await;
    assert_eq!((report.exit_code(), status(&report, "trail_files")), (0, "ok"), "{report:?}");
    assert!(report.calls()["s3:ListBucket"] >= 3 && report.calls()["s3:GetObject"] == 6, "{:?}", report.calls());
    let told = classes(&land.rows("encryption_events").await, "cloudtrail_s3");
    assert_eq!(told, ["cluster.rebooted"; 6]);

    // A delivery that broke off holds up nothing that comes after it, and the run does not pass for complete.
    deliver(&land, 20, "broken", true).await;
    deliver(&land, 10, "e6", false).await;
    let report = land.collect().await;
    assert_eq!((report.exit_code(), status(&report, "trail_files")), (0, "partial"), "{report:?}");
    let files = report.collectors.iter().find(|one| one.collector == "trail_files").unwrap();
    assert!(files.error.as_ref().unwrap().contains("_broken.json.gz") && files.covered_until.is_some(), "{files:?}");
    // One that comes late is found in the overlap.
    deliver(&land, 60, "late", false).await;
    land.collect().await;
    let events = land.rows("encryption_events").await;
    let mut ids: Vec<&str> = events.iter().filter_map(|row| row.get_text("source_event_id")).collect();
    ids.retain(|id| id.starts_with('e') || ["late", "old", "broken"].contains(id));
    ids.sort_unstable();
    assert_eq!(ids.iter().filter(|id| id.len() == 2 || **id == "late").count(), 8, "{ids:?}");
    assert!(!ids.contains(&"old") && !ids.contains(&"broken"), "{ids:?}");
    let last = land.collect().await;
    assert_eq!(last.collectors.iter().find(|one| one.collector == "trail_files").unwrap().rows, 0, "{last:?}");
}
