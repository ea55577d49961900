//! The settings that clients know, and what may be done with each.

/// A setting that is known.
pub(super) struct Known {
    // As PostgreSQL writes it, where clients look at it.
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) kind: Kind,
}

/// What may be done with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any value is kept, and changes nothing.
    Kept,
    /// Cannot be set.
    Fixed,
    /// One of these, because answers are like that.
    Only(&'static [&'static str]),
    /// The time limit of statements.
    Timeout,
    /// Times are in UTC; others are accepted with a remark.
    Zone,
}

macro_rules! known {
    ($($name:literal = $default:expr, $kind:expr;)*) => { &[$(Known { name: $name, default: $default, kind: $kind }),*] };
}

/// All of them, as `SHOW ALL` lists them.
pub(super) const KNOWN: &[Known] = known![
    "application_name" = "", Kind::Kept;
    "bytea_output" = "hex", Kind::Only(&["hex"]);
    "check_function_bodies" = "on", Kind::Kept;
    "client_encoding" = "UTF8", Kind::Only(&["utf8", "utf-8", "unicode"]);
    "client_min_messages" = "notice", Kind::Kept;
    "DateStyle" = "ISO, MDY", Kind::Only(&["iso"]);
    "default_transaction_isolation" = "read committed", Kind::Kept;
    "default_transaction_read_only" = "on", Kind::Kept;
    "enable_result_cache_for_session" = "on", Kind::Kept;
    "escape_string_warning" = "on", Kind::Kept;
    "extra_float_digits" = "1", Kind::Kept;
    "geqo" = "on", Kind::Kept;
    "idle_in_transaction_session_timeout" = "0", Kind::Kept;
    "in_hot_standby" = "off", Kind::Fixed;
    "integer_datetimes" = "on", Kind::Fixed;
    "IntervalStyle" = "postgres", Kind::Only(&["postgres"]);
    "is_superuser" = "off", Kind::Fixed;
    "jit" = "off", Kind::Kept;
    "lc_collate" = "C", Kind::Fixed;
    "lc_ctype" = "C", Kind::Fixed;
    "lc_messages" = "C", Kind::Kept;
    "lc_monetary" = "C", Kind::Kept;
    "lc_numeric" = "C", Kind::Kept;
    "lc_time" = "C", Kind::Kept;
    "lock_timeout" = "0", Kind::Kept;
    "max_identifier_length" = "63", Kind::Fixed;
    "max_index_keys" = "32", Kind::Fixed;
    "password_encryption" = "scram-sha-256", Kind::Kept;
    "query_group" = "", Kind::Kept;
    "row_security" = "on", Kind::Kept;
    "scram_iterations" = "4096", Kind::Fixed;
    "search_path" = "\"$user\", public", Kind::Kept;
    "server_encoding" = "UTF8", Kind::Fixed;
    "server_version" = super::SERVER_VERSION, Kind::Fixed;
    "server_version_num" = "150004", Kind::Fixed;
    "session_authorization" = "", Kind::Fixed;
    "ssl" = "off", Kind::Fixed;
    "standard_conforming_strings" = "off", Kind::Only(&["off", "false", "0", "no"]);
    "statement_timeout" = "0", Kind::Timeout;
    "synchronize_seqscans" = "on", Kind::Kept;
    "synchronous_commit" = "on", Kind::Kept;
    "TimeZone" = "UTC", Kind::Zone;
    "transaction_isolation" = "read committed", Kind::Kept;
    "transaction_read_only" = "on", Kind::Kept;
    "work_mem" = "4MB", Kind::Kept;
    "xmloption" = "content", Kind::Kept;
];

/// What a client is told when it begins, and whenever it changes.
pub(super) const REPORTED: [&str; 13] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

/// One by its name, however it is written.
pub(super) fn known(name: &str) -> Option<&'static Known> {
    let name = match name {
        "transaction.isolation.level" => "transaction_isolation",
        "time.zone" => "timezone",
        "session.authorization" => "session_authorization",
        other => other,
    };
    KNOWN.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}
