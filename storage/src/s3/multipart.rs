//! Objects in parts: for what is too large to be sent again as a whole when a connection breaks.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, ServerSideEncryption,
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, MultipartUpload, PutPayload, PutResult, Result, UploadPart};

use super::S3Store;
use super::encryption::KeyArn;
use super::failure::{Refused, STORE};
use super::put::{Condition, joined};

/// Bytes of a part. S3 takes 5 MiB to 5 GiB, and 10,000 parts. AWS: S3 user guide, multipart upload limits.
const PART: usize = 8 << 20;
/// Parts sent at once.
const PARTS_AT_ONCE: usize = 2;

/// An upload that was begun.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    store: S3Store,
    path: Path,
    key: KeyArn,
    id: String,
}

impl S3Store {
    /// Begins an upload.
    pub(super) async fn begin(&self, path: &Path) -> Result<Upload> {
        let key = self.key_for(path)?;
        let (store, at) = (self.clone(), path.clone());
        self.call(async move {
            let call = store
                .client
                .create_multipart_upload()
                .bucket(&*store.bucket)
                .key(at.as_ref())
                .checksum_algorithm(ChecksumAlgorithm::Crc32)
                .checksum_type(ChecksumType::Composite)
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(key.as_str())
                .bucket_key_enabled(true);
            let sent = Box::pin(call.send()).await;
            let begun =
                sent.map_err(|e| Refused::new("CreateMultipartUpload", &store.bucket, &e).into_store_error(&at))?;
            let id = begun.upload_id().map(str::to_owned).ok_or_else(|| object_store::Error::Generic {
                store: STORE,
                source: format!("CreateMultipartUpload in bucket {}: no upload id in the answer", store.bucket).into(),
            })?;
            Ok(Upload { store, path: at, key, id })
        })
        .await
    }

    /// Writes a payload in parts, as one object.
    pub(super) async fn put_in_parts(
        &self,
        path: &Path,
        payload: &PutPayload,
        condition: Condition,
    ) -> Result<PutResult> {
        let upload = self.begin(path).await?;
        let parts = cut(payload);
        let sent = futures::stream::iter((1..).zip(parts))
            .map(|(number, body)| upload.part(number, body))
            .buffered(PARTS_AT_ONCE)
            .try_collect::<Vec<_>>();
        let done = match sent.await {
            Ok(parts) => upload.complete(parts, condition, Some(payload)).await,
            Err(e) => Err(e),
        };
        if done.is_err() {
            upload.abort().await;
        }
        done
    }
}

impl Upload {
    async fn part(&self, number: i32, body: Bytes) -> Result<CompletedPart> {
        let upload = self.clone();
        self.store
            .call(async move {
                let store = &upload.store;
                let call = store
                    .client
                    .upload_part()
                    .bucket(&*store.bucket)
                    .key(upload.path.as_ref())
                    .upload_id(&upload.id)
                    .part_number(number)
                    .checksum_algorithm(ChecksumAlgorithm::Crc32)
                    .body(ByteStream::from(body));
                let sent = Box::pin(call.send()).await;
                let stored =
                    sent.map_err(|e| Refused::new("UploadPart", &store.bucket, &e).into_store_error(&upload.path))?;
                Ok(CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(stored.e_tag().map(str::to_owned))
                    .set_checksum_crc32(stored.checksum_crc32().map(str::to_owned))
                    .build())
            })
            .await
    }

    /// Makes the parts an object. An unknown outcome is decided by what is there: `expected`, if it is known.
    async fn complete(
        &self,
        parts: Vec<CompletedPart>,
        condition: Condition,
        expected: Option<&PutPayload>,
    ) -> Result<PutResult> {
        let mut unknown = false;
        let mut attempt = 0;
        loop {
            let refused = match self.completion(parts.clone(), condition.clone()).await? {
                Ok(answer) => {
                    self.check().await?;
                    return Ok(PutResult {
                        e_tag: answer.e_tag().map(str::to_owned),
                        version: answer.version_id().map(str::to_owned),
                    });
                }
                Err(refused) => refused,
            };
            unknown |= refused.unknown;
            let again = refused.unknown || refused.status == Some(409) || refused.is("SlowDown");
            if again && attempt + 1 < self.store.patience.attempts {
                tracing::debug!(path = %self.path, attempt, "completing an upload again: {refused}");
                self.store.patience.pause(attempt).await;
                attempt += 1;
                continue;
            }
            // An upload that was completed is no upload any more: S3 says NoSuchUpload.
            if unknown {
                let found = match expected {
                    Some(payload) => self.store.holds(&self.path, &joined(payload)).await?,
                    None => self.present().await?,
                };
                if let Some(found) = found {
                    self.check().await?;
                    return Ok(found);
                }
            }
            return Err(match refused.status {
                Some(412) if condition.if_none_match.is_some() => {
                    object_store::Error::AlreadyExists { path: self.path.to_string(), source: refused.into() }
                }
                _ => refused.into_store_error(&self.path),
            });
        }
    }

    /// Not every store says at the end of an upload what it said at its beginning: the object itself is asked.
    async fn check(&self) -> Result<()> {
        let sealed = self.store.sealed(&self.path).await?;
        let (store, path, key) = (self.store.clone(), self.path.clone(), self.key.clone());
        self.store.call(async move { store.check_sealed(&path, &key, &sealed).await }).await
    }

    async fn completion(
        &self,
        parts: Vec<CompletedPart>,
        condition: Condition,
    ) -> Result<Result<CompleteMultipartUploadOutput, Refused>> {
        let upload = self.clone();
        self.store
            .call(async move {
                let store = &upload.store;
                let call = store
                    .once
                    .complete_multipart_upload()
                    .bucket(&*store.bucket)
                    .key(upload.path.as_ref())
                    .upload_id(&upload.id)
                    .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
                    .set_if_none_match(condition.if_none_match)
                    .set_if_match(condition.if_match);
                let sent = Box::pin(call.send()).await;
                Ok(sent.map_err(|e| Refused::new("CompleteMultipartUpload", &store.bucket, &e)))
            })
            .await
    }

    async fn present(&self) -> Result<Option<PutResult>> {
        match self.store.get(&self.path, GetOptions { head: true, ..GetOptions::default() }).await {
            Ok(found) => Ok(Some(PutResult { e_tag: found.meta.e_tag, version: found.meta.version })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Gives up the parts. Best effort: the bucket's lifecycle rule removes what stays.
    async fn abort(&self) {
        let upload = self.clone();
        let done = self.store.call(async move {
            let store = &upload.store;
            let call = store.client.abort_multipart_upload().bucket(&*store.bucket);
            let sent = call.key(upload.path.as_ref()).upload_id(&upload.id).send().await;
            sent.map_err(|e| Refused::new("AbortMultipartUpload", &store.bucket, &e).into_store_error(&upload.path))
        });
        if let Err(e) = done.await {
            tracing::debug!(path = %self.path, "the parts of an upload stay until the bucket's lifecycle rule: {e}");
        }
    }
}

/// A payload as parts of equal size, but for the last.
fn cut(payload: &PutPayload) -> Vec<Bytes> {
    let mut parts = Vec::new();
    let mut part = BytesMut::new();
    for chunk in payload {
        let mut rest = chunk.as_ref();
        while !rest.is_empty() {
            if part.capacity() == 0 {
                part.reserve(PART);
            }
            let (taken, left) = rest.split_at(rest.len().min(PART - part.len()));
            part.extend_from_slice(taken);
            rest = left;
            if part.len() == PART {
                parts.push(std::mem::take(&mut part).freeze());
            }
        }
    }
    if !part.is_empty() {
        parts.push(part.freeze());
    }
    parts
}

/// An upload as other writers use it: parts come one by one, of whatever size they choose.
#[derive(Debug)]
pub(super) struct Parts {
    upload: Upload,
    next: i32,
    done: Arc<Mutex<Vec<CompletedPart>>>,
}

impl Parts {
    pub(super) fn new(upload: Upload) -> Self {
        Self { upload, next: 1, done: Arc::default() }
    }
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (upload, number, done) = (self.upload.clone(), self.next, Arc::clone(&self.done));
        self.next += 1;
        Box::pin(async move {
            let part = upload.part(number, joined(&data)).await?;
            done.lock().unwrap_or_else(PoisonError::into_inner).push(part);
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut parts = self.done.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if parts.is_empty() {
            // S3 wants at least one.
            parts.push(self.upload.part(1, Bytes::new()).await?);
        }
        parts.sort_unstable_by_key(CompletedPart::part_number);
        self.upload.complete(parts, Condition::default(), None).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_cut_into_full_parts_and_loses_nothing() {
        for length in [0, 1, PART - 1, PART, PART + 1, 3 * PART] {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let chunks: Vec<Bytes> = bytes.chunks(1_000_003).map(Bytes::copy_from_slice).collect();
            let parts = cut(&chunks.into_iter().collect());
            assert!(parts.iter().rev().skip(1).all(|p| p.len() == PART));
            assert_eq!(parts.concat(), bytes);
        }
    }
}
