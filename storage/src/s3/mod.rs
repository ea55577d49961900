//! A lake in an S3 bucket, through AWS's own SDK.
//!
//! - `put`: whole objects; conditional ones, whose outcome is always known in the end. `multipart`: large ones.
//! - `get`: reading, continued where a body breaks off. `list`: listing and deleting.
//! - `encryption`: which key an object has to be under, and whether it is. `failure`: what S3 says, in words that help.
//!
//! Invariants:
//! - nothing is written without the headers that ask for SSE-KMS under the configured key, with bucket key and checksum, and
//!   nothing counts as written before S3 has said that it is encrypted just so;
//! - a store without [`Encryption`] cannot write at all;
//! - `AlreadyExists` is said only of what somebody else has written.

mod encryption;
mod failure;
mod get;
mod list;
mod multipart;
mod put;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_types::retry::RetryConfig;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};
use url::Url;

use crate::aws::Aws;
pub use encryption::{BadKey, Encryption, KeyArn, Sealed};
use failure::{Refused, STORE};

/// How often something is tried, and how long to wait in between; as for the calls that the SDK tries again itself.
#[derive(Debug, Clone, Copy)]
struct Patience {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

impl Patience {
    fn of(retries: &RetryConfig) -> Self {
        Self {
            attempts: retries.max_attempts().max(1),
            first: retries.initial_backoff(),
            longest: retries.max_backoff(),
        }
    }

    /// Waits after an attempt, counted from 0; twice as long after each.
    async fn pause(&self, attempt: u32) {
        tokio::time::sleep(self.first.saturating_mul(1 << attempt.min(16)).min(self.longest)).await;
    }
}

/// A bucket as an object store. Cheap to clone.
#[derive(Clone)]
pub struct S3Store {
    aws: Aws,
    client: aws_sdk_s3::Client,
    /// For calls whose second attempt could mistake the first for somebody else.
    once: aws_sdk_s3::Client,
    patience: Patience,
    bucket: Arc<str>,
    /// `None`: nothing can be written. Clones follow when it changes.
    encryption: Option<Arc<RwLock<Arc<Encryption>>>>,
}

impl S3Store {
    /// A bucket that is only read.
    #[must_use]
    pub fn read_only_bucket(aws: &Aws, bucket: &str) -> Self {
        Self::build(aws, bucket, None)
    }

    /// A bucket that is written to, every object under the key that `encryption` says.
    #[must_use]
    pub fn encrypted_bucket(aws: &Aws, bucket: &str, encryption: Encryption) -> Self {
        Self::build(aws, bucket, Some(Arc::new(RwLock::new(Arc::new(encryption)))))
    }

    fn build(aws: &Aws, bucket: &str, encryption: Option<Arc<RwLock<Arc<Encryption>>>>) -> Self {
        let client = |retries: RetryConfig| {
            let config = aws_sdk_s3::config::Builder::from(aws.config())
                .retry_config(retries)
                .force_path_style(has_own_endpoint(aws))
                .interceptor(aws.counter())
                .build();
            aws_sdk_s3::Client::from_conf(config)
        };
        let retries = aws.config().retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        let patience = Patience::of(&retries);
        Self {
            aws: aws.clone(),
            client: client(retries),
            once: client(RetryConfig::disabled()),
            patience,
            bucket: bucket.into(),
            encryption,
        }
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// How an object is encrypted, as S3 says.
    ///
    /// # Errors
    /// If there is no such object, or it cannot be asked about.
    pub async fn sealed(&self, path: &Path) -> Result<Sealed> {
        let (store, at) = (self.clone(), path.clone());
        self.call(async move {
            let sent = store.client.head_object().bucket(&*store.bucket).key(at.as_ref()).send().await;
            let found = sent.map_err(|e| Refused::new("HeadObject", &store.bucket, &e).into_store_error(&at))?;
            Ok(Sealed {
                algorithm: found.server_side_encryption().map(|a| a.as_str().to_owned()),
                key: found.ssekms_key_id().map(str::to_owned),
                bucket_key: found.bucket_key_enabled(),
            })
        })
        .await
    }

    /// The keys of the lake; `None` if it is only read.
    #[must_use]
    pub fn encryption(&self) -> Option<Arc<Encryption>> {
        self.encryption.as_ref().map(|e| Arc::clone(&e.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Other keys for what is written from now on, through this store and its clones; such as for a cluster that was added. What
    /// is only read stays so.
    pub fn encrypt_as(&self, encryption: Encryption) {
        if let Some(keys) = &self.encryption {
            *keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(encryption);
        }
    }

    fn key_for(&self, path: &Path) -> Result<KeyArn> {
        self.encryption().map(|e| e.key_for(path).clone()).ok_or_else(|| self.read_only(path))
    }

    fn read_only(&self, path: &Path) -> object_store::Error {
        let source = format!("bucket {} was opened for reading", self.bucket).into();
        object_store::Error::PermissionDenied { path: path.to_string(), source }
    }

    /// Runs a call where its connection lives. In a box: the SDK's futures are large.
    fn call<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let (aws, call) = (self.aws.clone(), Box::pin(call));
        Box::pin(async move {
            let ended = aws.run(call).await;
            ended.unwrap_or_else(|e| Err(object_store::Error::Generic { store: STORE, source: e.into() }))
        })
    }
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("bucket", &self.bucket)
            .field("encryption", &self.encryption())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.put(location, payload, options.mode).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(multipart::Parts::new(self.begin(location).await?)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.get(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.delete_all(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_from(prefix, None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_from(prefix, Some(offset.to_string()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.list_folder(prefix).await
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        // A copy made by S3 would not be checked for its encryption, and nothing in a lake is ever copied.
        Err(object_store::Error::NotImplemented { operation: "copy".to_owned(), implementer: self.to_string() })
    }
}

/// Whether S3 is somewhere else than at AWS. Stand-ins on one address have no host names for buckets.
#[must_use]
pub fn has_own_endpoint(aws: &Aws) -> bool {
    aws.config().endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some()
}

/// Bucket and URL of `s3://bucket/prefix`; `None` if it is another kind of location.
///
/// # Errors
/// What is wrong with it.
pub fn bucket_of(location: &str) -> Option<Result<(String, Url), String>> {
    let rest = location.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(good) {
        return Some(Err(format!("'{bucket}' is not the name of a bucket")));
    }
    // The prefix is also part of paths in the Delta log, where some characters are written in other ways.
    if !prefix.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '=')) {
        return Some(Err(format!("the prefix '{prefix}' may have letters, digits, '-', '_', '.', '=' and '/' only")));
    }
    let parts: Vec<&str> = prefix.split('/').filter(|p| !p.is_empty()).collect();
    if parts.iter().any(|p| matches!(*p, "." | "..")) {
        return Some(Err(format!("the prefix '{prefix}' has a part that means another folder")));
    }
    let mut url = format!("s3://{bucket}/");
    for part in parts {
        url.push_str(part);
        url.push('/');
    }
    Some(Url::parse(&url).map(|url| (bucket.to_owned(), url)).map_err(|e| e.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bucket_and_its_prefix_are_understood() {
        let of = |text: &str| bucket_of(text).unwrap().map(|(bucket, url)| (bucket, url.to_string()));
        assert_eq!(of("s3://my-lake"), Ok(("my-lake".to_owned(), "s3://my-lake/".to_owned())));
        assert_eq!(of("s3://my-lake//a/b//"), Ok(("my-lake".to_owned(), "s3://my-lake/a/b/".to_owned())));
        assert!(bucket_of("lake").is_none());
        for bad in
            ["s3://", "s3://Lake", "s3://ab", "s3://lake/../x", "s3://lake/a b", "s3://lake/a?b", "s3://lake/%41"]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_location_or_an_error(text in "\\PC{0,60}") {
            let _ = bucket_of(&format!("s3://{text}"));
        }
    }
}
