//! A real PostgreSQL server, the one of the end-to-end tests, and one question to it.

#[path = "../../../tests/e2e/support/postgres.rs"]
#[allow(dead_code, reason = "the end-to-end tests use more of it")]
mod postgres;

pub(crate) use postgres::Postgres;

/// The server's answer to one query, as psql would print it: rows of texts, `None` for NULL. The session's zone is UTC, and it
/// reads backslashes in literals as Redshift does.
///
/// # Panics
/// If the server refuses the query.
pub(crate) async fn ask(server: &Postgres, sql: &str) -> Vec<Vec<Option<String>>> {
    use tokio_postgres::SimpleQueryMessage;

    let client = server.client().await;
    let settings = "SET timezone = 'UTC'; SET standard_conforming_strings = off; SET escape_string_warning = off";
    client.batch_execute(settings).await.unwrap();
    let messages = client.simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect()),
        _ => None,
    });
    rows.collect()
}
