//! What Redshift's event notifications mean, by their id. Texts have changed wording over the years, ids have not.
//!
//! Source: Amazon Redshift Management Guide, "Amazon Redshift provisioned cluster event notifications".

use super::Class;

/// The number in `REDSHIFT-EVENT-2013`.
fn number(event_id: &str) -> Option<u32> {
    event_id.rsplit('-').next()?.parse().ok()
}

/// What an id means; ids that are not known are [`Class::RedshiftEventOther`].
#[must_use]
pub fn class_of_notice(event_id: &str) -> Class {
    match number(event_id) {
        Some(1000..=1003) => Class::ParameterChanged,
        Some(1504 | 1505) => Class::HsmFailed,
        Some(2000) => Class::ClusterCreated,
        Some(2001) => Class::ClusterDeleted,
        Some(2003 | 2004 | 3618 | 3619) => Class::ClusterInterrupted,
        Some(2006 | 2007 | 3002 | 3500) => Class::ClusterResized,
        Some(2008 | 3003 | 3501) => Class::ClusterRestored,
        Some(2009) => Class::SnapshotCreated,
        Some(2013) => Class::ClusterRenamed,
        Some(3000 | 3519 | 3520) => Class::ClusterRebooted,
        Some(3004) => Class::SnapshotCompleted,
        Some(3007) => Class::CopyCompleted,
        Some(3509) => Class::CopyFailed,
        Some(3503) => Class::SnapshotFailed,
        Some(3504..=3506 | 3684) => Class::LoggingFailed,
        Some(3688) => Class::CekRotationFailed,
        Some(4000) => Class::CredentialChanged,
        Some(4005) => Class::ClusterKeyInaccessible,
        Some(4006) => Class::ClusterKeyAccessible,
        Some(4503..=4506) => Class::CredentialFailed,
        _ => Class::RedshiftEventOther,
    }
}

/// Whether an id tells of something that did not work.
#[must_use]
pub fn notice_failed(event_id: &str) -> bool {
    matches!(
        number(event_id),
        Some(1504 | 1505 | 3500 | 3501 | 3503..=3506 | 3509 | 3684 | 3688 | 4005 | 4500 | 4501 | 4503..=4506)
    )
}
