//! What of an AWS account an export needs: bucket, key and table as deploy/ makes them, and the commands that make them so.
//!
//! Only describing calls are made, and one put that cannot succeed. What may not be looked at is said, and is no problem: an
//! exporter works without these permissions.

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lookback_storage::{Aws, KeyArn, chain, first_line};

use super::Finding;
use super::bucket::check_bucket;
use super::table::check_table;
use crate::lake::Lake;

/// Looks at everything in AWS that the lake and the watermarks need.
pub async fn check_account(aws: &Aws, lake: &Lake, table: Option<&str>) -> Vec<Finding> {
    let mut findings = vec![check_identity(aws).await];
    if let Some((bucket, encryption)) = lake.bucket().and_then(|b| Some((b, b.encryption()?))) {
        for key in encryption.keys() {
            findings.extend(check_key(aws, key).await);
        }
        if let Some(key) = encryption.keys().first() {
            findings.extend(check_bucket(aws, bucket.bucket(), key).await);
        }
        findings.push(check_writing(lake).await);
    }
    if let Some(table) = table {
        findings.extend(check_table(aws, table).await);
    }
    findings
}

async fn check_identity(aws: &Aws) -> Finding {
    let config = aws_sdk_sts::config::Builder::from(aws.config()).interceptor(aws.counter()).build();
    let client = aws_sdk_sts::Client::from_conf(config);
    match aws.run(async move { client.get_caller_identity().send().await }).await {
        Ok(Ok(who)) => Finding::good(
            "identity",
            format!("{} in {}", who.arn().unwrap_or("unknown"), aws.region().unwrap_or("no region")),
        ),
        Ok(Err(e)) => Finding::wrong(
            "identity",
            format!("AWS does not know who asks: {}", why(&e)),
            "give credentials: a role of the task or instance, a profile (aws.profile), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        Err(e) => Finding::wrong("identity", e.to_string(), "run the check again"),
    }
}

async fn check_key(aws: &Aws, key: &KeyArn) -> Vec<Finding> {
    let config = aws_sdk_kms::config::Builder::from(aws.config()).interceptor(aws.counter()).build();
    let client = aws_sdk_kms::Client::from_conf(config);
    let (asked, id) = (client.clone(), key.to_string());
    let described = aws.run(async move { asked.describe_key().key_id(id).send().await }).await;
    let metadata = match described {
        Ok(Ok(answer)) => answer.key_metadata,
        Ok(Err(e)) if is_denied(&e) => return vec![unseen("key", "kms:DescribeKey", &e)],
        Ok(Err(e)) => {
            return vec![Finding::wrong(
                "key",
                format!("{key}: {}", why(&e)),
                "correct lake.kms_key, or create a key: deploy/cloudformation/lookback.yaml",
            )];
        }
        Err(e) => return vec![Finding::wrong("key", e.to_string(), "run the check again")],
    };
    let Some(metadata) = metadata else { return Vec::new() };
    let state = metadata.key_state().map_or("unknown", aws_sdk_kms::types::KeyState::as_str).to_owned();
    if state != "Enabled" {
        let fix = match state.as_str() {
            "Disabled" => format!("aws kms enable-key --key-id {key}"),
            "PendingDeletion" => {
                format!("aws kms cancel-key-deletion --key-id {key}, then aws kms enable-key --key-id {key}")
            }
            _ => "use a key that is enabled".to_owned(),
        };
        return vec![Finding::wrong("key", format!("{key} is {state}: nothing can be written or read under it"), &fix)];
    }
    let mut findings = Vec::new();
    if metadata.key_manager().is_some_and(|m| m.as_str() == "AWS") {
        findings.push(Finding::notice(
            "key",
            format!("{key} is managed by AWS: its policy cannot be changed, nor shared with another account"),
            "use a customer managed key",
        ));
    }
    let (asked, id) = (client, key.to_string());
    match aws.run(async move { asked.get_key_rotation_status().key_id(id).send().await }).await {
        Ok(Ok(status)) if status.key_rotation_enabled() => {
            findings.push(Finding::good("key", format!("{key} is enabled, and rotates")));
        }
        Ok(Ok(_)) => findings.push(Finding::notice(
            "key",
            format!("{key} is enabled, but is never rotated"),
            &format!("aws kms enable-key-rotation --key-id {key}"),
        )),
        Ok(Err(e)) => findings.push(unseen("key", "kms:GetKeyRotationStatus", &e)),
        Err(e) => findings.push(Finding::wrong("key", e.to_string(), "run the check again")),
    }
    findings
}

/// Whether the lake can be written: S3 refuses to create what is there to whoever may write, and says something else to others.
async fn check_writing(lake: &Lake) -> Finding {
    if !matches!(lake.exists().await, Ok(true)) {
        return Finding::notice("writing", "not tried: there is no lake yet", "nothing to do");
    }
    match lake.probe().await {
        Ok(()) => Finding::good("writing", "the identity may write objects under the key, and nothing is overwritten"),
        Err(e) => Finding::problem("writing", &e),
    }
}

/// A call that is not allowed.
pub(super) fn is_denied<E: ProvideErrorMetadata, R>(
    e: &aws_smithy_runtime_api::client::result::SdkError<E, R>,
) -> bool {
    e.code().is_some_and(|c| c.contains("AccessDenied") || c == "403" || c == "UnauthorizedOperation")
}

/// What AWS said, in one line.
pub(super) fn why<E, R>(e: &aws_smithy_runtime_api::client::result::SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    match (e.code(), e.message()) {
        (Some(code), Some(message)) => format!("{code}: {}", first_line(message)),
        (Some(code), None) => code.to_owned(),
        _ => chain(e),
    }
}

/// Something that could not be looked at.
pub(super) fn unseen<E, R>(
    what: &str,
    action: &str,
    e: &aws_smithy_runtime_api::client::result::SdkError<E, R>,
) -> Finding
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    Finding::notice(
        what,
        format!("could not be looked at: {}", why(e)),
        &format!("nothing to do for an export; allow {action} to have it checked"),
    )
}
