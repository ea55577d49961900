//! Which events of CloudTrail are recorded, and what they mean, by service and name.

use super::Class;

/// What an event's name says about its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailClass {
    /// This.
    Is(Class),
    /// It depends on the request's parameters: `ModifyCluster`, `UpdateNamespace`.
    Modification,
    /// Use of a key: granted or refused.
    Crypto,
}

const REDSHIFT: &str = "redshift.amazonaws.com";
const SERVERLESS: &str = "redshift-serverless.amazonaws.com";
const KMS: &str = "kms.amazonaws.com";
const SECRETS: &str = "secretsmanager.amazonaws.com";

use Class as C;
use TrailClass::{Is, Modification};

/// Service, name, meaning. Every name costs one call of `LookupEvents` and poll, because a lookup takes one attribute.
static NAMES: &[(&str, &str, TrailClass)] = &[
    (REDSHIFT, "CreateCluster", Is(C::ClusterCreated)),
    (REDSHIFT, "ModifyCluster", Modification),
    (REDSHIFT, "RotateEncryptionKey", Is(C::CekRotationStarted)),
    (REDSHIFT, "RestoreFromClusterSnapshot", Is(C::ClusterRestored)),
    (REDSHIFT, "ResizeCluster", Is(C::ClusterResized)),
    (REDSHIFT, "PauseCluster", Is(C::ClusterPaused)),
    (REDSHIFT, "ResumeCluster", Is(C::ClusterResumed)),
    (REDSHIFT, "RebootCluster", Is(C::ClusterRebooted)),
    (REDSHIFT, "DeleteCluster", Is(C::ClusterDeleted)),
    (REDSHIFT, "EnableSnapshotCopy", Is(C::CopyEnabled)),
    (REDSHIFT, "DisableSnapshotCopy", Is(C::CopyDisabled)),
    (REDSHIFT, "CopyClusterSnapshot", Is(C::CopyStarted)),
    (REDSHIFT, "CreateSnapshotCopyGrant", Is(C::CopyGrantCreated)),
    (REDSHIFT, "DeleteSnapshotCopyGrant", Is(C::CopyGrantDeleted)),
    (REDSHIFT, "AuthorizeSnapshotAccess", Is(C::SnapshotShared)),
    (REDSHIFT, "RevokeSnapshotAccess", Is(C::SnapshotUnshared)),
    (REDSHIFT, "CreateHsmConfiguration", Is(C::HsmConfigurationCreated)),
    (REDSHIFT, "DeleteHsmConfiguration", Is(C::HsmConfigurationDeleted)),
    (REDSHIFT, "CreateHsmClientCertificate", Is(C::HsmCertificateCreated)),
    (REDSHIFT, "DeleteHsmClientCertificate", Is(C::HsmCertificateDeleted)),
    (REDSHIFT, "EnableLogging", Is(C::LoggingEnabled)),
    (REDSHIFT, "DisableLogging", Is(C::LoggingDisabled)),
    (REDSHIFT, "ModifyClusterParameterGroup", Is(C::ParameterChanged)),
    (SERVERLESS, "CreateNamespace", Is(C::ClusterCreated)),
    (SERVERLESS, "UpdateNamespace", Modification),
    (SERVERLESS, "DeleteNamespace", Is(C::ClusterDeleted)),
    (SERVERLESS, "RestoreFromSnapshot", Is(C::ClusterRestored)),
    (SERVERLESS, "CreateSnapshotCopyConfiguration", Is(C::CopyEnabled)),
    (SERVERLESS, "UpdateSnapshotCopyConfiguration", Is(C::CopyModified)),
    (SERVERLESS, "DeleteSnapshotCopyConfiguration", Is(C::CopyDisabled)),
    (SERVERLESS, "PutResourcePolicy", Is(C::PolicyChanged)),
    (KMS, "RotateKey", Is(C::KmsRotationCompleted)),
    (KMS, "RotateKeyOnDemand", Is(C::KmsRotationRequested)),
    (KMS, "EnableKeyRotation", Is(C::RotationConfigEnabled)),
    (KMS, "DisableKeyRotation", Is(C::RotationConfigDisabled)),
    (KMS, "DisableKey", Is(C::KeyStateDisabled)),
    (KMS, "EnableKey", Is(C::KeyStateEnabled)),
    (KMS, "ScheduleKeyDeletion", Is(C::KeyStateDeletionScheduled)),
    (KMS, "CancelKeyDeletion", Is(C::KeyStateDeletionCancelled)),
    (KMS, "DeleteKey", Is(C::KeyStateDeleted)),
    (KMS, "DeleteImportedKeyMaterial", Is(C::KeyStateMaterialDeleted)),
    (KMS, "ImportKeyMaterial", Is(C::KeyStateMaterialImported)),
    (KMS, "DeleteExpiredKeyMaterial", Is(C::KeyStateMaterialExpired)),
    (KMS, "PutKeyPolicy", Is(C::PolicyChanged)),
    (KMS, "CreateGrant", Is(C::GrantCreated)),
    (KMS, "RevokeGrant", Is(C::GrantRevoked)),
    (KMS, "RetireGrant", Is(C::GrantRetired)),
    (KMS, "CreateAlias", Is(C::AliasCreated)),
    (KMS, "UpdateAlias", Is(C::AliasUpdated)),
    (KMS, "DeleteAlias", Is(C::AliasDeleted)),
    (KMS, "ReplicateKey", Is(C::KeyStateReplicated)),
    (KMS, "UpdatePrimaryRegion", Is(C::KeyStatePrimaryChanged)),
    (KMS, "TagResource", Is(C::TagsChanged)),
    (KMS, "UntagResource", Is(C::TagsChanged)),
    (KMS, "CreateKey", Is(C::KeyStateCreated)),
    (SECRETS, "RotateSecret", Is(C::CredentialChanged)),
    (SECRETS, "PutSecretValue", Is(C::CredentialChanged)),
    (SECRETS, "UpdateSecret", Is(C::CredentialChanged)),
];

/// Uses of a key. There are far too many of them to look up by name; they come from a trail's files.
pub const CRYPTO_NAMES: [&str; 4] = ["Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"];

/// The names to look up, each once.
#[must_use]
pub fn lookup_names() -> Vec<&'static str> {
    NAMES.iter().map(|(_, name, _)| *name).collect()
}

/// What an event means; `None` for those that are not recorded. Other services use some of the names, too.
#[must_use]
pub fn class_of_trail(event_source: &str, event_name: &str) -> Option<TrailClass> {
    if event_source == KMS && CRYPTO_NAMES.contains(&event_name) {
        return Some(TrailClass::Crypto);
    }
    NAMES.iter().find(|(source, name, _)| *source == event_source && *name == event_name).map(|(_, _, class)| *class)
}

/// Whether an event is recorded.
#[must_use]
pub fn is_recorded(event_source: &str, event_name: &str) -> bool {
    class_of_trail(event_source, event_name).is_some()
}
