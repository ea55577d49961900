//! The shell of `lookback sql`: statements and commands at a prompt, over one session.
//!
//! - [`split`], [`input`]: where statements end.
//! - [`command`]: the commands, as they are typed; [`act`] does them, [`describe`] is what they show.
//! - [`complete`], [`names`], [`helper`]: what Tab offers.
//! - [`screen`]: output, and the pager.
//! - [`door`]: a lake that opens while the first prompt is already there.
//! - [`history`]: where earlier statements are kept.

mod act;
mod command;
mod complete;
mod describe;
mod door;
mod helper;
mod history;
mod input;
mod names;
mod screen;
mod split;

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use lookback_query::diagnostics::parse_time;
use lookback_query::output::Format;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};
use tokio::runtime::Handle;

use crate::answer::interrupts;
use crate::cli::{Global, Limits};
use crate::failure::{FAILED, Failure};
use crate::print;
use door::Door;
use helper::ShellHelper;
use input::{Input, Item};
use names::LakeNames;

const PROMPT: &str = "lookback> ";
const CONTINUED: &str = "      -> ";

/// A lake in a folder is open by then, and what is wrong with it is said before the first prompt.
const FIRST_PROMPT: Duration = Duration::from_millis(60);

/// The shell between two inputs.
struct Shell {
    door: Door,
    editor: Editor<ShellHelper, FileHistory>,
    history: Option<PathBuf>,
    settings: Settings,
    /// The last statement, for `\e` and `\watch`.
    last: Option<String>,
    /// A text to edit at the next prompt.
    draft: Option<String>,
}

/// What commands change.
struct Settings {
    format: Format,
    expanded: bool,
    timing: bool,
    pager: bool,
    // Microseconds since 1970-01-01, UTC.
    as_of: Option<i64>,
    output: Option<OutputFile>,
}

/// The file of `\o`.
struct OutputFile {
    path: PathBuf,
    file: File,
    answers: u64,
}

/// What follows an input.
enum Next {
    Prompt,
    End,
}

/// Runs the shell until its end.
pub(crate) async fn run(global: &Global, format: Format, as_of: Option<&str>, limits: &Limits) -> Result<u8, Failure> {
    let as_of = as_of.map(parse_time).transpose().map_err(|e| Failure::usage(e.to_string()))?;
    // From here on, Ctrl-C between two statements is nothing.
    let _interrupts = interrupts()?;
    let mut door = Door::opening(global, limits);
    door.wait(FIRST_PROMPT).await?;
    let names = LakeNames::new(door.session_once_open(), Handle::current());
    let (editor, history) = editor(ShellHelper::new(names))?;
    let settings = Settings { format, expanded: false, timing: true, pager: true, as_of, output: None };
    let mut shell = Shell { door, editor, history, settings, last: None, draft: None };
    print::line(format!(
        "lookback {}: statements end with ; and \\? lists commands, \\q or Ctrl-D ends",
        env!("CARGO_PKG_VERSION")
    ))?;
    shell.prompt().await
}

fn editor(helper: ShellHelper) -> Result<(Editor<ShellHelper, FileHistory>, Option<PathBuf>), Failure> {
    let unusable = |e: ReadlineError| Failure::failed(format!("the terminal cannot be used: {e}"));
    let config = Config::builder()
        .max_history_size(history::MOST)
        .map_err(unusable)?
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .build();
    let mut editor = Editor::with_config(config).map_err(unusable)?;
    editor.set_helper(Some(helper));
    let mut path = history::path();
    if let Some(file) = &path {
        let loaded = history::prepare(file).map_err(ReadlineError::from).and_then(|()| editor.load_history(file));
        if let Err(e) = loaded {
            print::note(format!("earlier statements cannot be kept in {}: {e}", file.display()));
            path = None;
        }
    }
    Ok((editor, path))
}

impl Shell {
    async fn prompt(&mut self) -> Result<u8, Failure> {
        let mut input = Input::default();
        loop {
            match self.read(&input) {
                Ok(line) => {
                    let items = input.push(&line);
                    for item in items {
                        self.remember(&item);
                        match Box::pin(self.act(item, 0)).await {
                            Ok(Next::Prompt) => {}
                            Ok(Next::End) => return Ok(0),
                            Err(failure) => {
                                failure.print();
                                input.clear();
                                break;
                            }
                        }
                    }
                    if self.door.is_shut() {
                        return Ok(FAILED);
                    }
                }
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => input.clear(),
                Err(ReadlineError::Eof) => return Ok(0),
                Err(e) => return Err(Failure::failed(format!("reading from the terminal: {e}"))),
            }
        }
    }

    fn read(&mut self, input: &Input) -> rustyline::Result<String> {
        let prompt = if input.is_empty() { PROMPT } else { CONTINUED };
        if let Some(helper) = self.editor.helper_mut() {
            input.pending().clone_into(&mut helper.pending);
        }
        let draft = self.draft.take();
        // The runtime goes on with what it has to do, and completion may wait for it.
        tokio::task::block_in_place(|| match &draft {
            Some(draft) => self.editor.readline_with_initial(prompt, (draft.as_str(), "")),
            None => self.editor.readline(prompt),
        })
    }

    /// Adds it to the history at once: shells that run side by side, and one that is killed, lose nothing.
    fn remember(&mut self, item: &Item) {
        let entry = match item {
            Item::Command(line) => line.clone(),
            Item::Statement(text) => format!("{text};"),
        };
        let added = self.editor.add_history_entry(entry);
        if let (Ok(true), Some(path)) = (added, &self.history)
            && let Err(e) = self.editor.append_history(path)
        {
            print::note(format!("earlier statements cannot be kept in {}: {e}", path.display()));
            self.history = None;
        }
    }
}
