#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;

use lookback_schemas::encryption::{Row, canonical, sha256_hex, source};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Origin;
use super::key::Keys;
use super::names::Names;
use super::trail::{Known, Skipped, lenient_time, trail_row};

fn read(record: &Value, referenced: &[&str]) -> Result<Row, Skipped> {
    let origin = Origin { account: "111122223333".into(), region: "us-west-2".into(), run_id: "run".into(), now: 7 };
    let (names, keys) = (Names::default(), Keys::default());
    let referenced: BTreeSet<String> = referenced.iter().map(|key| (*key).to_owned()).collect();
    let known = Known {
        source: source::CLOUDTRAIL_LOOKUP,
        origin: &origin,
        names: &names,
        keys: &keys,
        referenced: &referenced,
    };
    let row = trail_row(record, &known)?;
    assert_eq!(row.check(), Ok(()));
    Ok(row)
}

fn golden(text: &str) -> Row {
    let record: Value = serde_json::from_str(text).unwrap();
    let row = read(&record, &[]).unwrap();
    // What is kept as evidence can be computed again from the record as CloudTrail has it.
    assert_eq!(row.get_text("raw_sha256"), Some(sha256_hex(canonical(&record).as_bytes()).as_str()));
    row
}

fn assert_texts(row: &Row, expected: &[(&str, &str)]) {
    for (column, value) in expected {
        assert_eq!(row.get_text(column), Some(*value), "{column}");
    }
}

const KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn rotations_of_keys_in_their_forms_of_all_years() {
    let row = golden(include_str!("golden/rotate_key_2025.json"));
    assert_texts(
        &row,
        &[
            ("event_class", "kms_rotation.completed"),
            ("kms_key_arn", KEY),
            ("rotation_type", "AUTOMATIC"),
            ("key_material_id", "bbbb"),
            ("prev_key_material_id", "aaaa"),
            ("invoked_by", "AWS Internal"),
            ("resource_type", "kms_key"),
            ("outcome", "success"),
        ],
    );
    let old = golden(include_str!("golden/rotate_key_before_2025.json"));
    assert_texts(&old, &[("event_class", "kms_rotation.completed"), ("kms_key_arn", KEY)]);
    assert_eq!((old.get_text("rotation_type"), old.get_text("key_material_id")), (None, None));
}

#[test]
fn what_changed_and_who_did_it_without_the_answer() {
    let row = golden(include_str!("golden/modify_cluster.json"));
    assert_texts(
        &row,
        &[
            ("event_class", "encryption.enabled"),
            ("cluster_identifier", "misconfig-maker"),
            ("actor_type", "AssumedRole"),
            ("session_issuer_arn", "arn:aws:iam::111122223333:role/Admin"),
            ("source_ip", "192.0.2.10"),
            ("encryption_type_after", "unknown"),
            ("resource_arn", "arn:aws:redshift:us-west-2:111122223333:cluster:misconfig-maker"),
        ],
    );
    assert_eq!((row.get_flag("encrypted_after"), row.get_flag("mfa_authenticated")), (Some(true), Some(true)));
    let deletion = golden(include_str!("golden/schedule_key_deletion.json"));
    assert_texts(&deletion, &[("event_class", "key_state.deletion_scheduled"), ("kms_key_arn", KEY)]);
    let alias = golden(include_str!("golden/create_alias.json"));
    assert_texts(&alias, &[("resource_type", "kms_alias"), ("resource_id", "alias/my-alias"), ("kms_key_arn", KEY)]);
}

#[test]
fn a_failed_request_is_an_event_without_its_secrets() {
    let row = golden(include_str!("golden/create_hsm_configuration.json"));
    assert_texts(
        &row,
        &[
            ("outcome", "failure"),
            ("error_code", "InvalidClusterState"),
            ("hsm_configuration_identifier", "vault"),
            ("event_class", "hsm.configuration_created"),
        ],
    );
    assert!(!row.get_text("detail_json").unwrap().contains("TOPSECRET"));
    assert!(row.get_text("detail_json").unwrap().contains("10.0.0.1"));
}

#[test]
fn modifications_by_what_they_ask_for() {
    for (request, class) in [
        (json!({"encrypted": false}), "encryption.disabled"),
        (json!({"encrypted": true, "kmsKeyId": "k"}), "encryption.enabled"),
        (json!({"kmsKeyId": "k"}), "encryption.key_changed"),
        (json!({"hsmConfigurationIdentifier": "v", "newClusterIdentifier": "n"}), "encryption.key_changed"),
        (json!({"newClusterIdentifier": "n"}), "cluster.renamed"),
        (json!({"masterUserPassword": "****"}), "credential.changed"),
        (json!({"publiclyAccessible": true, "kmsKeyId": null}), "cluster.modified"),
    ] {
        let mut record: Value = serde_json::from_str(include_str!("golden/modify_cluster.json")).unwrap();
        record["requestParameters"] = request.clone();
        assert_eq!(read(&record, &[]).unwrap().get_text("event_class"), Some(class), "{request}");
    }
}

#[test]
fn uses_and_grants_are_recorded_for_keys_of_interest_only() {
    let mut record: Value = serde_json::from_str(include_str!("golden/create_alias.json")).unwrap();
    record["requestParameters"] = json!({"keyId": KEY, "granteePrincipal": "someone"});
    for name in ["Decrypt", "CreateGrant", "RetireGrant"] {
        record["eventName"] = json!(name);
        assert_eq!(read(&record, &[]).unwrap_err(), Skipped::Unrelated, "{name}");
        assert!(read(&record, &[KEY]).is_ok(), "{name}");
    }
    record["requestParameters"]["constraints"] = json!({"encryptionContextSubset": {"aws:redshift:arn": "x"}});
    assert!(read(&record, &[]).is_ok());
    record["eventID"] = json!("");
    assert_eq!(read(&record, &[]).unwrap_err(), Skipped::Unreadable);
}

#[test]
fn times_in_the_forms_that_were_seen() {
    let at = 1_618_253_910_000_000;
    for text in
        ["2021-04-12T18:58:30Z", "2021-04-12 18:58:30", "Apr 12, 2021 18:58:30 PM", "2021-04-12T20:58:30.000+02:00"]
    {
        assert_eq!(lenient_time(&json!(text)), Some(at), "{text}");
    }
    assert_eq!(lenient_time(&json!(1_618_253_910)), Some(at));
    assert_eq!(lenient_time(&json!(1_618_253_910_000_i64)), Some(at));
    assert_eq!((lenient_time(&json!("soon")), lenient_time(&json!(null))), (None, None));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(json!(null)), any::<bool>().prop_map(|b| json!(b)), "[a-z:/]{0,9}".prop_map(|s| json!(s))];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|v| json!(v)),
            prop::collection::btree_map("[a-zA-Z]{1,6}", inner, 0..4).prop_map(|m| json!(m)),
        ]
    })
}

proptest! {
    /// Whatever shape the members of a record have: a row of its table or none, never anything else.
    #[test]
    fn records_of_any_shape_are_read_or_skipped(
        member in prop_oneof![Just("requestParameters"), Just("userIdentity"), Just("resources"), Just("serviceEventDetails"),
            Just("eventTime"), Just("readOnly"), Just("errorCode"), Just("recipientAccountId")],
        value in any_json(),
        file in 0usize..3,
    ) {
        let texts = [include_str!("golden/modify_cluster.json"), include_str!("golden/rotate_key_2025.json"),
            include_str!("golden/create_alias.json")];
        let mut record: Value = serde_json::from_str(texts[file]).unwrap();
        record[member] = value;
        let one = read(&record, &[]);
        prop_assert_eq!(one.clone(), read(&record, &[]));
        if let Ok(row) = one {
            prop_assert!(row.get_text("event_key").is_some_and(|key| key.len() == 64));
        }
    }
}
