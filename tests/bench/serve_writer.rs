//! The exporter's half of `tests/bench/serve`: writes into a lake of `query_lake`, by the writer and the commits of exports.
//!
//! `serve_writer LAKE CLUSTERS NEWEST_DAY` reads lines and answers each with a line of JSON. Moments are microseconds since
//! 1970-01-01, UTC.
//!
//! - `ledger DAYS NOW`: the ledger of so many days until NOW: every table of `core` and cluster, every 15 minutes.
//! - `record DAYS NOW`: the record of encryption of as many days, collected every 15 minutes.
//! - `tick AT NOW FIRST QUERIES CLUSTER COUNT`: what a tick of exports commits: of each of COUNT clusters, from CLUSTER on, so many
//!   queries with their scans, waits and alerts, that ended within 15 minutes before AT, one commit for each table; then the
//!   ledger, at NOW. The queries are numbered from FIRST.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that fails should say where"
)]

#[path = "query_rows.rs"]
mod rows;
#[path = "serve_world.rs"]
mod world;

use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimestampMicrosecondType};
use lookback_exporter::Exporter;
use lookback_exporter::lake::writer::{Origin, Writer};
use lookback_exporter::lake::{CommitOutcome, CommitUnit, Lake, LakeTable};
use lookback_exporter::ledger::{self, LedgerRow};
use lookback_exporter::placement::times;
use lookback_exporter::record::{Place, Recorder};
use lookback_exporter::run::Silent;
use lookback_exporter::settings::{ExportSettings, RecordSettings};
use lookback_exporter::source::Window;
use lookback_exporter::watermarks::SqliteStore;
use lookback_schemas::ledger::{Outcome, RunKind, schema};
use lookback_schemas::names::{LEDGER_TABLE, app_id};
use lookback_schemas::time::{DAY, MINUTE, parse_day};
use lookback_schemas::{TableSpec, registry};
use rows::{ClusterDay, cluster_name};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use world::{ACCOUNT, REGION, Time, World};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How often clusters are exported, and the record is collected, by default.
const EVERY: i64 = 15 * MINUTE;
/// How far coverage is behind.
const SETTLE: i64 = 2 * MINUTE;

struct Bench {
    lake: Lake,
    clusters: usize,
    newest_day: i32,
    tables: Vec<(Arc<LakeTable>, &'static TableSpec)>,
    ledger: LakeTable,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let lake = Lake::open_or_create(&arguments[0]).await.unwrap();
    let mut tables = Vec::new();
    for name in rows::TABLES {
        let spec = registry().table(name).unwrap();
        tables.push((Arc::new(lake.table(name).await.unwrap().expect("a lake of query_lake")), spec));
    }
    let ledger = lake.ensure_table(LEDGER_TABLE, &schema()).await.unwrap();
    let clusters = arguments[1].parse().expect("clusters");
    let bench = Bench { lake, clusters, newest_day: parse_day(&arguments[2]).expect("a day"), tables, ledger };
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| words[i].parse::<i64>().expect("a number");
        let count = |i: usize| words[i].parse::<usize>().expect("a number");
        let began = Instant::now();
        let mut answer = match words[0] {
            "ledger" => bench.history(number(1), number(2)).await,
            "record" => bench.record(number(1), number(2)).await,
            "tick" => bench.tick(number(1), number(2), (count(3), count(4)), (count(5), count(6))).await,
            other => panic!("'{other}' is none of ledger, record and tick"),
        };
        answer["seconds"] = began.elapsed().as_secs_f64().into();
        println!("{answer}");
    }
}

impl Bench {
    /// The rows that runs of one tick add to the ledger.
    fn runs(&self, clusters: impl Iterator<Item = usize>, now: i64, queries: u64) -> Vec<LedgerRow> {
        let core = registry().select(&["core"]).unwrap();
        let run_id = uuid::Uuid::now_v7().to_string();
        let of_table = |cluster: usize, table: &str| LedgerRow {
            cluster_id: cluster_name(cluster),
            run_id: run_id.clone(),
            table: table.to_owned(),
            kind: RunKind::Export,
            window: Some(Window { from: now - EVERY - SETTLE, to: now - SETTLE }),
            covered_until: Some(now - SETTLE),
            gap: None,
            rows_read: 3 * queries,
            rows_new: queries,
            rows_present: 2 * queries,
            rows_rewritten: 0,
            files: 1,
            bytes: 100 * queries,
            started_at: now,
            duration_ms: 400,
            outcome: Outcome::Ok,
            error: None,
        };
        clusters
            .flat_map(|cluster| core.iter().map(move |spec| (cluster, spec.name.as_str())))
            .map(|(c, t)| of_table(c, t))
            .collect()
    }

    async fn history(&self, days: i64, now: i64) -> Value {
        let mut count = 0;
        // Two commits a day, which `lookback maintain` puts together as those of a real day.
        for half in 0..2 * days {
            let from = now - days * DAY + half * DAY / 2;
            let ticks = (0..DAY / 2 / EVERY).map(|tick| from + (tick + 1) * EVERY);
            let rows: Vec<LedgerRow> = ticks.flat_map(|at| self.runs(0..self.clusters, at, 60)).collect();
            count += rows.len();
            ledger::append(&self.ledger, &rows).await.unwrap();
        }
        json!({ "rows": count })
    }

    async fn record(&self, days: i64, now: i64) -> Value {
        let start = now - days * DAY;
        let time = Time::at(start);
        let world = Arc::new(World { clusters: self.clusters, time: Arc::clone(&time), start });
        let marks = Arc::new(SqliteStore::open(":memory:".as_ref()).unwrap());
        let lake = Lake::open_or_create(&self.lake.location()).await.unwrap();
        let clock = Arc::clone(&time);
        let exporter = Exporter::new(lake, marks, clock, ExportSettings::default(), Arc::new(Silent));
        let settings = RecordSettings { enabled: true, config_history: false, ..RecordSettings::default() };
        let pace = Arc::clone(&time);
        let recorder = Recorder::new(Arc::new(exporter), pace, || 0.5, settings, Vec::new());
        let place = Place {
            account: Some(ACCOUNT.to_owned()),
            region: REGION.to_owned(),
            name: ACCOUNT.to_owned(),
            plane: world,
            problem: None,
        };
        let places = [place];
        let (mut collections, mut rows) = (0, 0);
        for at in (start..now).step_by(usize::try_from(EVERY).unwrap()) {
            time.set(at);
            let report = recorder.run(&places, &CancellationToken::new()).await;
            assert!(report.error.is_none() && report.exit_code() == 0, "{report:?}");
            collections += 1;
            rows += report.collectors.iter().map(|one| one.rows).sum::<u64>();
        }
        json!({ "collections": collections, "rows": rows })
    }

    async fn tick(&self, at: i64, now: i64, numbers: (usize, usize), clusters: (usize, usize)) -> Value {
        let (first, queries) = numbers;
        let chosen: Vec<usize> = (0..clusters.1).map(|i| (clusters.0 + i) % self.clusters).collect();
        let mut units: Vec<Vec<CommitUnit>> = (0..self.tables.len()).map(|_| Vec::new()).collect();
        let (mut versions, mut count) = (Vec::new(), 0);
        for (table, _) in &self.tables {
            versions.push(table.refresh().await.unwrap().version);
        }
        for &cluster in &chosen {
            let made = ClusterDay { cluster, day: self.newest_day, first, until: first + queries }.rows();
            for (i, batch) in made.iter().enumerate() {
                let (table, spec) = &self.tables[i];
                let batch = moved(spec, batch, at);
                count += batch.num_rows();
                let name = cluster_name(cluster);
                let mut writer = Writer::new(Arc::clone(table), origin(&name, spec), 0);
                let times: Vec<i64> = times(spec, &batch).into_iter().map(Option::unwrap).collect();
                let keep = vec![true; batch.num_rows()];
                writer.push(batch, &times, &keep).await.unwrap();
                let written = writer.finish().await.unwrap();
                units[i].push(CommitUnit {
                    transaction: Some((app_id(&name, &spec.name), now)),
                    based_on: versions[i],
                    actions: written.iter().map(|file| file.action(true)).collect(),
                    removes: Vec::new(),
                    data_change: true,
                });
            }
        }
        for ((table, _), units) in self.tables.iter().zip(units) {
            let outcomes = table.commit(units).await.unwrap();
            assert!(outcomes.iter().all(|outcome| matches!(outcome, CommitOutcome::Committed(_))), "{outcomes:?}");
        }
        let rows = self.runs(chosen.iter().copied(), now, queries as u64);
        ledger::append(&self.ledger, &rows).await.unwrap();
        let names: Vec<String> = chosen.into_iter().map(cluster_name).collect();
        json!({ "rows": count, "clusters": names })
    }
}

fn origin(cluster: &str, spec: &TableSpec) -> Origin {
    Origin {
        cluster_id: cluster.to_owned(),
        run_id: "bench".to_owned(),
        source_columns: spec.columns.iter().map(|c| c.name.clone()).collect(),
        time_column: spec.time_column().to_owned(),
    }
}

/// The same rows, moved into the last 15 minutes before a moment, each with all of its times.
fn moved(spec: &TableSpec, batch: &RecordBatch, end: i64) -> RecordBatch {
    let by = times(spec, batch).into_iter().map(Option::unwrap).map(|at| end - 1 - at.rem_euclid(EVERY) - at);
    let by: Vec<i64> = by.collect();
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let moved: ArrayRef = match field.data_type() {
            DataType::Timestamp(..) => {
                let values = column.as_primitive::<TimestampMicrosecondType>().values();
                // Zero stands for a time that there is none of.
                let moved = values.iter().zip(&by).map(|(value, by)| if *value == 0 { 0 } else { value + by });
                Arc::new(TimestampMicrosecondArray::from_iter_values(moved).with_timezone("UTC"))
            }
            _ => Arc::clone(column),
        };
        (Field::clone(field), moved)
    });
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}
