//! A folder with a configuration file, clusters to export from, and the binary run in it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use lookback_schemas::time::{DAY, MINUTE, SECOND};
use lookback_simulator::{Cluster, Kind, Row, ServeOptions, Server, SimConfig, Tls};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The binary.
pub(crate) const LOOKBACK: &str = env!("CARGO_BIN_EXE_lookback");
/// No command of these tests may take longer.
const LIMIT: Duration = Duration::from_secs(60);

/// The present, as the simulated clusters and the binary both know it.
pub(crate) fn now() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

/// A folder in which commands run.
pub(crate) struct Place {
    folder: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) bytes: Vec<u8>,
}

impl Place {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with a configuration for these clusters.
    pub(crate) fn with(clusters: &[&str]) -> Self {
        Self::with_export("", clusters)
    }

    /// As [`Place::with`], with more lines in the section `[export]`.
    pub(crate) fn with_export(export: &str, clusters: &[&str]) -> Self {
        let place = Self::new();
        place.configure(export, clusters);
        place
    }

    /// Writes the configuration: one table, hardly any waiting, and whatever the test adds.
    pub(crate) fn configure(&self, export: &str, clusters: &[&str]) {
        let mut lines = vec![
            ("tables", "[\"stl_query\"]"),
            ("retries", "2"),
            ("retry_delay", "\"10ms\""),
            ("commit_linger", "\"100ms\""),
            ("connect_timeout", "\"5s\""),
        ];
        lines.retain(|(key, _)| !export.lines().any(|l| l.starts_with(&format!("{key} "))));
        let lines: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        self.write("lookback.toml", &format!("[export]\n{lines}{export}\n{}", clusters.join("\n")));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Names of what is in the folder, sorted.
    pub(crate) fn entries(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A program in the folder, with an environment that holds the clusters' password and nothing that changes the output.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).kill_on_drop(true).stdin(Stdio::null());
        command.env_remove("RUST_LOG").env_remove("LOOKBACK_CONFIG").env("PW", "lookback");
        command
    }

    /// Runs the binary.
    pub(crate) async fn run(&self, args: &[&str]) -> Ran {
        let mut command = self.command(LOOKBACK);
        command.args(args);
        finish(command).await
    }

    /// Runs the binary with something on its standard input.
    pub(crate) async fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(LOOKBACK);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await.expect("in time").unwrap();
        Ran::of(output)
    }

    /// Runs a shell script in which `$0` is the binary.
    pub(crate) async fn sh(&self, script: &str) -> Ran {
        let mut command = self.command("sh");
        command.args(["-c", script, LOOKBACK]);
        finish(command).await
    }

    /// Rows of the lake as CSV lines, without the header.
    pub(crate) async fn query(&self, sql: &str) -> Vec<String> {
        let ran = self.run(&["sql", "--format", "csv", sql]).await.expect(0);
        ran.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// The numbers of the queries of a cluster that are in the lake, each as often as it is there.
    pub(crate) async fn queries(&self, cluster: &str) -> Vec<i64> {
        let sql = format!("SELECT query FROM stl_query WHERE cluster_id LIKE '{cluster}%' ORDER BY 1");
        self.query(&sql).await.iter().map(|line| line.parse().unwrap()).collect()
    }

    /// Every file below the folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// A text with what differs from run to run replaced: this folder and ports of loopback.
    pub(crate) fn steady(&self, text: &str) -> String {
        let text = text.replace(&self.folder.path().display().to_string(), "<folder>");
        let mut parts = text.split("127.0.0.1:");
        let mut steady = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            steady.push_str("127.0.0.1:<port>");
            steady.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        steady
    }
}

async fn finish(mut command: Command) -> Ran {
    Ran::of(tokio::time::timeout(LIMIT, command.output()).await.expect("in time").unwrap())
}

impl Ran {
    fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            bytes: output.stdout,
        }
    }

    /// The same, if it ended with that code and without a panic.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// The same, if all of these are on stderr.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "'{text}' is not in:\n{}", self.stderr);
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(e) => panic!("{e} in:\n{}", self.stdout),
        }
    }
}

/// A running cluster.
pub(crate) struct Sim {
    pub(crate) cluster: Cluster,
    pub(crate) server: Server,
}

impl Sim {
    /// A cluster without TLS whose `stl_query` has the queries 1 to 5, all of them older than any margin.
    pub(crate) async fn start(name: &str) -> Self {
        Self::start_with(name, Tls::Off).await
    }

    pub(crate) async fn start_with(name: &str, tls: Tls) -> Self {
        let cluster = Cluster::empty(name, now());
        cluster.insert("stl_query", (1..=5).map(|n| query(n, now() - 3 * 60 * MINUTE + n * MINUTE)).collect());
        Self::serve(cluster, tls).await
    }

    /// A cluster with a day of generated work, which ended a day ago.
    pub(crate) async fn generated(name: &str) -> Self {
        Self::generated_from(name, now() - 2 * DAY - 6 * 60 * MINUTE).await
    }

    /// One with the same history, a quarter of it before a midnight, whatever the time of day.
    pub(crate) async fn generated_over_midnight(name: &str) -> Self {
        let now = now();
        Self::generated_from(name, now - now.rem_euclid(DAY) - 2 * DAY - 6 * 60 * MINUTE).await
    }

    async fn generated_from(name: &str, start: i64) -> Self {
        let config =
            SimConfig { name: name.to_owned(), kind: Kind::AdHoc, seed: 11, start, days: 1, queries_per_day: 120 };
        let cluster = Cluster::generate(&config);
        cluster.set_now(now());
        Self::serve(cluster, Tls::Off).await
    }

    pub(crate) async fn serve(cluster: Cluster, tls: Tls) -> Self {
        let server = cluster.serve(ServeOptions { tls, ..ServeOptions::default() }).await.unwrap();
        Self { cluster, server }
    }

    /// Its section of the configuration; without TLS.
    pub(crate) fn section(&self) -> String {
        self.section_with("tls = \"plaintext\"\npassword_env = \"PW\"\n")
    }

    /// Its section of the configuration, with these lines besides host, port and user.
    pub(crate) fn section_with(&self, lines: &str) -> String {
        section(self.cluster.name(), self.server.addr().port(), lines)
    }

    /// Numbers of the queries that the cluster has shown so far.
    pub(crate) fn truth(&self) -> Vec<i64> {
        use arrow::array::{Array, AsArray};
        use arrow::datatypes::Int64Type;
        let batch = self.cluster.truth_visible("stl_query");
        let column = arrow::compute::cast(batch.column_by_name("query").unwrap(), &arrow::datatypes::DataType::Int64);
        let column = column.unwrap();
        assert_eq!(column.null_count(), 0);
        let mut numbers = column.as_primitive::<Int64Type>().values().to_vec();
        numbers.sort_unstable();
        numbers
    }
}

/// A section of the configuration.
pub(crate) fn section(name: &str, port: u16, lines: &str) -> String {
    format!("[clusters.{name}]\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"lookback\"\n{lines}")
}

/// A row of `stl_query` that ended, and became visible, at `end`.
pub(crate) fn query(number: i64, end: i64) -> Row {
    query_visible(number, end, end)
}

/// A row of `stl_query` that ended at `end` and surfaced later.
pub(crate) fn query_visible(number: i64, end: i64, visible_at: i64) -> Row {
    Row::new(visible_at)
        .with("userid", 100)
        .with("query", number)
        .with("label", "default")
        .with("xid", 1_000 + number)
        .with("pid", 77)
        .with("database", "dev")
        .with("querytxt", format!("select {number}"))
        .at("starttime", end - SECOND)
        .at("endtime", end)
        .with("aborted", 0)
}
