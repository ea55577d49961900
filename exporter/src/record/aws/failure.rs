//! What an answer of the SDK means for a collector.

use std::error::Error as StdError;

use aws_sdk_kms::config::http::HttpResponse;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use lookback_storage::{chain, first_line};

use crate::record::plane::{CallError, Refusal};

/// What an error of the SDK means.
pub(super) fn explain<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("unknown");
            let text = service.err().message().map(first_line).unwrap_or_default();
            CallError::new(of_code(code, service.raw().status().as_u16()), call, code, text)
        }
        // Somebody on the way answered in words of their own: a page in HTML, or nothing that can be read.
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            let refusal = of_code("", status);
            let refusal = if refusal == Refusal::Other { Refusal::Server } else { refusal };
            CallError::new(refusal, call, "an answer that cannot be read", format!("HTTP status {status}"))
        }
        SdkError::TimeoutError(_) => CallError::new(Refusal::Unreached, call, "timeout", "no answer in time"),
        SdkError::ConstructionFailure(_) => CallError::new(Refusal::Other, call, "cannot be asked", chain(error)),
        _ => CallError::new(Refusal::Unreached, call, "no connection", chain(error)),
    }
}

/// What a code means. Services have different words for the same; a policy's refusal can also be a bare status.
fn of_code(code: &str, status: u16) -> Refusal {
    let is = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if is(&["Throttl", "TooManyRequests", "RequestLimitExceeded", "LimitExceededException"]) || status == 429 {
        return Refusal::Throttled;
    }
    if is(&["AccessDenied", "NotAuthorized", "Unauthorized", "AuthFailure", "OptInRequired", "InsufficientDelivery"])
        || matches!(code, "403" | "401")
    {
        return Refusal::Denied;
    }
    if is(&["InvalidNextToken", "ExpiredNextToken", "InvalidMarker", "InvalidPaginationToken", "ExpiredIterator"]) {
        return Refusal::ExpiredToken;
    }
    if is(&["UnsupportedOperation", "NotSupported"]) {
        return Refusal::Unsupported;
    }
    if is(&["NotFound", "NotDiscovered", "NoAvailableConfigurationRecorder", "NoSuchKey", "NoSuchBucket"]) {
        return Refusal::NotFound;
    }
    if status >= 500
        || is(&["InternalFailure", "InternalError", "KMSInternal", "ServiceUnavailable", "DependencyTimeout"])
    {
        return Refusal::Server;
    }
    if matches!(status, 401 | 403) && code.is_empty() {
        return Refusal::Denied;
    }
    Refusal::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_all_services() {
        for (code, status, refusal) in [
            ("ThrottlingException", 400, Refusal::Throttled),
            ("Throttling", 400, Refusal::Throttled),
            ("AccessDeniedException", 400, Refusal::Denied),
            ("403", 403, Refusal::Denied),
            ("UnauthorizedOperation", 403, Refusal::Denied),
            ("InvalidNextTokenException", 400, Refusal::ExpiredToken),
            ("UnsupportedOperationException", 400, Refusal::Unsupported),
            ("NotFoundException", 400, Refusal::NotFound),
            ("ClusterNotFound", 404, Refusal::NotFound),
            ("ResourceNotDiscoveredException", 400, Refusal::NotFound),
            ("KMSInternalException", 500, Refusal::Server),
            ("", 502, Refusal::Server),
            ("", 403, Refusal::Denied),
            ("ValidationException", 400, Refusal::Other),
        ] {
            assert_eq!(of_code(code, status), refusal, "{code} {status}");
        }
    }
}
