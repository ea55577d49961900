//! Which KMS key an object has to be under, and whether S3 says that it is.

use std::collections::BTreeMap;
use std::fmt;

use object_store::path::Path;

/// The ARN of a KMS key: `arn:aws:kms:<region>:<account>:key/<id>`.
///
/// Only the whole ARN will do. S3 answers with it whatever name a request used, and a bucket policy that allows one key compares
/// with what the request says, so an alias or a bare id could be neither checked nor enforced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyArn(String);

impl KeyArn {
    /// Reads an ARN.
    ///
    /// # Errors
    /// What is wrong with it, and what to give instead.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let parts: Vec<&str> = text.split(':').collect();
        let bad = |why: &'static str| Err(BadKey { given: text.to_owned(), why });
        let &["arn", partition, service, region, account, resource] = parts.as_slice() else {
            return bad("it is not an ARN");
        };
        if !partition.starts_with("aws") || service != "kms" || region.is_empty() || account.is_empty() {
            return bad("it is not the ARN of a KMS key");
        }
        if resource.starts_with("alias/") {
            return bad("it is the ARN of an alias");
        }
        match resource.strip_prefix("key/") {
            Some(id) if !id.is_empty() && !id.contains('/') => Ok(Self(text.to_owned())),
            _ => bad("it is not the ARN of a KMS key"),
        }
    }

    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no key's ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{given}' cannot be used as KMS key: {why}; give the key's own ARN, arn:aws:kms:<region>:<account>:key/<id>")]
pub struct BadKey {
    given: String,
    why: &'static str,
}

/// The keys of a lake: one for everything, and others for the rows of single clusters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    lake: KeyArn,
    clusters: BTreeMap<String, KeyArn>,
}

impl Encryption {
    /// One key for everything.
    #[must_use]
    pub fn new(lake: KeyArn) -> Self {
        Self { lake, clusters: BTreeMap::new() }
    }

    /// Another key for the rows of one cluster, by its configured name; all incarnations of the cluster have it.
    #[must_use]
    pub fn with_cluster(mut self, name: &str, key: KeyArn) -> Self {
        self.clusters.insert(name.to_owned(), key);
        self
    }

    /// The key for an object, by the `cluster_id=…` folder that it is in. What belongs to no single cluster (logs of tables, the
    /// run ledger) is under the lake's key.
    #[must_use]
    pub fn key_for(&self, object: &Path) -> &KeyArn {
        if self.clusters.is_empty() {
            return &self.lake;
        }
        let cluster = object.parts().find_map(|part| {
            let id = part.as_ref().strip_prefix("cluster_id=")?.to_owned();
            // A later incarnation is `name@2`, which some writers escape.
            let end = id.find('@').or_else(|| id.find("%40")).unwrap_or(id.len());
            Some(id[..end].to_owned())
        });
        cluster.and_then(|name| self.clusters.get(&name)).unwrap_or(&self.lake)
    }

    /// Every key, the lake's first, none twice.
    #[must_use]
    pub fn keys(&self) -> Vec<&KeyArn> {
        let mut keys = vec![&self.lake];
        for key in self.clusters.values() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}

/// How an object is encrypted, in S3's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sealed {
    /// `x-amz-server-side-encryption`.
    pub algorithm: Option<String>,
    /// `x-amz-server-side-encryption-aws-kms-key-id`.
    pub key: Option<String>,
    /// `x-amz-server-side-encryption-bucket-key-enabled`.
    pub bucket_key: Option<bool>,
}

impl Sealed {
    /// Whether it is as it should be; if not, in which way. Every request asks for the bucket key, which saves requests to KMS and
    /// protects nothing more: an answer that does not mention it will do, one that denies it will not.
    ///
    /// # Errors
    /// What is different.
    pub fn check(&self, key: &KeyArn) -> Result<(), String> {
        match self.algorithm.as_deref() {
            Some("aws:kms") => {}
            Some(other) => return Err(format!("it is encrypted with {other}, not with aws:kms under {key}")),
            None => return Err(format!("it is not encrypted with aws:kms under {key}")),
        }
        match self.key.as_deref() {
            Some(found) if found == key.as_str() => {}
            Some(found) => return Err(format!("it is under the key {found}, not under {key}")),
            None => return Err(format!("S3 does not say which key it is under; it should be {key}")),
        }
        if self.bucket_key == Some(false) { Err("it does not use the bucket key".to_owned()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const OTHER: &str = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-0987dcba";

    #[test]
    fn only_the_whole_arn_of_a_key_is_a_key() {
        assert_eq!(KeyArn::parse(KEY).unwrap().as_str(), KEY);
        assert!(KeyArn::parse(OTHER).is_ok());
        for bad in [
            "",
            "alias/lake",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:eu-central-1:111122223333:alias/lake",
            "arn:aws:kms:eu-central-1:111122223333:key/",
            "arn:aws:s3:::bucket",
            "arn:aws:kms::111122223333:key/x",
        ] {
            assert!(KeyArn::parse(bad).unwrap_err().to_string().contains("give the key's own ARN"), "{bad}");
        }
    }

    #[test]
    fn a_cluster_with_a_key_of_its_own_has_it_in_every_incarnation_and_nowhere_else() {
        let encryption =
            Encryption::new(KeyArn::parse(KEY).unwrap()).with_cluster("etl", KeyArn::parse(OTHER).unwrap());
        let key = |path: &str| encryption.key_for(&Path::from(path)).as_str();
        assert_eq!(key("lake/stl_query/cluster_id=etl/log_date=2026-01-01/a.parquet"), OTHER);
        assert_eq!(key("lake/stl_query/cluster_id=etl@2/log_date=2026-01-01/a.parquet"), OTHER);
        assert_eq!(key("lake/stl_query/cluster_id=etl2/log_date=2026-01-01/a.parquet"), KEY);
        assert_eq!(key("lake/stl_query/_delta_log/00000000000000000000.json"), KEY);
        assert_eq!(key("etl/_lookback.json"), KEY);
        assert_eq!(encryption.keys().len(), 2);
    }

    #[test]
    fn every_way_of_being_encrypted_otherwise_is_found() {
        let key = KeyArn::parse(KEY).unwrap();
        let good = Sealed { algorithm: Some("aws:kms".to_owned()), key: Some(KEY.to_owned()), bucket_key: Some(true) };
        assert_eq!(good.check(&key), Ok(()));
        assert_eq!(Sealed { bucket_key: None, ..good.clone() }.check(&key), Ok(()));
        for bad in [
            Sealed { algorithm: None, ..good.clone() },
            Sealed { algorithm: Some("AES256".to_owned()), ..good.clone() },
            Sealed { algorithm: Some("aws:kms:dsse".to_owned()), ..good.clone() },
            Sealed { key: None, ..good.clone() },
            Sealed { key: Some(OTHER.to_owned()), ..good.clone() },
            Sealed { bucket_key: Some(false), ..good.clone() },
        ] {
            assert!(bad.check(&key).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_an_error(text in "\\PC{0,80}") {
            let _ = KeyArn::parse(&text);
        }
    }
}
