//! What the settings name outside of the clusters: the connection to AWS, the lake, the watermark store.

use std::path::Path;
use std::sync::Arc;

use lookback_storage::{Aws, AwsSettings, Encryption, KeyArn};

use crate::error::{Error, ErrorKind, Result};
use crate::fleet::needs_aws;
use crate::lake::Lake;
use crate::settings::Settings;
use crate::watermarks::{DynamoStore, SqliteStore, WatermarkStore};

/// The connection to AWS; `None` if nothing that is configured is there.
pub async fn aws(settings: &Settings) -> Option<Aws> {
    let in_bucket = settings.lake.location.starts_with("s3://");
    let needed = in_bucket || settings.state.dynamodb_table.is_some() || needs_aws(settings) || settings.record.enabled;
    if needed { Some(connect(settings).await) } else { None }
}

/// The connection to AWS.
pub async fn connect(settings: &Settings) -> Aws {
    let connection = AwsSettings { region: settings.aws.region.clone(), profile: settings.aws.profile.clone() };
    Aws::connect(&connection).await
}

/// The KMS keys of a lake in a bucket.
///
/// # Errors
/// [`ErrorKind::Config`] if there is none, or one is not the ARN of a key.
pub fn encryption(settings: &Settings) -> Result<Encryption> {
    let key = |place: &str, text: &str| {
        KeyArn::parse(text).map_err(|e| Error::new(ErrorKind::Config, format!("{place}: {e}")))
    };
    let Some(lake) = &settings.lake.kms_key else {
        return Err(Error::new(
            ErrorKind::Config,
            format!("the lake at {} has no KMS key: lake.kms_key is missing", settings.lake.location),
        )
        .advise("set lake.kms_key to the ARN of a customer managed key; nothing is written to a bucket without one"));
    };
    let mut encryption = Encryption::new(key("lake.kms_key", lake)?);
    for (name, cluster) in &settings.clusters {
        if let Some(text) = &cluster.kms_key {
            encryption = encryption.with_cluster(name, key(&format!("clusters.{name}.kms_key"), text)?);
        }
    }
    Ok(encryption)
}

/// The lake, whether it exists or not.
///
/// # Errors
/// [`ErrorKind::Config`] if its location is not understood, or a bucket has no key.
pub fn lake(settings: &Settings, aws: Option<&Aws>) -> Result<Lake> {
    let location = &settings.lake.location;
    match aws.filter(|_| location.starts_with("s3://")) {
        Some(aws) => {
            let encryption = encryption(settings)?;
            if aws.region().is_none() {
                return Err(Error::new(ErrorKind::Config, "no AWS region is known".to_owned())
                    .advise("set aws.region, AWS_REGION, or a region in the profile"));
            }
            Lake::in_bucket(aws, location, encryption)
        }
        None => {
            let own = settings.clusters.iter().find(|(_, c)| c.kms_key.is_some());
            let named = own.map(|(name, _)| format!("clusters.{name}.kms_key"));
            if let Some(key) = settings.lake.kms_key.as_ref().map(|_| "lake.kms_key".to_owned()).or(named) {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("{key} has no use: the lake {location} is a folder"),
                )
                .advise("leave it out, or give a lake in a bucket: s3://bucket/prefix"));
            }
            Lake::at(location)
        }
    }
}

/// The watermark store. With `create` a missing file is created, otherwise an empty store stands for it; a DynamoDB table has
/// to exist.
///
/// # Errors
/// [`ErrorKind::Watermarks`] if it cannot be opened.
pub fn watermarks(settings: &Settings, aws: Option<&Aws>, create: bool) -> Result<Arc<dyn WatermarkStore>> {
    if let (Some(table), Some(aws)) = (&settings.state.dynamodb_table, aws) {
        return Ok(Arc::new(DynamoStore::new(aws, table)));
    }
    let path = &settings.state.path;
    let file = if create || path.exists() { path.as_path() } else { Path::new(":memory:") };
    Ok(Arc::new(SqliteStore::open(file)?))
}
