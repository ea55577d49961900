//! What an event means: a closed list, so that a question can name what it looks for.

use std::fmt;

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What an event means, in the column `event_class`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Class {
            $($(#[$doc])* $variant,)*
        }

        impl Class {
            /// Every class.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name, as stored.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

classes! {
    /// A cluster or namespace was created.
    ClusterCreated = "cluster.created",
    /// A cluster or namespace was deleted.
    ClusterDeleted = "cluster.deleted",
    /// A cluster or namespace was restored from a snapshot.
    ClusterRestored = "cluster.restored",
    /// A cluster has another identifier.
    ClusterRenamed = "cluster.renamed",
    /// A setting changed that is none of the others.
    ClusterModified = "cluster.modified",
    /// A resize began or ended; a change of encryption shows as one.
    ClusterResized = "cluster.resized",
    /// A cluster was paused.
    ClusterPaused = "cluster.paused",
    /// A cluster was resumed.
    ClusterResumed = "cluster.resumed",
    /// A cluster was rebooted: it has to decrypt its key anew.
    ClusterRebooted = "cluster.rebooted",
    /// Maintenance, recovery or a failover: logs of these minutes can be missing.
    ClusterInterrupted = "cluster.interrupted",
    /// A cluster cannot use its KMS key any more.
    ClusterKeyInaccessible = "cluster.key_inaccessible",
    /// A cluster can use its KMS key again.
    ClusterKeyAccessible = "cluster.key_accessible",
    /// What a cluster's state or availability is called changed.
    ClusterStatusChanged = "cluster.status_changed",
    /// Encryption was switched on, which migrates the data.
    EncryptionEnabled = "encryption.enabled",
    /// Encryption was switched off.
    EncryptionDisabled = "encryption.disabled",
    /// The root key is another one: a migration, not a rotation.
    EncryptionKeyChanged = "encryption.key_changed",
    /// Redshift's rotation of cluster and database encryption keys was asked for.
    CekRotationStarted = "cek_rotation.started",
    /// It was seen to have ended.
    CekRotationCompleted = "cek_rotation.completed",
    /// It failed.
    CekRotationFailed = "cek_rotation.failed",
    /// Rotation of a KMS key's material was asked for.
    KmsRotationRequested = "kms_rotation.requested",
    /// A KMS key has new material.
    KmsRotationCompleted = "kms_rotation.completed",
    /// Automatic rotation of a KMS key was switched on, or its period changed.
    RotationConfigEnabled = "rotation_config.enabled",
    /// Automatic rotation of a KMS key was switched off.
    RotationConfigDisabled = "rotation_config.disabled",
    /// A KMS key was created.
    KeyStateCreated = "key_state.created",
    /// A KMS key was enabled.
    KeyStateEnabled = "key_state.enabled",
    /// A KMS key was disabled.
    KeyStateDisabled = "key_state.disabled",
    /// Deletion of a KMS key was scheduled.
    KeyStateDeletionScheduled = "key_state.deletion_scheduled",
    /// A scheduled deletion was withdrawn.
    KeyStateDeletionCancelled = "key_state.deletion_cancelled",
    /// A KMS key was deleted.
    KeyStateDeleted = "key_state.deleted",
    /// Material was imported into a KMS key.
    KeyStateMaterialImported = "key_state.material_imported",
    /// Imported material was deleted.
    KeyStateMaterialDeleted = "key_state.material_deleted",
    /// Imported material expired.
    KeyStateMaterialExpired = "key_state.material_expired",
    /// A KMS key was replicated into another region.
    KeyStateReplicated = "key_state.replicated",
    /// Another region has the primary of a multi-Region key.
    KeyStatePrimaryChanged = "key_state.primary_changed",
    /// A KMS key's state changed in another way.
    KeyStateChanged = "key_state.changed",
    /// A key's or namespace's policy changed.
    PolicyChanged = "policy.changed",
    /// A grant on a KMS key was created.
    GrantCreated = "grant.created",
    /// A grant was revoked.
    GrantRevoked = "grant.revoked",
    /// A grant was retired.
    GrantRetired = "grant.retired",
    /// The grants on a KMS key differ between two observations.
    GrantChanged = "grant.changed",
    /// An alias was created.
    AliasCreated = "alias.created",
    /// An alias points to another key.
    AliasUpdated = "alias.updated",
    /// An alias was deleted.
    AliasDeleted = "alias.deleted",
    /// Tags changed.
    TagsChanged = "tags.changed",
    /// A KMS key was used.
    CryptoUsed = "crypto.used",
    /// Use of a KMS key was refused.
    CryptoDenied = "crypto.denied",
    /// Copies of snapshots into another region were switched on.
    CopyEnabled = "copy.enabled",
    /// They were switched off.
    CopyDisabled = "copy.disabled",
    /// Their settings changed.
    CopyModified = "copy.modified",
    /// A copy was asked for.
    CopyStarted = "copy.started",
    /// A copy ended.
    CopyCompleted = "copy.completed",
    /// A copy failed.
    CopyFailed = "copy.failed",
    /// A grant for copies was created.
    CopyGrantCreated = "copy_grant.created",
    /// A grant for copies was deleted.
    CopyGrantDeleted = "copy_grant.deleted",
    /// A snapshot was begun or exists.
    SnapshotCreated = "snapshot.created",
    /// A snapshot is complete.
    SnapshotCompleted = "snapshot.completed",
    /// A snapshot was deleted.
    SnapshotDeleted = "snapshot.deleted",
    /// A snapshot failed.
    SnapshotFailed = "snapshot.failed",
    /// Another account may restore a snapshot.
    SnapshotShared = "snapshot.shared",
    /// Another account may no longer.
    SnapshotUnshared = "snapshot.unshared",
    /// Another fact about a snapshot changed.
    SnapshotModified = "snapshot.modified",
    /// An HSM's configuration was created.
    HsmConfigurationCreated = "hsm.configuration_created",
    /// An HSM's configuration was deleted.
    HsmConfigurationDeleted = "hsm.configuration_deleted",
    /// A client certificate for an HSM was created.
    HsmCertificateCreated = "hsm.certificate_created",
    /// A client certificate for an HSM was deleted.
    HsmCertificateDeleted = "hsm.certificate_deleted",
    /// An HSM cannot be reached or used.
    HsmFailed = "hsm.failed",
    /// What a cluster says of its HSM changed.
    HsmChanged = "hsm.changed",
    /// Audit logging was switched on.
    LoggingEnabled = "logging.enabled",
    /// Audit logging was switched off.
    LoggingDisabled = "logging.disabled",
    /// Audit logs go elsewhere, or are others.
    LoggingModified = "logging.modified",
    /// Audit logs could not be delivered.
    LoggingFailed = "logging.failed",
    /// A parameter changed, or whether it is in force.
    ParameterChanged = "parameter.changed",
    /// A password changed, or the key of its secret.
    CredentialChanged = "credential.changed",
    /// A password could not be changed.
    CredentialFailed = "credential.failed",
    /// An event of Redshift that is none of these.
    RedshiftEventOther = "redshift_event.other",
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
