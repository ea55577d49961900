//! The log of questions: who asked what, when, of which version of which table, and how it ended.
//!
//! One JSON object a line, in a file that only its owner can read, or in the program's log. A file that is full is put aside, and
//! only so many are kept. If a line cannot be written, nothing more is answered until one can: a question that is not on record
//! is not answered.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::rotating::Rotating;
use crate::error::ServerError;
use crate::people::{Door, Role};
use crate::settings::QuestionSettings;

/// Questions that are remembered in memory.
const RECENT: usize = 1_000;
/// Bytes of a statement that are remembered in memory, of one that is longer.
const RECENT_BYTES: usize = 2_048;
/// Bytes of an error that are written down.
const ERROR_BYTES: usize = 512;

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was answered to the end.
    Ok,
    /// It could not be answered.
    Failed,
    /// Time, memory or rows were used up.
    Limit,
    /// Whoever asked did not wait for the end.
    Stopped,
    /// The asker may not ask that.
    Forbidden,
    /// There was no room for it.
    Busy,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [Self::Ok, Self::Failed, Self::Limit, Self::Stopped, Self::Forbidden, Self::Busy];

    /// Its name, as in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Limit => "limit",
            Self::Stopped => "stopped",
            Self::Forbidden => "forbidden",
            Self::Busy => "busy",
        }
    }
}

/// One question that was asked.
#[derive(Debug, Clone, Serialize)]
pub struct Question {
    /// When, in UTC.
    pub time: String,
    /// Who.
    pub user: Arc<str>,
    /// With which role.
    pub role: Role,
    /// At which door.
    pub door: Door,
    /// From which address.
    pub address: Option<IpAddr>,
    /// What, as it is planned; its beginning if it is long.
    pub statement: String,
    /// The tables it read, and the Delta version of each.
    pub tables: BTreeMap<String, u64>,
    /// Rows that were given out.
    pub rows: u64,
    /// Bytes that were asked of the lake.
    pub bytes: u64,
    /// Seconds until it ended, with the time it waited for its turn.
    pub seconds: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended like that, if there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Where questions are written down.
#[derive(Debug)]
pub(super) struct QuestionLog {
    statement_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: Option<Rotating>,
    // The line that could not be written comes first when writing is possible again.
    unwritten: Option<Vec<u8>>,
    recent: VecDeque<Question>,
}

impl QuestionLog {
    /// Opens the log, so that a path that cannot be written fails at the start.
    pub(super) fn open(settings: &QuestionSettings) -> Result<Self, ServerError> {
        let file = settings.file.as_ref().map(|path| {
            let most = settings.max_mb.max(1).saturating_mul(1 << 20);
            Rotating::open(path, most, settings.keep)
                .map_err(|source| ServerError::QuestionLog { path: path.clone(), source })
        });
        let state = State { file: file.transpose()?, unwritten: None, recent: VecDeque::new() };
        Ok(Self { statement_bytes: settings.statement_bytes, state: Mutex::new(state) })
    }

    /// As much of a statement as is written down.
    pub(super) fn shorten(&self, statement: String) -> String {
        shorten(statement, self.statement_bytes)
    }

    /// Whether the next question would be on record; tries again what could not be written before.
    pub(super) fn writable(&self) -> Result<(), io::Error> {
        let mut state = self.state();
        let State { file: Some(file), unwritten, .. } = &mut *state else { return Ok(()) };
        if let Some(line) = unwritten.take()
            && let Err(e) = file.write(&line)
        {
            *unwritten = Some(line);
            return Err(e);
        }
        Ok(())
    }

    /// Writes a question down. What fails is said in the program's log, and at the next question.
    pub(super) fn write(&self, mut question: Question) {
        if let Some(error) = question.error.take() {
            question.error = Some(shorten(error, ERROR_BYTES));
        }
        let mut state = self.state();
        match &mut state.file {
            Some(file) => {
                let mut line = serde_json::to_vec(&question).unwrap_or_default();
                line.push(b'\n');
                if let Err(error) = file.write(&line) {
                    tracing::error!(path = %file.path.display(), %error, "the log of questions cannot be written");
                    state.unwritten = Some(line);
                }
            }
            None => {
                let question = serde_json::to_string(&question).unwrap_or_default();
                tracing::info!(target: "lookback::questions", "{question}");
            }
        }
        if state.recent.len() >= RECENT {
            state.recent.pop_front();
        }
        question.statement = shorten(question.statement, RECENT_BYTES);
        state.recent.push_back(question);
    }

    /// The newest questions of this process, newest first.
    pub(super) fn recent(&self, most: usize) -> Vec<Question> {
        self.state().recent.iter().rev().take(most).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shorten(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use super::*;

    fn question(statement: &str) -> Question {
        Question {
            time: "2026-11-20T10:00:00Z".to_owned(),
            user: "ana".into(),
            role: Role::Viewer,
            door: Door::Pg,
            address: Some(IpAddr::from([127, 0, 0, 1])),
            statement: statement.to_owned(),
            tables: BTreeMap::from([("stl_query".to_owned(), 4)]),
            rows: 2,
            bytes: 100,
            seconds: 0.25,
            outcome: Outcome::Ok,
            error: None,
        }
    }

    fn settings(file: &Path) -> QuestionSettings {
        QuestionSettings { file: Some(file.to_owned()), max_mb: 1, keep: 2, statement_bytes: 8192 }
    }

    #[test]
    fn a_question_is_a_line_of_json_that_only_the_owner_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("questions.jsonl");
        QuestionLog::open(&settings(&path)).unwrap().write(question("SELECT 'a\nb'"));
        insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @r#"{"time":"2026-11-20T10:00:00Z","user":"ana","role":"viewer","door":"pg","address":"127.0.0.1","statement":"SELECT 'a\nb'","tables":{"stl_query":4},"rows":2,"bytes":100,"seconds":0.25,"outcome":"ok"}"#);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_full_file_is_put_aside_and_only_so_many_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q");
        let log = QuestionLog::open(&settings(&path)).unwrap();
        let long = "x".repeat(400_000);
        for n in 0..12 {
            log.write(question(&format!("{n} {long}")));
        }
        let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["q", "q.1", "q.2"]);
        assert!(std::fs::read_to_string(&path).unwrap().contains("\"11 x"));
        assert!(std::fs::metadata(folder.path().join("q.1")).unwrap().len() <= 1 << 20);
    }

    #[test]
    fn while_a_question_cannot_be_written_down_no_other_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q");
        let log = QuestionLog::open(&settings(&path)).unwrap();
        // A file that cannot be appended to stands in for a full disk.
        let whole = std::mem::replace(
            &mut log.state().file.as_mut().unwrap().file,
            File::open(folder.path().join("q")).unwrap(),
        );
        log.write(question("SELECT 1"));
        assert!(log.writable().is_err());
        log.state().file.as_mut().unwrap().file = whole;
        log.writable().unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("SELECT 1"));
        assert_eq!(log.recent(10).len(), 1);
    }

    #[test]
    fn a_long_statement_is_cut_between_letters() {
        assert_eq!(shorten("aäb".to_owned(), 2), "a…");
        assert_eq!(shorten("aäb".to_owned(), 4), "aäb");
    }
}
