//! Lines of administrators' scripts that set up a session of Redshift: accepted without effect, and said so.
//!
//! A setting is on the list below if an answer over a lake is the same without it. Others are refused, so that no script
//! counts on something that does not happen.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::script::word;
use crate::error::{ErrorKind, QueryError};

/// Settings of Redshift that change how a cluster works on a statement, and not what it answers.
/// Source: Amazon Redshift Database Developer Guide, "Configuration reference".
const HARMLESS: [&str; 17] = [
    "analyze_threshold_percent",
    "application_name",
    "client_encoding",
    "client_min_messages",
    "enable_result_cache_for_session",
    "enable_vacuum_boost",
    "error_on_nondeterministic_update",
    "max_concurrency_scaling_clusters",
    "max_cursor_result_set_size",
    "mv_enable_aqmv_for_session",
    "query_group",
    "search_path",
    "spectrum_query_maxerror",
    "statement_timeout",
    "stored_proc_log_min_messages",
    "use_fips_ssl",
    "wlm_query_slot_count",
];

/// What to say about a statement that has no effect here; `None` if it is another statement.
///
/// # Errors
/// [`ErrorKind::ReadOnly`] for a setting that would change answers, or that Redshift does not have.
pub(super) fn without_effect(tokens: &[&TokenWithSpan]) -> Result<Option<String>, QueryError> {
    let name = |at: usize| tokens.get(at).and_then(|token| word(token)).map(str::to_lowercase).unwrap_or_default();
    let accepted = |what: &str, why: &str| Ok(Some(format!("{what} has no effect here: {why}")));
    match name(0).as_str() {
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" => {
            accepted(&name(0).to_uppercase(), "every statement sees one version of each table")
        }
        "analyze" if name(1) != "compression" => accepted("ANALYZE", "a lake has its statistics in its log"),
        "set" | "reset" => {
            let (verb, at) =
                (name(0).to_uppercase(), if matches!(name(1).as_str(), "session" | "local") { 2 } else { 1 });
            let setting = match (name(at).as_str(), name(at + 1).as_str()) {
                ("time", "zone") => "timezone".to_owned(),
                (one, _) => one.to_owned(),
            };
            let utc = || tokens.iter().rev().take(1).any(|token| is_utc(&token.token));
            let dotted = tokens.get(at + 1).is_some_and(|token| token.token == Token::Period);
            if !dotted && (HARMLESS.contains(&setting.as_str()) || setting == "timezone" && (verb == "RESET" || utc()))
            {
                return accepted(&format!("{verb} {setting}"), "nothing that it sets changes an answer");
            }
            let why =
                if setting == "timezone" { "times are UTC here" } else { "it would change answers, or does nothing" };
            let at = tokens.first().map(|token| token.span.start.to_string()).unwrap_or_default();
            let shown: String = tokens[1.min(tokens.len())..]
                .iter()
                .take(5)
                .take_while(|t| !is_value(&t.token))
                .map(|t| t.to_string())
                .collect();
            Err(QueryError::new(ErrorKind::ReadOnly, format!("{verb} {shown} is refused: {why}{at}")))
        }
        _ => Ok(None),
    }
}

fn is_value(token: &Token) -> bool {
    matches!(token, Token::Eq) || matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case("to"))
}

fn is_utc(token: &Token) -> bool {
    let text = match token {
        Token::Word(word) => &word.value,
        Token::SingleQuotedString(text) => text,
        _ => return false,
    };
    ["utc", "gmt", "default"].iter().any(|name| text.eq_ignore_ascii_case(name))
}
