//! `export --schedule`: a process that stays, and what is seen of it from outside.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lookback_exporter::watermarks::{SqliteStore, WatermarkStore};
use lookback_schemas::time::{MINUTE, rfc3339};
use lookback_simulator::Fault;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::support::{LOOKBACK, Place, Sim, now, query};

/// No wait of these tests may take longer.
const LIMIT: Duration = Duration::from_secs(30);
/// A tick every second, on the second.
const SCHEDULE: &str = "[schedule]\njitter = \"0s\"\n";

/// A running service.
struct Running {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
}

impl Running {
    /// Starts one with a tick every second, on a port of its own.
    async fn start(place: &Place, args: &[&str]) -> Self {
        let mut command = place.command(LOOKBACK);
        command.args(["export", "--schedule", "* * * * * *", "--listen", "127.0.0.1:0"]).args(args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, address) = tokio::sync::oneshot::channel();
        let written = Arc::clone(&log);
        tokio::spawn(async move {
            let mut sender = Some(sender);
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, rest)) = line.split_once("http://")
                    && let Some(sender) = sender.take()
                {
                    let address: String =
                        rest.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
                    let _ = sender.send(address);
                }
                written.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let address = tokio::time::timeout(LIMIT, address).await.expect("it must say where it answers").unwrap();
        Self { child, address, log }
    }

    /// Status line and all that comes after it.
    async fn get(&self, path: &str, accept: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (status, rest) = answer.split_once("\r\n").unwrap();
        (status.to_owned(), rest.to_owned())
    }

    /// Waits until the answer has all of these parts.
    async fn shows(&self, path: &str, parts: &[&str]) -> String {
        let shown = async {
            loop {
                let (status, rest) = self.get(path, "*/*").await;
                let whole = format!("{status}\n{rest}");
                if parts.iter().all(|part| whole.contains(part)) {
                    return whole;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(LIMIT, shown).await {
            Ok(whole) => whole,
            Err(_) => panic!("{path} never showed {parts:?}:\n{:?}\n{}", self.get(path, "*/*").await, self.log()),
        }
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Asks it to end, and gives the exit code and the log.
    async fn stop(mut self, place: &Place) -> (Option<i32>, String) {
        place.sh(&format!("kill -TERM {}", self.child.id().unwrap())).await.expect(0);
        let ended = tokio::time::timeout(LIMIT, self.child.wait()).await.expect("it must end within 30 s").unwrap();
        (ended.code(), self.log())
    }
}

fn rows_new(cluster: &str, rows: usize) -> String {
    format!("lookback_rows_new_total{{cluster=\"{cluster}\",table=\"stl_query\"}} {rows}\n")
}

#[tokio::test]
async fn a_scheduled_export_is_seen_from_outside_and_stops_cleanly() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section(), SCHEDULE]);
    let service = Running::start(&place, &[]).await;
    service.shows("/readyz", &["200 OK", "\r\n\r\nok\n"]).await;
    assert!(service.get("/healthz", "*/*").await.0.contains("200"));
    service.shows("/metrics", &[&rows_new("one", 5)]).await;
    // What is new is there a tick later.
    sim.cluster.insert("stl_query", vec![query(6, now() - 10 * MINUTE)]);
    let metrics = service.shows("/metrics", &[&rows_new("one", 6)]).await;
    for part in [
        "content-type: text/plain; version=0.0.4",
        "# TYPE lookback_runs_total counter",
        "lookback_clusters{state=\"configured\"} 1",
        "lookback_clusters{state=\"failed\"} 0",
        "lookback_covered_until_timestamp_seconds{cluster=\"one\",table=\"stl_query\"} ",
        "lookback_lag_seconds{cluster=\"one\",table=\"stl_query\"} ",
        "lookback_purge_headroom_seconds{cluster=\"one\",table=\"stl_query\"} ",
        "lookback_last_success_timestamp_seconds{cluster=\"one\",table=\"stl_query\"} ",
        "lookback_commits_total{outcome=\"conflict\"} 0",
        concat!("lookback_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(metrics.contains(part), "'{part}' is not in:\n{metrics}");
    }
    let (_, open) = service.get("/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5").await;
    assert!(open.contains("application/openmetrics-text") && open.trim_end().ends_with("# EOF"), "{open}");
    assert!(service.get("/", "*/*").await.0.contains("404"));

    let (code, log) = service.stop(&place).await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("exported") && log.contains("clusters=1") && log.contains("rows_new=5"), "{log}");
    assert!(!log.contains("panicked") && log.trim_end().ends_with("stopped"), "{log}");
    // The lake, the ledger and the watermark say the same, and the next run finds nothing to repair.
    assert_eq!(place.queries("one").await, sim.truth());
    let status = place.run(&["status", "--format", "json"]).await.expect(0).json();
    let id = status[0]["cluster_id"].as_str().unwrap();
    let store = SqliteStore::open(&place.path("lookback-state.sqlite")).unwrap();
    let watermark = store.get(id, "stl_query").await.unwrap().unwrap();
    assert_eq!(status[0]["covered_until"], rfc3339(watermark.covered_until));
    drop(store);
    let again = place.run(&["export", "--format", "json"]).await.expect(0).json();
    assert_eq!(again["tables"][0]["rows_new"], 0, "{again}");
}

#[tokio::test]
async fn a_cluster_that_hangs_delays_neither_the_others_nor_the_stop() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    one.cluster.fault(Fault::HangTable("stl_query".to_owned()));
    let place = Place::with(&[&one.section(), &two.section(), SCHEDULE]);
    let service = Running::start(&place, &[]).await;
    service.shows("/metrics", &[&rows_new("two", 5), "lookback_clusters{state=\"running\"} 1\n"]).await;
    for number in 6..8 {
        two.cluster.insert("stl_query", vec![query(number, now() - 10 * MINUTE)]);
        service.shows("/metrics", &[&rows_new("two", usize::try_from(number).unwrap())]).await;
    }
    let (code, log) = service.stop(&place).await;
    assert_eq!(code, Some(0), "{log}");
    one.cluster.clear_faults();
    place.run(&["export"]).await.expect(0);
    assert_eq!((place.queries("one").await, place.queries("two").await), (one.truth(), two.truth()));
}

#[tokio::test]
async fn clusters_come_and_go_with_the_configuration_and_failures_are_told() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with(&[&one.section(), SCHEDULE]);
    let service = Running::start(&place, &[]).await;
    service.shows("/metrics", &[&rows_new("one", 5)]).await;
    place.configure("", &[&one.section(), &two.section(), SCHEDULE]);
    service.shows("/metrics", &[&rows_new("two", 5), "lookback_clusters{state=\"configured\"} 2\n"]).await;
    // A file that cannot be read is counted; the clusters stay.
    place.write("lookback.toml", "[export\n");
    service.shows("/metrics", &["lookback_roster_failures_total 1\n"]).await;
    two.cluster.insert("stl_query", vec![query(6, now() - 10 * MINUTE)]);
    service.shows("/metrics", &[&rows_new("two", 6)]).await;
    place.configure("", &[&two.section(), SCHEDULE]);
    service.shows("/metrics", &["lookback_clusters{state=\"configured\"} 1\n"]).await;
    two.cluster.fault(Fault::Refuse);
    let failure = "lookback_table_failures_total{cluster=\"two\",table=\"\",kind=\"connect\"} 1\n";
    let metrics = service.shows("/metrics", &[failure, "lookback_clusters{state=\"failed\"} 1\n"]).await;
    assert!(!metrics.contains("lookback_lag_seconds{cluster=\"one\""), "{metrics}");
    assert!(metrics.contains("lookback_lag_seconds{cluster=\"two\""), "a failure takes nothing away: {metrics}");
    let (code, log) = service.stop(&place).await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("the list of clusters could not be read") && log.contains("cluster 'two'"), "{log}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::with(&[&Sim::start("one").await.section()]);
    let ran = place.run(&["export", "--schedule", "* * * * *", "--listen", &address]).await.expect(1);
    let ran = ran.says(&[&format!("listening on {address}"), "--listen"]);
    assert!(!place.exists("lake"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_schedule_that_is_none_is_usage() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    let ran = place.run(&["export", "--schedule", "every hour"]).await.expect(2);
    ran.says(&["schedule 'every hour'", "'0 */15 * * * *' for every 15 minutes"]);
    place.run(&["export", "--schedule"]).await.expect(2).says(&["--schedule: when?", "schedule.cron"]);
    place.run(&["export", "--schedule", "* * * * *", "--once"]).await.expect(2);
    place.run(&["export", "--schedule", "* * * * *", "--dry-run"]).await.expect(2);
    place.run(&["export", "--listen", "127.0.0.1:0"]).await.expect(2);
    // Without a value it is the configuration's.
    place.configure("", &[&sim.section(), "[schedule]\ncron = \"every day\"\n"]);
    place.run(&["export", "--schedule"]).await.expect(2).says(&["schedule 'every day'"]);
    // A configuration that is wrong from the beginning is said at once.
    place.configure("", &[]);
    place.run(&["export", "--schedule", "* * * * *"]).await.expect(2).says(&["no cluster is configured"]);
}

fn lines_of(place: &Place) -> Vec<String> {
    let text = std::fs::read_to_string(place.path("lookback.prom")).unwrap();
    assert!(!text.contains("# EOF"), "{text}");
    text.lines().map(str::to_owned).collect()
}

/// The value of a sample of the metrics file.
#[track_caller]
fn value(place: &Place, sample: &str) -> f64 {
    let lines = lines_of(place);
    let found = lines.iter().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or_else(|| panic!("no {sample} in {lines:#?}"))
}

#[tokio::test]
async fn a_metrics_file_keeps_the_last_success_of_what_failed() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with_export("retries = 0", &[&one.section(), &two.section()]);
    let success = |cluster: &str| {
        let sample = format!("lookback_last_success_timestamp_seconds{{cluster=\"{cluster}\",table=\"stl_query\"}}");
        value(&place, &sample)
    };
    place.run(&["export", "--metrics-file", "lookback.prom"]).await.expect(0);
    let first = (success("one"), success("two"));
    assert_eq!(value(&place, "lookback_runs_total{outcome=\"ok\"}") as i64, 1);

    two.cluster.fault(Fault::Cancel { table: Some("stl_query".to_owned()) });
    place.run(&["export", "--metrics-file", "lookback.prom"]).await.expect(1);
    assert!(success("one") > first.0 && success("two") == first.1, "{first:?}");
    assert_eq!(value(&place, "lookback_runs_total{outcome=\"failed\"}") as i64, 1);
    assert_eq!(value(&place, "lookback_runs_total{outcome=\"ok\"}") as i64, 1);
    assert_eq!(value(&place, "lookback_rows_new_total{cluster=\"two\",table=\"stl_query\"}") as i64, 5);
    assert_eq!(value(&place, "lookback_clusters{state=\"failed\"}") as i64, 1);

    // A run that cannot begin is a failure, too, and erases nothing.
    two.cluster.clear_faults();
    std::fs::rename(place.path("lookback-state.sqlite"), place.path("away")).unwrap();
    std::fs::create_dir(place.path("lookback-state.sqlite")).unwrap();
    place.run(&["export", "--metrics-file", "lookback.prom"]).await.expect(1);
    assert_eq!(value(&place, "lookback_runs_total{outcome=\"failed\"}") as i64, 2);
    assert!(success("two") == first.1);
    std::fs::remove_dir(place.path("lookback-state.sqlite")).unwrap();
    std::fs::rename(place.path("away"), place.path("lookback-state.sqlite")).unwrap();

    place.run(&["maintain", "--metrics-file", "lookback.prom"]).await.expect(0);
    assert_eq!(value(&place, "lookback_runs_total{outcome=\"ok\"}") as i64, 2);
    let ran = place.run(&["export", "--metrics-file", "no/lookback.prom"]).await.expect(1);
    ran.says(&["no/lookback.prom", "its folder must exist"]);
}

#[tokio::test]
async fn every_log_line_of_a_run_says_which_run_cluster_and_table() {
    let sim = Sim::start("one").await;
    sim.cluster.fault(Fault::Cancel { table: Some("stl_query".to_owned()) }.once());
    let place = Place::with(&[&sim.section()]);
    let ran = place.run(&["export", "-v", "--log-format", "json", "--format", "json"]).await.expect(0);
    let run_id = ran.json()["run_id"].clone();
    let lines: Vec<serde_json::Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}"))).collect();
    let retry = lines.iter().find(|l| l["fields"]["message"].as_str().is_some_and(|m| m.starts_with("trying again")));
    let retry = retry.unwrap_or_else(|| panic!("no retry in {}", ran.stderr));
    let spans = retry["spans"].as_array().unwrap();
    assert_eq!((&spans[0]["name"], &spans[0]["run_id"]), (&"run".into(), &run_id), "{retry}");
    assert_eq!((&spans[1]["name"], &spans[1]["cluster"]), (&"cluster".into(), &"one".into()), "{retry}");
    assert_eq!((&spans[2]["name"], &spans[2]["table"]), (&"table".into(), &"stl_query".into()), "{retry}");

    sim.cluster.fault(Fault::Cancel { table: Some("stl_query".to_owned()) }.once());
    let text = place.run(&["export", "-v"]).await.expect(0).stderr;
    assert!(text.contains("cluster{cluster=one}:table{table=stl_query}"), "{text}");
}
