//! A lake as the read side sees it: a location, and the tables under it.
//!
//! Everything goes through one object store, so a folder and a bucket are read by the same code. Nothing here writes.

mod actions;
mod advance;
mod bounds;
mod files;
mod log;
mod replay;

pub use files::{FileList, Selection, TableFile};

use std::collections::HashMap;
use std::fmt;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use deltalake::kernel::Snapshot;
use deltalake::{DeltaTableBuilder, DeltaTableError};
use lookback_schemas::names::{LAKE_FORMAT, LAKE_MARKER};
use lookback_storage::s3::bucket_of;
use lookback_storage::{Aws, S3Store, register_bucket_logs};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use self::log::Log;
use self::replay::Replayed;

use crate::error::{ErrorKind, QueryError};

const LOG_FOLDER: &str = "_delta_log";
/// More commits than this are slower to read one by one than the log as a whole, which has checkpoints.
const MAX_COMMITS: usize = 100;

/// What the marker object says.
#[derive(Debug, Deserialize)]
struct Marker {
    version: u32,
}

/// An opened lake.
pub struct Lake {
    name: String,
    url: Url,
    root: Arc<dyn ObjectStore>,
    prefix: Path,
    // The newest state seen of each table, so that a later statement reads only what was committed since.
    known: Mutex<HashMap<String, Arc<FileList>>>,
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lake").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Lake {
    /// Opens the lake in a folder, given as a path or as a `file://` URL.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if there is no lake, or it cannot be read, or its format is newer than this build.
    pub async fn open(location: &str) -> Result<Self, QueryError> {
        let folder = folder_of(location)?;
        let folder = std::fs::canonicalize(&folder).map_err(|e| unreachable_folder(location, e))?;
        if !folder.is_dir() {
            return Err(QueryError::lake(format!("'{location}' is a file; a lake is a folder")));
        }
        std::fs::read_dir(&folder).map_err(|e| unreachable_folder(location, e))?;
        let url = Url::from_directory_path(&folder)
            .map_err(|()| QueryError::lake(format!("'{location}' cannot be written as a URL")))?;
        Self::open_store(location, url, Arc::new(LocalFileSystem::new())).await
    }

    /// Opens the lake in a bucket, `s3://bucket/prefix`. Nothing can be written through it.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub async fn in_bucket(aws: &Aws, location: &str) -> Result<Self, QueryError> {
        let (bucket, url) = bucket_of(location)
            .unwrap_or_else(|| Err("it does not begin with s3://".to_owned()))
            .map_err(|why| QueryError::lake(format!("'{location}': {why}")))?;
        register_bucket_logs().map_err(|e| unreadable_log(location, e))?;
        Self::open_store(location, url, Arc::new(S3Store::read_only_bucket(aws, &bucket))).await
    }

    /// Opens a lake in an object store. `root` is the store's root (the bucket), `url` says where under it the lake is.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub async fn open_store(name: &str, mut url: Url, root: Arc<dyn ObjectStore>) -> Result<Self, QueryError> {
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        let prefix = Path::from_url_path(url.path())
            .map_err(|e| QueryError::with_source(ErrorKind::Lake, format!("'{name}' is not a valid location"), e))?;
        let lake = Self { name: name.to_owned(), url, root, prefix, known: Mutex::default() };
        lake.check_marker().await?;
        Ok(lake)
    }

    async fn check_marker(&self) -> Result<(), QueryError> {
        let name = &self.name;
        let unreadable =
            |e| QueryError::with_source(ErrorKind::Lake, format!("cannot read '{name}'; check its permissions"), e);
        let bytes = match self.root.get(&self.prefix.clone().join(LAKE_MARKER)).await {
            Ok(found) => found.bytes().await.map_err(unreadable)?,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(QueryError::lake(format!(
                    "'{name}' is not a lake: it has no {LAKE_MARKER}. Give the folder that `lookback export` writes to \
                     (--lake), or make one with `lookback demo`"
                )));
            }
            Err(e) => return Err(unreadable(e)),
        };
        let marker: Marker = serde_json::from_slice(&bytes).map_err(|e| {
            QueryError::with_source(ErrorKind::Lake, format!("the {LAKE_MARKER} of '{name}' is damaged: {e}"), e)
        })?;
        if marker.version > LAKE_FORMAT {
            return Err(QueryError::lake(format!(
                "'{name}' has lake format {}, this build reads up to {LAKE_FORMAT}: use a newer lookback",
                marker.version
            )));
        }
        Ok(())
    }

    /// The location as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lake's folder, unless it is reached over a network.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        (self.url.scheme() == "file").then(|| self.url.to_file_path().ok()).flatten()
    }

    /// The object store and the lake's place in it.
    #[must_use]
    pub fn store(&self) -> (Arc<dyn ObjectStore>, &Path) {
        (Arc::clone(&self.root), &self.prefix)
    }

    /// The names of the tables that have been committed to, sorted.
    ///
    /// # Errors
    /// [`ErrorKind::Read`] if the lake cannot be listed.
    pub async fn tables(&self) -> Result<Vec<String>, QueryError> {
        let listed = self.root.list_with_delimiter(Some(&self.prefix)).await.map_err(|e| self.unlisted(e))?;
        let mut tables = Vec::new();
        for folder in listed.common_prefixes {
            let Some(name) = folder.filename().map(str::to_owned) else { continue };
            if self.has_log(&name).await? {
                tables.push(name);
            }
        }
        tables.sort_unstable();
        Ok(tables)
    }

    /// Whether the table has been committed to.
    async fn has_log(&self, table: &str) -> Result<bool, QueryError> {
        let log = self.prefix.clone().join(table).join(LOG_FOLDER);
        let listed = self.root.list_with_delimiter(Some(&log)).await.map_err(|e| self.unlisted(e))?;
        Ok(!listed.objects.is_empty())
    }

    fn unlisted(&self, e: object_store::Error) -> QueryError {
        QueryError::with_source(ErrorKind::Read, format!("cannot list '{}': {e}", self.name), e)
    }

    /// The files of the table's newest committed version; `None` if the lake has no such table.
    ///
    /// # Errors
    /// [`ErrorKind::Read`] if the Delta log cannot be read.
    pub async fn newest(&self, table: &str) -> Result<Option<Arc<FileList>>, QueryError> {
        // A name with a separator cannot be a table's, and must not lead out of the lake.
        if table.is_empty() || table.contains(['/', '\\', '\0']) || table.starts_with('.') {
            return Ok(None);
        }
        let folder = self.prefix.clone().join(table).join(LOG_FOLDER);
        let log = Log { store: self.root.as_ref(), folder: &folder };
        let known = self.known.lock().await.get(table).cloned();
        if let Some(known) = known {
            match advanced(&known, log).await {
                Ok(Some(files)) => return Ok(Some(self.remember(table, files).await)),
                Ok(None) => {}
                // The table may have been replaced since: what it is now decides.
                Err(error) => tracing::debug!(table, %error, "reloading a table that could not be updated"),
            }
        }
        let replayed = replay::newest(table, log).await.unwrap_or_else(|error| {
            tracing::debug!(table, %error, "the library reads a log that could not be read directly");
            Replayed::Other
        });
        let files = match replayed {
            Replayed::Files(files) => Arc::from(files),
            Replayed::Nothing => {
                self.known.lock().await.remove(table);
                return Ok(None);
            }
            Replayed::Other => Arc::new(self.by_the_library(table).await?),
        };
        Ok(Some(self.remember(table, files).await))
    }

    async fn remember(&self, table: &str, files: Arc<FileList>) -> Arc<FileList> {
        self.known.lock().await.insert(table.to_owned(), Arc::clone(&files));
        files
    }

    /// A table whose log has more in it than is followed here.
    async fn by_the_library(&self, table: &str) -> Result<FileList, QueryError> {
        let url = self
            .url
            .join(&format!("{table}/"))
            .map_err(|e| QueryError::with_source(ErrorKind::Read, format!("'{table}' is not a table's name"), e))?;
        let log = DeltaTableBuilder::from_url(url.clone())
            .and_then(|builder| builder.with_storage_backend(Arc::clone(&self.root), url).build_storage())
            .map_err(|e| unreadable_log(table, e))?;
        // The list of files alone: the library would also keep all statistics, parsed and as text.
        let snapshot = Snapshot::try_new(log.as_ref(), None).await.map_err(|e| unreadable_log(table, e))?;
        FileList::read(table, &snapshot, log.as_ref()).await.map_err(|e| unreadable_log(table, e))
    }
}

/// The newest version of a table that is known, if it follows from what was committed since.
async fn advanced(known: &Arc<FileList>, log: Log<'_>) -> Result<Option<Arc<FileList>>, DeltaTableError> {
    let Some(since) = log.after(known.version()).await? else { return Ok(None) };
    if since.is_empty() {
        return Ok(Some(Arc::clone(known)));
    }
    if since.len() > MAX_COMMITS {
        return Ok(None);
    }
    let Some(commits) = log.commits(&since).await? else { return Ok(None) };
    known.advance(&commits).map(|files| files.map(Arc::new))
}

fn unreadable_log(table: &str, e: impl std::error::Error + Send + Sync + 'static) -> QueryError {
    QueryError::with_source(ErrorKind::Read, format!("the Delta log of table '{table}' cannot be read: {e}"), e)
}

fn folder_of(location: &str) -> Result<PathBuf, QueryError> {
    if location.is_empty() {
        return Err(QueryError::lake("no lake is given; name its folder with --lake"));
    }
    let Some((scheme, _)) = location.split_once("://") else { return Ok(FsPath::new(location).to_path_buf()) };
    let path = match scheme {
        "file" => Url::parse(location).ok().and_then(|url| url.to_file_path().ok()),
        _ => {
            return Err(QueryError::lake(format!(
                "'{location}': lakes are in folders or in buckets (s3://), not in {scheme}://"
            )));
        }
    };
    path.ok_or_else(|| QueryError::lake(format!("'{location}' is not a valid file:// URL")))
}

fn unreachable_folder(location: &str, e: std::io::Error) -> QueryError {
    let what = match e.kind() {
        std::io::ErrorKind::NotFound => format!(
            "there is no folder '{location}'. Give the folder that `lookback export` writes to (--lake), or make one with \
             `lookback demo`"
        ),
        std::io::ErrorKind::PermissionDenied => format!("no permission to read '{location}'"),
        _ => format!("cannot open '{location}': {e}"),
    };
    QueryError::with_source(ErrorKind::Lake, what, e)
}
