//! Collectors: which calls are made, in which order, and what is done when one is refused.
//!
//! A refusal costs the fact that was asked for and nothing else. A listing is whole or not there: of half a listing nobody could
//! say what is gone.
//!
//! - `describe`: clusters, namespaces and their snapshots as they are now.
//! - `hsm`: the hardware security modules that clusters name. `keys`: the KMS keys that any of these refer to.
//! - `events`: what happened, from sources that are read by windows. `lookup`: CloudTrail by name. `files`: by a trail's files.

pub(crate) mod describe;
pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod hsm;
pub(crate) mod keys;
pub(crate) mod lookup;

use super::plane::{CallError, Refusal};

/// A fact that is not there: why, for the record. That it was refused is counted elsewhere.
pub(crate) fn remember(problems: &mut Vec<String>, error: &CallError) {
    let text = error.to_string();
    if error.refusal != Refusal::Denied && !problems.contains(&text) {
        problems.push(text);
    }
}
