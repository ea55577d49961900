//! Proof that everything in a bucket is encrypted as configured: every object is asked for, the Delta logs included.

use futures::{StreamExt, TryStreamExt};
use lookback_storage::{Encryption, S3Store};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::error::{Result, lake};
use crate::lake::Lake;

/// Objects asked about at once.
const AT_ONCE: usize = 16;

/// An object that is not encrypted as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsealed {
    /// Its key in the bucket.
    pub path: String,
    /// In which way.
    pub why: String,
}

/// What was found of the objects of a lake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Objects {
    /// Objects that there are.
    pub seen: u64,
    /// Those that are not as they should be.
    pub unsealed: Vec<Unsealed>,
}

/// Asks for the encryption of every object of the lake; `None` if it is not in a bucket.
///
/// # Errors
/// [`crate::ErrorKind::Lake`] if the bucket cannot be listed, or an object cannot be asked about.
pub async fn objects(of: &Lake) -> Result<Option<Objects>> {
    let Some((bucket, encryption)) = of.bucket().and_then(|b| Some((b, b.encryption()?))) else { return Ok(None) };
    let what = || format!("checking the encryption of {}", of.location());
    let root = of.root()?;
    let encryption = &encryption;
    let mut found = Objects::default();
    let mut checked = bucket
        .list(Some(&root))
        .map(|object| async move {
            let path = object?.location;
            let why = one(bucket, encryption, &path).await?;
            Ok::<_, object_store::Error>(why.map(|why| Unsealed { path: path.to_string(), why }))
        })
        .buffer_unordered(AT_ONCE);
    while let Some(unsealed) = checked.try_next().await.map_err(lake(what()))? {
        found.seen += 1;
        found.unsealed.extend(unsealed);
    }
    found.unsealed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(Some(found))
}

async fn one(bucket: &S3Store, encryption: &Encryption, path: &Path) -> object_store::Result<Option<String>> {
    match bucket.sealed(path).await {
        Ok(sealed) => Ok(sealed.check(encryption.key_for(path)).err()),
        // Cleaned up since it was listed.
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}
