//! `lookback sql`

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use lookback_query::diagnostics::parse_time;
use lookback_query::output::{Format, write};
use lookback_query::session::{Answer, Session};

use crate::cli::{Global, Sql};
use crate::config;
use crate::failure::Failure;

pub(crate) async fn run(global: &Global, arguments: &Sql) -> Result<u8, Failure> {
    let format: Format = arguments.format.parse().map_err(|e| Failure::usage(format!("{e}")))?;
    let text = statement(arguments)?;
    if text.chars().all(|c| c.is_whitespace() || c == ';') {
        return Err(Failure::usage("there is no statement"));
    }
    let session = open(global, arguments.as_of.as_deref()).await?;
    let statements = session.prepare(&text)?;
    if !format.is_text() && arguments.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage(format!("{format} is not readable on a terminal"))
            .advise("name a file with --output, or redirect"));
    }
    if statements.len() > 1 && !format.is_text() {
        return Err(Failure::usage(format!(
            "{format} holds one result, and there are {} statements",
            statements.len()
        )));
    }
    // One file for all results, opened once all of them are understood.
    let mut file = arguments.output.as_deref().map(create).transpose()?;
    for statement in &statements {
        for notice in statement.notices() {
            let _ = writeln!(std::io::stderr(), "{notice}");
        }
        let answer = session.run(statement).await?;
        match &mut file {
            Some((file, path)) => {
                let shown = path.display().to_string();
                let clone = file.try_clone().map_err(|e| Failure::failed(format!("writing {shown}: {e}")))?;
                emit(answer, format, clone).await?;
            }
            None => emit(answer, format, std::io::stdout()).await?,
        }
    }
    Ok(0)
}

/// A session over the configured lake.
pub(crate) async fn open(global: &Global, as_of: Option<&str>) -> Result<Session, Failure> {
    let settings = config::load_to_ask(global).await?;
    let as_of = as_of.map(parse_time).transpose().map_err(|e| Failure::usage(e.to_string()))?;
    Ok(config::session(&settings).await?.with_as_of(as_of))
}

/// Writes an answer as it comes.
pub(crate) async fn emit<W: std::io::Write + Send>(answer: Answer, format: Format, to: W) -> Result<(), Failure> {
    write(answer.into_stream(), format, to).await?;
    Ok(())
}

fn create(path: &Path) -> Result<(File, &Path), Failure> {
    let file = File::create(path).map_err(|e| Failure::failed(format!("writing {}: {e}", path.display())))?;
    Ok((file, path))
}

fn statement(arguments: &Sql) -> Result<String, Failure> {
    if let Some(sql) = arguments.sql.as_ref().filter(|s| *s != "-") {
        return Ok(sql.clone());
    }
    if let Some(path) = &arguments.file {
        return std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("reading {}: {e}", path.display())));
    }
    if arguments.sql.is_none() && std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no statement").advise(
            "give one as an argument, with --file, or on standard input: lookback sql 'SELECT count(*) FROM stl_query'",
        ));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| Failure::failed(format!("reading standard input: {e}")))?;
    Ok(text)
}
