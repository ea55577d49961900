//! The bucket: what it refuses, and what it does with what it is given.

use aws_sdk_s3::Client;
use lookback_storage::s3::has_own_endpoint;
use lookback_storage::{Aws, KeyArn};

use super::Finding;
use super::account::{is_denied, unseen, why};

/// Looks at encryption, policy, public access and versioning of a bucket.
pub(super) async fn check_bucket(aws: &Aws, bucket: &str, key: &KeyArn) -> Vec<Finding> {
    let config = aws_sdk_s3::config::Builder::from(aws.config())
        .force_path_style(has_own_endpoint(aws))
        .interceptor(aws.counter())
        .build();
    let look = Look { client: Client::from_conf(config), bucket: bucket.to_owned(), key: key.clone() };
    let looked = aws.run(async move {
        let mut findings = look.encryption().await;
        if findings.iter().any(|f| f.text.contains("NoSuchBucket")) {
            return findings;
        }
        findings.extend(look.policy().await);
        findings.push(look.public_access().await);
        findings.push(look.versioning().await);
        findings
    });
    looked.await.unwrap_or_else(|e| vec![Finding::wrong("bucket", e.to_string(), "run the check again")])
}

struct Look {
    client: Client,
    bucket: String,
    key: KeyArn,
}

impl Look {
    async fn encryption(&self) -> Vec<Finding> {
        let (bucket, key) = (&self.bucket, &self.key);
        let fix = format!(
            "aws s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration '{{\"Rules\":[{{\"ApplyServerSideEncryptionByDefault\":{{\"SSEAlgorithm\":\"aws:kms\",\"KMSMasterKeyID\":\"{key}\"}},\"BucketKeyEnabled\":true}}]}}'"
        );
        let answer = match self.client.get_bucket_encryption().bucket(bucket).send().await {
            Ok(answer) => answer,
            Err(e) if is_denied(&e) => return vec![unseen("bucket", "s3:GetEncryptionConfiguration", &e)],
            Err(e) if why(&e).contains("NoSuchBucket") => {
                let region = self.client.config().region().map_or("<region>", |r| r.as_ref());
                return vec![Finding::wrong(
                    "bucket",
                    format!("{bucket}: NoSuchBucket: there is no such bucket"),
                    &format!(
                        "deploy/cloudformation/lookback.yaml makes it; or aws s3 mb s3://{bucket} --region {region}"
                    ),
                )];
            }
            Err(e) if why(&e).contains("ServerSideEncryptionConfigurationNotFound") => {
                return vec![Finding::notice("bucket", format!("{bucket} has no default encryption"), &fix)];
            }
            Err(e) => {
                return vec![Finding::wrong(
                    "bucket",
                    format!("{bucket}: {}", why(&e)),
                    "see deploy/iam/exporter.json",
                )];
            }
        };
        let rules = answer.server_side_encryption_configuration().map(|c| c.rules()).unwrap_or_default();
        let under = |rule: &aws_sdk_s3::types::ServerSideEncryptionRule| {
            rule.apply_server_side_encryption_by_default().and_then(|d| d.kms_master_key_id()) == Some(key.as_str())
        };
        match rules.iter().find(|r| under(r)) {
            Some(rule) if rule.bucket_key_enabled() == Some(true) => {
                vec![Finding::good("bucket", format!("{bucket} encrypts under the key by default, with bucket keys"))]
            }
            Some(_) => vec![Finding::notice(
                "bucket",
                format!(
                    "{bucket} encrypts under the key by default, but without bucket keys: other writers cost a request to KMS per object"
                ),
                &fix,
            )],
            None => vec![Finding::notice(
                "bucket",
                format!("what others write to {bucket} is not under the key by default"),
                &fix,
            )],
        }
    }

    async fn policy(&self) -> Vec<Finding> {
        let bucket = &self.bucket;
        let fix = format!(
            "fill in deploy/iam/bucket-policy.json, then aws s3api put-bucket-policy --bucket {bucket} --policy file://bucket-policy.json"
        );
        let text = match self.client.get_bucket_policy().bucket(bucket).send().await {
            Ok(answer) => answer.policy().unwrap_or_default().to_owned(),
            Err(e) if why(&e).contains("NoSuchBucketPolicy") => String::new(),
            Err(e) => return vec![unseen("policy", "s3:GetBucketPolicy", &e)],
        };
        let missing = missing_denials(&text);
        if missing.is_empty() {
            let good = "the bucket refuses plaintext transport, unencrypted objects and other keys";
            return vec![Finding::good("policy", good)];
        }
        missing.into_iter().map(|m| Finding::notice("policy", format!("{bucket} does not refuse {m}"), &fix)).collect()
    }

    async fn public_access(&self) -> Finding {
        let bucket = &self.bucket;
        let fix = format!(
            "aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
        );
        match self.client.get_public_access_block().bucket(bucket).send().await {
            Ok(answer) => match answer.public_access_block_configuration() {
                Some(c)
                    if [
                        c.block_public_acls(),
                        c.ignore_public_acls(),
                        c.block_public_policy(),
                        c.restrict_public_buckets(),
                    ]
                    .iter()
                    .all(|b| *b == Some(true)) =>
                {
                    Finding::good("public", "public access is blocked")
                }
                _ => Finding::notice("public", format!("{bucket} does not block all public access"), &fix),
            },
            Err(e) if why(&e).contains("NoSuchPublicAccessBlock") => {
                Finding::notice("public", format!("{bucket} does not block public access"), &fix)
            }
            Err(e) => unseen("public", "s3:GetBucketPublicAccessBlock", &e),
        }
    }

    async fn versioning(&self) -> Finding {
        let bucket = &self.bucket;
        match self.client.get_bucket_versioning().bucket(bucket).send().await {
            Ok(answer) if answer.status().is_some_and(|s| s.as_str() == "Enabled") => {
                Finding::good("versions", "deleted objects can be brought back")
            }
            Ok(_) => Finding::notice(
                "versions",
                format!("{bucket} keeps no versions: what is deleted by mistake is gone"),
                &format!("aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"),
            ),
            Err(e) => unseen("versions", "s3:GetBucketVersioning", &e),
        }
    }
}

/// Which refusals a bucket's policy lacks. Looks for the condition keys of statements that deny: what else they say is theirs.
fn missing_denials(policy: &str) -> Vec<&'static str> {
    let document: serde_json::Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = match document.get("Statement") {
        Some(serde_json::Value::Array(many)) => many.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let denied: String = statements
        .iter()
        .filter(|s| s.get("Effect").and_then(serde_json::Value::as_str) == Some("Deny"))
        .filter_map(|s| s.get("Condition"))
        .map(|c| c.to_string().to_lowercase())
        .collect();
    [
        ("aws:securetransport", "plaintext transport"),
        ("s3:x-amz-server-side-encryption\"", "objects that are not encrypted with KMS"),
        ("s3:x-amz-server-side-encryption-aws-kms-key-id", "objects under other keys"),
    ]
    .into_iter()
    .filter(|(key, _)| !denied.contains(key))
    .map(|(_, what)| what)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_without_a_refusal_is_told_which_one() {
        assert_eq!(missing_denials("").len(), 3);
        assert_eq!(missing_denials("no json").len(), 3);
        let policy = |effect: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"{effect}","Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}},
                {{"Effect":"Deny","Condition":{{"StringNotEquals":{{"s3:x-amz-server-side-encryption":"aws:kms"}}}}}}]}}"#
            )
        };
        assert_eq!(missing_denials(&policy("Deny")), ["objects under other keys"]);
        assert_eq!(missing_denials(&policy("Allow")), ["plaintext transport", "objects under other keys"]);
    }
}
