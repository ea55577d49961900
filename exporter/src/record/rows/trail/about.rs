//! Which key, cluster and resource a record is about, and whether it is any of ours.

use lookback_schemas::encryption::{Row, TrailClass, class_of_trail};
use serde_json::Value;

use super::{Known, text};
use crate::record::rows::arn::{self, key_arn, partition_of};

/// The encryption context in which Redshift uses a key.
const REDSHIFT_CONTEXT: &str = "aws:redshift:arn";

/// The encryption context of a use of a key, or that a grant is bound to.
pub(super) fn encryption_context(request: &Value) -> Option<&Value> {
    let constraints = request.get("constraints");
    let bound = |name: &str| constraints.and_then(|c| c.get(name));
    let own = request.get("encryptionContext").or_else(|| request.get("sourceEncryptionContext"));
    own.or_else(|| bound("encryptionContextSubset"))
        .or_else(|| bound("encryptionContextEquals"))
        .filter(|c| c.is_object())
}

/// The ARNs of the keys that a record names. Those of aliases are marked as keys, too.
pub(super) fn resource_arns(record: &Value) -> impl Iterator<Item = &str> {
    let all = record.get("resources").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|resource| text(resource, "ARN").or(text(resource, "arn"))).filter(|arn| arn.contains(":key/"))
}

/// The key that a record is about.
pub(super) fn key_of(record: &Value, request: &Value, service: &str, region: &str, account: &str) -> Option<String> {
    if service == "kms.amazonaws.com" {
        if let Some(arn) = resource_arns(record).next() {
            return Some(arn.to_owned());
        }
        let details = record.get("serviceEventDetails").unwrap_or(&Value::Null);
        let named = ["targetKeyId", "keyId"].into_iter().find_map(|member| text(request, member));
        return key_arn(named.or(text(details, "keyId"))?, region, account);
    }
    let named = ["kmsKeyId", "destinationKmsKeyId", "masterPasswordSecretKmsKeyId"];
    key_arn(named.into_iter().find_map(|member| text(request, member))?, region, account)
}

/// Grants and uses of keys are many, and most are none of ours; so are secrets.
pub(super) fn is_related(
    service: &str,
    name: &str,
    request: &Value,
    who: &Value,
    key: Option<&str>,
    context: Option<&Value>,
    known: &Known<'_>,
) -> bool {
    let noisy = matches!(name, "CreateGrant" | "RevokeGrant" | "RetireGrant" | "TagResource" | "UntagResource")
        || matches!(class_of_trail(service, name), Some(TrailClass::Crypto));
    if service == "secretsmanager.amazonaws.com" {
        return text(request, "secretId").is_some_and(|id| id.contains("redshift!"));
    }
    if service != "kms.amazonaws.com" || !noisy {
        return true;
    }
    let by_redshift = text(who, "invokedBy").is_some_and(|by| by.contains("redshift"))
        || text(request, "granteePrincipal").is_some_and(|by| by.contains("redshift"));
    by_redshift
        || context.is_some_and(|context| context.get(REDSHIFT_CONTEXT).is_some())
        || key.is_some_and(|key| known.referenced.contains(key))
}

/// The cluster or namespace that a request names.
pub(super) fn cluster_of(service: &str, request: &Value, context: Option<&Value>) -> Option<String> {
    let named = match service {
        "redshift.amazonaws.com" => text(request, "clusterIdentifier"),
        "redshift-serverless.amazonaws.com" => text(request, "namespaceName"),
        _ => None,
    };
    let by_context = || {
        let arn = text(context?, REDSHIFT_CONTEXT)?;
        arn.rsplit_once(":cluster:").map(|(_, name)| name)
    };
    // Redshift stores identifiers in lower case, whatever was typed.
    named.or_else(by_context).map(str::to_lowercase)
}

/// What a record is about, as one resource.
pub(super) fn resource(
    row: &mut Row,
    service: &str,
    name: &str,
    request: &Value,
    key: Option<&str>,
    cluster: Option<&str>,
    (region, account): (&str, &str),
) {
    let partition = partition_of(region);
    let redshift = |kind: &str, id: &str| format!("arn:{partition}:redshift:{region}:{account}:{kind}:{id}");
    let (kind, arn, id): (&str, Option<String>, Option<String>) = match service {
        "kms.amazonaws.com" => {
            let id = key.and_then(|arn| arn::field(arn, 5)).and_then(|r| r.strip_prefix("key/")).map(str::to_owned);
            if name.ends_with("Alias") {
                let alias = text(request, "aliasName").map(str::to_owned);
                let arn = alias.as_ref().map(|alias| format!("arn:{partition}:kms:{region}:{account}:{alias}"));
                ("kms_alias", arn, alias)
            } else if name.ends_with("Grant") {
                ("kms_grant", key.map(str::to_owned), text(request, "grantId").map(str::to_owned).or(id))
            } else {
                ("kms_key", key.map(str::to_owned), id)
            }
        }
        "redshift.amazonaws.com" => {
            let of = |kind: &'static str, word: &str, member: &str| {
                let id = text(request, member).map(str::to_owned);
                (kind, id.as_ref().map(|id| redshift(word, id)), id)
            };
            match name {
                "CreateSnapshotCopyGrant" | "DeleteSnapshotCopyGrant" => {
                    of("snapshot_copy_grant", "snapshotcopygrant", "snapshotCopyGrantName")
                }
                "CopyClusterSnapshot" => of("snapshot", "snapshot", "sourceSnapshotIdentifier"),
                "AuthorizeSnapshotAccess" | "RevokeSnapshotAccess" => of("snapshot", "snapshot", "snapshotIdentifier"),
                "CreateHsmConfiguration" | "DeleteHsmConfiguration" => {
                    of("hsm_configuration", "hsmconfiguration", "hsmConfigurationIdentifier")
                }
                "CreateHsmClientCertificate" | "DeleteHsmClientCertificate" => {
                    of("hsm_client_certificate", "hsmclientcertificate", "hsmClientCertificateIdentifier")
                }
                "ModifyClusterParameterGroup" => of("parameter_group", "parametergroup", "parameterGroupName"),
                _ => ("cluster", cluster.map(|id| redshift("cluster", id)), cluster.map(str::to_owned)),
            }
        }
        "redshift-serverless.amazonaws.com" => {
            ("namespace", text(request, "resourceArn").map(str::to_owned), cluster.map(str::to_owned))
        }
        _ => ("secret", text(request, "secretId").filter(|id| id.starts_with("arn:")).map(str::to_owned), None),
    };
    row.text("resource_type", Some(kind)).text("resource_arn", arn).text("resource_id", id);
}
