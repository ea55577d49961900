//! What is collected when all is well: once, and no more calls than needed.

use aws_sdk_kms::types::{KeyManagerType, RotationType, RotationsListEntry};
use lookback_schemas::time::{DAY, HOUR, MINUTE};
use serde_json::json;

use super::scene::{
    ACCOUNT, REGION, START, Scene, cluster, key, key_arn, moment, namespace_arn, notice, parameter, record, snapshot,
};
use crate::clock::Clock;

async fn small() -> Scene {
    let scene = Scene::new().await;
    let mut state = scene.world.state();
    let own = key_arn("own");
    state.clusters = vec![cluster("sales", Some(&own)), cluster("open", None)];
    state.parameters = vec![parameter("require_ssl", "true"), parameter("enable_user_activity_logging", "false")];
    state.snapshots = vec![snapshot("s1", "sales", Some(&own)), snapshot("old", "gone", None)];
    state.keys.insert(own.clone(), key(&own, KeyManagerType::Customer));
    let rotation = |days: i64, kind| {
        RotationsListEntry::builder()
            .key_id("own")
            .rotation_date(moment(START - days * DAY))
            .rotation_type(kind)
            .build()
    };
    state.rotations.insert(own, vec![rotation(400, RotationType::Automatic), rotation(35, RotationType::OnDemand)]);
    state.notices = vec![notice("3000", "sales", START - 2 * DAY), notice("3688", "sales", START - DAY)];
    let change =
        record("e1", "ModifyCluster", START - 80 * DAY, &json!({"clusterIdentifier": "sales", "encrypted": true}));
    let rotate = record("e2", "RotateEncryptionKey", START - DAY, &json!({"clusterIdentifier": "SALES"}));
    state.records = vec![(0, change), (0, rotate)];
    drop(state);
    scene
}

#[tokio::test]
async fn the_first_collection_reads_all_that_there_is_and_the_second_adds_nothing() {
    let scene = small().await;
    let first = scene.later(0).await;
    assert!(first.collectors.iter().all(|one| one.status == "ok"), "{first:?}");
    let clusters = scene.rows("cluster_encryption_state").await;
    let sales = clusters.iter().find(|row| row.get_text("cluster_identifier") == Some("sales")).unwrap();
    for (column, value) in [
        ("encryption_type", "kms_cmk"),
        ("kms_key_arn", key_arn("own").as_str()),
        ("kms_key_account", ACCOUNT),
        ("ssl_parameter_status", "pending-reboot"),
        ("log_destination", "s3"),
        ("deployment", "provisioned"),
        ("obs_kind", "change"),
    ] {
        assert_eq!(sales.get_text(column), Some(value), "{column}");
    }
    assert_eq!((sales.get_flag("require_ssl"), sales.get_flag("user_activity_logging")), (Some(true), Some(false)));
    let open = clusters.iter().find(|row| row.get_text("cluster_identifier") == Some("open")).unwrap();
    assert_eq!((open.get_text("encryption_type"), open.get_text("kms_key_arn")), (Some("none"), None));
    let snapshots = scene.rows("snapshot_encryption_state").await;
    let exists: Vec<_> = snapshots.iter().map(|row| row.get_flag("source_cluster_exists").unwrap()).collect();
    assert_eq!(exists.iter().filter(|exists| **exists).count(), 1);
    assert_eq!(scene.rows("kms_key_rotations").await.len(), 2);
    assert_eq!(scene.classes("kms_rotations").await, ["kms_rotation.completed"; 2]);
    assert_eq!(scene.classes("redshift_events").await, ["cluster.rebooted", "cek_rotation.failed"]);
    // The first is older than the cluster: another cluster of that name did it.
    assert_eq!(scene.classes("cloudtrail_lookup").await, ["encryption.enabled", "cek_rotation.started"]);
    let events = scene.events().await;
    let of = |id: &str| events.iter().find(|row| row.get_text("source_event_id") == Some(id)).unwrap();
    assert_eq!(of("e1").get_text("cluster_namespace_arn"), None);
    assert_eq!(of("e2").get_text("cluster_namespace_arn"), Some(namespace_arn("sales").as_str()));
    assert!(of("e2").get_text("actor_arn").unwrap().ends_with("/anna"));

    let before = events.len();
    let second = scene.later(15 * MINUTE).await;
    assert_eq!(second.collectors.iter().map(|one| one.rows).sum::<u64>(), 0, "{second:?}");
    assert_eq!(scene.events().await.len(), before);
    let runs = scene.runs("clusters").await;
    assert_eq!(runs.len(), 2);
    let (from, to) = (runs[1].get_time("window_from").unwrap(), runs[1].get_time("window_to").unwrap());
    assert_eq!(from, runs[0].get_time("window_to").unwrap(), "the second look proves the time since the first");
    assert!(to > from && runs[1].get_text("region") == Some(REGION));
}

#[tokio::test]
async fn states_are_told_once_a_day_and_when_they_change() {
    let mut scene = small().await;
    scene.later(0).await;
    for _ in 0..30 {
        scene.later(HOUR).await;
        scene.restart().await;
    }
    let clusters = scene.rows("cluster_encryption_state").await;
    assert_eq!(clusters.len(), 4, "two changes and two heartbeats");
    scene.world.state().clusters[1] = cluster("open", Some(&key_arn("own")));
    scene.later(HOUR).await;
    scene.world.state().clusters.remove(1);
    scene.later(HOUR).await;
    let kinds: Vec<String> = scene.rows("cluster_encryption_state").await[4..]
        .iter()
        .map(|row| row.get_text("obs_kind").unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["change", "tombstone"]);
    assert_eq!(scene.classes("state_diff").await, ["encryption.enabled", "cluster.deleted"]);
    let events = scene.events().await;
    let enabled = events.iter().find(|row| row.get_text("event_class") == Some("encryption.enabled"));
    let found = events.iter().find(|row| row.get_text("source") == Some("state_diff")).or(enabled).unwrap();
    let (low, high) = (found.get_time("time_lo").unwrap(), found.get_time("time_hi").unwrap());
    assert!(low < high && high - low < 2 * HOUR, "bounded by the looks on both sides");
}

#[tokio::test]
async fn a_rotation_of_redshift_is_seen_to_end() {
    let scene = small().await;
    scene.later(0).await;
    let status = |text: &str| {
        let mut state = scene.world.state();
        state.clusters[0].cluster_status = Some(text.to_owned());
    };
    status("rotating-keys");
    scene.later(15 * MINUTE).await;
    status("available");
    scene.later(15 * MINUTE).await;
    assert_eq!(scene.classes("state_diff").await, ["cek_rotation.started", "cek_rotation.completed"]);
}

#[tokio::test]
async fn late_records_are_found_once() {
    let scene = small().await;
    scene.later(0).await;
    let happened = scene.time.now() + MINUTE;
    let request = json!({"clusterIdentifier": "sales"});
    // 25 minutes late: three collections have passed its time by then.
    let late = (happened + 25 * MINUTE, record("late", "RebootCluster", happened, &request));
    scene.world.state().records.push(late);
    for _ in 0..6 {
        scene.later(10 * MINUTE).await;
    }
    let found = scene.classes("cloudtrail_lookup").await;
    assert_eq!(found.iter().filter(|class| *class == "cluster.rebooted").count(), 1);
}

#[tokio::test]
async fn fifty_clusters_with_nothing_new_cost_a_bounded_number_of_calls() {
    let scene = Scene::new().await;
    {
        let mut state = scene.world.state();
        let keys: Vec<String> = (0..40).map(|n| key_arn(&format!("k{n}"))).collect();
        for (n, arn) in keys.iter().enumerate() {
            state.keys.insert(arn.clone(), key(arn, KeyManagerType::Customer));
            state.snapshots.extend((0..5).map(|s| snapshot(&format!("s{n}-{s}"), &format!("c{n}"), Some(arn))));
        }
        state.clusters = (0..50).map(|n| cluster(&format!("c{n}"), Some(&keys[n % 40]))).collect();
        state.parameters = vec![parameter("require_ssl", "true")];
        state.page = Some(100);
    }
    scene.later(0).await;
    let started = scene.time.now();
    let report = scene.later(15 * MINUTE).await;
    assert_eq!(report.collectors.iter().map(|one| one.rows).sum::<u64>(), 0);
    let calls = report.calls();
    let total: u64 = calls.values().sum();
    println!("50 clusters, 200 snapshots, 40 keys, nothing new: {total} calls in {} s of waiting", {
        (scene.time.now() - started - 15 * MINUTE) / 1_000_000
    });
    for (call, count) in &calls {
        println!("  {count:>4} {call}");
    }
    // One a cluster for logging, seven a key, one a name of CloudTrail, and a few listings.
    assert!(total <= 50 + 7 * 40 + 58 + 12, "{calls:?}");
    assert_eq!((calls["redshift:DescribeClusters"], calls["redshift:DescribeClusterParameters"]), (1, 1));
    assert_eq!(calls["redshift:DescribeClusterSnapshots"], 3);
}
