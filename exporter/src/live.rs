//! What a cluster holds now, for a question that is asked beside the exports.
//!
//! Nothing is written: not to the cluster, which is sent the same SELECTs as for an export, on a connection that is set up the
//! same way (UTC, statement timeout, query group); not to the lake, not to the watermarks, and no incarnation is recorded.
//!
//! Rows are placed, typed and named as an export would: `cluster_id` is what the list of clusters says, or what the next export
//! will call a new incarnation; `log_date` is the day of the moment that places the row; rows that no window can contain are left
//! out.
//!
//! Given a version of the lake's table, only those rows are given that this version does not have, by what the exporter itself
//! decides with ([`crate::lake::present`]): each occurrence in the lake accounts for one on the cluster. What is compared at once is bounded:
//!
//! - rows that have a time of their own are read in slices of bounded numbers of rows in the lake. Their time never changes, so
//!   each is in one slice;
//! - rows of driven tables are read in one piece: one that has two parents would be met in two slices. How much of the lake
//!   that may be compared with is limited;
//! - what is older than any system table keeps, or dated in the future, is a handful of rows with bogus dates: these are read
//!   first, and compared with the lake's files of just their days.

mod compare;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema};
use futures::StreamExt;
use lookback_schemas::TableSpec;
use lookback_schemas::names::{CLUSTER_ID, CLUSTERS_TABLE, LOG_DATE, incarnation_id};
use lookback_schemas::time::{SECOND, Y2000, day_of, rfc3339};
use tokio::sync::{Mutex, mpsc};

use crate::error::{Error, ErrorKind, Result, lake};
use crate::incarnations::{Incarnations, Known};
use crate::lake::{Lake, LakeTable};
use crate::placement::times;
use crate::source::{Access, Read, Session, Source, SourceColumn, Window};

/// 2200-01-01: what is dated later no export takes either, for as long as anybody runs one, and every server can compare with it.
const FAR: i64 = 7_258_118_400 * SECOND;

/// Bytes that one read may hold to compare a table's rows with the lake's.
#[must_use]
pub fn memory(spec: &TableSpec) -> usize {
    let rows = if spec.parent.is_some() { compare::DRIVEN_ROWS } else { compare::SLICE_ROWS };
    // An identity and its count, in a hash table that is at least half full.
    usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(72)
}

/// What is asked of one cluster.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The table.
    pub spec: &'static TableSpec,
    /// The columns that are wanted, `cluster_id` and `log_date` aside, which are always given. Others may come as well.
    pub columns: Vec<String>,
    /// Which rows, by the time that places them.
    pub window: Window,
    /// Which incarnations of the cluster are wanted; `None` for whichever it is.
    pub cluster_ids: Option<BTreeSet<String>>,
    /// Leaves out what this version of the lake's table has.
    pub beside: Option<u64>,
    /// Rows that may be read from the cluster.
    pub max_rows: u64,
}

/// Where the rows of a read go.
pub type Give = mpsc::Sender<RecordBatch>;

/// Why a read ended early.
#[derive(Debug)]
pub enum Stopped {
    /// There is more than may be read; the message says what to do.
    TooMuch(String),
    /// It failed.
    Failed(Error),
    /// Nobody takes the rows any more.
    Abandoned,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Reads clusters beside the exports into a lake.
pub struct Reader {
    lake: Lake,
    tables: Mutex<HashMap<String, Arc<LakeTable>>>,
    list: Mutex<Option<Arc<Incarnations>>>,
}

impl Reader {
    /// A reader of clusters that are exported into this lake. Nothing happens yet.
    #[must_use]
    pub fn new(lake: Lake) -> Self {
        Self { lake, tables: Mutex::default(), list: Mutex::default() }
    }

    /// Reads a cluster, and gives its rows as they come. They count only if it ends well.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn read(&self, cluster: &str, source: &dyn Source, ask: &Ask, give: &Give) -> Result<(), Stopped> {
        let mut session = source.connect().await?;
        let facts = session.facts().await?;
        shows_all(cluster, &facts.access)?;
        let cluster_id = self.cluster_id(cluster, facts.incarnation.as_deref()).await?;
        if ask.cluster_ids.as_ref().is_some_and(|wanted| !wanted.contains(&cluster_id)) {
            return Ok(());
        }
        let columns = session.columns(ask.spec).await?;
        let window = Window { from: ask.window.from.max(Y2000 + 1), to: ask.window.to.min(FAR) };
        if window.from >= window.to {
            return Ok(());
        }
        let columns = if ask.beside.is_some() { columns } else { wanted(ask, columns) };
        let mut rows = Given { cluster, cluster_id: &cluster_id, ask, columns: &columns, give, read: 0 };
        match ask.beside {
            Some(version) => {
                let table = self.table(&ask.spec.name).await?.ok_or_else(|| {
                    Error::new(ErrorKind::Lake, format!("{} has a version {version} and is not there", ask.spec.name))
                })?;
                let snapshot = table.at_version(version).await?;
                compare::unseen(session.as_mut(), &mut rows, window, &table, &snapshot).await
            }
            None => rows.all(session.as_mut(), window).await,
        }
    }

    /// What the cluster is called in the lake, or will be.
    async fn cluster_id(&self, cluster: &str, incarnation: Option<&str>) -> Result<String> {
        let Some(incarnation) = incarnation else { return Ok(cluster.to_owned()) };
        let list = {
            let mut list = self.list.lock().await;
            if list.is_none() {
                *list = self.table(CLUSTERS_TABLE).await?.map(|table| Arc::new(Incarnations::new(table)));
            }
            list.clone()
        };
        let known = match list {
            Some(list) => list.known(cluster, incarnation).await?,
            None => Known::After(0),
        };
        Ok(match known {
            Known::As(id) => id,
            Known::After(last) => incarnation_id(cluster, u32::try_from(last + 1).unwrap_or(u32::MAX)),
        })
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<LakeTable>>> {
        let mut tables = self.tables.lock().await;
        if let Some(table) = tables.get(name) {
            return Ok(Some(Arc::clone(table)));
        }
        let Some(table) = self.lake.table(name).await? else { return Ok(None) };
        let table = Arc::new(table);
        tables.insert(name.to_owned(), Arc::clone(&table));
        Ok(Some(table))
    }
}

/// Of the cluster's columns those that are wanted, and those that place rows.
fn wanted(ask: &Ask, columns: Vec<SourceColumn>) -> Vec<SourceColumn> {
    let spec = ask.spec;
    let links = spec.parent.iter().flat_map(|parent| &parent.on);
    let placing: BTreeSet<&str> =
        std::iter::once(spec.time_column()).chain(spec.fallback.as_deref()).chain(links.map(String::as_str)).collect();
    columns.into_iter().filter(|c| placing.contains(c.name.as_str()) || ask.columns.contains(&c.name)).collect()
}

/// An answer without the rows of other users would be short without a word.
fn shows_all(cluster: &str, access: &Access) -> Result<()> {
    let why = match access {
        Access::All(_) => return Ok(()),
        Access::OwnRows => "the user sees only its own rows of the system tables".to_owned(),
        Access::Unknown(why) => {
            format!("whether the user sees all rows of the system tables could not be found out ({why})")
        }
    };
    Err(Error::new(ErrorKind::Privilege, format!("cluster '{cluster}': {why}"))
        .advise("as a superuser: ALTER USER <user> SYSLOG ACCESS UNRESTRICTED; or GRANT ROLE sys:monitor TO <user>;"))
}

/// The rows of one read on their way out.
struct Given<'a> {
    cluster: &'a str,
    cluster_id: &'a str,
    ask: &'a Ask,
    columns: &'a [SourceColumn],
    give: &'a Give,
    /// Rows that came from the cluster.
    read: u64,
}

impl Given<'_> {
    /// All rows of a window.
    async fn all(&mut self, session: &mut dyn Session, window: Window) -> Result<(), Stopped> {
        let spec = self.ask.spec;
        let mut rows = session.read(Read { spec, columns: self.columns, window }).await?;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let times = self.came(&batch, window)?;
            self.send(&batch, &times).await?;
        }
        Ok(())
    }

    /// Counts rows that came, and says which moments place them.
    fn came(&mut self, batch: &RecordBatch, window: Window) -> Result<Vec<i64>, Stopped> {
        let (cluster, spec) = (self.cluster, self.ask.spec);
        self.read += batch.num_rows() as u64;
        if self.read > self.ask.max_rows {
            return Err(Stopped::TooMuch(format!(
                "cluster '{cluster}' has more than {} rows of {} for this question; narrow it by {} or log_date, or raise \
                 live.max_rows",
                self.ask.max_rows,
                spec.name,
                spec.time_column()
            )));
        }
        let times: Vec<i64> = times(spec, batch).into_iter().map(|t| t.unwrap_or(i64::MIN)).collect();
        // As in an export: the server cuts windows, and this fails only where the two of us read a time differently.
        match times.iter().find(|t| !window.contains(**t)) {
            None => Ok(times),
            Some(stray) => Err(Stopped::Failed(Error::new(
                ErrorKind::Query,
                format!("cluster '{cluster}': {} gave a row of {} for the window {window}", spec.name, rfc3339(*stray)),
            ))),
        }
    }

    /// Sends those rows that are chosen.
    async fn send_some(&self, batch: &RecordBatch, times: &[i64], chosen: &[bool]) -> Result<(), Stopped> {
        if chosen.iter().all(|c| *c) {
            return self.send(batch, times).await;
        }
        let times: Vec<i64> = times.iter().zip(chosen).filter(|(_, c)| **c).map(|(t, _)| *t).collect();
        let rows = filter_record_batch(batch, &BooleanArray::from(chosen.to_vec()));
        self.send(&rows.map_err(lake(self.what()))?, &times).await
    }

    /// Sends rows with the columns that an export gives them.
    async fn send(&self, batch: &RecordBatch, times: &[i64]) -> Result<(), Stopped> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut fields: Vec<Field> = batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
        fields.push(Field::new(CLUSTER_ID, DataType::Utf8, false));
        fields.push(Field::new(LOG_DATE, DataType::Date32, false));
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns.push(Arc::new(StringArray::from(vec![self.cluster_id; batch.num_rows()])));
        columns.push(Arc::new(times.iter().map(|t| Some(day_of(*t))).collect::<Date32Array>()));
        let whole = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(lake(self.what()))?;
        self.give.send(whole).await.map_err(|_| Stopped::Abandoned)
    }

    fn what(&self) -> String {
        format!("cluster '{}': rows of {}", self.cluster, self.ask.spec.name)
    }
}
