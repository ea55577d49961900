//! The exporter's half of `tests/bench/ticks`: a service whose time comes from standard input.
//!
//! `ticks_worker CONFIG` reads lines: `tick MICROS` runs one tick at that moment, `verify MICROS` recounts every cluster against
//! the lake. Each is answered with one line of JSON: processor seconds and peak memory of this process, requests to AWS by
//! operation, rows, commits, and when the last cluster that did not fail had ended.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that fails should say where"
)]

#[allow(dead_code, reason = "of questions and servers")]
#[path = "../../src/memory.rs"]
mod memory;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use lookback_exporter::clock::{Clock, ManualClock};
use lookback_exporter::fleet::Fleet;
use lookback_exporter::run::{Silent, TableOutcome};
use lookback_exporter::{ClusterJob, Exporter, Settings, Work, places};
use lookback_schemas::registry;
use lookback_storage::Aws;
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

struct Worker {
    settings: Settings,
    aws: Aws,
    fleet: Fleet,
    exporter: Arc<Exporter>,
    clock: Arc<ManualClock>,
    asked: BTreeMap<(String, String), u64>,
}

impl Worker {
    async fn new(config: &str) -> Self {
        let settings: Settings = toml::from_str(&std::fs::read_to_string(config).unwrap()).unwrap();
        let aws = places::aws(&settings).await.expect("a lake in a bucket");
        let clock = Arc::new(ManualClock::new(0));
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let fleet = Fleet::with_clock(&settings, Some(aws.clone()), Arc::clone(&shared)).unwrap();
        let lake = places::lake(&settings, Some(&aws)).unwrap();
        lake.create().await.unwrap();
        let marks = places::watermarks(&settings, Some(&aws), true).unwrap();
        let exporter = Arc::new(Exporter::new(lake, marks, shared, settings.export.clone(), Arc::new(Silent)));
        Self { settings, aws, fleet, exporter, clock, asked: BTreeMap::new() }
    }

    async fn jobs(&self) -> Vec<ClusterJob> {
        let tables = registry().select(&self.settings.export.tables).unwrap();
        let members = self.fleet.members().await.unwrap().members.into_iter();
        members.map(|m| ClusterJob { name: m.name, source: m.source, tables: tables.clone() }).collect()
    }

    async fn tick(&mut self) -> serde_json::Value {
        let began = Instant::now();
        let jobs = self.jobs().await;
        let last = Mutex::new(0.0_f64);
        let ended = |_: &str, tables: &[lookback_exporter::run::TableReport]| {
            if tables.iter().all(|t| matches!(t.outcome, TableOutcome::Done)) {
                *last.lock().unwrap() = began.elapsed().as_secs_f64();
            }
        };
        let work = Work::Export { sweep: true };
        let report = self.exporter.run_each(&jobs, work, &CancellationToken::new(), &ended).await;
        let with_rows: std::collections::BTreeSet<&str> =
            report.tables.iter().filter(|t| t.rows_new > 0).map(|t| t.cluster.as_str()).collect();
        json!({
            "wall": began.elapsed().as_secs_f64(), "well": *last.lock().unwrap(), "clusters": jobs.len(),
            "clusters_with_rows": with_rows.len(), "rows_new": report.rows_new(),
            "files": report.tables.iter().map(|t| t.files).sum::<u64>(),
            "failures": report.failures().map(|(t, e)| format!("{} {}: {e}", t.cluster, t.table)).collect::<Vec<_>>(),
            "ledger_error": report.ledger_error.as_ref().map(ToString::to_string),
        })
    }

    async fn verify(&self) -> serde_json::Value {
        let (mut source, mut missing, mut pending) = (0, 0, 0);
        for job in self.jobs().await {
            for table in lookback_exporter::verify::verify(&self.exporter, &job).await.unwrap() {
                source += table.source_rows;
                missing += table.missing;
                pending += table.sweep_pending;
            }
        }
        let objects = lookback_exporter::verify::objects(self.exporter.lake()).await.unwrap().unwrap();
        json!({
            "source_rows": source, "missing": missing, "sweep_pending": pending, "objects": objects.seen,
            "not_encrypted_as_configured": objects.unsealed.len(),
        })
    }

    /// What was asked of AWS since the last time.
    fn requests(&mut self) -> BTreeMap<String, u64> {
        let now = self.aws.requests().all();
        let news = now.iter().map(|(call, n)| (call, n - self.asked.get(call).copied().unwrap_or(0)));
        let named = news.filter(|(_, n)| *n > 0).map(|((service, name), n)| (format!("{service} {name}"), n)).collect();
        self.asked = now;
        named
    }
}

/// User and system time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    // Fields 14 and 15 of proc(5), in ticks of 10 ms, counted behind the command's name.
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// Highest resident memory of this process so far, in MB.
fn peak_mb() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_000.0
}

fn main() {
    // As the program does, before there are threads.
    memory::of_exports().unwrap();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(answer());
}

async fn answer() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut worker = Worker::new(&std::env::args().nth(1).expect("a configuration file")).await;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (what, moment) = line.split_once(' ').expect("a word and a moment");
        worker.clock.set(moment.parse().unwrap());
        let before = cpu_seconds();
        let mut answer = if what == "verify" { worker.verify().await } else { worker.tick().await };
        answer["cpu"] = json!(cpu_seconds() - before);
        answer["peak_mb"] = json!(peak_mb());
        answer["requests"] = json!(worker.requests());
        println!("{answer}");
    }
}
