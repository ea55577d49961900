//! What an answer of AWS means, and what to do about it. Messages hold the service's code and text, never a value that was read.

use std::error::Error as StdError;

use aws_sdk_ssm::config::http::HttpResponse;
use aws_sdk_ssm::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use lookback_storage::{chain, first_line};

use super::accounts::{Account, Call};
use crate::error::{Error, ErrorKind};

impl Call<'_> {
    /// What is being done, on which cluster and in which region.
    pub(super) fn what(&self, account: &Account) -> String {
        let what = format!("{} ({}, {})", self.action, self.on, account.region());
        match self.cluster {
            Some(cluster) => format!("cluster '{cluster}': {what}"),
            None => what,
        }
    }
}

/// Turns an error of the SDK into ours: [`ErrorKind::Config`] for what does not exist or is written wrong, [`ErrorKind::Aws`]
/// for what is refused, [`ErrorKind::Timeout`] for no answer. Throttling, server errors and lost connections may pass.
pub(super) fn explain<E>(account: &Account, call: &Call<'_>, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let what = call.what(account);
    let who = account.role().unwrap_or("the exporter's identity");
    let allow = format!("allow {} on {} to {who}", call.action, call.on);
    match error {
        SdkError::ServiceError(service) => {
            let (code, text) = (
                service.err().code().unwrap_or("unknown"),
                service.err().message().map(first_line).unwrap_or_default(),
            );
            let status = service.raw().status().as_u16();
            of_service(code, text, status, what, &allow)
        }
        // A gateway or proxy on the way that answers in its own words.
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            let code = if matches!(status, 401 | 403) { "AccessDenied" } else { "an answer that cannot be read" };
            let error = of_service(code, &format!("HTTP status {status}"), status, what, &allow);
            if matches!(status, 401 | 403) { error } else { error.transient() }
        }
        SdkError::ConstructionFailure(_) => Error::new(ErrorKind::Config, format!("{what}: {}", chain(error))),
        SdkError::TimeoutError(_) => Error::new(ErrorKind::Timeout, format!("{what}: no answer in time")).transient(),
        _ => match find::<AssumeRoleError>(error) {
            Some(refused) => of_role(who, call, refused),
            None => of_dispatch(what, error),
        },
    }
}

fn of_service(code: &str, text: &str, status: u16, what: String, allow: &str) -> Error {
    let message = if text.is_empty() { format!("{what}: {code}") } else { format!("{what}: {code}: {text}") };
    if is_throttling(code) || status == 429 || status >= 500 {
        return Error::new(ErrorKind::Aws, message).transient();
    }
    if is_refusal(code) {
        // Reading what is encrypted asks the key, too, and it is the service that passes the refusal on.
        let key = text.to_ascii_lowercase().contains("kms");
        let more = if key { ", and kms:Decrypt on its key" } else { "" };
        return Error::new(ErrorKind::Aws, message).advise(format!("{allow}{more}"));
    }
    if is_unknown_identity(code) {
        return Error::new(ErrorKind::Aws, message).advise(
            "AWS does not accept the credentials of this machine; check them with `aws sts get-caller-identity`",
        );
    }
    if code.contains("NotFound") {
        return Error::new(ErrorKind::Config, message).advise("check its name, its region and its account");
    }
    if code.contains("Validation") || code.contains("InvalidParameter") || code.starts_with("InvalidClusterState") {
        return Error::new(ErrorKind::Config, message);
    }
    Error::new(ErrorKind::Aws, message)
}

fn of_role(role: &str, call: &Call<'_>, error: &AssumeRoleError) -> Error {
    let cluster = call.cluster.map(|c| format!("cluster '{c}': ")).unwrap_or_default();
    let (code, text) =
        (error.meta().code().unwrap_or("unknown"), error.meta().message().map(first_line).unwrap_or_default());
    let refused = Error::new(ErrorKind::Aws, format!("{cluster}the role {role} cannot be assumed: {code}: {text}"));
    if is_throttling(code) {
        return refused.transient();
    }
    refused.advise(format!(
        "the role's trust policy must allow sts:AssumeRole to the exporter's identity (with the external_id, if it asks for \
         one), and that identity needs sts:AssumeRole on {role}"
    ))
}

fn of_dispatch(what: String, error: &(dyn StdError + 'static)) -> Error {
    let failed = Error::new(ErrorKind::Aws, format!("{what}: {}", chain(error)));
    // Credentials that cannot be had come as a failed connection of another kind than a lost one, which may lie beneath it.
    let mut connections = causes(error).filter_map(|e| e.downcast_ref::<ConnectorError>()).peekable();
    let other = connections.peek().is_some_and(|c| !c.is_io() && !c.is_timeout());
    if other && !connections.any(|c| c.is_io() || c.is_timeout()) {
        return failed
            .advise("give the exporter credentials: a role of its instance or task, a profile, or the environment");
    }
    failed.transient().advise("check that AWS can be reached from here: network, proxy, VPC endpoint")
}

fn is_throttling(code: &str) -> bool {
    code.contains("Throttl")
        || matches!(
            code,
            "TooManyRequestsException" | "RequestLimitExceeded" | "SlowDown" | "InternalFailure" | "ServiceUnavailable"
        )
}

fn is_refusal(code: &str) -> bool {
    code.starts_with("AccessDenied")
        || matches!(code, "UnauthorizedOperation" | "NotAuthorized" | "UnauthorizedException")
}

fn is_unknown_identity(code: &str) -> bool {
    code.starts_with("ExpiredToken")
        || matches!(
            code,
            "UnrecognizedClientException"
                | "InvalidClientTokenId"
                | "InvalidSignatureException"
                | "SignatureDoesNotMatch"
                | "IncompleteSignature"
                | "MissingAuthenticationToken"
        )
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&e| e.source())
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|e| e.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(code: &str, status: u16) -> (ErrorKind, bool) {
        let error = of_service(code, "why", status, "cluster 'a': x:Y".to_owned(), "allow x:Y on z to w");
        assert!(error.to_string().starts_with("cluster 'a': x:Y: "), "{error}");
        (error.kind(), error.is_transient())
    }

    #[test]
    fn what_may_pass_is_transient_and_what_is_refused_is_not() {
        for (code, status) in [("ThrottlingException", 400), ("Throttling", 400), ("Whatever", 503), ("Odd", 429)] {
            assert_eq!(meaning(code, status), (ErrorKind::Aws, true), "{code}");
        }
        for code in ["AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"] {
            assert_eq!(meaning(code, 400), (ErrorKind::Aws, false), "{code}");
        }
        for code in ["ClusterNotFound", "ResourceNotFoundException", "ValidationException"] {
            assert_eq!(meaning(code, 400), (ErrorKind::Config, false), "{code}");
        }
    }

    #[test]
    fn a_refusal_names_the_action_and_what_it_is_on() {
        let error = of_service("AccessDeniedException", "no", 400, "w".to_owned(), "allow ssm:GetParameters on a to b");
        assert_eq!(error.advice(), Some("allow ssm:GetParameters on a to b"));
        let error = of_service("AccessDeniedException", "kms:Decrypt: no", 400, "w".to_owned(), "allow x");
        assert_eq!(error.advice(), Some("allow x, and kms:Decrypt on its key"));
    }
}
