//! What a KMS key says of itself, as a row of `kms_key_state`; and whose keys those are that something refers to.

use std::collections::BTreeMap;

use aws_sdk_kms::operation::get_key_last_usage::GetKeyLastUsageOutput;
use aws_sdk_kms::operation::get_key_rotation_status::GetKeyRotationStatusOutput;
use aws_sdk_kms::types::{GrantListEntry, KeyManagerType, KeyMetadata, RotationType, RotationsListEntry, Tag};
use lookback_schemas::encryption::{KMS_KEY_STATE, Row, canonical, encryption_type, sha256_hex};
use serde_json::{Value, json};

use super::arn::{self, KeyReference, key_reference};
use super::{micros, sorted, tags};
use crate::record::plane::{Answer, CallError, Refusal};

/// The call that gives keys.
pub(crate) const KEYS_CALL: &str = "kms:DescribeKey";

/// A key and all that was asked about it; `None` for what was not asked, because it could not be answered.
#[derive(Debug, Clone)]
pub(crate) struct KeyFacts {
    /// Its ARN.
    pub(crate) arn: String,
    pub(crate) metadata: Answer<KeyMetadata>,
    pub(crate) rotation: Option<Answer<GetKeyRotationStatusOutput>>,
    pub(crate) rotations: Option<Answer<Vec<RotationsListEntry>>>,
    pub(crate) usage: Option<Answer<GetKeyLastUsageOutput>>,
    pub(crate) tags: Option<Answer<Vec<Tag>>>,
    pub(crate) policy: Option<Answer<Option<String>>>,
    pub(crate) grants: Option<Answer<Vec<GrantListEntry>>>,
    /// Aliases of its region that point to it, `None` if they could not be listed.
    pub(crate) aliases: Option<Vec<String>>,
}

impl KeyFacts {
    /// Whether something is missing that may be there next time: the state is not known now. When a key was used last is no part
    /// of its state.
    pub(crate) fn is_incomplete(&self) -> bool {
        let errors = [
            self.metadata.as_ref().err(),
            self.rotation.as_ref().and_then(|answer| answer.as_ref().err()),
            self.rotations.as_ref().and_then(|answer| answer.as_ref().err()),
            self.tags.as_ref().and_then(|answer| answer.as_ref().err()),
            self.policy.as_ref().and_then(|answer| answer.as_ref().err()),
            self.grants.as_ref().and_then(|answer| answer.as_ref().err()),
        ];
        let passes = |e: &CallError| !matches!(e.refusal, Refusal::Denied | Refusal::NotFound | Refusal::Unsupported);
        errors.into_iter().flatten().any(passes)
    }

    /// Whether it is a key that AWS keeps in the account. What says so is the key; its alias says it where the key may not.
    fn is_aws_managed(&self) -> Option<bool> {
        let by_alias = self.aliases.as_ref().is_some_and(|all| all.iter().any(|name| name.starts_with("alias/aws/")));
        match self.metadata.as_ref().ok().and_then(|key| key.key_manager()) {
            Some(KeyManagerType::Aws) => Some(true),
            Some(KeyManagerType::Customer) => Some(by_alias),
            _ => by_alias.then_some(true),
        }
    }
}

/// What is known of the keys that anything refers to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// By ARN.
    pub(crate) facts: BTreeMap<String, KeyFacts>,
    /// The keys that aliases point to, both by ARN.
    pub(crate) aliases: BTreeMap<String, String>,
}

impl Keys {
    /// The ARN of the key that a reference points to.
    pub(crate) fn resolve(&self, reference: &str, region: &str, account: &str) -> Option<String> {
        match key_reference(reference, region, account)? {
            KeyReference::Key(arn) => Some(arn),
            KeyReference::Alias(alias) => self.aliases.get(&alias).cloned(),
            KeyReference::Owned => None,
        }
    }

    /// Whose key it is. A key of another account that may not be looked at is not known; it is never taken for AWS's.
    pub(crate) fn encryption_type(&self, arn: &str) -> &'static str {
        match self.facts.get(arn).and_then(KeyFacts::is_aws_managed) {
            Some(true) => encryption_type::KMS_AWS_MANAGED,
            Some(false) => encryption_type::KMS_CMK,
            None => encryption_type::UNKNOWN,
        }
    }
}

/// A key's row.
pub(crate) fn key_row(facts: &KeyFacts) -> Row {
    let mut row = Row::new(&KMS_KEY_STATE);
    row.text("source_call", Some(KEYS_CALL)).text("kms_key_arn", Some(facts.arn.clone()));
    row.text("region", arn::region(&facts.arn)).text("owner_account", arn::account(&facts.arn));
    row.text("key_id", arn::field(&facts.arn, 5).and_then(|resource| resource.strip_prefix("key/")));
    if let Ok(key) = &facts.metadata {
        metadata(&mut row, key);
    }
    match facts.is_aws_managed() {
        Some(true) => drop(row.text("key_manager", Some("AWS"))),
        Some(false) => drop(row.text("key_manager", Some("CUSTOMER"))),
        None => {}
    }
    rotation(&mut row, facts);
    if let Some(Ok(usage)) = &facts.usage {
        let last = usage.key_last_usage();
        row.time("last_used_at", last.and_then(|last| last.timestamp()).map(micros));
        row.text("last_used_op", last.and_then(|last| last.operation()).map(|op| op.as_str().to_owned()));
        row.time("usage_tracking_start", usage.tracking_start_date().map(micros));
    }
    if let Some(aliases) = &facts.aliases {
        row.json("aliases", Some(&sorted(aliases.iter().map(String::as_str))));
    }
    if let Some(Ok(found)) = &facts.tags {
        row.json("tags", Some(&tags(found.iter().map(|tag| (Some(tag.tag_key()), Some(tag.tag_value()))))));
    }
    if let Some(Ok(Some(policy))) = &facts.policy {
        // The same policy has the same hash, however it is indented.
        let text = serde_json::from_str::<Value>(policy).map_or_else(|_| policy.clone(), |json| canonical(&json));
        row.text("policy_sha256", Some(sha256_hex(text.as_bytes()))).text("policy_json", Some(text));
    }
    if let Some(Ok(found)) = &facts.grants {
        let mut grants: Vec<Value> = found.iter().map(grant).collect();
        grants.sort_by_cached_key(canonical);
        row.json("grants", Some(&Value::Array(grants)));
    }
    row.text("access_error", access_error(facts));
    row
}

fn metadata(row: &mut Row, key: &KeyMetadata) {
    let text = |value: Option<&str>| value.map(str::to_owned);
    row.text("key_id", Some(key.key_id())).text("owner_account", key.aws_account_id());
    row.text("key_state", text(key.key_state().map(|state| state.as_str()))).flag("enabled", Some(key.enabled()));
    row.text("origin", text(key.origin().map(|origin| origin.as_str())));
    row.text("key_spec", text(key.key_spec().map(|spec| spec.as_str())));
    row.text("key_usage", text(key.key_usage().map(|usage| usage.as_str())));
    row.flag("multi_region", key.multi_region);
    if let Some(regions) = key.multi_region_configuration() {
        row.text("mr_type", text(regions.multi_region_key_type().map(|kind| kind.as_str())));
        row.text("primary_arn", regions.primary_key().and_then(|key| key.arn()));
        row.json("replica_arns", Some(&sorted(regions.replica_keys().iter().filter_map(|key| key.arn()))));
    }
    row.time("creation_date", key.creation_date().map(micros));
    row.time("deletion_date", key.deletion_date().map(micros));
    row.long("pending_window_days", key.pending_deletion_window_in_days.map(i64::from));
    row.time("valid_to", key.valid_to().map(micros));
    row.text("expiration_model", text(key.expiration_model().map(|model| model.as_str())));
    row.text("custom_key_store_id", key.custom_key_store_id());
    row.text("current_key_material_id", key.current_key_material_id());
}

fn rotation(row: &mut Row, facts: &KeyFacts) {
    match &facts.rotation {
        Some(Ok(status)) => {
            row.flag("rotation_supported", Some(true)).flag("rotation_enabled", Some(status.key_rotation_enabled));
            row.long("rotation_period_days", status.rotation_period_in_days.map(i64::from));
            row.time("next_rotation_date", status.next_rotation_date().map(micros));
            row.time("on_demand_rotation_start", status.on_demand_rotation_start_date().map(micros));
        }
        Some(Err(e)) if e.refusal == Refusal::Unsupported => {
            row.flag("rotation_supported", Some(false));
            let why = if e.message.is_empty() { &e.code } else { &e.message };
            row.text("rotation_unsupported_reason", Some(why.clone()));
        }
        _ => {}
    }
    if let Some(Ok(rotations)) = &facts.rotations {
        let dated = rotations.iter().filter_map(|one| Some((one.rotation_date().map(micros)?, one)));
        let done: Vec<_> = dated.collect();
        let last = done.iter().max_by_key(|(at, _)| *at);
        row.time("last_rotation_at", last.map(|(at, _)| *at));
        row.text("last_rotation_type", last.and_then(|(_, one)| one.rotation_type()).map(|t| t.as_str().to_owned()));
        row.long("rotation_count", i64::try_from(done.len()).ok());
        let asked = done.iter().filter(|(_, one)| one.rotation_type() == Some(&RotationType::OnDemand)).count();
        row.long("on_demand_used", i64::try_from(asked).ok());
    }
}

fn grant(grant: &GrantListEntry) -> Value {
    let operations: Vec<&str> = grant.operations().iter().map(|operation| operation.as_str()).collect();
    let constraints = grant.constraints();
    let service = grant.grantee_service_principal();
    json!({
        "grant_id": grant.grant_id(),
        "grantee": grant.grantee_principal().or(service),
        "ops": sorted(operations.into_iter()),
        "context_equals": constraints.and_then(|c| c.encryption_context_equals()),
        "context_subset": constraints.and_then(|c| c.encryption_context_subset()),
        "created": grant.creation_date().map(|at| lookback_schemas::time::rfc3339(micros(at))),
    })
}

/// What was refused, in one line, in the order in which it is asked.
fn access_error(facts: &KeyFacts) -> Option<String> {
    let errors = [
        facts.metadata.as_ref().err(),
        facts.rotation.as_ref().and_then(|answer| answer.as_ref().err()),
        facts.rotations.as_ref().and_then(|answer| answer.as_ref().err()),
        facts.tags.as_ref().and_then(|answer| answer.as_ref().err()),
        facts.policy.as_ref().and_then(|answer| answer.as_ref().err()),
        facts.grants.as_ref().and_then(|answer| answer.as_ref().err()),
    ];
    let denied = errors.into_iter().flatten().filter(|e| e.refusal == Refusal::Denied);
    let lines: Vec<String> = denied.map(|e| format!("{}: {}", e.call, e.code)).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// A key that is gone.
pub(crate) fn is_gone(facts: &KeyFacts) -> bool {
    matches!(&facts.metadata, Err(e) if e.refusal == Refusal::NotFound)
}
