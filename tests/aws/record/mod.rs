//! The record of encryption, collected through the SDK from AWS as moto and its extension answer, into a bucket and DynamoDB.

mod land;
mod trail;

use lookback_exporter::record::RecordReport;
use lookback_exporter::settings::RecordAccount;
use lookback_schemas::encryption::Row;
use serde_json::{Value, json};

use crate::support::judge::objects;
use land::{BUCKET, Land, OTHER, REGION};

fn status<'a>(report: &'a RecordReport, collector: &str) -> &'a str {
    report.collectors.iter().find(|one| one.collector == collector).unwrap().status
}

fn new_rows(report: &RecordReport) -> u64 {
    report.collectors.iter().map(|one| one.rows).sum()
}

fn classes(rows: &[Row], source: &str) -> Vec<String> {
    let own = rows.iter().filter(|row| row.get_text("source") == Some(source));
    own.map(|row| row.get_text("event_class").unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_is_recorded_once_and_every_object_is_under_the_key() {
    let land = Land::new().await;
    let key = land.moto.create_key(REGION).await;
    land.cluster("sales", Some(&key)).await;
    land.cluster("open", None).await;
    land.snapshot("sales", "s1").await;
    land.rotate("sales").await;
    land.moto.create_workgroup(REGION, "adhoc", "127.0.0.1:5439").await;
    // What is asked beside: recovery points, and the module that a cluster of old names.
    land.cluster("old", None).await;
    let status =
        json!({"HsmConfigurationIdentifier": "vault", "HsmClientCertificateIdentifier": "mine", "Status": "active"});
    let module = json!({"HsmIpAddress": "10.0.0.9", "HsmPartitionName": "p1"});
    let certificate = json!({"HsmClientCertificatePublicKey": "-----BEGIN CERTIFICATE-----"});
    for (kind, id, set) in [
        ("recovery_point", "p1", json!({"namespaceName": "adhoc", "workgroupName": "adhoc"})),
        ("recovery_point", "p2", json!({"namespaceName": "adhoc", "workgroupName": "adhoc"})),
        ("hsm_configuration", "vault", module),
        ("hsm_client_certificate", "mine", certificate),
        ("cluster", "old", json!({"Encrypted": true, "HsmStatus": status})),
    ] {
        let body = json!({"region": REGION, "kind": kind, "id": id, "set": set, "create": kind != "cluster"});
        land.moto.control("state", &body).await;
    }
    let first = land.collect().await;
    assert_eq!(first.exit_code(), 0, "{first:?}");
    let clusters = land.rows("cluster_encryption_state").await;
    let of = |name: &str| clusters.iter().find(|row| row.get_text("cluster_identifier") == Some(name)).unwrap();
    assert_eq!(of("sales").get_text("encryption_type"), Some("kms_cmk"));
    assert_eq!(of("sales").get_text("kms_key_arn"), Some(key.as_str()));
    assert!(of("sales").get_text("cluster_namespace_arn").unwrap().contains(":namespace:"));
    assert_eq!((of("open").get_flag("encrypted"), of("open").get_text("encryption_type")), (Some(false), Some("none")));
    assert_eq!(of("adhoc").get_text("deployment"), Some("serverless"));
    assert_eq!(of("adhoc").get("recovery_points"), Some(&lookback_schemas::encryption::Value::Long(2)));
    let old = of("old");
    assert_eq!((old.get_text("encryption_type"), old.get_text("hsm_ip_address")), (Some("hsm"), Some("10.0.0.9")));
    assert_eq!(old.get_flag("hsm_client_certificate_exists"), Some(true));
    assert!(clusters.iter().all(|row| !format!("{row:?}").contains("CERTIFICATE-----")), "no certificate is stored");
    let snapshots = land.rows("snapshot_encryption_state").await;
    let manual = snapshots.iter().find(|row| row.get_text("snapshot_identifier") == Some("s1")).unwrap();
    assert_eq!(manual.get_text("cluster_namespace_arn"), of("sales").get_text("cluster_namespace_arn"));
    let keys = land.rows("kms_key_state").await;
    let own = keys.iter().find(|row| row.get_text("kms_key_arn") == Some(&key)).unwrap();
    assert_eq!((own.get_text("key_manager"), own.get_text("key_state")), (Some("CUSTOMER"), Some("Enabled")));
    assert!(keys.iter().any(|row| row.get_text("kms_key_arn") == Some(&land.key)), "the lake's own key is one of them");
    let events = land.rows("encryption_events").await;
    let told = classes(&events, "cloudtrail_lookup");
    assert!(told.contains(&"cluster.created".to_owned()), "{told:?}");
    let started = events.iter().find(|row| row.get_text("event_class") == Some("cek_rotation.started")).unwrap();
    assert_eq!(started.get_text("cluster_namespace_arn"), of("sales").get_text("cluster_namespace_arn"));
    // Nothing of the password that clusters were created with.
    for row in &events {
        assert!(!row.get_text("detail_json").unwrap().contains("Not-a-secret"), "{row:?}");
    }
    // Redshift's rotation ends, which no event says; after that there is nothing new.
    land.collect().await;
    land.collect().await;
    let events = land.rows("encryption_events").await;
    assert!(classes(&events, "state_diff").contains(&"cek_rotation.completed".to_owned()));
    let last = land.collect().await;
    assert_eq!(new_rows(&last), 0, "{last:?}");
    let found = objects(land.moto.endpoint(), REGION, BUCKET).await;
    assert!(found.iter().any(|o| o["key"].as_str().unwrap().contains("kms_key_state/account_id=")));
    for object in &found {
        assert_eq!((object["sse"].as_str(), object["kms_key_id"].as_str()), (Some("aws:kms"), Some(land.key.as_str())));
    }
}

/// What a page or an answer does that it should not, and what becomes of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_on_the_wire_lose_and_repeat_nothing() {
    let land = Land::new().await;
    let key = land.moto.create_key(REGION).await;
    land.cluster("sales", Some(&key)).await;
    let event = |n: usize| json!({"EventId": "REDSHIFT-EVENT-3000", "SourceIdentifier": "sales", "Message": format!("reboot {n}")});
    let events: Vec<Value> = (0..150).map(event).collect();
    land.moto.control("redshift-events", &json!({"region": REGION, "events": events})).await;
    for rule in [
        json!({"fault": "html500", "operation": "DescribeEvents", "times": 2}),
        json!({"fault": "throttled", "operation": "LookupEvents", "times": 3}),
        json!({"fault": "dropped", "operation": "DescribeClusters", "times": 1}),
        json!({"fault": "bad_token", "operation": "DescribeEvents", "times": 1}),
    ] {
        land.moto.control("faults", &json!({"rules": [rule]})).await;
        let report = land.collect().await;
        assert_eq!(report.exit_code(), 0, "{rule}: {report:?}");
        assert!(report.collectors.iter().all(|one| one.status == "ok"), "{rule}: {report:?}");
        let found = land.rows("encryption_events").await;
        assert_eq!(
            classes(&found, "redshift_events").iter().filter(|c| *c == "cluster.rebooted").count(),
            150,
            "{rule}"
        );
    }
    // For ever: that collector fails, the others do not, and nothing is taken for gone.
    land.moto
        .control("faults", &json!({"rules": [{"fault": "html500", "operation": "DescribeClusters", "times": null}]}))
        .await;
    let report = land.collect().await;
    assert_eq!((report.exit_code(), status(&report, "clusters")), (1, "failed"), "{report:?}");
    assert_eq!((status(&report, "redshift_events"), status(&report, "cloudtrail")), ("ok", "ok"));
    let clusters = land.rows("cluster_encryption_state").await;
    assert!(clusters.iter().all(|row| row.get_text("obs_kind") != Some("tombstone")));
    // Refused: recorded with what is missing.
    land.moto
        .control("faults", &json!({"rules": [{"fault": "denied", "operation": "GetKeyPolicy", "times": null}]}))
        .await;
    let report = land.collect().await;
    assert_eq!((report.exit_code(), status(&report, "keys")), (0, "partial"), "{report:?}");
    let runs = land.rows("collection_runs").await;
    let refused: Vec<&str> = runs.iter().filter_map(|row| row.get_text("access_errors")).collect();
    let of_key = format!(r#""grant":"kms:GetKeyPolicy","resource":"{key}""#);
    assert!(refused.iter().any(|text| text.contains(&of_key)), "{refused:?}");
    land.moto.control("faults", &json!({"rules": []})).await;
    assert_eq!(land.collect().await.exit_code(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_asked_as_their_roles() {
    let mut land = Land::new().await;
    land.cluster("ours", None).await;
    let theirs = land.moto.config_as_account(REGION, OTHER).await;
    land::cluster(&theirs, "theirs", None).await;
    let role = format!("arn:aws:iam::{OTHER}:role/lookback-collector");
    land.settings.accounts =
        vec![RecordAccount { assume_role: role, external_id: Some("x".into()), regions: Vec::new() }];
    let report = land.collect().await;
    assert_eq!(report.exit_code(), 0, "{report:?}");
    let clusters = land.rows("cluster_encryption_state").await;
    let owners: Vec<_> = clusters
        .iter()
        .map(|row| {
            (row.get_text("cluster_identifier").unwrap().to_owned(), row.get_text("account_id").unwrap().to_owned())
        })
        .collect();
    assert_eq!(owners.len(), 2);
    assert!(owners.contains(&("theirs".to_owned(), OTHER.to_owned())), "{owners:?}");
    assert_eq!(new_rows(&land.collect().await), 0);
}
