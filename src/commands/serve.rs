//! `lookback serve`: settings, what is listened on, and the end.

use std::io::{IsTerminal, Read};

use lookback_exporter::settings::QuerySettings;
use lookback_server::people::{hash_password, new_token};
use lookback_server::settings::Listen;
use lookback_server::{Desk, People, Server, ServerError, Settings, desk::Clock};

use super::audit::lake_keys;
use crate::cli::{Global, Serve};
use crate::config;
use crate::failure::Failure;
use crate::live;
use crate::print;
use crate::stop::asked_to_stop;

/// Longest password that is read, in bytes.
const MAX_PASSWORD: u64 = 1_024;

/// Memory of questions and for columns, in MiB, unless `[query]` says otherwise: with what a server keeps besides (answers, footers,
/// rows on their way out), less than 1 GB.
const MEMORY_MB: usize = 512;
const COLUMNS_MB: usize = 160;

pub(crate) async fn run(global: &Global, arguments: &Serve) -> Result<u8, Failure> {
    if arguments.hash_password {
        print::line(hash_password(password()?)?)?;
        return Ok(0);
    }
    if arguments.new_token {
        let (token, hash) = new_token()?;
        print::note(
            "the token, which is shown this once and nowhere kept; and its hash for `tokens` of [serve.users.<name>]:",
        );
        print::line(token)?;
        print::line(hash)?;
        return Ok(0);
    }
    let mut settings = settings(global, arguments)?;
    let mut of_lake = config::load_to_ask(global).await?;
    bound(&mut of_lake.query);
    settings.retention = of_lake.export.retention;
    settings.audit_defaults.extend(lake_keys(&of_lake));
    let session = live::beside(config::session(&of_lake).await?, &of_lake, arguments.live).await?;
    let people = People::new(&settings.users, Clock::system())?;
    let server = Server::bind(Desk::new(session, &settings, people)?).await?;
    announce(&server, &settings)?;
    let stop = asked_to_stop("answers under way have a few seconds");
    server.run(async move { stop.cancelled().await }).await;
    Ok(0)
}

/// Memory of a server, where nobody says otherwise.
fn bound(query: &mut QuerySettings) {
    query.memory_mb.get_or_insert(MEMORY_MB);
    query.columns_mb.get_or_insert(COLUMNS_MB);
}

fn settings(global: &Global, arguments: &Serve) -> Result<Settings, Failure> {
    let (mut settings, base): (Settings, _) = config::section(global, "serve")?;
    settings.anchor(&base);
    let listen =
        |flag: &str, text: &str| text.parse::<Listen>().map_err(|why| Failure::usage(format!("{flag}: {why}")));
    if let Some(text) = &arguments.pg {
        settings.pg = listen("--pg", text)?;
    }
    if let Some(text) = &arguments.http {
        settings.http = listen("--http", text)?;
    }
    Ok(settings)
}

/// The password that somebody types or pipes, up to the end of the line.
fn password() -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        print::note("type the password and Enter; it is seen while you type, so better pipe it here");
    }
    let mut text = String::new();
    let failed = |e| Failure::failed(format!("reading the password from stdin: {e}"));
    let mut from = std::io::BufReader::new(std::io::stdin().lock().take(MAX_PASSWORD));
    std::io::BufRead::read_line(&mut from, &mut text).map_err(failed)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn announce(server: &Server, settings: &Settings) -> Result<(), Failure> {
    let secure = settings.tls_cert.is_some();
    if let Some(address) = server.pg_address() {
        let mode = if secure { "?sslmode=verify-full" } else { "" };
        print::line(format!("PostgreSQL  postgresql://{address}/lookback{mode}"))?;
    }
    if let Some(address) = server.http_address() {
        print::line(format!("page, API   {}://{address}/", if secure { "https" } else { "http" }))?;
    }
    if settings.users.is_empty() {
        print::note("there are no users: everybody on this machine may ask everything");
    }
    Ok(())
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Settings(_) | ServerError::Refused(_) | ServerError::Tls { .. } => {
                Self::usage(error.to_string())
            }
            ServerError::Listen { .. } | ServerError::QuestionLog { .. } => Self::failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_less_memory_than_a_command_unless_it_is_given_more() {
        let mut query = QuerySettings::default();
        bound(&mut query);
        assert_eq!((query.memory_mb, query.columns_mb), (Some(512), Some(160)));
        let mut query = QuerySettings { memory_mb: Some(4_096), columns_mb: Some(0), ..QuerySettings::default() };
        bound(&mut query);
        assert_eq!((query.memory_mb, query.columns_mb), (Some(4_096), Some(0)));
        let limits = Settings::default().limits;
        assert!((4..=8).contains(&limits.statements), "{}", limits.statements);
    }
}
