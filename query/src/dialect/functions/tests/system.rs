//! What is said about session and server, and what is not.

use super::{all, prints, refuses};

#[tokio::test]
async fn nothing_was_run_here() {
    prints(&[
        ("pg_last_query_id()", "-1"),
        ("pg_last_copy_id()", "-1"),
        ("pg_last_unload_id()", "-1"),
        ("PG_Backend_PID()", "-1"),
        ("current_schema()", "public"),
    ])
    .await;
    assert!(super::printed("version()").await.unwrap().starts_with("lookback "));
}

#[tokio::test]
async fn what_cannot_be_answered_is_named() {
    refuses(&[
        ("current_user", "function CURRENT_USER is not available here: there is no session of a cluster"),
        ("session_user", "function SESSION_USER is not available here"),
        ("current_database()", "database = 'dev'"),
        ("current_setting('query_group')", "function CURRENT_SETTING is not available here"),
        ("slice_num()", "function SLICE_NUM is not available here"),
        ("JSON_PARSE('[1]')", "json_extract_path_text()"),
        ("checksum('a')", "does not say"),
        ("frobnicate(1)", "function FROBNICATE is not available here"),
        ("charindx('a', 'b')", "function CHARINDX is not available here; did you mean 'charindex'?"),
    ])
    .await;
}

#[test]
fn no_name_stands_for_two_functions() {
    let mut seen = std::collections::HashSet::new();
    for function in all(0) {
        let names = std::iter::once(function.name().to_owned()).chain(function.aliases().iter().cloned());
        for name in names {
            assert!(seen.insert(name.clone()), "{name}");
        }
    }
}
