//! References to KMS keys, as AWS writes them: an ARN, a bare id, an alias, or a word for "AWS's own".

/// The account of AWS that a region belongs to.
pub(crate) fn partition_of(region: &str) -> &'static str {
    match region {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// What a reference points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyReference {
    /// A key, by its ARN.
    Key(String),
    /// An alias, by its ARN.
    Alias(String),
    /// A key that AWS owns; nothing more can be known of it.
    Owned,
}

/// Reads a reference that was found in an account and region.
pub(crate) fn key_reference(text: &str, region: &str, account: &str) -> Option<KeyReference> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if text.eq_ignore_ascii_case("AWS_OWNED_KMS_KEY") || text.eq_ignore_ascii_case("AWS_OWNED_KEY") {
        return Some(KeyReference::Owned);
    }
    if text.starts_with("arn:") {
        return Some(match field(text, 5).is_some_and(|resource| resource.starts_with("alias/")) {
            true => KeyReference::Alias(text.to_owned()),
            false => KeyReference::Key(text.to_owned()),
        });
    }
    let place = format!("arn:{}:kms:{region}:{account}:", partition_of(region));
    Some(match text.strip_prefix("key/").unwrap_or(text) {
        alias if alias.starts_with("alias/") => KeyReference::Alias(format!("{place}{alias}")),
        id => KeyReference::Key(format!("{place}key/{id}")),
    })
}

/// The ARN of the key that a reference names directly.
pub(crate) fn key_arn(text: &str, region: &str, account: &str) -> Option<String> {
    match key_reference(text, region, account)? {
        KeyReference::Key(arn) => Some(arn),
        KeyReference::Alias(_) | KeyReference::Owned => None,
    }
}

/// The ARN of something of Redshift's: `cluster:sales`, `hsmconfiguration:*`.
pub(crate) fn redshift(account: &str, region: &str, resource: &str) -> String {
    format!("arn:{}:redshift:{region}:{account}:{resource}", partition_of(region))
}

/// The ARN of a provisioned cluster.
pub(crate) fn cluster(account: &str, region: &str, name: &str) -> String {
    redshift(account, region, &format!("cluster:{name}"))
}

/// The n-th part of an ARN; the last has the rest.
pub(crate) fn field(arn: &str, number: usize) -> Option<&str> {
    arn.splitn(6, ':').nth(number).filter(|part| !part.is_empty())
}

/// The region of an ARN.
pub(crate) fn region(arn: &str) -> Option<&str> {
    field(arn, 3)
}

/// The account of an ARN.
pub(crate) fn account(arn: &str) -> Option<&str> {
    field(arn, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_all_kinds() {
        let read = |text| key_reference(text, "eu-central-1", "1");
        let key = |arn: &str| Some(KeyReference::Key(arn.to_owned()));
        assert_eq!(read("arn:aws:kms:us-east-1:2:key/a"), key("arn:aws:kms:us-east-1:2:key/a"));
        assert_eq!(read("a-b"), key("arn:aws:kms:eu-central-1:1:key/a-b"));
        assert_eq!(read("key/a-b"), key("arn:aws:kms:eu-central-1:1:key/a-b"));
        let alias = KeyReference::Alias("arn:aws:kms:eu-central-1:1:alias/aws/redshift".to_owned());
        assert_eq!(read("alias/aws/redshift"), Some(alias.clone()));
        assert_eq!(read("arn:aws:kms:eu-central-1:1:alias/aws/redshift"), Some(alias));
        assert_eq!(read("AWS_OWNED_KMS_KEY"), Some(KeyReference::Owned));
        assert_eq!(read(" "), None);
        assert_eq!(key_arn("a", "cn-north-1", "1").as_deref(), Some("arn:aws-cn:kms:cn-north-1:1:key/a"));
        assert_eq!((region("arn:aws:kms:r:2:key/a"), account("arn:aws:kms:r:2:key/a")), (Some("r"), Some("2")));
    }
}
