//! The extended protocol: statements that are prepared, described, and run in parts with values.
//!
//! Describing a portal starts it, because its columns are those of the running statement; nothing is planned twice. What changes the
//! connection (transactions, settings, views) is started by Execute only.

use std::collections::HashMap;

use lookback_query::session::Parameter;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::EmptyQueryResponse;

use super::answer::Answer;
use super::command::{Command, CopyFormat};
use super::connection::{Connection, Question, Reply, Stop, Transaction};
use super::encode::{self, Column};
use super::failure::{Failure, code};
use super::script::{Piece, split};
use super::start::tag_of;
use super::wire::{Bind, Message, WireError};
use super::{catalog, decode};

mod describe;

/// Prepared statements that a connection may have.
const MAX_STATEMENTS: usize = 2_000;
/// Bytes that their texts may have together.
const MAX_TEXT: usize = 32 << 20;

/// A statement that was parsed.
#[derive(Clone)]
struct Prepared {
    // Empty if there is no statement in the text.
    parsed: Option<(Piece, Question)>,
    // What the client says about the parameters, and after a description what it was told; 0 leaves it open.
    types: Vec<u32>,
    size: usize,
}

/// A statement with values.
struct Portal {
    parsed: Option<(Piece, Question)>,
    values: Vec<Parameter>,
    formats: Vec<i16>,
    state: State,
}

enum State {
    Fresh,
    Rows { answer: Answer, columns: Vec<Column> },
    Copy { answer: Answer, format: CopyFormat },
    // With the tag to repeat.
    Over(String),
}

/// What the extended protocol keeps between messages.
#[derive(Default)]
pub(super) struct Extended {
    statements: HashMap<String, Prepared>,
    portals: HashMap<String, Portal>,
    // After an error, everything up to Sync is passed over.
    skipping: bool,
}

impl Extended {
    /// Answers that have begun.
    pub(super) fn running(&self) -> usize {
        self.portals.values().filter(|portal| matches!(portal.state, State::Rows { .. } | State::Copy { .. })).count()
    }

    pub(super) fn close_portals(&mut self) {
        self.portals.clear();
    }

    /// A simple query ends what has no name.
    pub(super) fn begin_simple(&mut self) {
        self.statements.remove("");
        self.portals.remove("");
    }

    /// Forgets a statement, or all.
    pub(super) fn deallocate(&mut self, name: Option<&str>) -> Result<(), Failure> {
        match name {
            None => self.statements.clear(),
            Some(name) => {
                let unknown =
                    || Failure::new(code::NO_STATEMENT, format!("prepared statement \"{name}\" does not exist"));
                self.statements.remove(name).ok_or_else(unknown)?;
            }
        }
        Ok(())
    }
}

impl Connection {
    /// Answers a message of the extended protocol.
    pub(super) async fn extended(&mut self, message: Message) -> Result<(), WireError> {
        if matches!(message, Message::Sync) {
            self.extended.skipping = false;
            if self.transaction == Transaction::Idle {
                self.extended.close_portals();
            }
            return self.ready().await;
        }
        if self.extended.skipping {
            return Ok(());
        }
        let text = self.text_of(&message);
        let answered = match message {
            Message::Parse { name, text, types } => self.parse(name, &text, types),
            Message::Bind(bind) => Box::pin(self.bind(&bind)).await,
            Message::Describe { portal: true, name } => Box::pin(self.describe_portal(&name)).await,
            Message::Describe { portal: false, name } => Box::pin(self.describe_statement(&name)).await,
            Message::Execute { name, most } => Box::pin(self.execute(&name, most)).await,
            Message::Close { portal, name } => {
                if portal {
                    self.extended.portals.remove(&name);
                } else {
                    self.extended.statements.remove(&name);
                }
                Ok(self.writer.put(&Out::CloseComplete(CloseComplete::new()))?)
            }
            _ => Ok(()),
        };
        match answered {
            Ok(()) => Ok(()),
            Err(Stop::Over(error)) => Err(error),
            Err(Stop::Failed(failure)) => {
                self.extended.skipping = true;
                self.fail(&failure, &text.0, text.1)
            }
        }
    }

    /// The text that an error in a message would be about, and where in it the statement begins.
    fn text_of(&self, message: &Message) -> (String, (u64, u64)) {
        let of = |parsed: Option<&(Piece, Question)>| parsed.map(|(piece, _)| (piece.text.clone(), (1, 1)));
        let found = match message {
            Message::Parse { text, .. } => Some((text.clone(), (1, 1))),
            Message::Bind(bind) => of(self.extended.statements.get(&bind.statement).and_then(|s| s.parsed.as_ref())),
            Message::Describe { portal: false, name } => {
                of(self.extended.statements.get(name).and_then(|s| s.parsed.as_ref()))
            }
            Message::Describe { name, .. } | Message::Execute { name, .. } => {
                of(self.extended.portals.get(name).and_then(|p| p.parsed.as_ref()))
            }
            _ => None,
        };
        found.unwrap_or((String::new(), (1, 1)))
    }

    fn parse(&mut self, name: String, text: &str, types: Vec<u32>) -> Result<(), Stop> {
        let mut pieces = split(text)?;
        if pieces.len() > 1 {
            return Err(Failure::new(code::SYNTAX, "cannot insert multiple commands into a prepared statement").into());
        }
        let parsed = match pieces.pop() {
            Some(piece) => {
                let question = self.understand(&piece)?;
                self.may_start(&question)?;
                Some((piece, question))
            }
            None => None,
        };
        if name.is_empty() {
            self.extended.statements.remove("");
        } else if self.extended.statements.contains_key(&name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(Failure::new(code::DUPLICATE_STATEMENT, message).into());
        }
        let held: usize = self.extended.statements.values().map(|statement| statement.size).sum();
        if self.extended.statements.len() >= MAX_STATEMENTS || held + text.len() > MAX_TEXT {
            return Err(Failure::new(code::LIMIT, "too many prepared statements; close some").into());
        }
        self.extended.statements.insert(name, Prepared { parsed, types, size: text.len() });
        Ok(self.writer.put(&Out::ParseComplete(ParseComplete::new()))?)
    }

    fn prepared(&self, name: &str) -> Result<&Prepared, Failure> {
        let unknown = || Failure::new(code::NO_STATEMENT, format!("prepared statement \"{name}\" does not exist"));
        self.extended.statements.get(name).ok_or_else(unknown)
    }

    async fn bind(&mut self, bind: &Bind) -> Result<(), Stop> {
        let mut prepared = self.prepared(&bind.statement)?.clone();
        let wanted = match &prepared.parsed {
            Some((_, Question::Lake(statement))) => statement.parameters()?,
            Some((piece, Question::Catalog)) => catalog::parameters(piece),
            _ => 0,
        };
        if bind.values.len() < wanted {
            let message =
                format!("bind message supplies {} parameters, but the statement requires {wanted}", bind.values.len());
            return Err(Failure::new(code::PROTOCOL_VIOLATION, message).into());
        }
        if !bind.portal.is_empty() && self.extended.portals.contains_key(&bind.portal) {
            let message = format!("portal \"{}\" already exists", bind.portal);
            return Err(Failure::new(code::DUPLICATE_CURSOR, message).into());
        }
        if self.extended.portals.len() >= MAX_STATEMENTS {
            return Err(Failure::new(code::LIMIT, "too many portals; close some").into());
        }
        let times = decode::open_times(bind, &prepared.types);
        if let (false, Some((_, Question::Lake(statement)))) = (times.is_empty(), &prepared.parsed) {
            // What cannot be planned says so when it is started.
            let found = self.types(statement, &prepared.types).await.unwrap_or_default();
            prepared.types.resize(prepared.types.len().max(found.len()), 0);
            for (at, oid) in prepared.types.iter_mut().enumerate().filter(|(at, _)| times.contains(at)) {
                *oid = found.get(at).copied().unwrap_or_default();
            }
            if let Some(kept) = self.extended.statements.get_mut(&bind.statement) {
                kept.types.clone_from(&prepared.types);
            }
        }
        let values = decode::values(bind, &prepared.types)?;
        let portal = Portal { parsed: prepared.parsed, values, formats: bind.results.clone(), state: State::Fresh };
        self.extended.portals.insert(bind.portal.clone(), portal);
        Ok(self.writer.put(&Out::BindComplete(BindComplete::new()))?)
    }

    /// Takes a portal out; what fails on the way leaves it closed.
    fn taken(&mut self, name: &str) -> Result<Portal, Failure> {
        let unknown = || Failure::new(code::NO_CURSOR, format!("portal \"{name}\" does not exist"));
        self.extended.portals.remove(name).ok_or_else(unknown)
    }

    async fn begin(&mut self, portal: &mut Portal) -> Result<(), Stop> {
        let Some((piece, question)) = &portal.parsed else { return Ok(()) };
        portal.state = match self.start(question, piece, &portal.values).await? {
            Reply::Done(tag) => State::Over(tag),
            Reply::Copy(answer, format) => State::Copy { answer, format },
            Reply::Rows(answer) => {
                let columns = encode::columns(&answer.schema(), &portal.formats)?;
                State::Rows { answer, columns }
            }
        };
        Ok(())
    }

    async fn execute(&mut self, name: &str, most: u32) -> Result<(), Stop> {
        let mut portal = self.taken(name)?;
        let Some((piece, question)) = portal.parsed.clone() else {
            self.extended.portals.insert(name.to_owned(), portal);
            return Ok(self.writer.put(&Out::EmptyQueryResponse(EmptyQueryResponse::new()))?);
        };
        self.may_start(&question)?;
        if matches!(portal.state, State::Fresh) {
            self.begin(&mut portal).await?;
        }
        let most = if most == 0 { u64::MAX } else { u64::from(most) };
        let tag = match &mut portal.state {
            State::Rows { answer, columns } => {
                let (sent, all) = self.pour(answer, columns, most).await?;
                if !all {
                    self.writer.put(&Out::PortalSuspended(PortalSuspended::new()))?;
                    self.extended.portals.insert(name.to_owned(), portal);
                    return Ok(());
                }
                rows_tag(&question, &piece, sent)
            }
            State::Copy { answer, format } => format!("COPY {}", self.copy(answer, format).await?),
            State::Over(tag) => tag.clone(),
            State::Fresh => String::new(),
        };
        self.done(&tag)?;
        // A transaction that ended has closed its portals, this one included.
        let ended =
            matches!(question, Question::Command(Command::Commit | Command::Rollback | Command::Discard { .. }));
        if !ended {
            portal.state = State::Over(rows_tag_again(&question, &piece, tag));
            self.extended.portals.insert(name.to_owned(), portal);
        }
        Ok(())
    }
}

/// What an answer is called when it is done.
pub(super) fn rows_tag(question: &Question, piece: &Piece, sent: u64) -> String {
    match question {
        Question::Command(Command::Fetch { .. }) => format!("FETCH {sent}"),
        Question::Command(_) => "SHOW".to_owned(),
        _ => match tag_of(piece).as_str() {
            // Without a number, as in PostgreSQL.
            known @ ("EXPLAIN" | "SHOW") => known.to_owned(),
            _ => format!("SELECT {sent}"),
        },
    }
}

/// The tag of a portal that is run again after its end: there are no more rows.
fn rows_tag_again(question: &Question, piece: &Piece, tag: String) -> String {
    if tag.starts_with("SELECT ") || tag.starts_with("FETCH ") { rows_tag(question, piece, 0) } else { tag }
}
