//! lookback's side of `tests/bench/query`: a process that stays, with one opened lake.
//!
//! `query_worker LAKE` reads statements from standard input, one a line, and answers each with a line of JSON: seconds from the
//! statement to its last row, seconds until the first of them could run (planning), rows, data files opened and bytes read of
//! them, and the highest memory of this process so far. The first line that it prints is how long opening took.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that fails should say where"
)]

#[allow(dead_code, reason = "of exports and servers")]
#[path = "../../src/memory.rs"]
mod memory;

use std::io::BufRead;
use std::time::Instant;

use lookback_query::{Format, Limits, Session};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    // As the program does, before there are threads.
    memory::of_questions().unwrap();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(serve());
}

async fn serve() {
    let lake = std::env::args().nth(1).expect("a lake");
    let began = Instant::now();
    let session = Session::open(&lake, Limits::default()).await.unwrap();
    println!("{}", json!({ "seconds": began.elapsed().as_secs_f64() }));
    for line in std::io::stdin().lock().lines() {
        println!("{}", answer(&session, &line.unwrap()).await);
    }
}

async fn answer(session: &Session, sql: &str) -> Value {
    let began = Instant::now();
    let answer = session.query(sql).await.unwrap();
    let planning = began.elapsed().as_secs_f64();
    let progress = answer.progress();
    let mut text = Vec::new();
    lookback_query::write(answer.into_stream(), Format::Ndjson, &mut text).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let rows: Vec<Value> =
        text.split(|&b| b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect();
    let read = progress.read();
    json!({
        "seconds": seconds, "planning": planning, "rows": rows, "files": read.files, "bytes": read.bytes, "peak_mb": peak_mb(),
    })
}

/// Highest resident memory of this process so far, in MB.
fn peak_mb() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_000.0
}
