//! `lookback demo`: simulated clusters on loopback, and everything else for real.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lookback_exporter::fleet::Fleet;
use lookback_exporter::{ClusterJob, Settings, Work};
use lookback_query::diagnostics;
use lookback_query::output::Format;
use lookback_query::session::{Limits, Session};
use lookback_schemas::time::{DAY, day_of, day_start};
use lookback_simulator::{Cluster, Kind, ServeOptions, Server, SimConfig, Tls};
use serde::{Deserialize, Serialize};

use super::export::show_summary;
use super::sql::emit;
use crate::cli::{Demo, Scope};
use crate::config::Missing;
use crate::failure::Failure;
use crate::stop::{UNCOMMITTED, asked_to_stop};
use crate::{config, print, progress};

/// Pause between two exports while the demo goes on.
const TICK: Duration = Duration::from_secs(60);
/// The diagnostics that the demo shows.
const SHOWN: [&str; 3] = ["slowest_queries", "alerts", "plaintext_sessions"];
const PASSWORD: &str = "lookback";

/// What the simulated clusters are made from, so that a demo in the same folder goes on with the same clusters.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    seed: u64,
    start: i64,
    days: u32,
    clusters: u32,
    queries: u32,
}

pub(crate) async fn run(arguments: &Demo) -> Result<u8, Failure> {
    let dir = &arguments.dir;
    let origin = origin(arguments)?;
    print::line(format!(
        "starting {} simulated Redshift clusters with {} days of history ...",
        origin.clusters, origin.days
    ))?;
    let (clusters, servers) = start(&origin).await?;
    let settings = write_settings(dir, &clusters, &servers)?;
    let jobs = config::jobs(
        &settings,
        &Fleet::new(&settings, None)?.members().await?,
        &Scope { cluster: Vec::new(), table: Vec::new() },
    )?;
    for ((_, cluster), server) in clusters.iter().zip(&servers) {
        print::line(format!("  {:<12} {}", cluster.name(), server.addr()))?;
    }
    print::line(format!(
        "\nexporting {} tables of each into {} ...\n",
        jobs.first().map_or(0, |j| j.tables.len()),
        settings.lake.location
    ))?;
    let code = export(&settings, &jobs).await?;
    diagnose(&settings).await?;
    next_steps(dir, arguments.once)?;
    if !arguments.once {
        follow(&settings, &jobs, &clusters).await?;
    }
    for server in servers {
        server.stop().await;
    }
    Ok(code)
}

fn failed(what: &str, path: &Path, e: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{what} {}: {e}", path.display())).advise("--dir names another folder")
}

/// The clusters of an earlier demo in the folder, or new ones whose history ends today.
fn origin(arguments: &Demo) -> Result<Origin, Failure> {
    let dir = &arguments.dir;
    let path = dir.join("demo.json");
    if path.exists() {
        let text = std::fs::read(&path).map_err(|e| failed("reading", &path, e))?;
        return serde_json::from_slice(&text).map_err(|e| failed("reading", &path, e));
    }
    std::fs::create_dir_all(dir).map_err(|e| failed("creating", dir, e))?;
    let start = day_start(day_of(chrono::Utc::now().timestamp_micros())) - i64::from(arguments.days) * DAY;
    let origin =
        Origin { seed: 7, start, days: arguments.days, clusters: arguments.clusters, queries: arguments.queries };
    let text = serde_json::to_vec_pretty(&origin).map_err(|e| failed("writing", &path, e))?;
    std::fs::write(&path, text).map_err(|e| failed("writing", &path, e))?;
    Ok(origin)
}

/// Starts the clusters. Their history reaches a day beyond now, so that a demo that goes on has something to export.
async fn start(origin: &Origin) -> Result<(Vec<(String, Cluster)>, Vec<Server>), Failure> {
    let now = chrono::Utc::now().timestamp_micros();
    let ahead = u32::try_from((now - origin.start) / DAY + 2).unwrap_or(origin.days).clamp(origin.days, 30);
    let mut clusters = Vec::new();
    let mut servers = Vec::new();
    for number in 0..origin.clusters {
        let (name, kind) = match number % 3 {
            0 => ("etl", Kind::Etl),
            1 => ("dashboards", Kind::Dashboards),
            _ => ("adhoc", Kind::AdHoc),
        };
        let name = if number < 3 { name.to_owned() } else { format!("{name}-{}", number / 3 + 1) };
        let config = SimConfig {
            name: name.clone(),
            kind,
            seed: origin.seed + u64::from(number),
            start: origin.start,
            days: ahead,
            queries_per_day: origin.queries,
        };
        let cluster = Cluster::generate(&config);
        cluster.set_now(now);
        let options = ServeOptions { tls: Tls::Required, ..ServeOptions::default() };
        let server = cluster
            .serve(options)
            .await
            .map_err(|e| Failure::failed(format!("starting simulated cluster {name}: {e}")))?;
        clusters.push((name, cluster));
        servers.push(server);
    }
    Ok((clusters, servers))
}

/// Writes the configuration file that the demo uses, and reads it back as any other command does.
fn write_settings(dir: &Path, clusters: &[(String, Cluster)], servers: &[Server]) -> Result<Settings, Failure> {
    let mut text = String::from(
        "# Written by `lookback demo`. The clusters are simulated and live as long as the demo runs.\n\n\
         [lake]\nlocation = \"lake\"\n\n[state]\npath = \"lookback-state.sqlite\"\n\n\
         [export]\ntables = [\"core\", \"stl_connection_log\", \"stl_sort\", \"stl_aggr\", \"stl_hash\"]\n",
    );
    secret(&dir.join("password"), PASSWORD)?;
    for ((name, _), server) in clusters.iter().zip(servers) {
        let ca = format!("{name}-ca.pem");
        let pem = server.ca_pem().unwrap_or_default();
        std::fs::write(dir.join(&ca), pem).map_err(|e| failed("writing", &dir.join(&ca), e))?;
        text.push_str(&format!(
            "\n[clusters.{name}]\nhost = \"{}\"\nport = {}\nuser = \"lookback\"\npassword_file = \"password\"\nca_file = \"{ca}\"\n",
            server.addr().ip(),
            server.addr().port(),
        ));
    }
    let path = dir.join(config::DEFAULT_FILE);
    std::fs::write(&path, text).map_err(|e| failed("writing", &path, e))?;
    config::load(&crate::cli::Global {
        config: Some(path),
        lake: None,
        verbose: 0,
        log_format: crate::cli::LogFormat::Text,
    })
}

/// Writes a file that only its owner can read.
fn secret(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let open = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    open.and_then(|mut f| writeln!(f, "{text}")).map_err(|e| failed("writing", path, e))
}

async fn export(settings: &Settings, jobs: &[ClusterJob]) -> Result<u8, Failure> {
    let exporter = config::exporter(settings, None, progress::reporter(), Missing::Create).await?;
    let report = exporter.run(jobs, Work::Export { sweep: true }, &tokio_util::sync::CancellationToken::new()).await;
    drop(exporter);
    show_summary(&report)?;
    Ok(report.exit_code())
}

async fn diagnose(settings: &Settings) -> Result<(), Failure> {
    let session = Session::open(&settings.lake.location, Limits::default()).await?;
    for name in SHOWN {
        let question = diagnostics::get(name)?;
        print::line(format!("\n== {}: {}\n", question.title, question.question))?;
        let answer = diagnostics::run(&session, name, &BTreeMap::new()).await?;
        emit(answer, Format::Table, std::io::stdout()).await?;
    }
    Ok(())
}

fn next_steps(dir: &Path, once: bool) -> Result<(), Failure> {
    let file = dir.join(config::DEFAULT_FILE);
    let file = shell_word(&file.display().to_string());
    print::line(format!(
        "\nThe lake is in {lake}, the configuration in {file}. Next:\n\n  \
         lookback sql --config {file} 'SELECT cluster_id, count(*) AS queries FROM stl_query GROUP BY 1 ORDER BY 2 DESC'\n  \
         lookback diagnose --config {file}\n  \
         lookback status --config {file}",
        lake = dir.join("lake").display(),
    ))?;
    if !once {
        print::line(format!(
            "  lookback verify --config {file}\n\nThe clusters go on running and are exported every {} s. Ctrl-C ends the demo.",
            TICK.as_secs()
        ))?;
    }
    Ok(())
}

/// A word as a shell takes it.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Keeps the clusters' clocks running and exports them, until somebody ends it.
async fn follow(settings: &Settings, jobs: &[ClusterJob], clusters: &[(String, Cluster)]) -> Result<(), Failure> {
    let stop = asked_to_stop(UNCOMMITTED);
    let exporter = config::exporter(settings, None, Arc::new(lookback_exporter::run::Silent), Missing::Create).await?;
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + TICK, TICK);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = second.tick() => {
                let now = chrono::Utc::now().timestamp_micros();
                clusters.iter().for_each(|(_, cluster)| cluster.set_now(now));
            }
            _ = tick.tick() => {
                let report = exporter.run(jobs, Work::Export { sweep: true }, &stop).await;
                let known: u64 = report.tables.iter().map(|t| t.rows_present).sum();
                print::line(format!("{}  {} new rows, {} known ones met again", print::moment(Some(exporter.now())), print::count(report.rows_new()), print::count(known)))?;
            }
        }
    }
}
