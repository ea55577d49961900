//! What statements and commands do.

use std::io::Write;
use std::path::Path;
use std::process::Command as Process;
use std::time::{Duration, Instant};

use lookback_query::QueryError;
use lookback_query::diagnostics::{self, parse_time};
use lookback_query::output::{Format, Written};
use lookback_query::session::{Answer, Session};

use super::command::{self, Command};
use super::describe;
use super::input::{Input, Item};
use super::screen::Screen;
use super::{Next, OutputFile, Shell};
use crate::answer::{Delivered, ProgressLine, deliver, interrupts, notices, of_lake};
use crate::failure::Failure;
use crate::print;

/// How deep files may name files.
const MOST_INCLUDED: usize = 16;

impl Shell {
    /// Does what was entered. `depth` is how many files it came through.
    pub(super) async fn act(&mut self, item: Item, depth: usize) -> Result<Next, Failure> {
        match item {
            Item::Statement(text) => self.ask(&text).await.map(|()| Next::Prompt),
            Item::Command(line) => {
                let command = command::parse(&line).map_err(Failure::failed)?;
                self.command(command, depth).await
            }
        }
    }

    async fn command(&mut self, command: Command, depth: usize) -> Result<Next, Failure> {
        match command {
            Command::Quit => return Ok(Next::End),
            Command::Help => self.show(&describe::help(self.history.as_deref()))?,
            Command::Describe(Some(name)) => {
                let session = self.session().await?;
                let name = name.to_lowercase();
                let columns = unless_cancelled(session.columns(&name)).await?;
                self.show(&describe::columns(&name, &columns))?;
            }
            Command::Describe(None) => self.list(false).await?,
            Command::Tables => self.list(true).await?,
            Command::Diagnostics => self.show(&describe::questions())?,
            Command::Diagnose { name, given } => {
                let session = self.session().await?;
                let given = given.into_iter().collect();
                self.answer(diagnostics::run(&session, &name, &given)).await?;
            }
            Command::Include(path) => return Box::pin(self.include(&path, depth + 1)).await,
            Command::Edit => self.edit()?,
            Command::Watch(pause) => self.watch(pause).await?,
            other => self.set(other)?,
        }
        Ok(Next::Prompt)
    }

    async fn session(&mut self) -> Result<Session, Failure> {
        let session = self.door.session().await?;
        Ok(session.with_as_of(self.settings.as_of))
    }

    /// Answers a text that is one statement as it was split, and whatever the parser finds in it.
    async fn ask(&mut self, text: &str) -> Result<(), Failure> {
        self.last = Some(text.to_owned());
        let session = self.session().await?;
        for statement in session.prepare(text)? {
            notices(&statement);
            self.answer(session.run(&statement)).await?;
        }
        let first = text.split_whitespace().next().unwrap_or_default();
        if let Some(helper) = self.editor.helper()
            && ["create", "drop"].iter().any(|word| first.eq_ignore_ascii_case(word))
        {
            helper.names.forget();
        }
        Ok(())
    }

    async fn answer(&mut self, start: impl Future<Output = Result<Answer, QueryError>>) -> Result<(), Failure> {
        let format = match self.settings.format {
            Format::Table if self.settings.expanded => Format::Expanded,
            format => format,
        };
        let line = ProgressLine::new();
        let size = self.size();
        let delivered = match &mut self.settings.output {
            Some(output) => {
                if !format.is_text() && output.answers > 0 {
                    let message = format!("{format} holds one answer, and {} has one", output.path.display());
                    return Err(Failure::failed(message).advise("name another file with \\o"));
                }
                output.answers += 1;
                deliver(start, format, &line, &mut output.file).await?
            }
            None if !format.is_text() => {
                return Err(Failure::failed(format!("{format} is not readable on a terminal"))
                    .advise("name a file with \\o, or choose another with \\format"));
            }
            None => {
                let mut screen = Screen::new(size, Some(&line));
                let delivered = deliver(start, format, &line, &mut screen).await;
                screen.finish()?;
                delivered?
            }
        };
        if self.settings.timing {
            print::line(timing(&delivered))?;
        }
        Ok(())
    }

    async fn list(&mut self, all: bool) -> Result<(), Failure> {
        let session = self.session().await?;
        let relations = unless_cancelled(session.relations()).await?;
        self.show(&describe::relations(&relations, all))
    }

    async fn include(&mut self, path: &Path, depth: usize) -> Result<Next, Failure> {
        if depth > MOST_INCLUDED {
            return Err(Failure::failed(format!(
                "{}: more than {MOST_INCLUDED} files, one within another",
                path.display()
            )));
        }
        let text =
            std::fs::read_to_string(path).map_err(|e| Failure::failed(format!("reading {}: {e}", path.display())))?;
        let mut input = Input::default();
        let mut items: Vec<Item> = text.lines().flat_map(|line| input.push(line)).collect();
        items.extend(input.end());
        for item in items {
            match Box::pin(self.act(item, depth)).await.map_err(|e| e.within(path.display()))? {
                Next::Prompt => {}
                Next::End => return Ok(Next::End),
            }
        }
        Ok(Next::Prompt)
    }

    async fn watch(&mut self, pause: Duration) -> Result<(), Failure> {
        let Some(text) = self.last.clone() else { return Err(Failure::failed("there is no statement to repeat yet")) };
        // One for all rounds, so that none is missed between two.
        let mut interrupts = interrupts()?;
        loop {
            print::line(format!("{} UTC, again in {} s", now(), pause.as_secs_f64()))?;
            Box::pin(self.ask(&text)).await?;
            tokio::select! {
                _ = interrupts.recv() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Opens the last statement in the user's editor. What comes back stands at the next prompt, and is run by Enter.
    fn edit(&mut self) -> Result<(), Failure> {
        let failed = |e: std::io::Error| Failure::failed(format!("editing: {e}"));
        let folder = private_folder().map_err(failed)?;
        let file = folder.join("statement.sql");
        let edited = std::fs::write(&file, self.last.as_ref().map(|text| format!("{text};\n")).unwrap_or_default())
            .and_then(|()| run_editor(&file))
            .and_then(|()| std::fs::read_to_string(&file));
        let _ = std::fs::remove_dir_all(&folder);
        let text = edited.map_err(failed)?;
        self.draft = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(())
    }

    fn set(&mut self, command: Command) -> Result<(), Failure> {
        let settings = &mut self.settings;
        let said = |on: bool| if on { "on" } else { "off" };
        let message = match command {
            Command::Format(format) => {
                settings.format = format.unwrap_or(settings.format);
                format!("format is {}", settings.format)
            }
            Command::Expanded(on) => {
                settings.expanded = on.unwrap_or(!settings.expanded);
                format!("expanded is {}", said(settings.expanded))
            }
            Command::Timing(on) => {
                settings.timing = on.unwrap_or(!settings.timing);
                format!("timing is {}", said(settings.timing))
            }
            Command::Pager(on) => {
                settings.pager = on.unwrap_or(!settings.pager);
                format!("pager is {}", said(settings.pager))
            }
            Command::AsOf(time) => {
                let as_of = time.as_deref().map(parse_time).transpose()?;
                settings.as_of = as_of;
                match as_of {
                    Some(micros) => format!("getdate() is {} UTC", print::moment(Some(micros))),
                    None => "getdate() is the present".to_owned(),
                }
            }
            Command::Output(path) => {
                // What was open is complete, whatever becomes of the new one.
                settings.output = None;
                let Some(path) = path else { return print::line("answers go to the screen") };
                let file = std::fs::File::create(&path)
                    .map_err(|e| Failure::failed(format!("writing {}: {e}", path.display())))?;
                let message = format!("answers go to {}", path.display());
                settings.output = Some(OutputFile { path, file, answers: 0 });
                message
            }
            _ => return Ok(()),
        };
        print::line(message)
    }

    /// Shows a text, with the pager if it is long.
    fn show(&mut self, text: &str) -> Result<(), Failure> {
        let mut screen = Screen::new(self.size(), None);
        let shown = screen.write_all(text.as_bytes()).and_then(|()| screen.finish());
        match shown {
            // Whoever leaves the pager early has seen enough.
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            shown => Ok(shown?),
        }
    }

    fn size(&mut self) -> Option<(u16, u16)> {
        if self.settings.pager { self.editor.dimensions() } else { None }
    }
}

/// The line under an answer.
fn timing(delivered: &Delivered) -> String {
    let rows = match delivered.written {
        None => "done".to_owned(),
        Some(Written::All { rows: 1 }) => "1 row".to_owned(),
        Some(Written::All { rows }) => format!("{} rows", print::count(rows)),
        Some(Written::Closed { rows }) => format!("the first {} rows", print::count(rows)),
    };
    let took = match delivered.took {
        took if took < Duration::from_secs(1) => format!("{} ms", took.as_millis()),
        took => format!("{:.1} s", took.as_secs_f64()),
    };
    format!("{rows} in {took}{}", of_lake(delivered.read))
}

async fn unless_cancelled<T>(work: impl Future<Output = Result<T, QueryError>>) -> Result<T, Failure> {
    let began = Instant::now();
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => Err(Failure::cancelled(began.elapsed())),
        done = work => Ok(done?),
    }
}

fn now() -> String {
    print::moment(Some(chrono::Utc::now().timestamp_micros()))
}

/// A new folder for a file that nobody else shall read.
fn private_folder() -> std::io::Result<std::path::PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let nanos = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
    let folder = std::env::temp_dir().join(format!("lookback-{}-{nanos}", std::process::id()));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

fn run_editor(file: &Path) -> std::io::Result<()> {
    let named = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|named| !named.is_empty()));
    let editor = named.unwrap_or_else(|| "vi".to_owned());
    // An editor is often named with its flags.
    let status = Process::new("sh").args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(file).status()?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other(format!("'{editor}' ended with {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lookback_query::session::Read;

    #[test]
    fn the_line_under_an_answer() {
        let read = Read { rows: 1_200, bytes: 2_048, files: 2, planned: 2 };
        let delivered = Delivered { written: Some(Written::All { rows: 1 }), read, took: Duration::from_millis(12) };
        assert_eq!(timing(&delivered), "1 row in 12 ms, read 1,200 rows and 2.0 KiB from 2 files");
        let written = Some(Written::Closed { rows: 1_000 });
        let delivered = Delivered { written, read: Read::default(), took: Duration::from_millis(1_260) };
        assert_eq!(timing(&delivered), "the first 1,000 rows in 1.3 s");
    }
}
