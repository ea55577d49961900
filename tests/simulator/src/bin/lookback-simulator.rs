//! Serves generated clusters in a process of its own, so that a benchmark can tell the source's work from the exporter's.
//!
//! `lookback-simulator [--clusters N] [--days D] [--queries-per-day Q] [--seed S] [--end RFC3339] [--port P] [--clock MICROS]`
//! prints one line `name host port user password` per cluster when all of them accept connections, and runs until SIGTERM or
//! Ctrl-C. `--port` is the port of the first cluster, the others follow it; without it free ports are picked. `--end` is the end
//! of the histories and the moment of their virtual clocks, by default now. With `--clock` the clocks stand at that moment
//! (microseconds since 1970-01-01, UTC), and each line on standard input, another such number, moves them and is repeated.

use std::error::Error;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use lookback_schemas::time::DAY;
use lookback_simulator::{Cluster, Kind, ServeOptions, SimConfig, Tls};
use tokio::signal::unix::{SignalKind, signal};

/// What the command line asks for.
struct Args {
    clusters: u16,
    days: u32,
    queries_per_day: u32,
    seed: u64,
    end: i64,
    port: u16,
    clock: Option<i64>,
}

impl Args {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let end = Utc::now().timestamp_micros();
        let mut parsed = Self { clusters: 3, days: 3, queries_per_day: 2_000, seed: 1, end, port: 0, clock: None };
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--clusters" => parsed.clusters = value.parse()?,
                "--days" => parsed.days = value.parse()?,
                "--queries-per-day" => parsed.queries_per_day = value.parse()?,
                "--seed" => parsed.seed = value.parse()?,
                "--end" => parsed.end = DateTime::parse_from_rfc3339(&value)?.timestamp_micros(),
                "--port" => parsed.port = value.parse()?,
                "--clock" => parsed.clock = Some(value.parse()?),
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(parsed)
    }
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let (mut servers, mut clusters, mut lines) = (Vec::new(), Vec::new(), String::new());
    for n in 0..args.clusters {
        let (kind, label) = match n % 3 {
            0 => (Kind::Etl, "etl"),
            1 => (Kind::Dashboards, "dashboards"),
            _ => (Kind::AdHoc, "adhoc"),
        };
        let cluster = Cluster::generate(&SimConfig {
            name: format!("{label}-{}", n / 3 + 1),
            kind,
            seed: args.seed.wrapping_add(u64::from(n)),
            start: args.end - i64::from(args.days) * DAY,
            days: args.days,
            queries_per_day: args.queries_per_day,
        });
        let port = if args.port == 0 { 0 } else { args.port.checked_add(n).ok_or("ports end at 65535")? };
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let server = cluster.serve(ServeOptions { addr, tls: Tls::Off }).await?;
        lines.push_str(&format!("{} 127.0.0.1 {} lookback lookback\n", cluster.name(), server.addr().port()));
        servers.push(server);
        clusters.push(cluster);
    }
    if let Some(moment) = args.clock {
        move_clocks(&clusters, moment);
        std::thread::spawn(move || follow(&clusters));
    }
    let mut out = stdout();
    out.write_all(lines.as_bytes())?;
    out.flush()?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    for server in servers {
        server.stop().await;
    }
    Ok(())
}

fn move_clocks(clusters: &[Cluster], moment: i64) {
    for cluster in clusters {
        cluster.set_now(moment);
    }
}

/// Sets the clocks to the moments on standard input. What is no number ends it.
fn follow(clusters: &[Cluster]) {
    for line in std::io::stdin().lines() {
        let Ok(Ok(moment)) = line.map(|text| text.trim().parse::<i64>()) else { return };
        move_clocks(clusters, moment);
        let mut out = stdout();
        if writeln!(out, "{moment}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => run(args).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "lookback-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}
