//! The KMS keys that something refers to. No other key is looked at.
//!
//! A key is described by one place only, its own if that is among those that are asked: what another account sees of it is less,
//! and two views of one key would look like changes.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_kms::types::{KeyManagerType, OriginType};

use super::remember;
use crate::record::calls::Calls;
use crate::record::plane::{CallError, ControlPlane, Refusal};
use crate::record::rows::arn;
use crate::record::rows::key::{KEYS_CALL, KeyFacts};

/// What is to be looked at by one place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Keys, by ARN.
    pub(crate) keys: BTreeSet<String>,
    /// Aliases, by ARN: the keys that they point to.
    pub(crate) aliases: BTreeSet<String>,
    /// Regions of the account whose aliases are of interest.
    pub(crate) alias_regions: BTreeSet<String>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    pub(crate) facts: Vec<KeyFacts>,
    /// The keys that aliases point to, both by ARN.
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) problems: Vec<String>,
    /// If nothing could be asked at all.
    pub(crate) failure: Option<CallError>,
}

/// Looks at keys. `rotations` counts for itself: it is a collector of its own.
pub(crate) async fn keys(
    plane: &dyn ControlPlane,
    account: &str,
    wanted: &Wanted,
    calls: &Calls,
    rotations: &Calls,
) -> Keys {
    let mut found = Keys::default();
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut listed = BTreeSet::new();
    for region in &wanted.alias_regions {
        match calls.all("kms:ListAliases", |token| plane.aliases(region, token)).await {
            Ok(aliases) => {
                listed.insert(region.clone());
                for alias in aliases {
                    let (Some(name), Some(target)) = (alias.alias_name, alias.target_key_id) else { continue };
                    let Some(key) = arn::key_arn(&target, region, account) else { continue };
                    let place = format!("arn:{}:kms:{region}:{account}:{name}", arn::partition_of(region));
                    found.aliases.insert(alias.alias_arn.unwrap_or(place), key.clone());
                    names.entry(key).or_default().push(name);
                }
            }
            Err(e) => remember(&mut found.problems, &e),
        }
    }
    let behind = wanted.aliases.iter().filter_map(|alias| found.aliases.get(alias).cloned());
    let all: BTreeSet<String> = wanted.keys.iter().cloned().chain(behind).collect();
    for key in &all {
        let region = arn::region(key).unwrap_or_default().to_owned();
        let own = arn::account(key) == Some(account);
        let mut facts = one(plane, key, &region, own, calls, rotations).await;
        facts.aliases = (own && listed.contains(&region)).then(|| names.remove(key).unwrap_or_default());
        let errors = [
            facts.metadata.as_ref().err(),
            facts.rotation.as_ref().and_then(|answer| answer.as_ref().err()),
            facts.tags.as_ref().and_then(|answer| answer.as_ref().err()),
            facts.policy.as_ref().and_then(|answer| answer.as_ref().err()),
            facts.grants.as_ref().and_then(|answer| answer.as_ref().err()),
            facts.rotations.as_ref().and_then(|answer| answer.as_ref().err()),
        ];
        let expected = |e: &&CallError| !matches!(e.refusal, Refusal::NotFound | Refusal::Unsupported);
        for error in errors.into_iter().flatten().filter(expected) {
            remember(&mut found.problems, error);
            if error.refusal == Refusal::OutOfTime {
                found.failure.get_or_insert_with(|| error.clone());
            }
        }
        if found.failure.is_some() {
            return found;
        }
        found.facts.push(facts);
    }
    found
}

async fn one(
    plane: &dyn ControlPlane,
    key: &str,
    region: &str,
    own: bool,
    calls: &Calls,
    rotations: &Calls,
) -> KeyFacts {
    let metadata = calls.call_about(KEYS_CALL, key, || plane.key(region, key)).await;
    let mut facts = KeyFacts {
        arn: key.to_owned(),
        metadata,
        rotation: None,
        rotations: None,
        usage: None,
        tags: None,
        policy: None,
        grants: None,
        aliases: None,
    };
    // A key that is gone answers nothing. One that may not be described may answer the rest.
    if matches!(&facts.metadata, Err(e) if matches!(e.refusal, Refusal::NotFound | Refusal::OutOfTime)) {
        return facts;
    }
    let metadata = facts.metadata.as_ref().ok();
    facts.rotation = Some(match metadata.and_then(unsupported) {
        Some(why) => Err(CallError::new(Refusal::Unsupported, "kms:GetKeyRotationStatus", "unsupported", why)),
        None => calls.call_about("kms:GetKeyRotationStatus", key, || plane.rotation_status(region, key)).await,
    });
    // The rest is answered to the key's own account only.
    if !own {
        return facts;
    }
    let managed = metadata.is_some_and(|m| m.key_manager() == Some(&KeyManagerType::Aws));
    facts.rotations = Some(rotations.all_about("kms:ListKeyRotations", key, |t| plane.rotations(region, key, t)).await);
    facts.usage = Some(calls.call_about("kms:GetKeyLastUsage", key, || plane.last_usage(region, key)).await);
    facts.policy = Some(calls.call_about("kms:GetKeyPolicy", key, || plane.key_policy(region, key)).await);
    if !managed {
        facts.tags = Some(calls.all_about("kms:ListResourceTags", key, |t| plane.key_tags(region, key, t)).await);
        facts.grants = Some(calls.all_about("kms:ListGrants", key, |t| plane.grants(region, key, t)).await);
    }
    facts
}

/// Why a key has no automatic rotation, as its description says: some answers to the question itself say "off".
fn unsupported(key: &aws_sdk_kms::types::KeyMetadata) -> Option<&'static str> {
    match key.origin() {
        Some(OriginType::External) => Some("imported key material is rotated on demand only"),
        Some(OriginType::AwsCloudhsm | OriginType::ExternalKeyStore) => {
            Some("keys in custom key stores have no automatic rotation")
        }
        _ => {
            let spec = key.key_spec().map(|spec| spec.as_str()).filter(|spec| *spec != "SYMMETRIC_DEFAULT");
            spec.map(|_| "only symmetric encryption keys have automatic rotation")
        }
    }
}
