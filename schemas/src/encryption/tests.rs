#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::registry;

#[test]
fn tables_are_whole() {
    for one in TABLES {
        assert_eq!(table(one.name), Some(one));
        let names: BTreeSet<&str> = one.columns.iter().map(|c| c.name).collect();
        assert_eq!(names.len(), one.columns.len(), "{}: a column twice", one.name);
        for column in one.natural_key.iter().chain(one.volatile).chain([&one.time_column, &ACCOUNT_ID]) {
            assert!(names.contains(column), "{} has no {column}", one.name);
        }
        assert!(one.column(one.time_column).unwrap().required, "{}: rows without a day", one.name);
        assert_eq!(one.column(one.time_column).unwrap().kind, Kind::Time);
        assert!(one.schema().field_with_name(ACCOUNT_ID).is_err() && one.schema().field_with_name("log_date").is_err());
        assert!(registry().table(one.name).is_none(), "a log table has the same name");
    }
    for state in [&CLUSTER_ENCRYPTION_STATE, &KMS_KEY_STATE, &SNAPSHOT_ENCRYPTION_STATE] {
        assert!(STATE_COLUMNS.iter().all(|column| state.column(column).is_some()), "{}", state.name);
    }
}

#[test]
fn names_are_looked_up_once_and_mean_something_only_for_their_own_service() {
    let names = lookup_names();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    assert_eq!(names.len(), 58);
    assert!(names.iter().all(|name| !CRYPTO_NAMES.contains(name)));
    assert_eq!(
        class_of_trail("redshift.amazonaws.com", "RotateEncryptionKey"),
        Some(TrailClass::Is(Class::CekRotationStarted))
    );
    assert_eq!(class_of_trail("kms.amazonaws.com", "Decrypt"), Some(TrailClass::Crypto));
    assert_eq!(class_of_trail("ecs.amazonaws.com", "CreateCluster"), None);
    assert_eq!(class_of_trail("ec2.amazonaws.com", "TagResource"), None);
    assert!(is_recorded("kms.amazonaws.com", "RotateKey") && !is_recorded("kms.amazonaws.com", "ListKeys"));
}

#[test]
fn classes_have_names_of_their_own() {
    let names: BTreeSet<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(names.len(), Class::ALL.len());
    assert!(names.iter().all(|name| name.split('.').count() == 2), "{names:?}");
}

#[test]
fn ids_of_redshift_mean_what_the_guide_says() {
    assert_eq!(class_of_notice("REDSHIFT-EVENT-3688"), Class::CekRotationFailed);
    assert_eq!(class_of_notice("REDSHIFT-EVENT-4005"), Class::ClusterKeyInaccessible);
    assert_eq!(class_of_notice("REDSHIFT-EVENT-1002"), Class::ParameterChanged);
    for other in ["REDSHIFT-EVENT-9999", "", "REDSHIFT-EVENT-", "2013x"] {
        assert_eq!(class_of_notice(other), Class::RedshiftEventOther, "{other}");
    }
    assert!(notice_failed("REDSHIFT-EVENT-3688") && !notice_failed("REDSHIFT-EVENT-3000"));
}

#[test]
fn keys_of_events_are_pinned() {
    // Stored in lakes: another value would make every event of the overlap a second one.
    let key = |identity| event_key(identity)[..16].to_owned();
    let trail = EventIdentity::CloudTrail { account: "1", region: "r", event_id: "e" };
    assert_eq!(key(trail), sha256_hex(br#"["cloudtrail","1","r","e"]"#)[..16]);
    let rotation = EventIdentity::Rotation { key_arn: "k", date: 1_000_000, rotation_type: "AUTOMATIC" };
    assert_eq!(key(rotation), sha256_hex(br#"["kms_rotations","k","1970-01-01T00:00:01.000000Z","AUTOMATIC"]"#)[..16]);
    assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn a_row_that_is_none_of_its_table_is_refused() {
    let mut row = Row::new(&KMS_KEY_ROTATIONS);
    assert_eq!(row.check(), Err(RowError::Missing { table: "kms_key_rotations", column: "kms_key_arn" }));
    row.text("kms_key_arn", Some("k")).time("rotation_date", Some(1)).text("rotation_type", Some("AUTOMATIC"));
    row.text("account_id", Some("1")).text("region", Some("r")).time("observed_at", Some(2)).text("run_id", Some("x"));
    assert_eq!(row.check(), Ok(()));
    assert_eq!(row.at(), Some(1));
    let mut wrong = row.clone();
    wrong.text("no_such_column", Some("x"));
    assert!(matches!(wrong.check(), Err(RowError::Unknown { .. })));
    let mut wrong = row.clone();
    wrong.long("region", Some(1));
    assert!(matches!(wrong.check(), Err(RowError::Type { .. })));
    let again = rows(&KMS_KEY_ROTATIONS, "1", &batch(&KMS_KEY_ROTATIONS, std::slice::from_ref(&row)).unwrap());
    assert_eq!(again, vec![row]);
}

fn cluster() -> Row {
    let mut row = Row::new(&CLUSTER_ENCRYPTION_STATE);
    row.text("cluster_namespace_arn", Some("n")).flag("encrypted", Some(true)).text("kms_key_arn", Some("k"));
    row
}

#[test]
fn a_state_is_the_same_whenever_and_by_whom_it_is_seen() {
    let mut other = cluster();
    other.time("observed_at", Some(5)).text("run_id", Some("r")).time("log_last_success", Some(7));
    assert_eq!(state_hash(&cluster()), state_hash(&other));
    other.text("kms_key_arn", Some("k2"));
    assert_ne!(state_hash(&cluster()), state_hash(&other));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|n| json!(n)),
        ".{0,8}".prop_map(|s| json!(s)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| json!(v)),
            prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|m| json!(m)),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_json_is_the_same_value(value in any_json()) {
        let text = canonical(&value);
        let again: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(canonical(&again), text);
    }

    #[test]
    fn the_parts_of_a_key_do_not_run_together(a in "[a-z\",]{0,4}", b in "[a-z\",]{0,4}", c in "[a-z\",]{0,4}", d in "[a-z\",]{0,4}") {
        let one = EventIdentity::CloudTrail { account: &a, region: &b, event_id: "" };
        let two = EventIdentity::CloudTrail { account: &c, region: &d, event_id: "" };
        prop_assert_eq!(event_key(one) == event_key(two), one == two);
    }
}
