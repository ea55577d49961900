//! What the line editor asks: whether a text is complete, and what a word can become.

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::complete::complete;
use super::input::is_complete;
use super::names::LakeNames;

/// What the editor knows of the shell.
pub(crate) struct ShellHelper {
    pub(crate) names: LakeNames,
    /// The lines of the statement that were entered before this one.
    pub(crate) pending: String,
    files: FilenameCompleter,
}

impl ShellHelper {
    pub(crate) fn new(names: LakeNames) -> Self {
        Self { names, pending: String::new(), files: FilenameCompleter::new() }
    }
}

impl Validator for ShellHelper {
    /// A line is taken as it is, and the next one is asked for; but several lines that are edited at once, because they were
    /// pasted or come from the history, stay together until they are complete.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let goes_on = text.contains('\n') && !is_complete(&self.pending, text);
        Ok(if goes_on { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for ShellHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let first = line.split_whitespace().next().unwrap_or_default();
        if self.pending.is_empty() && matches!(first, "\\i" | "\\o") && line[..cursor].contains(char::is_whitespace) {
            return self.files.complete_path(line, cursor);
        }
        let (start, found) = complete(&self.pending, line, cursor, &self.names);
        Ok((start, found.into_iter().map(|name| Pair { display: name.clone(), replacement: name }).collect()))
    }
}

impl Hinter for ShellHelper {
    type Hint = String;
}

impl Highlighter for ShellHelper {}

impl Helper for ShellHelper {}
