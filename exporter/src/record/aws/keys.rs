//! KMS keys, as the SDK asks for them: descriptions only, never a use.

use aws_sdk_kms::operation::get_key_last_usage::GetKeyLastUsageOutput;
use aws_sdk_kms::operation::get_key_rotation_status::GetKeyRotationStatusOutput;
use aws_sdk_kms::types::{AliasListEntry, GrantListEntry, IncludeKeyMaterial, KeyMetadata, RotationsListEntry, Tag};

use super::{AwsPlane, next};
use crate::record::plane::{Answer, CallError, Page, Refusal};

/// Items of a page.
const PAGE: i32 = 100;
/// The most tags that KMS gives at once.
const TAGS: i32 = 50;

impl AwsPlane {
    pub(super) async fn ask_key(&self, region: &str, key: &str) -> Answer<KeyMetadata> {
        let name = "kms:DescribeKey";
        let answer = self.ask(name, self.kms(region).describe_key().key_id(key).send()).await?;
        answer.key_metadata.ok_or_else(|| CallError::new(Refusal::Other, name, "an answer without a key", ""))
    }

    pub(super) async fn ask_rotation_status(&self, region: &str, key: &str) -> Answer<GetKeyRotationStatusOutput> {
        let call = self.kms(region).get_key_rotation_status().key_id(key).send();
        self.ask("kms:GetKeyRotationStatus", call).await
    }

    pub(super) async fn ask_rotations(
        &self,
        region: &str,
        key: &str,
        token: Option<String>,
    ) -> Answer<Page<RotationsListEntry>> {
        let call = self.kms(region).list_key_rotations().key_id(key).limit(PAGE);
        let call = call.include_key_material(IncludeKeyMaterial::RotationsOnly).set_marker(token).send();
        let answer = self.ask("kms:ListKeyRotations", call).await?;
        Ok(Page { items: answer.rotations.unwrap_or_default(), next: next(answer.next_marker) })
    }

    pub(super) async fn ask_last_usage(&self, region: &str, key: &str) -> Answer<GetKeyLastUsageOutput> {
        self.ask("kms:GetKeyLastUsage", self.kms(region).get_key_last_usage().key_id(key).send()).await
    }

    pub(super) async fn ask_aliases(&self, region: &str, token: Option<String>) -> Answer<Page<AliasListEntry>> {
        let call = self.kms(region).list_aliases().limit(PAGE).set_marker(token).send();
        let answer = self.ask("kms:ListAliases", call).await?;
        Ok(Page { items: answer.aliases.unwrap_or_default(), next: next(answer.next_marker) })
    }

    pub(super) async fn ask_key_tags(&self, region: &str, key: &str, token: Option<String>) -> Answer<Page<Tag>> {
        let call = self.kms(region).list_resource_tags().key_id(key).limit(TAGS).set_marker(token).send();
        let answer = self.ask("kms:ListResourceTags", call).await?;
        Ok(Page { items: answer.tags.unwrap_or_default(), next: next(answer.next_marker) })
    }

    pub(super) async fn ask_key_policy(&self, region: &str, key: &str) -> Answer<Option<String>> {
        let call = self.kms(region).get_key_policy().key_id(key).policy_name("default").send();
        Ok(self.ask("kms:GetKeyPolicy", call).await?.policy)
    }

    pub(super) async fn ask_grants(
        &self,
        region: &str,
        key: &str,
        token: Option<String>,
    ) -> Answer<Page<GrantListEntry>> {
        let call = self.kms(region).list_grants().key_id(key).limit(PAGE).set_marker(token).send();
        let answer = self.ask("kms:ListGrants", call).await?;
        Ok(Page { items: answer.grants.unwrap_or_default(), next: next(answer.next_marker) })
    }
}
