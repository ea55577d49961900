//! A cluster over the PostgreSQL protocol. Rows are read with the extended query protocol in binary, without parameters and
//! without a cursor (a cursor would make the leader node keep the whole result): the server streams, and TCP holds it back.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use lookback_schemas::time::Y2000;
use lookback_schemas::{LakeType, TableSpec};
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, RowStream, Statement};
use tracing::debug;

use super::decode::{Decoder, WireType, lake_type};
use super::failure::{explain, silent};
use super::locate::{Failed, Fixed, Locate};
use super::login::{Driver, LoggedIn, log_in};
use super::tap::Valve;
use super::tls::TlsMode;
use super::{
    Access, Oldest, Read, Rows, ServerFacts, ServerKind, Session, Source, SourceColumn, Unplaced, batch_schema, sql,
};
use crate::error::{Error, ErrorKind, Result};

/// How long after its statement timeout a server may take to say so.
const AFTER_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a cluster is and how to log in.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The cluster's name, for messages.
    pub cluster: String,
    /// Host name or address.
    pub host: String,
    /// TCP port; Redshift's default is 5439.
    pub port: u16,
    /// Database to connect to; system tables are the same in each.
    pub database: String,
    /// Database user.
    pub user: String,
    /// Its password.
    pub password: Option<SecretString>,
    /// Protection of the connection.
    pub tls: TlsMode,
    /// Longest time to wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time that the server may spend on one statement.
    pub statement_timeout: Duration,
    /// What tells incarnations apart, where the server cannot say.
    pub incarnation: Option<String>,
}

/// Opens sessions on one cluster.
pub struct RedshiftSource {
    locate: Arc<dyn Locate>,
}

impl RedshiftSource {
    /// A source for the endpoint. Nothing is connected yet.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self::located(Arc::new(Fixed(endpoint)))
    }

    /// A source whose endpoint is asked for at every connection.
    #[must_use]
    pub fn located(locate: Arc<dyn Locate>) -> Self {
        Self { locate }
    }

    /// Connects and logs in. If that fails, the endpoint is asked for once more, and if it has changed, so is the server.
    async fn open(&self) -> Result<Opened> {
        let endpoint = self.locate.endpoint(None).await?;
        let error = match log_in(&endpoint).await {
            Ok(login) => return Ok(Opened { login, endpoint }),
            Err(e) => e,
        };
        let Some(failed) = Failed::of(error.kind()) else { return Err(error) };
        let other = match self.locate.endpoint(Some(failed)).await {
            Ok(other) => other,
            Err(e) => {
                // Why the log-in failed says more than why nothing newer is known.
                debug!(cluster = %endpoint.cluster, "looking for a newer endpoint: {e}");
                return Err(error);
            }
        };
        if other.same_attempt(&endpoint) {
            return Err(error);
        }
        debug!(cluster = %endpoint.cluster, "trying once more, with what is known now: {error}");
        Ok(Opened { login: log_in(&other).await?, endpoint: other })
    }
}

/// A connection that is logged in, and to where.
struct Opened {
    login: LoggedIn,
    endpoint: Endpoint,
}

#[async_trait]
impl Source for RedshiftSource {
    async fn connect(&self) -> Result<Box<dyn Session>> {
        let Opened { login: LoggedIn { client, driver, valve, encrypted }, endpoint } = self.open().await?;
        let mut session = RedshiftSession {
            client,
            _driver: driver,
            valve,
            unanswered: AtomicBool::new(false),
            cluster: endpoint.cluster,
            incarnation: endpoint.incarnation,
            limit: endpoint.connect_timeout.max(Duration::from_secs(5)),
            patience: endpoint.statement_timeout.saturating_add(AFTER_TIMEOUT),
            encrypted,
            version: String::new(),
            kind: ServerKind::Postgres,
        };
        session.version = session.text("SELECT version()").await?.unwrap_or_default();
        if session.version.contains("Redshift") {
            session.kind = ServerKind::Redshift;
        }
        let mut setup =
            format!("SET timezone TO 'UTC'; SET statement_timeout TO {}", endpoint.statement_timeout.as_millis());
        if session.kind == ServerKind::Redshift {
            // Makes the exporter's own queries recognisable in the logs that it exports.
            setup.push_str("; SET query_group TO 'lookback'");
        }
        let what = session.what("setting up the session");
        session.within(&what, session.client.batch_execute(&setup)).await?;
        Ok(Box::new(session))
    }
}

struct RedshiftSession {
    client: Client,
    _driver: Driver,
    valve: Valve,
    /// Whether something was asked whose answer nobody waited for. What comes next could be that answer.
    unanswered: AtomicBool,
    cluster: String,
    incarnation: Option<String>,
    /// Longest wait for an answer that takes no work.
    limit: Duration,
    /// Longest wait for any answer: the server should have given up before.
    patience: Duration,
    encrypted: bool,
    version: String,
    kind: ServerKind,
}

impl RedshiftSession {
    fn what(&self, doing: &str) -> String {
        format!("cluster '{}': {doing}", self.cluster)
    }

    /// Waits for a small answer, so that a server that has stopped talking costs no more than the limit.
    async fn within<T>(&self, what: &str, answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T> {
        self.for_at_most(self.limit, what, answer).await
    }

    /// Waits for an answer that takes work.
    async fn patiently<T>(
        &self,
        what: &str,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        self.for_at_most(self.patience, what, answer).await
    }

    async fn for_at_most<T>(
        &self,
        limit: Duration,
        what: &str,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        match tokio::time::timeout(limit, answer).await {
            Ok(result) => result.map_err(|e| explain(what, e)),
            Err(_) => {
                self.unanswered.store(true, Ordering::Relaxed);
                Err(silent(what, limit))
            }
        }
    }

    /// The first value of the first row, as the server writes it.
    async fn text(&self, query: &str) -> Result<Option<String>> {
        let what = self.what(query);
        let messages = self.within(&what, self.client.simple_query(query)).await?;
        Ok(messages.iter().find_map(|m| match m {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    }

    async fn prepare(&self, what: &str, query: &str) -> Result<Statement> {
        self.within(what, self.client.prepare(query)).await
    }

    async fn access(&self) -> Result<Access> {
        let is_true = |text: Option<String>| matches!(text.as_deref(), Some("t" | "true" | "on"));
        if is_true(self.text("SELECT usesuper FROM pg_user WHERE usename = current_user").await?) {
            return Ok(Access::All("superuser"));
        }
        if self.kind == ServerKind::Postgres {
            // Plain tables show all rows to whoever may select from them, unless row security is on.
            let hidden = "SELECT bool_or(relrowsecurity) FROM pg_class WHERE relname LIKE 'stl\\_%'";
            return Ok(if is_true(self.text(hidden).await?) { Access::OwnRows } else { Access::All("plain tables") });
        }
        // SVV_USER_INFO and SVV_USER_GRANTS: Redshift Database Developer Guide, "Visibility of data in system tables and views".
        match self.text("SELECT syslog_access FROM svv_user_info WHERE user_name = current_user").await {
            Ok(Some(level)) if level.trim().eq_ignore_ascii_case("unrestricted") => {
                return Ok(Access::All("syslog access unrestricted"));
            }
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::MissingTable || e.kind() == ErrorKind::Privilege => {
                return Ok(Access::Unknown(e.to_string()));
            }
            Err(e) => return Err(e),
        }
        let what = self.what("reading the user's roles");
        let roles = "SELECT role_name FROM svv_user_grants WHERE user_name = current_user";
        let messages = match self.within(&what, self.client.simple_query(roles)).await {
            Ok(messages) => messages,
            Err(e) if e.kind() == ErrorKind::MissingTable || e.kind() == ErrorKind::Privilege => {
                return Ok(Access::OwnRows);
            }
            Err(e) => return Err(e),
        };
        let monitors = messages.iter().any(|m| match m {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).is_some_and(|r| r.trim() == "sys:monitor"),
            _ => false,
        });
        Ok(if monitors { Access::All("role sys:monitor") } else { Access::OwnRows })
    }

    /// Wire types of a statement's result.
    fn wire_types(statement: &Statement) -> Vec<WireType> {
        let columns = statement.columns().iter();
        columns
            .map(|c| WireType { name: c.name().to_lowercase(), wire: c.type_().clone(), modifier: c.type_modifier() })
            .collect()
    }
}

#[async_trait]
impl Session for RedshiftSession {
    async fn facts(&mut self) -> Result<ServerFacts> {
        let access = self.access().await?;
        let incarnation = match (&self.incarnation, self.kind) {
            (Some(configured), _) => Some(configured.clone()),
            (None, ServerKind::Redshift) => self.text("SELECT current_namespace").await?,
            (None, ServerKind::Postgres) => None,
        };
        Ok(ServerFacts {
            kind: self.kind,
            version: self.version.clone(),
            access,
            incarnation,
            encrypted: self.encrypted,
        })
    }

    async fn clock(&mut self) -> Result<i64> {
        // SYSDATE and NOW() are the start of the transaction in the session's zone; GETDATE() is the moment, in UTC.
        let query = match self.kind {
            ServerKind::Redshift => "SELECT getdate()",
            ServerKind::Postgres => "SELECT timezone('UTC', clock_timestamp())",
        };
        let text = self.text(query).await?.unwrap_or_default();
        let parsed = chrono::NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S%.f");
        parsed.map(|t| t.and_utc().timestamp_micros()).map_err(|e| {
            Error::new(ErrorKind::Clock, self.what(&format!("the server's clock reads '{text}'"))).because(e)
        })
    }

    async fn columns(&mut self, spec: &TableSpec) -> Result<Vec<SourceColumn>> {
        let what = self.what(&format!("describing {}", spec.name));
        let statement = self.prepare(&what, &sql::describe(spec)).await?;
        let described = Self::wire_types(&statement);
        described
            .iter()
            .map(|column| {
                let documented = spec.column(&column.name).and_then(|c| c.lake_type());
                let lake_type = lake_type(column, documented).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Schema,
                        format!(
                            "cluster '{}': column {}.{} has type {}, which the lake cannot hold",
                            self.cluster, spec.name, column.name, column.wire
                        ),
                    )
                    .advise("report the column; until then leave the table out for this cluster")
                })?;
                Ok(SourceColumn { name: column.name.clone(), lake_type })
            })
            .collect()
    }

    async fn oldest(&mut self, spec: &TableSpec, columns: &[SourceColumn]) -> Result<Option<Oldest>> {
        let what = self.what(&format!("looking for the oldest row of {}", spec.name));
        let statement = self.prepare(&what, &sql::oldest(spec, columns)).await?;
        let row = self.patiently(&what, self.client.query_one(&statement, &[])).await?;
        let since_2000 = match statement.columns().first().map(|c| c.type_()) {
            Some(&Type::TIMESTAMP) => row.try_get::<_, Option<Micros>>(0),
            _ => row.try_get::<_, Option<i64>>(0).map(|v| v.map(Micros)),
        };
        let rows: i64 = row.try_get(1).map_err(|e| explain(&what, e))?;
        Ok(since_2000
            .map_err(|e| explain(&what, e))?
            .map(|since| Oldest { time: since.0.saturating_add(Y2000), rows: u64::try_from(rows).unwrap_or(0) }))
    }

    async fn read<'s>(&'s mut self, read: Read<'_>) -> Result<Rows<'s>> {
        let what = self.what(&format!("reading {}", read.spec.name));
        let statement = self.prepare(&what, &sql::read(read.spec, read.columns, read.window)).await?;
        let schema = batch_schema(read.spec, read.columns);
        let mut columns = read.columns.to_vec();
        if read.spec.parent.is_some() {
            columns
                .push(SourceColumn { name: lookback_schemas::names::LOG_TIME.into(), lake_type: LakeType::Timestamp });
        }
        let wire: Vec<Type> = statement.columns().iter().map(|c| c.type_().clone()).collect();
        if wire.len() != columns.len() {
            return Err(Error::new(
                ErrorKind::Schema,
                format!("{what}: {} columns came, {} were asked for", wire.len(), columns.len()),
            ));
        }
        let decoder = Decoder::new(schema, &wire, &columns);
        // Until the answer has ended. A read that is dropped halfway leaves the connection unusable.
        self.unanswered.store(true, Ordering::Relaxed);
        let runs = self.valve.open();
        let no_parameters: [&(dyn ToSql + Sync); 0] = [];
        let end = match self.patiently(&what, self.client.query_raw(&statement, no_parameters)).await {
            Ok(end) => Some(Box::pin(end)),
            Err(e) => {
                self.valve.close();
                self.unanswered.store(e.kind() == ErrorKind::Timeout, Ordering::Relaxed);
                return Err(e);
            }
        };
        let (unanswered, patience) = (&self.unanswered, self.patience);
        let reading = Reading { runs, run: Bytes::new(), end, decoder, unanswered, patience, what };
        Ok(futures::stream::try_unfold(reading, |mut reading| async move {
            let next = tokio::time::timeout(reading.patience, reading.next()).await;
            let batch = next.map_err(|_| silent(&reading.what, reading.patience))??;
            Ok(batch.map(|batch| (batch, reading)))
        })
        .boxed())
    }

    async fn unplaced(&mut self, spec: &TableSpec, columns: &[SourceColumn], after: i64) -> Result<Unplaced> {
        let what = self.what(&format!("counting rows of {} that cannot be placed", spec.name));
        let query = sql::unplaced(spec, columns, after);
        let messages = self.patiently(&what, self.client.simple_query(&query)).await?;
        let count = |text: Option<&str>| text.and_then(|t| t.parse().ok()).unwrap_or(0);
        Ok(messages
            .iter()
            .find_map(|m| match m {
                tokio_postgres::SimpleQueryMessage::Row(row) => {
                    Some(Unplaced { without_time: count(row.get(0)), in_the_future: count(row.get(1)) })
                }
                _ => None,
            })
            .unwrap_or_default())
    }

    fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.unanswered.load(Ordering::Relaxed)
    }
}

/// The rows of one statement on their way.
struct Reading<'s> {
    runs: mpsc::Receiver<Bytes>,
    /// What is left of the run that is being decoded.
    run: Bytes,
    /// The driver's view of the answer: no rows, only how it ends. `None` when it has ended.
    end: Option<Pin<Box<RowStream>>>,
    decoder: Decoder,
    unanswered: &'s AtomicBool,
    /// Longest wait for a batch.
    patience: Duration,
    what: String,
}

impl Reading<'_> {
    /// The next batch; none when the answer has ended well.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let refuse =
            |e: &dyn std::fmt::Display| Error::new(ErrorKind::Schema, self.what.clone()).because(e.to_string());
        while !self.decoder.is_full() {
            if self.run.is_empty() {
                let Some(run) = self.runs.recv().await else { break };
                self.run = run;
            }
            self.decoder.push(&mut self.run).map_err(|e| refuse(&e))?;
        }
        if !self.decoder.is_full()
            && let Some(mut end) = self.end.take()
        {
            // No more rows. Whether that is all of them, the driver knows.
            let stray = end.try_next().await;
            self.unanswered.store(false, Ordering::Relaxed);
            if stray.map_err(|e| explain(&self.what, e))?.is_some() {
                return Err(refuse(&"a row behind the last one"));
            }
        }
        if self.decoder.is_empty() {
            return Ok(None);
        }
        self.decoder.take().map(Some).map_err(|e| refuse(&e))
    }
}

/// A timestamp as microseconds since 2000-01-01.
struct Micros(i64);

impl<'a> tokio_postgres::types::FromSql<'a> for Micros {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(t: &Type) -> bool {
        *t == Type::TIMESTAMP || *t == Type::TIMESTAMPTZ
    }
}
