//! `lookback sql`: one answer and done, or a shell.

use std::io::{BufWriter, IsTerminal, Read, Write};
use std::path::Path;

use lookback_exporter::Settings;
use lookback_query::diagnostics::parse_time;
use lookback_query::output::{Format, write};
use lookback_query::session::{Answer, Session, Statement};

use crate::answer::{NewFile, ProgressLine, deliver, notices};
use crate::cli::{Global, Limits, Sql};
use crate::config;
use crate::failure::Failure;
use crate::{live, shell};

pub(crate) async fn run(global: &Global, arguments: &Sql) -> Result<u8, Failure> {
    let format: Format = arguments.format.parse().map_err(|e| Failure::usage(format!("{e}")))?;
    let limits = Limits { live: arguments.live, ..arguments.limits.clone() };
    let Some(texts) = texts(arguments)? else {
        return Box::pin(shell::run(global, format, arguments.as_of.as_deref(), &limits)).await;
    };
    if texts.iter().all(|(_, text)| text.chars().all(|c| c.is_whitespace() || c == ';')) {
        return Err(Failure::usage("there is no statement"));
    }
    let session = open_to_ask(global, arguments.as_of.as_deref(), &limits).await?;
    let mut statements = Vec::new();
    for (file, text) in &texts {
        let prepared = session.prepare(text).map_err(Failure::from);
        statements.extend(prepared.map_err(|e| match file {
            Some(file) => e.within(file.display()),
            None => e,
        })?);
    }
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
    match arguments.output.as_deref().map(NewFile::create).transpose()? {
        Some(mut file) => {
            each(&session, &statements, format, &mut file, false).await?;
            file.finish()?;
        }
        None => {
            let stdout = BufWriter::new(std::io::stdout());
            each(&session, &statements, format, stdout, std::io::stdout().is_terminal()).await?;
        }
    }
    Ok(0)
}

/// Answers the statements in order, up to the first that fails.
async fn each<W: Write + Send>(
    session: &Session,
    statements: &[Statement],
    format: Format,
    mut to: W,
    seen: bool,
) -> Result<(), Failure> {
    for statement in statements {
        notices(statement);
        let line = ProgressLine::new();
        deliver(session.run(statement), format, &line, Seen { inner: &mut to, line: seen.then_some(&line) }).await?;
    }
    Ok(())
}

/// A terminal shows rows or progress, not both.
struct Seen<'a, W> {
    inner: W,
    line: Option<&'a ProgressLine>,
}

impl<W: Write> Write for Seen<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(line) = self.line.take() {
            line.clear();
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// A session over the configured lake, under the configured limits but for those that are given.
pub(crate) async fn open(global: &Global, as_of: Option<&str>, limits: &Limits) -> Result<Session, Failure> {
    Ok(opened(global, as_of, limits).await?.0)
}

/// The same for statements of people, which may read clusters if that is on.
pub(crate) async fn open_to_ask(global: &Global, as_of: Option<&str>, limits: &Limits) -> Result<Session, Failure> {
    let (session, settings) = opened(global, as_of, limits).await?;
    live::beside(session, &settings, limits.live).await
}

async fn opened(global: &Global, as_of: Option<&str>, limits: &Limits) -> Result<(Session, Settings), Failure> {
    let mut settings = config::load_to_ask(global).await?;
    settings.query.timeout = limits.timeout.unwrap_or(settings.query.timeout);
    settings.query.memory_mb = limits.memory_mb.map(|mb| mb as usize).or(settings.query.memory_mb);
    let as_of = as_of.map(parse_time).transpose().map_err(|e| Failure::usage(e.to_string()))?;
    Ok((config::session(&settings).await?.with_as_of(as_of), settings))
}

/// Writes an answer as it comes.
pub(crate) async fn emit<W: Write + Send>(answer: Answer, format: Format, to: W) -> Result<(), Failure> {
    write(answer.into_stream(), format, to).await?;
    Ok(())
}

/// Statements, and the file that they are from.
type Given<'a> = (Option<&'a Path>, String);

/// What was asked, with the files that it came from; `None` if a person at a terminal has yet to say.
fn texts(arguments: &Sql) -> Result<Option<Vec<Given<'_>>>, Failure> {
    match &arguments.sql {
        Some(sql) if sql != "-" => return Ok(Some(vec![(None, sql.clone())])),
        Some(_) => return Ok(Some(vec![(None, stdin()?)])),
        None => {}
    }
    if !arguments.file.is_empty() {
        return arguments.file.iter().map(|path| read(path)).collect::<Result<_, _>>().map(Some);
    }
    if !std::io::stdin().is_terminal() {
        return Ok(Some(vec![(None, stdin()?)]));
    }
    if std::io::stdout().is_terminal() && arguments.output.is_none() {
        return Ok(None);
    }
    Err(Failure::usage("there is no statement").advise(
        "give one as an argument, with --file, or on standard input: lookback sql 'SELECT count(*) FROM stl_query'",
    ))
}

fn read(path: &Path) -> Result<(Option<&Path>, String), Failure> {
    if path == Path::new("-") {
        return Ok((None, stdin()?));
    }
    let text = std::fs::read_to_string(path);
    Ok((Some(path), text.map_err(|e| Failure::usage(format!("reading {}: {e}", path.display())))?))
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| Failure::failed(format!("reading standard input: {e}")))?;
    Ok(text)
}
