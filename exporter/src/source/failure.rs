//! What an error of the driver means, and what to do about it.

use std::time::Duration;

use lookback_storage::chain;
use tokio_postgres::error::SqlState;

use crate::error::{Error, ErrorKind};

/// Turns a driver error into ours. `what` says what was being done, on which cluster and table.
pub(super) fn explain(what: &str, error: tokio_postgres::Error) -> Error {
    if let Some(db) = error.as_db_error() {
        let code = db.code().clone();
        let mut message = format!("{what}: {} (SQLSTATE {})", db.message(), code.code());
        if let Some(hint) = db.hint() {
            message.push_str("; ");
            message.push_str(hint);
        }
        return of_state(&code, db.message(), message);
    }
    let text = chain(&error);
    let message = format!("{what}: {text}");
    if text.contains("unknown authentication tag") || text.contains("unsupported authentication") {
        return Error::new(ErrorKind::Auth, message).advise(
            "the user has a SHA-256 password, which PostgreSQL drivers do not speak; create the export user with \
             `CREATE USER lookback PASSWORD 'md5…'` or use temporary IAM credentials",
        );
    }
    if text.contains("server does not support TLS") {
        return Error::new(ErrorKind::Tls, message).advise(
            "the server offers no TLS; turn it on there, or accept readable passwords with `tls = \"plaintext\"` for this cluster",
        );
    }
    if text.contains("certificate") || text.contains("TLS handshake") || text.contains("invalid peer") {
        return Error::new(ErrorKind::Tls, message)
            .advise("name the host as in its certificate, or give the issuing authority's certificates as `ca_file`");
    }
    if text.contains("password missing") {
        return Error::new(ErrorKind::Auth, message).advise("give the cluster a `password_env` or `password_file`");
    }
    Error::new(ErrorKind::Connect, message)
        .transient()
        .advise("check host, port and security group, and that the cluster is available")
}

/// A server that did not answer in time.
pub(super) fn silent(what: &str, limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("{what}: no answer within {} s", limit.as_secs_f32())).transient()
}

fn of_state(code: &SqlState, db_message: &str, message: String) -> Error {
    let c = code.code();
    match c {
        "28P01" => Error::new(ErrorKind::Auth, message).advise("check the cluster's user and password"),
        "28000" if db_message.contains("SSL off") => Error::new(ErrorKind::Tls, message)
            .advise("this cluster requires TLS; remove `tls = \"plaintext\"` from its settings"),
        "28000" => Error::new(ErrorKind::Auth, message).advise("check the cluster's user, database and network rules"),
        "42501" => Error::new(ErrorKind::Privilege, message).advise(
            "as a superuser: ALTER USER <user> SYSLOG ACCESS UNRESTRICTED; and GRANT SELECT on the table, or GRANT ROLE sys:monitor TO <user>",
        ),
        "42P01" => Error::new(ErrorKind::MissingTable, message)
            .advise("this cluster has no such table (Serverless has no STL tables); remove it from the cluster's `tables`"),
        "3D000" => Error::new(ErrorKind::Config, message).advise("check the cluster's `database`"),
        "57014" => Error::new(ErrorKind::Query, message)
            .transient()
            .advise("the query was cancelled: by a person, a WLM timeout or rule, or statement_timeout"),
        // 08 connection, 53 resources, 57P shutting down or not yet accepting, XX internal (common on Redshift), 40 serialisation.
        _ if ["08", "53", "57", "XX", "40"].iter().any(|class| c.starts_with(class)) => {
            Error::new(if c.starts_with("57P") || c.starts_with("08") { ErrorKind::Connect } else { ErrorKind::Query }, message)
                .transient()
        }
        _ => Error::new(ErrorKind::Query, message),
    }
}
