//! Where a lake's bytes are, and how they get there: a folder that survives a power cut, or an S3 bucket under a KMS key.
//!
//! Both are an [`object_store::ObjectStore`], so that everything above has one code path. The exporter opens a place for writing,
//! the query side opens it for reading, and neither of them knows about the other.
//!
//! - [`aws`]: one connection to AWS for everything: region, credentials, and a count of every request.
//! - [`durable`]: the local file system, synchronised.
//! - [`log`]: Delta logs in buckets.
//! - [`s3`]: a bucket; every object under the key that is configured for it.

pub mod aws;
pub mod durable;
pub mod log;
pub mod s3;
mod said;

pub use aws::{Aws, AwsSettings, RequestCounts};
pub use durable::DurableFileSystem;
pub use log::register_bucket_logs;
pub use s3::{Encryption, KeyArn, S3Store};
pub use said::{chain, first_line};
