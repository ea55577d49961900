//! Delta logs in buckets.
//!
//! The Delta library knows how to commit with a conditional put, which S3 has, but brings that for folders and memory only: for
//! `s3://` it wants its own crate, with a client, credentials and a retry policy of its own.

use std::sync::Arc;

use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use deltalake::{DeltaResult, DeltaTableError};
use url::Url;

/// Makes tables below `s3://` readable and writable through the store that they are opened with. May be called often.
///
/// # Errors
/// Never in practice: if the scheme is no URL.
pub fn register_bucket_logs() -> Result<(), DeltaTableError> {
    let scheme = Url::parse("s3://").map_err(|e| DeltaTableError::GenericError { source: Box::new(e) })?;
    logstore_factories().entry(scheme).or_insert_with(|| Arc::new(ConditionalPut));
    Ok(())
}

/// Commits by conditional put.
struct ConditionalPut;

impl LogStoreFactory for ConditionalPut {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}
