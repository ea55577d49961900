//! Words for the tables of what happened.

use super::Meaning;

const ENCRYPTION_EVENTS: &[Meaning] = &[
    ("event_key", "hash that identifies the event at its source"),
    ("source", "cloudtrail_lookup, cloudtrail_s3, redshift_events, kms_rotations, config_history or state_diff"),
    ("source_event_id", "CloudTrail's event id"),
    ("event_time", "when it happened, UTC; for a difference between two looks, the time of the later one"),
    ("time_lo", "not before: the same as event_time, or the earlier of two looks"),
    ("time_hi", "not after: the same as event_time, or the later of two looks"),
    ("partition", "aws, aws-cn or aws-us-gov"),
    (
        "event_class",
        "what it means, from a closed list: encryption.enabled, key_state.disabled, cek_rotation.started ...",
    ),
    ("event_source", "service, as CloudTrail names it"),
    ("event_name", "name of the call, or REDSHIFT-EVENT-nnnn"),
    ("severity", "INFO or ERROR, of Redshift's own events"),
    ("outcome", "success, failure or unknown"),
    ("error_code", "why the call failed"),
    ("error_message", "why the call failed, in AWS's words"),
    ("actor_type", "kind of identity that did it"),
    ("actor_arn", "ARN of the identity that did it"),
    ("actor_account", "account of the identity that did it"),
    ("actor_principal_id", "principal id of the identity that did it"),
    ("session_issuer_arn", "role that the identity had taken"),
    ("invoked_by", "AWS service that called on somebody's behalf"),
    ("source_ip", "address that the call came from"),
    ("user_agent", "program that called"),
    ("mfa_authenticated", "whether the session had a second factor"),
    ("read_only", "whether the call changes nothing"),
    ("request_id", "AWS's id of the call"),
    ("resource_type", "cluster, namespace, snapshot, kms_key, kms_alias, kms_grant, parameter_group, secret ..."),
    ("resource_arn", "what it happened to, by ARN"),
    ("resource_id", "what it happened to, by name"),
    ("prev_kms_key_arn", "KMS key before a change of the key"),
    ("key_material_id", "key material after a rotation"),
    ("prev_key_material_id", "key material before a rotation"),
    ("rotation_type", "AUTOMATIC or ON_DEMAND"),
    ("encrypted_before", "whether the cluster was encrypted before"),
    ("encrypted_after", "whether the cluster is encrypted after"),
    ("encryption_type_after", "none, kms_aws_managed, kms_cmk, kms_aws_owned, hsm or unknown"),
    ("snapshot_identifier", "snapshot that it is about"),
    ("snapshot_copy_grant_name", "grant for copies of snapshots that it is about"),
    ("destination_region", "region that snapshots are copied to"),
    ("hsm_configuration_identifier", "HSM configuration that it is about"),
    ("hsm_client_certificate_identifier", "HSM client certificate that it is about, by name"),
    ("encryption_context", "encryption context of a use of a key, as a JSON object"),
    ("detail_json", "the source's record as JSON, without secrets"),
    ("raw_sha256", "hash of the source's whole record"),
];

const KMS_KEY_ROTATIONS: &[Meaning] = &[
    ("rotation_date", "when the key's material was rotated, UTC"),
    ("rotation_type", "AUTOMATIC or ON_DEMAND"),
    ("key_material_id", "id of the key material"),
    ("key_material_state", "CURRENT, NON_CURRENT or pending"),
    ("valid_to", "when imported material expires, UTC"),
];

pub(super) fn words(table: &str) -> Option<(&'static str, &'static [Meaning])> {
    Some(match table {
        "encryption_events" => (
            "what happened to clusters, snapshots, keys and grants, who did it, and where it is told",
            ENCRYPTION_EVENTS,
        ),
        "kms_key_rotations" => ("each rotation of a KMS key's material that KMS lists", KMS_KEY_ROTATIONS),
        _ => return None,
    })
}
