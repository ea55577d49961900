//! What S3 says when it refuses, in words that help.

use std::error::Error as StdError;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use object_store::path::Path;

use crate::said::{chain, first_line};

/// The name that errors give the store.
pub(super) const STORE: &str = "S3";

/// A call that did not do what it was to do.
#[derive(Debug)]
pub(super) struct Refused {
    /// HTTP status, if there was an answer.
    pub(super) status: Option<u16>,
    /// S3's error code.
    pub(super) code: Option<String>,
    /// Whether S3 may have done it all the same: there was no answer, or one that says that S3 itself failed.
    pub(super) unknown: bool,
    text: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Refused {}

impl Refused {
    /// Reads an error of the SDK.
    pub(super) fn new<E>(operation: &str, bucket: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        let service = match error {
            SdkError::ServiceError(inner) => Some(inner.err()),
            _ => None,
        };
        let status = error.raw_response().map(|r| r.status().as_u16());
        let code = service.and_then(|e| e.code()).map(str::to_owned);
        let unknown = match error {
            SdkError::ConstructionFailure(_) => false,
            // S3 begins some answers with 200 before it knows, and ends them with an error.
            SdkError::ServiceError(_) => status.is_none_or(|s| s >= 500 || s == 200),
            _ => true,
        };
        let mut text = format!("{operation} in bucket {bucket}: ");
        match (service, &code) {
            (Some(e), Some(code)) => {
                text.push_str(code);
                if let Some(message) = e.message() {
                    text.push_str(": ");
                    text.push_str(first_line(message));
                }
            }
            (Some(_), None) if status.is_some() => text.push_str(&format!("status {}", status.unwrap_or_default())),
            _ => text.push_str(&chain(error)),
        }
        if let Some(advice) = advice(operation, status, code.as_deref()) {
            text.push_str("; ");
            text.push_str(advice);
        }
        Self { status, code, unknown, text }
    }

    pub(super) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// As the error of a store.
    pub(super) fn into_store_error(self, path: &Path) -> object_store::Error {
        let path = path.to_string();
        match self.status {
            Some(404) if !self.is("NoSuchBucket") => object_store::Error::NotFound { path, source: self.into() },
            Some(412) => object_store::Error::Precondition { path, source: self.into() },
            Some(304) => object_store::Error::NotModified { path, source: self.into() },
            Some(403) => object_store::Error::PermissionDenied { path, source: self.into() },
            Some(401) => object_store::Error::Unauthenticated { path, source: self.into() },
            _ => object_store::Error::Generic { store: STORE, source: self.into() },
        }
    }
}

fn advice(operation: &str, status: Option<u16>, code: Option<&str>) -> Option<&'static str> {
    match (code, status) {
        (Some("NoSuchBucket"), _) => Some("create the bucket (deploy/ has templates), or correct `lake.location`"),
        (Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"), _) => {
            Some("the bucket is in another region: set `aws.region` to it")
        }
        (
            Some(
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "ExpiredToken"
                | "InvalidToken"
                | "InvalidClientTokenId",
            ),
            _,
        ) => Some("the AWS credentials are not valid (any more): renew them"),
        (Some(code), _) if code.starts_with("KMS.") => Some(
            "the KMS key cannot be used: it must be enabled, in the bucket's region, and its policy must let this identity use it",
        ),
        (_, Some(403)) => Some(match operation {
            "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
                "the identity needs s3:PutObject on the lake and kms:GenerateDataKey and kms:Decrypt on its key, and the bucket's policy must allow that key: see deploy/iam/exporter.json"
            }
            "DeleteObjects" | "DeleteObject" => {
                "the identity needs s3:DeleteObject on the lake: see deploy/iam/maintainer.json"
            }
            "ListObjectsV2" => "the identity needs s3:ListBucket on the bucket: see deploy/iam/",
            _ => "the identity needs s3:GetObject on the lake and kms:Decrypt on its key: see deploy/iam/",
        }),
        _ => None,
    }
}
