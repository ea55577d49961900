//! What can go wrong, as programs tell it apart.

use axum::http::StatusCode;

/// What went wrong, for programs. A code never changes its meaning; new ones may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    BadRequest,
    Sql,
    ReadOnly,
    Parameter,
    Unauthenticated,
    Forbidden,
    CrossOrigin,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    TooLarge,
    UnsupportedMediaType,
    WrongHost,
    Limit,
    Busy,
    TooManyLogins,
    Read,
    Internal,
    Lake,
}

impl Code {
    /// All of them, by status.
    pub(crate) const ALL: [Self; 19] = [
        Self::BadRequest,
        Self::Sql,
        Self::ReadOnly,
        Self::Parameter,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::CrossOrigin,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::WrongHost,
        Self::Limit,
        Self::Busy,
        Self::TooManyLogins,
        Self::Read,
        Self::Internal,
        Self::Lake,
    ];

    fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::BadRequest => ("bad_request", StatusCode::BAD_REQUEST, "The request cannot be understood"),
            Self::Sql => ("sql", StatusCode::BAD_REQUEST, "The statement cannot be understood"),
            Self::ReadOnly => ("read_only", StatusCode::BAD_REQUEST, "Only statements that read are possible"),
            Self::Parameter => ("parameter", StatusCode::BAD_REQUEST, "A parameter does not fit"),
            Self::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED, "Say who you are"),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "Your role does not include this"),
            Self::CrossOrigin => ("cross_origin", StatusCode::FORBIDDEN, "Another site's page may not ask"),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "There is no such thing"),
            Self::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "Not with this method"),
            Self::NotAcceptable => ("not_acceptable", StatusCode::NOT_ACCEPTABLE, "Not in this form"),
            Self::TooLarge => ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body's form is not understood")
            }
            Self::WrongHost => ("wrong_host", StatusCode::MISDIRECTED_REQUEST, "This server does not have that name"),
            Self::Limit => ("limit", StatusCode::UNPROCESSABLE_ENTITY, "A limit is reached"),
            Self::Busy => ("busy", StatusCode::TOO_MANY_REQUESTS, "Too much is asked at once"),
            Self::TooManyLogins => ("too_many_logins", StatusCode::TOO_MANY_REQUESTS, "Too many log-ins failed"),
            Self::Read => ("read", StatusCode::INTERNAL_SERVER_ERROR, "Reading failed"),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "A defect of lookback"),
            Self::Lake => ("lake", StatusCode::SERVICE_UNAVAILABLE, "The lake cannot be read"),
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        self.parts().0
    }

    /// The status that goes with it.
    pub(crate) fn status(self) -> StatusCode {
        self.parts().1
    }

    /// The same for every problem with this code.
    pub(super) fn title(self) -> &'static str {
        self.parts().2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once() {
        let names: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.status().as_u16() >= 400 && !code.title().ends_with('.')));
    }
}
