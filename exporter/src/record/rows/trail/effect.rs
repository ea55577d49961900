//! What a record says that was done to a cluster's encryption.

use lookback_schemas::encryption::{Class, Row, encryption_type};
use serde_json::Value;

use super::{Known, text};
use crate::record::rows::arn;

/// What a `ModifyCluster` or `UpdateNamespace` did. Switching encryption on and changing its key are the same request: what the
/// cluster was before decides, if it is known.
pub(super) fn modification(request: &Value, encrypted_before: Option<bool>) -> Class {
    let has = |members: &[&str]| members.iter().any(|m| request.get(m).is_some_and(|value| !value.is_null()));
    let keyed = has(&["kmsKeyId", "hsmConfigurationIdentifier", "hsmClientCertificateIdentifier"]);
    match request.get("encrypted").and_then(Value::as_bool) {
        Some(false) => return Class::EncryptionDisabled,
        Some(true) if encrypted_before == Some(true) && keyed => return Class::EncryptionKeyChanged,
        Some(true) if encrypted_before != Some(true) => return Class::EncryptionEnabled,
        _ if keyed => return Class::EncryptionKeyChanged,
        _ => {}
    }
    if has(&["newClusterIdentifier"]) {
        return Class::ClusterRenamed;
    }
    let credentials = [
        "masterUserPassword",
        "manageMasterPassword",
        "masterPasswordSecretKmsKeyId",
        "adminUserPassword",
        "manageAdminPassword",
        "adminPasswordSecretKmsKeyId",
    ];
    if has(&credentials) {
        return Class::CredentialChanged;
    }
    if has(&["logExports"]) { Class::LoggingModified } else { Class::ClusterModified }
}

/// Whether and how the cluster is encrypted after it.
#[allow(clippy::too_many_arguments, reason = "what a record says, and what it is read against")]
pub(super) fn encryption(
    row: &mut Row,
    class: Class,
    request: &Value,
    key: Option<&str>,
    before: Option<(Option<bool>, Option<&str>)>,
    region: &str,
    account: &str,
    known: &Known<'_>,
) {
    let about = [
        Class::ClusterCreated,
        Class::ClusterRestored,
        Class::EncryptionEnabled,
        Class::EncryptionDisabled,
        Class::EncryptionKeyChanged,
    ];
    if !about.contains(&class) {
        return;
    }
    if let Some((encrypted, key_before)) = before {
        row.flag("encrypted_before", encrypted);
        row.text("prev_kms_key_arn", key_before.filter(|before| Some(*before) != key));
    }
    let said = request.get("encrypted").and_then(Value::as_bool);
    let serverless = request.get("namespaceName").is_some();
    let after = match class {
        Class::EncryptionDisabled => Some(false),
        Class::EncryptionEnabled | Class::EncryptionKeyChanged => Some(true),
        _ if serverless => Some(true),
        // What a request leaves out has had different meanings over the years.
        _ => said.or(key.map(|_| true)),
    };
    row.flag("encrypted_after", after);
    let hsm = text(request, "hsmConfigurationIdentifier").is_some();
    let owned = text(request, "kmsKeyId")
        .is_some_and(|text| arn::key_reference(text, region, account) == Some(arn::KeyReference::Owned));
    let kind = match after {
        Some(false) => Some(encryption_type::NONE),
        Some(true) if hsm => Some(encryption_type::HSM),
        Some(true) if owned || (serverless && key.is_none()) => Some(encryption_type::KMS_AWS_OWNED),
        Some(true) => Some(key.map_or(encryption_type::UNKNOWN, |key| known.keys.encryption_type(key))),
        None => None,
    };
    row.text("encryption_type_after", kind);
}
