//! Who is who: renames, aliases, a key that several accounts use, a trail's files beside lookups.

use aws_sdk_config::types::{ConfigurationItem, ResourceType};
use aws_sdk_kms::types::{AliasListEntry, KeyManagerType};
use lookback_schemas::time::{DAY, HOUR, MINUTE};
use serde_json::json;

use super::scene::{ACCOUNT, START, Scene, cluster, key, key_arn, moment, namespace_arn, record};
use super::world::World;
use crate::clock::Clock;
use crate::settings::RecordSettings;

#[tokio::test]
async fn events_under_an_old_name_belong_to_the_same_cluster() {
    let scene = Scene::new().await;
    {
        let mut state = scene.world.state();
        let mut renamed = cluster("new", None);
        renamed.cluster_namespace_arn = Some(namespace_arn("n"));
        state.clusters = vec![renamed];
        let rename = json!({"clusterIdentifier": "old", "newClusterIdentifier": "new"});
        state.records = vec![
            (0, record("e1", "RebootCluster", START - 9 * DAY, &json!({"clusterIdentifier": "old"}))),
            (0, record("e2", "ModifyCluster", START - 8 * DAY, &rename)),
            (0, record("e3", "RebootCluster", START - 7 * DAY, &json!({"clusterIdentifier": "old"}))),
            (0, record("e4", "RebootCluster", START - 6 * DAY, &json!({"clusterIdentifier": "new"}))),
        ];
    }
    scene.later(0).await;
    let events = scene.events().await;
    let whose: Vec<_> =
        events.iter().map(|row| row.get_text("cluster_namespace_arn").map(|arn| arn.ends_with(":n"))).collect();
    assert_eq!(whose, [Some(true), Some(true), None, Some(true)]);
    assert_eq!(events[1].get_text("event_class"), Some("cluster.renamed"));
}

#[tokio::test]
async fn a_key_is_amazons_if_it_says_so_or_its_alias_does() {
    let scene = Scene::new().await;
    let (own, managed, aliased) = (key_arn("own"), key_arn("managed"), key_arn("aliased"));
    {
        let mut state = scene.world.state();
        state.keys.insert(own.clone(), key(&own, KeyManagerType::Customer));
        state.keys.insert(managed.clone(), key(&managed, KeyManagerType::Aws));
        state.keys.insert(aliased.clone(), key(&aliased, KeyManagerType::Customer));
        let alias = AliasListEntry::builder().alias_name("alias/aws/redshift").target_key_id("aliased");
        state.aliases = vec![alias.build()];
        state.clusters = vec![
            cluster("a", Some(&own)),
            cluster("b", Some(&managed)),
            cluster("c", Some(&aliased)),
            cluster("d", Some("alias/aws/redshift")),
        ];
    }
    scene.later(0).await;
    let rows = scene.rows("cluster_encryption_state").await;
    let kinds: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| rows.iter().find(|row| row.get_text("cluster_identifier") == Some(name)).unwrap())
        .map(|row| row.get_text("encryption_type").unwrap().to_owned())
        .to_vec();
    assert_eq!(kinds, ["kms_cmk", "kms_aws_managed", "kms_aws_managed", "kms_aws_managed"]);
    assert_eq!(scene.rows("kms_key_state").await.len(), 3);
}

#[tokio::test]
async fn a_key_of_two_accounts_is_looked_at_by_its_own() {
    let scene = Scene::new().await;
    let shared = key_arn("shared");
    let other = World::new(&scene.time);
    for world in [&scene.world, &other] {
        let mut state = world.state();
        state.keys.insert(shared.clone(), key(&shared, KeyManagerType::Customer));
        state.clusters = vec![cluster("c", Some(&shared))];
    }
    other.state().clusters[0].cluster_namespace_arn =
        Some("arn:aws:redshift:eu-central-1:444455556666:namespace:c".into());
    let places = [scene.place("444455556666", &other), scene.place(ACCOUNT, &scene.world)];
    let report = scene.collect_from(&places).await;
    assert_eq!(report.exit_code(), 0, "{report:?}");
    let keys = scene.rows("kms_key_state").await;
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].get_text("account_id"), Some(ACCOUNT));
    assert!(!other.state().calls.iter().any(|(call, _)| call.starts_with("kms:")));
    let clusters = scene.rows("cluster_encryption_state").await;
    assert!(clusters.iter().all(|row| row.get_text("encryption_type") == Some("kms_cmk")), "{clusters:?}");
}

#[tokio::test]
async fn a_record_from_two_doors_is_one_event_and_uses_come_from_files() {
    let settings = RecordSettings {
        config_history: false,
        trail_bucket: Some("trail".into()),
        trail_backfill: std::time::Duration::from_secs(3 * 86_400),
        ..RecordSettings::default()
    };
    let scene = Scene::with(settings).await;
    let own = key_arn("own");
    {
        let mut state = scene.world.state();
        state.keys.insert(own.clone(), key(&own, KeyManagerType::Customer));
        state.clusters = vec![cluster("c", Some(&own))];
        let reboot = record("e1", "RebootCluster", START - DAY, &json!({"clusterIdentifier": "c"}));
        let mut denied = record(
            "e2",
            "Decrypt",
            START - DAY,
            &json!({"encryptionContext": {
            "aws:redshift:arn": format!("arn:aws:redshift:eu-central-1:{ACCOUNT}:cluster:c")}}),
        );
        denied["errorCode"] = json!("DisabledException");
        denied["resources"] = json!([{"ARN": own, "type": "AWS::KMS::Key"}]);
        let mut foreign = record("e3", "Decrypt", START - DAY, &json!({}));
        foreign["resources"] = json!([{"ARN": key_arn("unrelated"), "type": "AWS::KMS::Key"}]);
        state.records = vec![(0, reboot.clone())];
        let file = json!({"Records": [reboot, denied, foreign]}).to_string().into_bytes();
        let folder = format!("AWSLogs/{ACCOUNT}/CloudTrail/eu-central-1/2026/02/28");
        state.files = vec![
            (format!("{folder}/{ACCOUNT}_CloudTrail_eu-central-1_20260228T0010Z_a.json.gz"), file.clone()),
            (format!("{folder}/{ACCOUNT}_CloudTrail_eu-central-1_20260228T0015Z_b.json.gz"), file),
            (format!("{folder}/{ACCOUNT}_CloudTrail_eu-central-1_20260228T0020Z_c.json.gz"), b"<html>".to_vec()),
        ];
        state.page = Some(1);
    }
    let report = scene.later(0).await;
    let files = report.collectors.iter().find(|one| one.collector == "trail_files").unwrap();
    assert_eq!((files.status, files.rows), ("partial", 1));
    assert_eq!(scene.classes("cloudtrail_lookup").await, ["cluster.rebooted"]);
    assert_eq!(scene.classes("cloudtrail_s3").await, ["crypto.denied"]);
    let events = scene.events().await;
    let denied = events.iter().find(|row| row.get_text("event_class") == Some("crypto.denied")).unwrap();
    assert_eq!(denied.get_text("cluster_namespace_arn"), Some(namespace_arn("c").as_str()));
    assert_eq!((denied.get_text("outcome"), denied.get_text("kms_key_arn")), (Some("failure"), Some(own.as_str())));
    scene.later(30 * MINUTE).await;
    assert_eq!(scene.events().await.len(), 2);
    assert!(scene.time.now() > START);
}

#[tokio::test]
async fn what_config_recorded_fills_in_the_time_before() {
    let settings = RecordSettings { enabled: true, ..RecordSettings::default() };
    let scene = Scene::with(settings).await;
    {
        let mut state = scene.world.state();
        state.clusters = vec![cluster("c", None)];
        let item = |id: &str, days: i64, encrypted: bool| {
            ConfigurationItem::builder()
                .arn("arn:aws:redshift:eu-central-1:111122223333:cluster:c")
                .resource_type(ResourceType::Cluster)
                .resource_id("c")
                .configuration_state_id(id)
                .configuration_item_capture_time(moment(START - days * DAY))
                .configuration(json!({"clusterIdentifier": "c", "encrypted": encrypted}).to_string())
                .build()
        };
        let mut items = vec![item("1", 300, false), item("2", 200, true), item("3", 100, false)];
        for item in &mut items {
            item.resource_type = Some(ResourceType::from("AWS::Redshift::Cluster"));
        }
        state.items = items;
    }
    scene.later(0).await;
    scene.later(25 * HOUR).await;
    let classes = scene.classes("config_history").await;
    assert_eq!(classes, ["cluster.modified", "encryption.enabled", "encryption.disabled"]);
}
