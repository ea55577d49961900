//! The lakes of `tests/bench/query`, written by the exporter's own writer.
//!
//! - `query_lake FOLDER fleet CLUSTERS DAYS QUERIES` writes so many queries in all, 4.25 scan steps for each, their way through
//!   WLM and alerts: one file for each cluster, table and day, as compaction leaves them. The same arguments give the same rows.
//! - `query_lake FOLDER log CLUSTERS DAYS` commits that many files to the log of stl_query, of which only the newest day of the
//!   first cluster exists: planning is measured on it.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that fails should say where"
)]

#[path = "query_rows.rs"]
mod rows;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use deltalake::kernel::{Action, Add};
use lookback_exporter::lake::writer::{Origin, Writer, WrittenFile};
use lookback_exporter::lake::{CommitUnit, Lake, LakeTable};
use lookback_exporter::placement::times;
use lookback_schemas::layout::{FileKind, data_file};
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE};
use lookback_schemas::time::{DAY, day_name, parse_day, rfc3339};
use lookback_schemas::{TableSpec, registry};
use rows::ClusterDay;
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Rows of a batch, as the decoder makes them.
const BATCH_ROWS: usize = 8_192;
const FIRST_DAY: &str = "2026-10-01";

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| arguments[i].parse::<usize>().expect("a number");
    let lake = Lake::open_or_create(&arguments[0]).await.unwrap();
    match arguments[1].as_str() {
        "fleet" => fleet(&lake, number(2), number(3), number(4)).await,
        "log" => log(&lake, number(2), number(3)).await,
        other => panic!("'{other}' is neither fleet nor log"),
    }
}

async fn table(lake: &Lake, name: &str) -> (Arc<LakeTable>, &'static TableSpec) {
    let spec = registry().table(name).unwrap();
    let field = |c: &lookback_schemas::ColumnSpec| Field::new(&c.name, c.lake_type().unwrap().arrow(), true);
    let columns = Schema::new(spec.columns.iter().map(field).collect::<Vec<_>>());
    (Arc::new(lake.ensure_table(name, &columns).await.unwrap()), spec)
}

fn origin(cluster: &str, spec: &TableSpec) -> Origin {
    Origin {
        cluster_id: cluster.to_owned(),
        run_id: "bench".to_owned(),
        source_columns: spec.columns.iter().map(|c| c.name.clone()).collect(),
        time_column: spec.time_column().to_owned(),
    }
}

async fn write(table: &Arc<LakeTable>, spec: &TableSpec, cluster: &str, rows: &RecordBatch) -> Vec<WrittenFile> {
    let mut writer = Writer::new(Arc::clone(table), origin(cluster, spec), 0);
    for offset in (0..rows.num_rows()).step_by(BATCH_ROWS) {
        let batch = rows.slice(offset, BATCH_ROWS.min(rows.num_rows() - offset));
        let times: Vec<i64> = times(spec, &batch).into_iter().map(Option::unwrap).collect();
        let keep = vec![true; batch.num_rows()];
        writer.push(batch, &times, &keep).await.unwrap();
    }
    writer.finish().await.unwrap()
}

async fn commit(table: &LakeTable, actions: Vec<Action>) {
    let based_on = table.snapshot().await.version;
    let unit = CommitUnit { transaction: None, based_on, actions, removes: Vec::new(), data_change: true };
    table.commit(vec![unit]).await.unwrap();
}

async fn fleet(lake: &Lake, clusters: usize, days: usize, queries: usize) {
    let mut tables = Vec::new();
    for name in rows::TABLES {
        tables.push(table(lake, name).await);
    }
    // The first cluster is the busiest; the tenth has a quarter of its queries.
    let weight = |cluster: usize| 1.0 / (1.0 + cluster as f64 / 3.0);
    let whole: f64 = (0..clusters).map(weight).sum();
    let mut counts = vec![0_usize; tables.len()];
    let mut files = 0;
    for day in 0..days {
        let mut actions: Vec<Vec<Action>> = vec![Vec::new(); tables.len()];
        for cluster in 0..clusters {
            let share = |day: usize| (queries as f64 * weight(cluster) / whole * day as f64 / days as f64) as usize;
            let number = parse_day(FIRST_DAY).unwrap() + i32::try_from(day).unwrap();
            let made = ClusterDay { cluster, day: number, first: share(day), until: share(day + 1) }.rows();
            for (i, batch) in made.iter().enumerate() {
                counts[i] += batch.num_rows();
                let (table, spec) = &tables[i];
                let written = write(table, spec, &rows::cluster_name(cluster), batch).await;
                files += written.len();
                actions[i].extend(written.iter().map(|file| file.action(true)));
            }
        }
        for ((table, _), actions) in tables.iter().zip(actions) {
            commit(table, actions).await;
        }
    }
    let counted = rows::TABLES.iter().zip(&counts).map(|(name, rows)| format!("{rows} {name}"));
    println!("{} in {files} files", counted.collect::<Vec<_>>().join(", "));
}

async fn log(lake: &Lake, clusters: usize, days: usize) {
    let (table, spec) = table(lake, rows::TABLES[0]).await;
    let first = parse_day(FIRST_DAY).unwrap();
    let last = first + i32::try_from(days).unwrap() - 1;
    let rows = ClusterDay { cluster: 0, day: last, first: 0, until: 1_000 }.rows();
    let real = write(&table, spec, &rows::cluster_name(0), &rows[0]).await.remove(0);
    for day in first..=last {
        let back = i64::from(last - day);
        let adds = (0..clusters).map(|cluster| match (cluster, back) {
            (0, 0) => real.action(true),
            _ => Action::Add(elsewhere(&real.add, cluster, day, back)),
        });
        commit(&table, adds.collect()).await;
    }
    println!("{} files in the log", clusters * days);
}

/// The action of a file like this one, of another cluster and so many days back.
fn elsewhere(add: &Add, cluster: usize, day: i32, back: i64) -> Add {
    let name = rows::cluster_name(cluster);
    let mut stats: Value = serde_json::from_str(add.stats.as_ref().unwrap()).unwrap();
    for bounds in ["minValues", "maxValues"] {
        for value in stats[bounds].as_object_mut().unwrap().values_mut() {
            *value = match value.as_str() {
                Some(time) => {
                    let time = chrono::DateTime::parse_from_rfc3339(time).unwrap().timestamp_micros();
                    Value::from(rfc3339(time - back * DAY))
                }
                None => Value::from(value.as_i64().unwrap() - back * 1_000),
            };
        }
    }
    let unique = uuid::Uuid::now_v7().simple().to_string();
    Add {
        path: data_file(FileKind::Day, &name, day, &unique, 0),
        partition_values: [(CLUSTER_ID.to_owned(), Some(name)), (LOG_DATE.to_owned(), Some(day_name(day)))].into(),
        stats: Some(stats.to_string()),
        ..add.clone()
    }
}
