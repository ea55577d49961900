//! Listing and deleting.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{Delete, Object, ObjectIdentifier};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta, Result};

use super::S3Store;
use super::failure::{Refused, STORE};
use super::get::time_of;
use crate::said::first_line;

/// What DeleteObjects takes at once. AWS: S3 API reference, DeleteObjects.
const DELETE_AT_ONCE: usize = 1_000;

/// Where the next page of a listing begins.
enum Page {
    First,
    After(String),
    None,
}

impl S3Store {
    pub(super) fn list_from(
        &self,
        prefix: Option<&Path>,
        after: Option<String>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), folder(prefix));
        futures::stream::try_unfold(Page::First, move |page| {
            let (store, prefix, after) = (store.clone(), prefix.clone(), after.clone());
            async move {
                let token = match page {
                    Page::First => None,
                    Page::After(token) => Some(token),
                    Page::None => return Ok::<_, object_store::Error>(None),
                };
                let listed = store.page(prefix, after, token, None).await?;
                let next = listed.next_continuation_token().map_or(Page::None, |t| Page::After(t.to_owned()));
                let found: Vec<Result<ObjectMeta>> = listed.contents().iter().filter_map(meta).map(Ok).collect();
                Ok(Some((futures::stream::iter(found), next)))
            }
        })
        .try_flatten()
        // The Delta library asks once more after the end.
        .fuse()
        .boxed()
    }

    pub(super) async fn list_folder(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut result = ListResult { common_prefixes: Vec::new(), objects: Vec::new() };
        let mut token = None;
        loop {
            let listed = self.page(folder(prefix), None, token, Some("/".to_owned())).await?;
            let folders = listed.common_prefixes().iter().filter_map(|p| Path::parse(p.prefix()?).ok());
            result.common_prefixes.extend(folders);
            result.objects.extend(listed.contents().iter().filter_map(meta));
            token = listed.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                return Ok(result);
            }
        }
    }

    async fn page(
        &self,
        prefix: Option<String>,
        after: Option<String>,
        token: Option<String>,
        delimiter: Option<String>,
    ) -> Result<ListObjectsV2Output> {
        let call = self.client.list_objects_v2().bucket(&*self.bucket);
        let call = call
            .set_prefix(prefix.clone())
            .set_start_after(after)
            .set_continuation_token(token)
            .set_delimiter(delimiter);
        let store = self.clone();
        self.call(async move {
            let at = Path::from(prefix.unwrap_or_default());
            Box::pin(call.send())
                .await
                .map_err(|e| Refused::new("ListObjectsV2", &store.bucket, &e).into_store_error(&at))
        })
        .await
    }

    pub(super) fn delete_all(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deleted = paths.try_chunks(DELETE_AT_ONCE).then(move |chunk| {
            let store = store.clone();
            async move {
                match chunk {
                    Ok(paths) => store.delete_some(paths).await.unwrap_or_else(|e| vec![Err(e)]),
                    Err(e) => vec![Err(e.1)],
                }
            }
        });
        deleted.flat_map(futures::stream::iter).boxed()
    }

    async fn delete_some(&self, paths: Vec<Path>) -> Result<Vec<Result<Path>>> {
        if self.encryption.is_none() {
            return Err(self.read_only(paths.first().unwrap_or(&Path::default())));
        }
        let store = self.clone();
        self.call(async move {
            let at = paths.first().cloned().unwrap_or_default();
            if let [path] = paths.as_slice() {
                let call = store.client.delete_object().bucket(&*store.bucket).key(path.as_ref());
                let sent = Box::pin(call.send()).await;
                sent.map_err(|e| Refused::new("DeleteObject", &store.bucket, &e).into_store_error(&at))?;
                return Ok(paths.into_iter().map(Ok).collect());
            }
            let keys: Result<Vec<ObjectIdentifier>, _> =
                paths.iter().map(|p| ObjectIdentifier::builder().key(p.as_ref()).build()).collect();
            let delete = keys.and_then(|keys| Delete::builder().set_objects(Some(keys)).quiet(true).build());
            let delete = delete.map_err(|e| object_store::Error::Generic { store: STORE, source: e.into() })?;
            let sent = store.client.delete_objects().bucket(&*store.bucket).delete(delete).send().await;
            let answer = sent.map_err(|e| Refused::new("DeleteObjects", &store.bucket, &e).into_store_error(&at))?;
            // Asked to be quiet, S3 names only what it could not delete.
            let refused = |path: &Path| answer.errors().iter().find(|e| e.key() == Some(path.as_ref()));
            let outcome = |path: Path| match refused(&path) {
                None => Ok(path),
                Some(e) => Err(object_store::Error::Generic {
                    store: STORE,
                    source: format!(
                        "DeleteObjects in bucket {}: {path}: {}: {}",
                        store.bucket,
                        e.code().unwrap_or("refused"),
                        e.message().map(first_line).unwrap_or_default()
                    )
                    .into(),
                }),
            };
            Ok(paths.clone().into_iter().map(outcome).collect())
        })
        .await
    }
}

/// A folder's prefix: with its slash, so that `a` does not find `ab`.
fn folder(prefix: Option<&Path>) -> Option<String> {
    prefix.map(|p| p.as_ref()).filter(|p| !p.is_empty()).map(|p| format!("{p}/"))
}

/// What a listing says of an object. Names that are no paths (with empty parts, as consoles make for folders) are not ours.
fn meta(object: &Object) -> Option<ObjectMeta> {
    let key = object.key().filter(|k| !k.ends_with('/'))?;
    Some(ObjectMeta {
        location: Path::parse(key).ok()?,
        last_modified: time_of(object.last_modified()),
        size: u64::try_from(object.size().unwrap_or(0)).unwrap_or(0),
        e_tag: object.e_tag().map(str::to_owned),
        version: None,
    })
}
