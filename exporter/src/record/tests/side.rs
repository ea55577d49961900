//! What is asked beside the encryption of clusters and namespaces: hardware security modules and recovery points.

use aws_sdk_redshift::types::{HsmConfiguration, HsmStatus};
use aws_sdk_redshiftserverless::types::{Namespace, RecoveryPoint};
use lookback_schemas::time::{DAY, HOUR};

use super::scene::{ACCOUNT, START, Scene, cluster, moment};
use crate::record::plane::Refusal;

#[tokio::test]
async fn modules_are_asked_for_only_where_a_cluster_names_one() {
    let scene = Scene::new().await;
    let asked = |scene: &Scene| {
        let state = scene.world.state();
        state.calls.iter().filter(|(call, _)| call.starts_with("redshift:DescribeHsm")).count()
    };
    scene.world.state().clusters = vec![cluster("plain", None)];
    scene.later(0).await;
    assert_eq!(asked(&scene), 0);
    let mut old = cluster("old", Some("unused"));
    let status = HsmStatus::builder().hsm_configuration_identifier("vault").hsm_client_certificate_identifier("mine");
    old.hsm_status = Some(status.status("active").build());
    {
        let mut state = scene.world.state();
        state.clusters.push(old);
        let module = |name: &str, address: &str| {
            let one = HsmConfiguration::builder().hsm_configuration_identifier(name).hsm_ip_address(address);
            one.hsm_partition_name("p1").build()
        };
        state.modules = vec![module("another", "10.0.0.8"), module("vault", "10.0.0.9")];
        state.certificates = vec!["theirs".to_owned(), "mine".to_owned()];
        state.page = Some(1);
    }
    scene.later(HOUR).await;
    let of = |rows: &[lookback_schemas::encryption::Row], name: &str| {
        rows.iter().rfind(|row| row.get_text("cluster_identifier") == Some(name)).unwrap().clone()
    };
    let row = of(&scene.rows("cluster_encryption_state").await, "old");
    assert_eq!((row.get_text("encryption_type"), row.get_text("hsm_ip_address")), (Some("hsm"), Some("10.0.0.9")));
    assert_eq!(row.get_text("hsm_partition_name"), Some("p1"));
    assert_eq!(row.get_flag("hsm_client_certificate_exists"), Some(true));
    let plain = of(&scene.rows("cluster_encryption_state").await, "plain");
    assert!(plain.get("hsm_ip_address").is_none() && plain.get("hsm_client_certificate_exists").is_none());

    // A certificate that goes is a change of the module; a call that is refused says nothing of the clusters.
    scene.world.state().certificates.pop();
    scene.later(HOUR).await;
    assert!(scene.classes("state_diff").await.contains(&"hsm.changed".to_owned()));
    scene.world.fail("redshift:DescribeHsmConfigurations", 0, usize::MAX, Refusal::Denied);
    let report = scene.later(HOUR).await;
    let clusters = report.collectors.iter().find(|one| one.collector == "clusters").unwrap();
    assert!(clusters.status == "partial" && clusters.window.is_some() && clusters.error.is_none(), "{clusters:?}");
    let refused = clusters.tally.access_errors().unwrap().to_string();
    assert!(refused.contains(&format!(r#""resource":"arn:aws:redshift:eu-central-1:{ACCOUNT}:hsmconfiguration:*""#)));
}

#[tokio::test]
async fn recovery_points_are_counted_and_change_nothing_else() {
    let scene = Scene::new().await;
    let point = |name: &str, at: i64| {
        RecoveryPoint::builder().namespace_name(name).recovery_point_create_time(moment(at)).build()
    };
    {
        let mut state = scene.world.state();
        let namespace = |name: &str| Namespace::builder().namespace_name(name).namespace_id(name).build();
        state.namespaces = vec![namespace("adhoc"), namespace("empty")];
        state.recovery_points = (1..=4).map(|n| point("adhoc", START - n * HOUR / 2)).collect();
        state.page = Some(3);
    }
    scene.later(0).await;
    let rows = scene.rows("cluster_encryption_state").await;
    let count = |name: &str| {
        let row = rows.iter().find(|row| row.get_text("cluster_identifier") == Some(name)).unwrap();
        let number = row.values().find(|(column, _)| *column == "recovery_points").map(|(_, value)| value.clone());
        (number, row.get_time("recovery_point_oldest"), row.get_time("recovery_point_newest"))
    };
    let number = |n| Some(lookback_schemas::encryption::Value::Long(n));
    assert_eq!(count("adhoc"), (number(4), Some(START - 2 * HOUR), Some(START - HOUR / 2)));
    assert_eq!(count("empty"), (number(0), None, None));
    // New ones come all day long: that is no change of state. Nor is it one that they cannot be listed.
    scene.world.state().recovery_points.push(point("adhoc", START));
    scene.later(HOUR).await;
    for refusal in [Refusal::Denied, Refusal::Server] {
        scene.world.state().faults.clear();
        scene.world.fail("redshift-serverless:ListRecoveryPoints", 0, usize::MAX, refusal);
        let report = scene.later(HOUR).await;
        let serverless = report.collectors.iter().find(|one| one.collector == "serverless").unwrap();
        assert!(serverless.window.is_some() && serverless.error.is_none(), "{refusal:?}: {serverless:?}");
    }
    assert_eq!(scene.rows("cluster_encryption_state").await.len(), 2);
    scene.world.state().faults.clear();
    scene.later(DAY).await;
    assert_eq!(scene.rows("cluster_encryption_state").await.len(), 4, "a day later both are told again");
}
