//! The lake: one Delta table per log table below one root.
//!
//! - [`Lake`] finds the root, and refuses a folder that is something else.
//! - [`LakeTable`] is one table: its committed [`Snapshot`], and [commits](LakeTable::commit) that are refused when somebody
//!   else has committed the same cluster and table since.
//! - [`writer`] turns batches into sorted data files; [`present`] reads back what the lake already has of a window.

mod bounds;
mod encoder;
pub mod present;
pub(crate) mod properties;
pub mod reader;
pub mod snapshot;
pub(crate) mod stats;
pub mod table;
pub mod writer;

use std::path::{Component, Path as FsPath, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema;
use lookback_schemas::names::{LAKE_FORMAT, LAKE_MARKER};
use lookback_storage::s3::bucket_of;
use lookback_storage::{Aws, DurableFileSystem, Encryption, S3Store, register_bucket_logs};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{Error, ErrorKind, Result, lake};
pub use snapshot::{DataFile, Snapshot};
pub use table::{CommitOutcome, CommitUnit, LakeTable};

/// What the marker says it marks.
const MARKER_FORMAT: &str = "lookback-lake";

/// The marker at the root of a lake.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    format: String,
    version: u32,
}

/// A lake that can be written.
#[derive(Debug, Clone)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    url: Url,
    bucket: Option<S3Store>,
}

impl Lake {
    /// Opens the lake in a folder, creating it if the folder is missing or empty.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if the location holds something else, or cannot be read or written; [`ErrorKind::Config`] if the
    /// location is not understood.
    pub async fn open_or_create(location: &str) -> Result<Self> {
        let lake = Self::at(location)?;
        lake.create().await?;
        Ok(lake)
    }

    /// Opens the lake in a folder, which must exist.
    ///
    /// # Errors
    /// As [`Lake::open_or_create`], and if there is no lake.
    pub async fn open(location: &str) -> Result<Self> {
        let lake = Self::at(location)?;
        lake.expect_lake().await?;
        Ok(lake)
    }

    /// The lake in a folder, whether there is one or not.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the location is not understood.
    pub fn at(location: &str) -> Result<Self> {
        Ok(Self::with_store(Arc::new(DurableFileSystem::new()), local_url(location)?))
    }

    /// The lake in a bucket, whether there is one or not. Every object will be under the key that `encryption` says.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the location is not understood.
    pub fn in_bucket(aws: &Aws, location: &str, encryption: Encryption) -> Result<Self> {
        let (bucket, url) = bucket_of(location)
            .unwrap_or_else(|| Err("it does not begin with s3://".to_owned()))
            .map_err(|why| Error::new(ErrorKind::Config, format!("lake location '{location}': {why}")))?;
        register_bucket_logs().map_err(lake(format!("opening the lake at {location}")))?;
        let bucket = S3Store::encrypted_bucket(aws, &bucket, encryption);
        Ok(Self { bucket: Some(bucket.clone()), ..Self::with_store(Arc::new(bucket), url) })
    }

    /// Makes the location a lake, unless it is one.
    ///
    /// # Errors
    /// As [`Lake::open_or_create`].
    pub async fn create(&self) -> Result<()> {
        if !self.check_marker().await? {
            self.create_marker().await?;
        }
        // Folders have conditional puts; of a bucket somebody else decides.
        if self.bucket.is_some() { self.probe().await } else { Ok(()) }
    }

    /// Makes sure that the store refuses to create what is there: everything rests on that. What is put is the marker once more,
    /// so that a store that does not refuse has lost nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if it does not refuse, or may not be written to.
    pub async fn probe(&self) -> Result<()> {
        let location = self.location();
        let mut text = marker_text().map_err(lake(format!("writing to {location}")))?;
        // Not the same bytes, which would count as our own put whose answer was lost.
        text.push(b'\n');
        match self.store.put_opts(&self.marker()?, text.into(), PutOptions::from(PutMode::Create)).await {
            Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(e) => Err(lake(format!("writing to {location}"))(e)),
            Ok(_) => Err(Error::new(
                ErrorKind::Lake,
                format!("{location}: {LAKE_MARKER} was there and could be created again: the store has no conditional puts"),
            )
            .advise("use S3, or a store that refuses If-None-Match: *; without it two exporters overwrite each other's commits")),
        }
    }

    /// Makes sure that there is a lake.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub async fn expect_lake(&self) -> Result<()> {
        if self.exists().await? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Lake, format!("no lake at {}: {LAKE_MARKER} is missing", self.location()))
            .advise("run `lookback export` to create it, or correct `lake.location`"))
    }

    /// Whether there is a lake; if not, one could be made here.
    ///
    /// # Errors
    /// As [`Lake::open`], and if there is something else.
    pub async fn exists(&self) -> Result<bool> {
        if self.check_marker().await? {
            return Ok(true);
        }
        self.refuse_foreign().await?;
        Ok(false)
    }

    /// A lake on a given store whose root is the root of the URL's path. Tests wrap the store to make it fail.
    #[must_use]
    pub fn with_store(store: Arc<dyn ObjectStore>, mut url: Url) -> Self {
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Self { store, url, bucket: None }
    }

    /// The bucket that it is in, if it is in one.
    #[must_use]
    pub fn bucket(&self) -> Option<&S3Store> {
        self.bucket.as_ref()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The location, for messages.
    #[must_use]
    pub fn location(&self) -> String {
        let shown = self.url.to_file_path().map_or_else(|()| self.url.to_string(), |p| p.display().to_string());
        shown.strip_suffix('/').map_or_else(|| shown.clone(), str::to_owned)
    }

    /// The root in the store.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if it is no path.
    pub fn root(&self) -> Result<Path> {
        self.path("")
    }

    /// Where its marker is in the store.
    ///
    /// # Errors
    /// As [`Lake::root`].
    pub fn marker(&self) -> Result<Path> {
        self.path(LAKE_MARKER)
    }

    /// The path of something below the root.
    fn path(&self, below: &str) -> Result<Path> {
        Path::from_url_path(format!("{}{below}", self.url.path())).map_err(lake(format!("lake path {below}")))
    }

    /// Whether there is a lake; an error if there is something else.
    async fn check_marker(&self) -> Result<bool> {
        let location = self.location();
        match self.store.get(&self.path(LAKE_MARKER)?).await {
            Ok(found) => {
                let bytes = found.bytes().await.map_err(lake(format!("reading {location}/{LAKE_MARKER}")))?;
                let marker: Marker = serde_json::from_slice(&bytes).map_err(|e| {
                    Error::new(ErrorKind::Lake, format!("{location}/{LAKE_MARKER} is not the marker of a lake"))
                        .because(e)
                        .advise("point `lake.location` at a lake or at an empty folder")
                })?;
                if marker.format != MARKER_FORMAT {
                    return Err(Error::new(
                        ErrorKind::Lake,
                        format!("{location}/{LAKE_MARKER} says '{}', not '{MARKER_FORMAT}'", marker.format),
                    )
                    .advise("point `lake.location` at a lake or at an empty folder"));
                }
                if marker.version > LAKE_FORMAT {
                    return Err(Error::new(
                        ErrorKind::Lake,
                        format!(
                            "the lake at {location} has format {}, this build knows up to {LAKE_FORMAT}",
                            marker.version
                        ),
                    )
                    .advise("use a newer lookback"));
                }
                Ok(true)
            }
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(e) => Err(Error::new(ErrorKind::Lake, format!("reading {location}/{LAKE_MARKER}"))
                .because(e)
                .advise("the lake must be readable")),
        }
    }

    /// An error if the location holds anything but a marker.
    async fn refuse_foreign(&self) -> Result<()> {
        let location = self.location();
        let root = self.root()?;
        let listed = self.store.list_with_delimiter(Some(&root)).await;
        let listed = listed.map_err(lake(format!("listing {location}")))?;
        let foreign = listed.common_prefixes.iter().chain(listed.objects.iter().map(|o| &o.location)).next();
        if let Some(found) = foreign.filter(|p| p.filename() != Some(LAKE_MARKER)) {
            return Err(Error::new(
                ErrorKind::Lake,
                format!(
                    "{location} is not a lake: it holds {} and no {LAKE_MARKER}",
                    found.filename().unwrap_or("files")
                ),
            )
            .advise("point `lake.location` at a lake or at an empty folder"));
        }
        Ok(())
    }

    /// Makes an empty location a lake. Of two that do so at once both succeed.
    async fn create_marker(&self) -> Result<()> {
        self.refuse_foreign().await?;
        let location = self.location();
        let writing = || format!("creating the lake at {location}");
        let text = marker_text().map_err(lake(writing()))?;
        let options = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&self.path(LAKE_MARKER)?, text.into(), options).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(e) => Err(Error::new(ErrorKind::Lake, writing()).because(e).advise("it must be writable")),
        }
    }

    fn table_url(&self, name: &str) -> Result<Url> {
        self.url.join(&format!("{name}/")).map_err(lake(format!("lake table {name}")))
    }

    /// The table, if it exists.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if its log cannot be read.
    pub async fn table(&self, name: &str) -> Result<Option<LakeTable>> {
        LakeTable::load(name, Arc::clone(&self.store), self.table_url(name)?).await
    }

    /// The table, created with these columns (partition columns are added) if it does not exist.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if it cannot be read or created.
    pub async fn ensure_table(&self, name: &str, columns: &Schema) -> Result<LakeTable> {
        if let Some(table) = self.table(name).await? {
            return Ok(table);
        }
        let created = table::create(name, Arc::clone(&self.store), self.table_url(name)?, columns).await;
        // Whoever creates it first wins, in whatever words the others are told.
        let found = self.table(name).await?;
        if found.is_none() {
            created?;
        }
        found.ok_or_else(|| {
            Error::new(ErrorKind::Lake, format!("lake table {name} is missing right after it was created"))
        })
    }

    /// Names of the tables that exist.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`] if the root cannot be listed.
    pub async fn tables(&self) -> Result<Vec<String>> {
        let root = self.root()?;
        let listed =
            self.store.list_with_delimiter(Some(&root)).await.map_err(lake(format!("listing {}", self.location())))?;
        Ok(listed.common_prefixes.iter().filter_map(|p| p.filename().map(str::to_owned)).collect())
    }
}

/// What a marker says.
fn marker_text() -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec_pretty(&Marker { format: MARKER_FORMAT.to_owned(), version: LAKE_FORMAT })
}

/// The URL of a local folder given as a path or `file://` URL.
fn local_url(location: &str) -> Result<Url> {
    let refuse = |why: &str| {
        Error::new(ErrorKind::Config, format!("lake location '{location}' {why}"))
            .advise("give a folder, such as `./lake`, or `s3://bucket/prefix`")
    };
    if let Some((scheme, _)) = location.split_once("://")
        && scheme != "file"
    {
        return Err(refuse(&format!("has the scheme '{scheme}', which is not known")));
    }
    let path = match location.strip_prefix("file://") {
        Some(path) => FsPath::new(path),
        None => FsPath::new(location),
    };
    let absolute = std::path::absolute(path).map_err(|e| refuse(&format!("is not a path: {e}")))?;
    Url::from_directory_path(without_parents(&absolute)).map_err(|()| refuse("is not a path"))
}

/// The same place without `..`, which object paths cannot have. A folder before it may be a link, so it is looked up.
fn without_parents(path: &FsPath) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            clean = std::fs::canonicalize(&clean).unwrap_or(clean);
            clean.pop();
        } else {
            clean.push(part);
        }
    }
    clean
}
