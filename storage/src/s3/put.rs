//! Writing objects, each under the key that is configured for it.
//!
//! A conditional put has three outcomes: won, lost, and unknown (no answer, or an answer that S3 itself failed). The SDK would try
//! an unknown one again and take the 412 that its own success causes for a loss. So conditional puts are tried again here: a 412
//! after an unknown attempt is decided by what the object holds. Whoever races for a name writes different bytes (commits carry
//! an id of their own), so equal bytes are our success, or as good as it.

use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ServerSideEncryption};
use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{GetOptions, PutMode, PutPayload, PutResult, Result};

use super::S3Store;
use super::encryption::{KeyArn, Sealed};
use super::failure::{Refused, STORE};

/// Bytes above which an object is sent in parts.
pub(super) const ONE_PUT: usize = 16 << 20;

/// What has to be true of the name for a put to happen.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    pub(super) if_none_match: Option<String>,
    pub(super) if_match: Option<String>,
}

impl Condition {
    fn of(mode: &PutMode) -> Result<Self> {
        Ok(match mode {
            PutMode::Overwrite => Self::default(),
            PutMode::Create => Self { if_none_match: Some("*".to_owned()), if_match: None },
            PutMode::Update(version) => {
                let tag = version.e_tag.clone().ok_or_else(|| object_store::Error::Generic {
                    store: STORE,
                    source: "an update needs the ETag of what it replaces".into(),
                })?;
                Self { if_none_match: None, if_match: Some(tag) }
            }
        })
    }
}

impl S3Store {
    pub(super) async fn put(&self, path: &Path, payload: PutPayload, mode: PutMode) -> Result<PutResult> {
        let key = self.key_for(path)?;
        if payload.content_length() > ONE_PUT {
            return self.put_in_parts(path, &payload, Condition::of(&mode)?).await;
        }
        let body = joined(&payload);
        let (store, at) = (self.clone(), path.clone());
        self.call(async move {
            match mode {
                PutMode::Overwrite => {
                    let sent = store.put_request(&store.client, &at, body, &key, Condition::default()).await;
                    let answer = sent.map_err(|e| e.into_store_error(&at))?;
                    store.check_answer(&at, &key, &answer).await?;
                    Ok(result_of(&answer))
                }
                conditional => store.put_if(&at, body, &key, &conditional).await,
            }
        })
        .await
    }

    /// A put that may lose against somebody else.
    async fn put_if(&self, path: &Path, body: Bytes, key: &KeyArn, mode: &PutMode) -> Result<PutResult> {
        let mut unknown = false;
        let mut attempt = 0;
        loop {
            let condition = Condition::of(mode)?;
            let refused = match self.put_request(&self.once, path, body.clone(), key, condition).await {
                Ok(answer) => {
                    self.check_answer(path, key, &answer).await?;
                    return Ok(result_of(&answer));
                }
                Err(refused) => refused,
            };
            unknown |= refused.unknown;
            // 409: a delete of the same name was under way; AWS: S3 user guide, conditional requests.
            let again = refused.unknown || refused.status == Some(409) || refused.is("SlowDown");
            if again && attempt + 1 < self.patience.attempts {
                tracing::debug!(%path, attempt, "trying a conditional put again: {refused}");
                self.patience.pause(attempt).await;
                attempt += 1;
                continue;
            }
            if unknown && let Some(found) = self.holds(path, &body).await? {
                self.check_sealed(path, key, &self.sealed(path).await?).await?;
                return Ok(found);
            }
            return Err(match (refused.status, mode) {
                (Some(412), PutMode::Create) => {
                    object_store::Error::AlreadyExists { path: path.to_string(), source: refused.into() }
                }
                _ => refused.into_store_error(path),
            });
        }
    }

    async fn put_request(
        &self,
        client: &aws_sdk_s3::Client,
        path: &Path,
        body: Bytes,
        key: &KeyArn,
        condition: Condition,
    ) -> Result<PutObjectOutput, Refused> {
        let call = client
            .put_object()
            .bucket(&*self.bucket)
            .key(path.as_ref())
            .body(ByteStream::from(body))
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(key.as_str())
            .bucket_key_enabled(true)
            .set_if_none_match(condition.if_none_match)
            .set_if_match(condition.if_match);
        Box::pin(call.send()).await.map_err(|e| Refused::new("PutObject", &self.bucket, &e))
    }

    /// The object, if it holds just these bytes.
    pub(super) async fn holds(&self, path: &Path, body: &Bytes) -> Result<Option<PutResult>> {
        let found = match self.get(path, GetOptions::default()).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        if found.meta.size != body.len() as u64 {
            return Ok(None);
        }
        let result = PutResult { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        Ok((found.bytes().await? == *body).then_some(result))
    }

    async fn check_answer(&self, path: &Path, key: &KeyArn, answer: &PutObjectOutput) -> Result<()> {
        let sealed = Sealed {
            algorithm: answer.server_side_encryption().map(|a| a.as_str().to_owned()),
            key: answer.ssekms_key_id().map(str::to_owned),
            bucket_key: answer.bucket_key_enabled(),
        };
        self.check_sealed(path, key, &sealed).await
    }

    /// An object that S3 did not encrypt as it was told is taken back, and is an error.
    ///
    /// A commit in the middle of a table's log is left: others may have built on it. It cannot be the first object to meet such
    /// a store, because its data files were written just before it.
    pub(super) async fn check_sealed(&self, path: &Path, key: &KeyArn, sealed: &Sealed) -> Result<()> {
        let Err(why) = sealed.check(key) else { return Ok(()) };
        let later_commit =
            path.as_ref().contains("/_delta_log/") && !path.as_ref().ends_with("/00000000000000000000.json");
        let mut text = format!("{path} in bucket {} was written, but {why}", self.bucket);
        if !later_commit {
            let deleted = self.client.delete_object().bucket(&*self.bucket).key(path.as_ref()).send().await;
            text.push_str(if deleted.is_ok() { "; it was deleted again" } else { "; it could not be deleted again" });
        }
        text.push_str(": the store does not encrypt as it is told");
        Err(object_store::Error::Generic { store: STORE, source: text.into() })
    }
}

fn result_of(answer: &PutObjectOutput) -> PutResult {
    PutResult { e_tag: answer.e_tag().map(str::to_owned), version: answer.version_id().map(str::to_owned) }
}

/// A payload in one piece, without a copy if it is one.
pub(super) fn joined(payload: &PutPayload) -> Bytes {
    let parts: &[Bytes] = payload.as_ref();
    match parts {
        [one] => one.clone(),
        many => {
            let mut whole = BytesMut::with_capacity(payload.content_length());
            for part in many {
                whole.extend_from_slice(part);
            }
            whole.freeze()
        }
    }
}
