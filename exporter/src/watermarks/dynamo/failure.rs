//! What an error of DynamoDB means, and what to do about it.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use lookback_storage::first_line;

use super::item::{CLUSTER, TABLE};
use crate::error::{Error, ErrorKind};

/// The table that calls are about.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) table: String,
    pub(super) region: Option<String>,
}

/// What kind of refusal a service's answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// It may pass.
    Passing,
    /// There is no such table.
    NoTable,
    /// The credentials are good, and may not do this.
    Denied,
    /// The credentials themselves were refused.
    Credentials,
    /// The request does not fit the table.
    Invalid,
    /// Anything else.
    Other,
}

/// Codes: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
fn refusal(code: &str, status: u16) -> Refusal {
    match code {
        "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "ThrottlingException"
        | "ThrottlingError"
        | "LimitExceededException"
        | "TransactionConflictException"
        | "ReplicatedWriteConflictException"
        | "InternalServerError"
        | "InternalServerException"
        | "ServiceUnavailable" => Refusal::Passing,
        "ResourceNotFoundException" => Refusal::NoTable,
        "AccessDeniedException" => Refusal::Denied,
        "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException" => Refusal::Credentials,
        "ValidationException" => Refusal::Invalid,
        _ if status >= 500 || status == 429 => Refusal::Passing,
        _ => Refusal::Other,
    }
}

impl Place {
    /// The error for a failed call of `action`, such as `UpdateItem`.
    pub(super) fn failed<E>(&self, action: &str, error: SdkError<E>) -> Error
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let calling = || Error::new(ErrorKind::Watermarks, format!("{self}: {action}"));
        match &error {
            SdkError::ServiceError(answer) => {
                let code = error.code().unwrap_or("no error code");
                self.refused(action, code, error.message(), answer.raw().status().as_u16())
            }
            SdkError::TimeoutError(_) | SdkError::ResponseError(_) => calling().because(error).transient(),
            SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
                calling().because(error).transient()
            }
            // No region, or no credentials: nothing was sent.
            _ => calling().because(error).advise(
                "`aws sts get-caller-identity` shows whether credentials are found; the region is `aws.region` or AWS_REGION",
            ),
        }
    }

    fn refused(&self, action: &str, code: &str, message: Option<&str>, status: u16) -> Error {
        let said = message.map(first_line).unwrap_or_default();
        let cause = if said.is_empty() { format!("{code} ({status})") } else { format!("{code}: {said}") };
        let error = |what: String| Error::new(ErrorKind::Watermarks, what);
        match refusal(code, status) {
            Refusal::Passing => error(format!("{self}: {action}")).because(cause).transient(),
            Refusal::NoTable => error(format!("{self} does not exist, or is still being created")).advise(format!(
                "create it: {}; if it is lost, nothing else is: coverage is rebuilt from the lake's own log",
                self.create_command()
            )),
            Refusal::Denied => error(format!("{self}: dynamodb:{action} is not allowed")).because(cause).advise(
                "allow dynamodb:GetItem, dynamodb:UpdateItem and dynamodb:Scan on the table, as the exporter's policy in deploy/ does",
            ),
            Refusal::Credentials => error(format!("{self}: {action}: the credentials were refused"))
                .because(cause)
                .advise("`aws sts get-caller-identity` shows whether they are still good; this machine's clock has to be right"),
            Refusal::Invalid => error(format!("{self}: {action}")).because(cause).advise(format!(
                "its keys have to be {CLUSTER} (HASH) and {TABLE} (RANGE), both text; another table can be created: {}",
                self.create_command()
            )),
            Refusal::Other => error(format!("{self}: {action}")).because(cause),
        }
    }

    fn create_command(&self) -> String {
        let region = self.region.as_ref().map(|r| format!(" --region {r}")).unwrap_or_default();
        format!(
            "aws dynamodb create-table --table-name {}{region} --billing-mode PAY_PER_REQUEST \
             --attribute-definitions AttributeName={CLUSTER},AttributeType=S AttributeName={TABLE},AttributeType=S \
             --key-schema AttributeName={CLUSTER},KeyType=HASH AttributeName={TABLE},KeyType=RANGE",
            self.table
        )
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DynamoDB table '{}'", self.table)?;
        self.region.iter().try_for_each(|region| write!(f, " in {region}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn place() -> Place {
        Place { table: "marks".to_owned(), region: Some("eu-central-1".to_owned()) }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else() {
        for (code, status) in
            [("ThrottlingException", 400), ("ProvisionedThroughputExceededException", 400), ("Anything", 503)]
        {
            assert!(place().refused("GetItem", code, None, status).is_transient(), "{code}");
        }
        for code in ["AccessDeniedException", "ResourceNotFoundException", "ValidationException", "Anything"] {
            let error = place().refused("GetItem", code, Some("no"), 400);
            assert!(!error.is_transient(), "{code}");
            assert_eq!(error.kind(), ErrorKind::Watermarks);
        }
    }

    #[test]
    fn a_missing_table_comes_with_the_command_that_creates_it() {
        let error = place().refused("GetItem", "ResourceNotFoundException", Some("Requested resource not found"), 400);
        assert_eq!(
            error.to_string(),
            "DynamoDB table 'marks' in eu-central-1 does not exist, or is still being created"
        );
        let advice = error.advice().unwrap();
        assert!(advice.contains(
            "aws dynamodb create-table --table-name marks --region eu-central-1 --billing-mode PAY_PER_REQUEST \
             --attribute-definitions AttributeName=cluster_id,AttributeType=S AttributeName=table_name,AttributeType=S \
             --key-schema AttributeName=cluster_id,KeyType=HASH AttributeName=table_name,KeyType=RANGE"
        ));
    }

    #[test]
    fn a_refused_action_is_named() {
        let error = place().refused("Scan", "AccessDeniedException", Some("User: u is not authorized"), 400);
        assert!(error.to_string().contains("dynamodb:Scan is not allowed: AccessDeniedException: User: u"), "{error}");
        assert!(error.advice().unwrap().contains("deploy/"));
    }

    #[test]
    fn what_is_said_about_a_wrong_signature_is_not_passed_on_whole() {
        let said = "The request signature does not match.\n\nThe Canonical String should have been\nx-amz-security-token:SECRET";
        let error = place().refused("GetItem", "InvalidSignatureException", Some(said), 400);
        assert!(error.to_string().contains("does not match"), "{error}");
        assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
    }
}
