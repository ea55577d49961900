//! A session: the simple and the extended query protocol, with the faults that are armed.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use pgwire::messages::data::{NoData, ParameterDescription, RowDescription};
use pgwire::messages::extendedquery::{
    Bind, BindComplete, CloseComplete, Describe, Execute, Parse, ParseComplete, PortalSuspended,
};
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse, TransactionStatus};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use tokio::sync::Notify;

use crate::access::User;
use crate::cluster::Shared;
use crate::encode::Rows;
use crate::engine::{Engine, Plan};
use crate::error::SqlError;
use crate::fault::{Fault, concerns};
use crate::own_queries::log_statement;
use crate::statement::{Command, read, split};
use crate::wire::Wire;

/// Bytes of rows that are gathered before they are sent.
const SEND_BYTES: usize = 64 * 1024;

/// Why a statement, or the session, did not go on.
enum Stop {
    Sql(SqlError),
    Io(io::Error),
    /// The connection is dropped without a word.
    Drop,
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A statement that is ready to be executed.
enum Prepared {
    Command(Command),
    Select { sql: String, plan: Plan, first: Option<String> },
}

struct Portal {
    prepared: Arc<Prepared>,
    formats: Vec<i16>,
    running: Option<Running>,
}

/// A result that is being sent.
struct Running {
    stream: SendableRecordBatchStream,
    rows: Option<(Rows, usize)>,
    sent: usize,
    fault: Option<Fault>,
}

pub(crate) struct Session {
    cluster: Arc<Shared>,
    engine: Engine,
    user: User,
    pid: i32,
    incarnation: u32,
    cancelled: Arc<Notify>,
    settings: HashMap<String, String>,
    transaction: TransactionStatus,
    prepared: HashMap<String, Arc<Prepared>>,
    portals: HashMap<String, Portal>,
}

impl Session {
    pub(crate) fn new(
        cluster: Arc<Shared>,
        name: &str,
        user: User,
        pid: i32,
        cancelled: Arc<Notify>,
    ) -> Result<Self, SqlError> {
        let incarnation = cluster.state().incarnation;
        let engine = Engine::new(&cluster, name, &user, incarnation, pid)?;
        let settings = [("server_version", "8.0.2"), ("timezone", "UTC"), ("query_group", "default")];
        Ok(Self {
            cluster,
            engine,
            user,
            pid,
            incarnation,
            cancelled,
            settings: settings.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            transaction: TransactionStatus::Idle,
            prepared: HashMap::new(),
            portals: HashMap::new(),
        })
    }

    /// Answers messages until the client leaves or the session is ended.
    pub(crate) async fn run(mut self, mut wire: Wire) -> io::Result<()> {
        let mut skipping = false;
        loop {
            wire.flush().await?;
            // Answers of the extended protocol are gathered until the client asks for them.
            let message = loop {
                let Some(message) = wire.read().await? else { return Ok(()) };
                match message {
                    PgWireFrontendMessage::Sync(_) => {
                        skipping = false;
                        wire.ready(self.transaction)?;
                        break None;
                    }
                    PgWireFrontendMessage::Flush(_) => break None,
                    PgWireFrontendMessage::Terminate(_) => return Ok(()),
                    message if message.is_extended_query() && skipping => {}
                    message => break Some(message),
                }
            };
            let Some(message) = message else { continue };
            let simple = matches!(message, PgWireFrontendMessage::Query(_));
            let stop = match self.answer(&mut wire, message).await {
                Ok(()) => None,
                Err(Stop::Io(error)) => return Err(error),
                Err(Stop::Drop) => return Ok(()),
                Err(Stop::Sql(error)) => Some(error),
            };
            if let Some(error) = stop {
                wire.error(&error)?;
                if error.fatal {
                    return wire.flush().await;
                }
                if self.transaction == TransactionStatus::Transaction {
                    self.transaction = TransactionStatus::Error;
                }
                skipping = !simple;
            }
            if simple {
                wire.ready(self.transaction)?;
            }
        }
    }

    async fn answer(&mut self, wire: &mut Wire, message: PgWireFrontendMessage) -> Result<(), Stop> {
        match message {
            PgWireFrontendMessage::Query(query) => self.simple(wire, &query.query).await,
            PgWireFrontendMessage::Parse(parse) => self.parse(wire, parse).await,
            PgWireFrontendMessage::Bind(bind) => self.bind(wire, bind),
            PgWireFrontendMessage::Describe(describe) => self.describe(wire, &describe),
            PgWireFrontendMessage::Execute(execute) => self.execute(wire, &execute).await,
            PgWireFrontendMessage::Close(close) => {
                let name = close.name.unwrap_or_default();
                if close.target_type == b'S' {
                    self.prepared.remove(&name);
                } else {
                    self.portals.remove(&name);
                }
                Ok(wire.put(&PgWireBackendMessage::CloseComplete(CloseComplete::new()))?)
            }
            _ => Err(SqlError::fatal("08P01", "unexpected message").into()),
        }
    }

    async fn simple(&mut self, wire: &mut Wire, sql: &str) -> Result<(), Stop> {
        let statements = split(sql);
        if statements.is_empty() {
            wire.put(&PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new()))?;
        }
        for statement in statements {
            let prepared = Arc::new(self.prepare(statement).await?);
            let mut columns = 0;
            if let Prepared::Select { plan, .. } = prepared.as_ref() {
                columns = plan.columns.len();
                let fields = plan.columns.iter().map(|c| c.description(0)).collect();
                wire.put(&PgWireBackendMessage::RowDescription(RowDescription::new(fields)))?;
            }
            let mut portal = Portal { prepared, formats: vec![0; columns], running: None };
            self.perform(wire, &mut portal, 0).await?;
        }
        Ok(())
    }

    async fn parse(&mut self, wire: &mut Wire, parse: Parse) -> Result<(), Stop> {
        let prepared = self.prepare(&parse.query).await?;
        self.prepared.insert(parse.name.unwrap_or_default(), Arc::new(prepared));
        Ok(wire.put(&PgWireBackendMessage::ParseComplete(ParseComplete::new()))?)
    }

    fn bind(&mut self, wire: &mut Wire, bind: Bind) -> Result<(), Stop> {
        let name = bind.statement_name.unwrap_or_default();
        let Some(prepared) = self.prepared.get(&name).cloned() else {
            return Err(SqlError::new("26000", format!("prepared statement \"{name}\" does not exist")).into());
        };
        if !bind.parameters.is_empty() {
            return Err(SqlError::unsupported("a statement with parameters").into());
        }
        let columns = match prepared.as_ref() {
            Prepared::Select { plan, .. } => plan.columns.len(),
            Prepared::Command(_) => 0,
        };
        let formats = match bind.result_column_format_codes.as_slice() {
            [] => vec![0; columns],
            [all] => vec![*all; columns],
            each if each.len() == columns => each.to_vec(),
            _ => return Err(SqlError::new("08P01", "bind message has the wrong number of result formats").into()),
        };
        let portal = Portal { prepared, formats, running: None };
        self.portals.insert(bind.portal_name.unwrap_or_default(), portal);
        Ok(wire.put(&PgWireBackendMessage::BindComplete(BindComplete::new()))?)
    }

    fn describe(&mut self, wire: &mut Wire, describe: &Describe) -> Result<(), Stop> {
        let name = describe.name.clone().unwrap_or_default();
        let (prepared, formats) = if describe.target_type == b'S' {
            wire.put(&PgWireBackendMessage::ParameterDescription(ParameterDescription::new(Vec::new())))?;
            (self.prepared.get(&name), None)
        } else {
            let portal = self.portals.get(&name);
            (portal.map(|p| &p.prepared), portal.map(|p| &p.formats))
        };
        let Some(prepared) = prepared else {
            return Err(SqlError::new("26000", format!("\"{name}\" does not exist")).into());
        };
        let message = match prepared.as_ref() {
            Prepared::Select { plan, .. } => {
                let format = |i: usize| formats.and_then(|f| f.get(i).copied()).unwrap_or(0);
                let fields = plan.columns.iter().enumerate().map(|(i, c)| c.description(format(i))).collect();
                PgWireBackendMessage::RowDescription(RowDescription::new(fields))
            }
            Prepared::Command(_) => PgWireBackendMessage::NoData(NoData::new()),
        };
        Ok(wire.put(&message)?)
    }

    async fn execute(&mut self, wire: &mut Wire, execute: &Execute) -> Result<(), Stop> {
        let name = execute.name.clone().unwrap_or_default();
        let Some(mut portal) = self.portals.remove(&name) else {
            return Err(SqlError::new("34000", format!("portal \"{name}\" does not exist")).into());
        };
        let result = self.perform(wire, &mut portal, usize::try_from(execute.max_rows).unwrap_or(0)).await;
        self.portals.insert(name, portal);
        result
    }

    /// Reads and plans a statement. Errors of class 42 arise here, as they do on a cluster.
    async fn prepare(&mut self, sql: &str) -> Result<Prepared, SqlError> {
        let command = match read(sql)? {
            Command::Show(name) => {
                let value = self.settings.get(&name).map_or("unset", String::as_str).replace('\'', "''");
                read(&format!("SELECT '{value}' AS \"{}\"", name.replace('"', "")))?
            }
            command => command,
        };
        let Command::Select(statement, first) = command else { return Ok(Prepared::Command(command)) };
        let fault = self.cluster.state().faults.fire(|fault| match fault {
            Fault::Error { table, sqlstate, .. } => {
                sqlstate.starts_with("42") && concerns(table.as_ref(), first.as_deref())
            }
            _ => false,
        });
        if let Some(Fault::Error { sqlstate, message, .. }) = fault {
            return Err(SqlError::new(&sqlstate, message));
        }
        let plan = self.engine.plan(&statement).await?;
        let first = first.filter(|_| plan.reads_logs);
        Ok(Prepared::Select { sql: sql.trim().to_owned(), plan, first })
    }

    /// The fault, if one is armed, that a statement meets when it is executed.
    fn meet(&self, first: Option<&str>) -> Option<Fault> {
        self.cluster.state().faults.fire(|fault| match fault {
            Fault::Hang => true,
            Fault::HangTable(table) => concerns(Some(table), first),
            Fault::CutAfterRows { table, .. } | Fault::Cancel { table } | Fault::Slow { table, .. } => {
                concerns(table.as_ref(), first)
            }
            Fault::Error { table, sqlstate, .. } => !sqlstate.starts_with("42") && concerns(table.as_ref(), first),
            _ => false,
        })
    }

    /// Whether the cluster still is the one that this session began with.
    fn still_there(&self) -> Result<(), SqlError> {
        let state = self.cluster.state();
        if state.incarnation != self.incarnation || state.faulty(|f| *f == Fault::RotatingKeys) {
            return Err(SqlError::fatal("57P01", "terminating connection due to administrator command"));
        }
        Ok(())
    }

    /// Executes a statement, or goes on with a portal that was suspended. `max_rows` 0 means all.
    async fn perform(&mut self, wire: &mut Wire, portal: &mut Portal, max_rows: usize) -> Result<(), Stop> {
        self.still_there()?;
        let prepared = Arc::clone(&portal.prepared);
        let cancelled = Arc::clone(&self.cancelled);
        let mut cancelled = std::pin::pin!(cancelled.notified());
        // From here on a cancel request finds someone who listens.
        cancelled.as_mut().enable();
        let timeout = self.settings.get("statement_timeout").and_then(|t| t.parse::<u64>().ok()).filter(|ms| *ms > 0);
        let over = async {
            match timeout {
                Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                None => pending().await,
            }
        };
        let result = tokio::select! {
            result = self.work(wire, &prepared, portal, max_rows) => result,
            () = cancelled => Err(SqlError::cancelled().into()),
            () = over => Err(SqlError::cancelled().into()),
        };
        if let Prepared::Select { sql, plan, .. } = prepared.as_ref()
            && plan.reads_logs
            && (portal.running.is_none() || result.is_err())
        {
            let group = self.settings.get("query_group").map_or("default", String::as_str);
            log_statement(&self.cluster, &self.user, self.pid, group, sql, result.is_err());
        }
        result
    }

    async fn work(
        &mut self,
        wire: &mut Wire,
        prepared: &Prepared,
        portal: &mut Portal,
        max_rows: usize,
    ) -> Result<(), Stop> {
        let first = match prepared {
            Prepared::Select { first, .. } => first.as_deref(),
            Prepared::Command(_) => None,
        };
        let fault = if portal.running.is_some() { None } else { self.meet(first) };
        match &fault {
            Some(Fault::Hang | Fault::HangTable(_)) => {
                wire.flush().await?;
                wire.gone().await;
                return Err(Stop::Drop);
            }
            Some(Fault::Cancel { .. }) => return Err(SqlError::cancelled().into()),
            Some(Fault::Error { sqlstate, message, .. }) => return Err(SqlError::new(sqlstate, message.clone()).into()),
            _ => {}
        }
        if portal.running.is_none() {
            self.cluster.count_statement();
        }
        match prepared {
            Prepared::Command(command) => self.command(wire, command),
            Prepared::Select { plan, .. } => {
                if self.transaction == TransactionStatus::Error {
                    return Err(in_failed_transaction().into());
                }
                if portal.running.is_none() {
                    let stream = self.engine.run(plan).await?;
                    portal.running = Some(Running { stream, rows: None, sent: 0, fault });
                }
                let formats = &portal.formats;
                let Some(running) = portal.running.as_mut() else { return Ok(()) };
                if running.send(wire, plan, formats, max_rows).await? {
                    portal.running = None;
                    Ok(wire.put(&complete("SELECT"))?)
                } else {
                    Ok(wire.put(&PgWireBackendMessage::PortalSuspended(PortalSuspended::new()))?)
                }
            }
        }
    }

    fn command(&mut self, wire: &mut Wire, command: &Command) -> Result<(), Stop> {
        let tag = match command {
            Command::Transaction(tag, open) => {
                self.transaction = if *open { TransactionStatus::Transaction } else { TransactionStatus::Idle };
                tag
            }
            _ if self.transaction == TransactionStatus::Error => return Err(in_failed_transaction().into()),
            Command::Set(name, value) => {
                self.settings.insert(name.clone(), value.clone());
                "SET"
            }
            Command::Nothing(tag) => tag,
            _ => return Ok(wire.put(&PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new()))?),
        };
        Ok(wire.put(&complete(tag))?)
    }
}

fn in_failed_transaction() -> SqlError {
    SqlError::new("25P02", "current transaction is aborted, commands ignored until end of transaction block")
}

fn complete(tag: &str) -> PgWireBackendMessage {
    // PostgreSQL 8.0 does not count the rows of a SELECT in its tag.
    PgWireBackendMessage::CommandComplete(CommandComplete::new(tag.to_owned()))
}

impl Running {
    /// Sends up to `max_rows` rows (0: all); `true` when there are no more.
    async fn send(&mut self, wire: &mut Wire, plan: &Plan, formats: &[i16], max_rows: usize) -> Result<bool, Stop> {
        let cut = match self.fault {
            Some(Fault::CutAfterRows { rows, .. }) => Some(rows),
            _ => None,
        };
        let mut left = if max_rows == 0 { usize::MAX } else { max_rows };
        loop {
            if cut == Some(self.sent) {
                wire.flush().await?;
                return Err(Stop::Drop);
            }
            match &mut self.rows {
                Some((rows, next)) if *next < rows.len() => {
                    if left == 0 {
                        return Ok(false);
                    }
                    rows.write(*next, &mut wire.output);
                    *next += 1;
                    self.sent += 1;
                    left -= 1;
                    if wire.output.len() >= SEND_BYTES {
                        wire.flush().await?;
                    }
                }
                _ => {
                    if let Some(Fault::Slow { pause, .. }) = &self.fault {
                        wire.flush().await?;
                        tokio::time::sleep(*pause).await;
                    }
                    let Some(batch) = self.stream.next().await else { return Ok(true) };
                    let batch = batch.map_err(SqlError::from)?;
                    self.rows = Some((Rows::new(&batch, &plan.columns, formats).map_err(SqlError::from)?, 0));
                }
            }
        }
    }
}
