//! Reading objects. A body that is cut off or stalls is continued where it stopped, of the same version of the object.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_smithy_types::DateTime as SmithyTime;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, Result};
use tokio::sync::mpsc;

use super::S3Store;
use super::failure::{Refused, STORE};

/// Longest silence within a body.
const STALL: Duration = Duration::from_secs(20);
/// How often a body is continued before it is given up.
const CONTINUATIONS: u32 = 5;
/// Chunks that wait for a slow reader.
const CHUNKS: usize = 4;

impl S3Store {
    pub(super) async fn get(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            return self.head(path, &options).await;
        }
        let store = self.clone();
        let (key, range) = (path.clone(), options.range.as_ref().map(header));
        let first = self.call(async move { store.request(&key, &options, range).await }).await?;
        let meta = meta_of(path, &first);
        let range = range_of(&first, meta.size);
        let (sender, receiver) = mpsc::channel(CHUNKS);
        let pump = Pump { store: self.clone(), path: path.clone(), etag: meta.e_tag.clone(), range: range.clone() };
        self.aws.runtime().spawn(pump.run(first.body, sender));
        let stream = futures::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        });
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream.fuse().boxed()),
            meta,
            range,
            attributes: object_store::Attributes::default(),
        })
    }

    async fn request(&self, path: &Path, options: &GetOptions, range: Option<String>) -> Result<GetObjectOutput> {
        let call = self.client.get_object().bucket(&*self.bucket).key(path.as_ref());
        let call = call
            .set_range(range)
            .set_if_match(options.if_match.clone())
            .set_if_none_match(options.if_none_match.clone())
            .set_if_modified_since(options.if_modified_since.map(smithy_time))
            .set_if_unmodified_since(options.if_unmodified_since.map(smithy_time))
            .set_version_id(options.version.clone());
        Box::pin(call.send()).await.map_err(|e| Refused::new("GetObject", &self.bucket, &e).into_store_error(path))
    }

    async fn head(&self, path: &Path, options: &GetOptions) -> Result<GetResult> {
        let call = self.client.head_object().bucket(&*self.bucket).key(path.as_ref());
        let call = call
            .set_if_match(options.if_match.clone())
            .set_if_none_match(options.if_none_match.clone())
            .set_if_modified_since(options.if_modified_since.map(smithy_time))
            .set_if_unmodified_since(options.if_unmodified_since.map(smithy_time))
            .set_version_id(options.version.clone());
        let (store, at) = (self.clone(), path.clone());
        let found = self
            .call(async move {
                Box::pin(call.send())
                    .await
                    .map_err(|e| Refused::new("HeadObject", &store.bucket, &e).into_store_error(&at))
            })
            .await?;
        let size = u64::try_from(found.content_length().unwrap_or(0)).unwrap_or(0);
        let meta = ObjectMeta {
            location: path.clone(),
            last_modified: time_of(found.last_modified()),
            size,
            e_tag: found.e_tag().map(str::to_owned),
            version: found.version_id().map(str::to_owned),
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(futures::stream::empty().boxed()),
            meta,
            range: 0..size,
            attributes: object_store::Attributes::default(),
        })
    }
}

/// Brings a body to its reader.
struct Pump {
    store: S3Store,
    path: Path,
    etag: Option<String>,
    range: Range<u64>,
}

impl Pump {
    async fn run(self, mut body: ByteStream, sender: mpsc::Sender<Result<Bytes>>) {
        let mut at = self.range.start;
        for attempt in 0..=CONTINUATIONS {
            let stopped = loop {
                match tokio::time::timeout(STALL, body.next()).await {
                    Ok(Some(Ok(chunk))) => {
                        at += chunk.len() as u64;
                        // A reader that has gone away needs no more.
                        if sender.send(Ok(chunk)).await.is_err() {
                            return;
                        }
                    }
                    Ok(None) if at >= self.range.end => return,
                    Ok(None) => break format!("the body ended {} bytes early", self.range.end - at),
                    Ok(Some(Err(e))) => break e.to_string(),
                    Err(_) => break format!("nothing came for {} s", STALL.as_secs()),
                }
            };
            if at >= self.range.end {
                // All bytes are here, and they are not what S3 says they should be.
                let _ = sender.send(Err(self.broken(&stopped))).await;
                return;
            }
            if attempt == CONTINUATIONS {
                let _ = sender.send(Err(self.broken(&stopped))).await;
                return;
            }
            tracing::debug!(path = %self.path, at, "continuing a body that broke off: {stopped}");
            self.store.patience.pause(attempt).await;
            let options = GetOptions { if_match: self.etag.clone(), ..GetOptions::default() };
            let rest = format!("bytes={at}-{}", self.range.end - 1);
            match self.store.request(&self.path, &options, Some(rest)).await {
                Ok(next) => body = next.body,
                Err(e) => {
                    let _ = sender.send(Err(e)).await;
                    return;
                }
            }
        }
    }

    fn broken(&self, why: &str) -> object_store::Error {
        object_store::Error::Generic {
            store: STORE,
            source: format!("reading {} in bucket {}: {why}", self.path, self.store.bucket).into(),
        }
    }
}

/// The `Range` header.
fn header(range: &GetRange) -> String {
    match range {
        GetRange::Bounded(r) => format!("bytes={}-{}", r.start, r.end.saturating_sub(1)),
        GetRange::Offset(from) => format!("bytes={from}-"),
        GetRange::Suffix(length) => format!("bytes=-{length}"),
    }
}

/// First byte, byte behind the last, and size of the whole object, from `bytes 0-99/1000`.
fn content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?, size.parse().ok()?))
}

fn meta_of(path: &Path, found: &GetObjectOutput) -> ObjectMeta {
    let length = u64::try_from(found.content_length().unwrap_or(0)).unwrap_or(0);
    let size = found.content_range().and_then(content_range).map_or(length, |(_, size)| size);
    ObjectMeta {
        location: path.clone(),
        last_modified: time_of(found.last_modified()),
        size,
        e_tag: found.e_tag().map(str::to_owned),
        version: found.version_id().map(str::to_owned),
    }
}

fn range_of(found: &GetObjectOutput, size: u64) -> Range<u64> {
    found.content_range().and_then(content_range).map_or(0..size, |(range, _)| range)
}

pub(super) fn time_of(time: Option<&SmithyTime>) -> DateTime<Utc> {
    time.and_then(|t| DateTime::from_timestamp(t.secs(), t.subsec_nanos())).unwrap_or_default()
}

fn smithy_time(time: DateTime<Utc>) -> SmithyTime {
    SmithyTime::from_secs(time.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_written_as_http_has_them() {
        assert_eq!(header(&GetRange::Bounded(5..10)), "bytes=5-9");
        assert_eq!(header(&GetRange::Offset(7)), "bytes=7-");
        assert_eq!(header(&GetRange::Suffix(8)), "bytes=-8");
    }

    proptest! {
        #[test]
        fn a_content_range_is_read_back(from in 0..1_000_u64, length in 1..1_000_u64, more in 0..1_000_u64) {
            let (end, size) = (from + length, from + length + more);
            let text = format!("bytes {from}-{}/{size}", end - 1);
            prop_assert_eq!(content_range(&text), Some((from..end, size)));
        }

        #[test]
        fn any_text_is_a_content_range_or_none(text in "\\PC{0,40}") {
            let _ = content_range(&text);
        }
    }
}
