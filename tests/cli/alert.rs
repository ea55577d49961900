//! `alert`: told once on a change and once when it is over, to a webhook on loopback, by the real binary over a real lake.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use lookback_schemas::encryption::table;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::lakes::TestLake;
use crate::support::{LOOKBACK, Place, Ran};

const ACCOUNT: &str = "111122223333";
/// The evidence is whole up to each of these.
const FAILING: &str = "2026-01-20";
const FIXED: &str = "2026-01-21";
const LATER: &str = "2026-01-22";
const SECRET: &str = "hunter2-hunter2-hunter2";
const RULES: &str = r#"
retry_delay = "10ms"
[destinations.hook]
type = "webhook"
url = { env = "HOOK_URL" }
secret = { file = "key" }
timeout = "5s"
[[rule]]
name = "encryption"
checks = ["LB-ENC-01"]
to = ["hook"]
"#;

/// What the webhook was sent, and what it answers first.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Mail>>);

/// The answers to come, and what was sent.
type Mail = (VecDeque<u16>, Vec<(HeaderMap, String)>);

impl Inbox {
    fn answers(&self, statuses: &[u16]) {
        self.0.lock().unwrap().0.extend(statuses);
    }

    fn all(&self) -> Vec<(HeaderMap, Value)> {
        let read = |(headers, body): &(HeaderMap, String)| (headers.clone(), serde_json::from_str(body).unwrap());
        self.0.lock().unwrap().1.iter().map(read).collect()
    }

    fn bodies(&self) -> Vec<String> {
        self.0.lock().unwrap().1.iter().map(|(_, body)| body.clone()).collect()
    }

    /// `change entity` of every request.
    fn told(&self) -> Vec<String> {
        let text =
            |body: &Value| format!("{} {}", body["change"].as_str().unwrap(), body["entity"]["name"].as_str().unwrap());
        self.all().iter().map(|(_, body)| text(body)).collect()
    }
}

/// A status of 0 is no answer at all.
async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    let status = {
        let mut inbox = inbox.0.lock().unwrap();
        inbox.1.push((headers, body));
        inbox.0.pop_front().unwrap_or(204)
    };
    if status == 0 {
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    StatusCode::from_u16(status).unwrap()
}

struct World {
    place: Place,
    lake: TestLake,
    inbox: Inbox,
    url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn state(day: &str, name: &str, encrypted: bool) -> Value {
    json!({
        "observed_at": format!("{day}T00:00:00Z"), "obs_kind": "heartbeat", "state_hash": format!("{name}{encrypted}"),
        "region": "eu-west-1", "run_id": "r", "source_call": "redshift:DescribeClusters",
        "cluster_namespace_arn": format!("arn:aws:redshift:eu-west-1:{ACCOUNT}:namespace:{name}"),
        "deployment": "provisioned", "cluster_identifier": name, "create_time": "2025-12-01T00:00:00Z",
        "encrypted": encrypted, "encryption_type": if encrypted { "kms_cmk" } else { "none" },
        "kms_key_arn": encrypted.then_some("arn:aws:kms:eu-west-1:111122223333:key/1"),
        "cluster_status": "available", "availability_status": "Available",
    })
}

impl World {
    /// A cluster that is not encrypted on one day, and is on the next; collectors that looked at it until then.
    async fn new() -> Self {
        let (place, lake, inbox) = (Place::new(), TestLake::new(), Inbox::default());
        let table = |name| table(name).unwrap();
        for (day, encrypted) in [(FAILING, false), (FIXED, true)] {
            let states = json!([state(day, "open", encrypted), state(day, "closed", true)]);
            lake.add_record(table("cluster_encryption_state"), ACCOUNT, day, &states).await;
        }
        let run = |collector: &str| {
            json!({
                "run_id": collector, "collector": collector, "collector_version": "1", "region": "eu-west-1",
                "started_at": "2026-01-21T00:00:00Z", "finished_at": "2026-01-21T00:00:00Z", "status": "ok",
                "window_from": "2025-10-01T00:00:00Z", "window_to": "2026-01-21T00:00:00Z",
                "calls": 1, "throttles": 0, "rows": 2,
            })
        };
        let runs = json!([run("clusters"), run("serverless")]);
        lake.add_record(table("collection_runs"), ACCOUNT, "2026-01-10", &runs).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/{SECRET}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(take).with_state(inbox.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        place.write("key", SECRET);
        place.write("alerts.toml", RULES);
        Self { place, lake, inbox, url, server }
    }

    fn command(&self, as_of: &str, more: &[&str]) -> tokio::process::Command {
        let mut command = self.place.command(LOOKBACK);
        command.args(["--lake", self.lake.location(), "alert", "--rules", "alerts.toml", "--as-of", as_of]).args(more);
        command.env("HOOK_URL", &self.url);
        command
    }

    async fn alert(&self, as_of: &str, more: &[&str]) -> Ran {
        let output = self.command(as_of, more).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(!stdout.contains(SECRET) && !stderr.contains(SECRET), "{stdout}{stderr}");
        Ran { code: output.status.code(), stdout, stderr, bytes: output.stdout }
    }

    /// How far every change is, oldest row first.
    async fn rows(&self) -> Vec<String> {
        let sql = "SELECT change, status, attempts FROM alert_changes ORDER BY recorded_at, step";
        let ran = self.place.run(&["--lake", self.lake.location(), "sql", "--format", "csv", sql]).await.expect(0);
        ran.stdout.lines().skip(1).map(str::to_owned).collect()
    }
}

/// Asks the function that docs/alerts.md gives to receivers about the first request, with the right key and another one.
async fn is_genuine(world: &World, secret: &str) {
    let text = include_str!("../../docs/alerts.md");
    let function = text.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let (headers, _) = world.inbox.all().remove(0);
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (stamp, key, signature) =
        (header("lookback-timestamp"), header("idempotency-key"), header("lookback-signature"));
    let body = world.inbox.bodies().remove(0);
    let script = format!(
        "import sys\n{function}\nheaders = dict(zip(('Lookback-Timestamp', 'Idempotency-Key', 'Lookback-Signature'), sys.argv[1:]))\n\
         print([is_genuine(s, headers, sys.argv[4].encode(), lambda: int(sys.argv[1])) for s in (sys.argv[5], 'x')])"
    );
    let mut python = world.place.command("python3");
    let output = python.args(["-c", &script, &stamp, &key, &signature, &body, secret]).output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "[True, False]", "{output:?}");
}

#[tokio::test]
async fn a_failure_is_told_once_and_its_end_once() {
    let world = World::new().await;
    // A dry run says what would be told, sends nothing, and makes no table.
    let ran = world.alert(FAILING, &["--dry-run"]).await.expect(0);
    insta::assert_snapshot!(ran.stdout, @r"
    destination  change  rule        question   severity  entity  result
    -----------  ------  ----------  ---------  --------  ------  -------------
    hook         FAIL    encryption  LB-ENC-01  critical  open    would be sent

    as of 2026-01-20 00:00:00 (UTC): 1 would be sent
    ");
    assert!(world.inbox.all().is_empty() && !world.lake.dir.path().join("alert_changes").exists());

    world.alert(FAILING, &[]).await.expect(0);
    let ran = world.alert(FAILING, &[]).await.expect(0);
    assert!(ran.stdout.contains("nothing has changed"), "{}", ran.stdout);
    assert_eq!(world.inbox.told(), ["FAIL open"]);
    let (headers, body) = world.inbox.all().remove(0);
    assert_eq!(headers["idempotency-key"], body["id"].as_str().unwrap());
    is_genuine(&world, SECRET).await;
    assert_eq!((&body["version"], &body["entity"]["account_id"]), (&json!(1), &json!(ACCOUNT)));
    assert_eq!(body["reason"], "Not encrypted at rest.");

    let json = world.alert(FIXED, &["--format", "json"]).await.expect(0).json();
    assert_eq!((&json["changes"][0]["change"], &json["changes"][0]["result"]), (&json!("OVER"), &json!("sent")));
    assert_eq!(json["changes"][0]["alert_id"], body["alert_id"]);
    world.alert(FIXED, &[]).await.expect(0);
    // An alerter that is behind tells nothing.
    world.alert(FAILING, &[]).await.expect(0);
    assert_eq!(world.inbox.told(), ["FAIL open", "OVER open"]);
    assert_eq!(world.rows().await, ["FAIL,pending,0", "FAIL,sent,1", "OVER,pending,0", "OVER,sent,1"]);
}

#[tokio::test]
async fn an_exception_is_an_end_and_missing_evidence_is_none() {
    let world = World::new().await;
    world.alert(FAILING, &[]).await.expect(0);
    // A month later nobody has looked: that is no news.
    world.alert("2026-03-01", &[]).await.expect(0);
    assert_eq!(world.inbox.told(), ["FAIL open"]);
    let world = World::new().await;
    world.alert(FAILING, &[]).await.expect(0);
    let accepted = "[[exception]]\ncheck = \"LB-ENC-01\"\nentity = \"open\"\nowner = \"dba\"\nreason = \"soon\"\nuntil = 2026-02-01\n";
    world.place.write("accepted.toml", accepted);
    world.place.write("alerts.toml", &format!("exceptions = \"accepted.toml\"\n{RULES}"));
    world.alert(FAILING, &[]).await.expect(0);
    assert_eq!(world.inbox.told(), ["FAIL open", "OVER open"]);
    assert!(world.inbox.all()[1].1["reason"].as_str().unwrap().starts_with("Accepted by dba: soon."));
}

#[tokio::test]
async fn what_cannot_be_sent_is_sent_by_a_later_run() {
    let world = World::new().await;
    world.inbox.answers(&[500, 503]);
    world.alert(FAILING, &[]).await.expect(0);
    assert_eq!(world.inbox.told().len(), 3, "two 500s, and then it was taken");

    world.inbox.answers(&[500, 500, 500]);
    let ran = world.alert(FIXED, &[]).await.expect(1).says(&["destination 'hook': it answered 500"]);
    assert!(ran.stdout.contains("not sent"), "{}", ran.stdout);
    world.alert(FIXED, &[]).await.expect(0);
    let all = world.inbox.all();
    let ids: Vec<&str> = all.iter().map(|(_, body)| body["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[3], ids[0]), (7, ids[6], ids[2]), "each under one id");
    assert_eq!(all[3].1, all[6].1, "in the same words");
}

#[tokio::test]
async fn a_run_that_is_killed_while_it_sends_loses_nothing() {
    let world = World::new().await;
    let rules = |resend: &str| format!("resend_after = \"{resend}\"\n{RULES}").replace("\"5s\"", "\"60s\"");
    world.place.write("alerts.toml", &rules("1h"));
    world.inbox.answers(&[0]);
    let mut child = world.command(FAILING, &[]).kill_on_drop(true).spawn().unwrap();
    let asked = async {
        while world.inbox.told().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked).await.expect("it must send");
    child.kill().await.unwrap();
    assert_eq!(world.rows().await, ["FAIL,pending,0"]);
    // Nobody knows that it was killed: for an hour it is left to it.
    let ran = world.alert(FAILING, &[]).await.expect(0);
    assert!(ran.stdout.contains("1 left to another run"), "{}", ran.stdout);
    world.place.write("alerts.toml", &rules("1ms"));
    world.alert(FAILING, &[]).await.expect(0);
    let all = world.inbox.all();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].1, all[1].1, "the same change, under the same id");
    world.alert(FAILING, &[]).await.expect(0);
    assert_eq!(world.inbox.told().len(), 2);
}

#[tokio::test]
async fn two_alerters_at_once_tell_once() {
    let world = World::new().await;
    let runs = futures::future::join_all((0..3).map(|_| world.alert(FAILING, &[]))).await;
    for ran in runs {
        ran.expect(0);
    }
    assert_eq!(world.inbox.told(), ["FAIL open"]);
}

#[tokio::test]
async fn orphans_are_listed_and_closed() {
    let world = World::new().await;
    world.alert(FAILING, &[]).await.expect(0);
    world.place.write("alerts.toml", &RULES.replace("\"encryption\"", "\"renamed\"").replace("LB-ENC-01", "LB-TLS-01"));
    let ran = world.alert(FAILING, &[]).await.expect(0);
    assert!(ran.stdout.contains("1 orphaned"), "{}", ran.stdout);
    world.alert(FAILING, &["--close-orphans"]).await.expect(0);
    assert_eq!(world.inbox.told().iter().filter(|told| *told == "OVER open").count(), 1);
    let ran = world.alert(FAILING, &[]).await.expect(0);
    assert!(!ran.stdout.contains("orphaned"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_diagnostic_names_its_entities_and_old_logs_end_nothing() {
    let world = World::new().await;
    let query = |id: i64, seconds: i64| {
        json!({
            "userid": 100, "query": id, "xid": id, "pid": 1, "database": "dev", "querytxt": "select 1", "aborted": 1,
            "starttime": "2026-01-20 08:00:00", "endtime": format!("2026-01-20 08:00:{seconds:02}"),
        })
    };
    world.lake.add("stl_query", "etl", "2026-01-20", &[], json!([query(1, 10), query(2, 50)])).await;
    let covered = |until: &str| {
        json!([{
            "run_id": "x", "cluster_id": "etl", "table_name": "stl_query", "kind": "export", "outcome": "ok",
            "started_at": "2026-01-20T09:00:00Z", "covered_until": until,
        }])
    };
    world.lake.add_runs("2026-01-20", covered("2026-01-20T09:00:00Z")).await;
    let rule = "[[rule]]\nname = \"slow\"\ndiagnostic = \"slowest_queries\"\nentity = [\"cluster_id\", \"query\"]\n\
                threshold = { column = \"total_s\", above = 30 }\nwindow = \"3h\"\nseverity = \"high\"\nto = [\"hook\"]\n";
    let destination = RULES.split("[[rule]]").next().unwrap();
    world.place.write("alerts.toml", &format!("{destination}{rule}"));
    world.alert("2026-01-20T10:00", &[]).await.expect(0);
    let all = world.inbox.all();
    assert_eq!(
        (all.len(), &all[0].1["entity"]["id"], &all[0].1["severity"]),
        (1, &json!("[\"etl\",\"2\"]"), &json!("high"))
    );
    assert_eq!(all[0].1["values"]["total_s"], json!(50.0));
    // Two days later the query is out of the window; nothing is known of these days, so it is not over.
    world.alert(LATER, &[]).await.expect(0);
    assert_eq!(world.inbox.all().len(), 1);
    world.lake.add_runs(LATER, covered("2026-01-21T23:00:00Z")).await;
    world.alert(LATER, &[]).await.expect(0);
    assert_eq!(world.inbox.told(), ["FAIL etl, 2", "OVER etl, 2"]);
}

#[tokio::test]
async fn wrong_input_is_refused_with_its_line() {
    let world = World::new().await;
    for (rules, says) in [
        (RULES.replace("checks", "chekcs"), "alerts.toml, line 10: unknown field `chekcs`"),
        (
            RULES.replace("LB-ENC-01", "LB-ENC-1"),
            "alerts.toml, line 8: rule 'encryption': no check has the id 'LB-ENC-1'",
        ),
        (RULES.replace("LB-ENC-01", "X-*"), "no check fits"),
        (
            RULES.replace("checks = [\"LB-ENC-01\"]", "checks = [\"LB-ENC-01\"]\nparams = { none = 1 }"),
            "has a parameter 'none'",
        ),
        (RULES.replace("checks = [\"LB-ENC-01\"]", "diagnostic = \"disk_ful\"\nentity = [\"node\"]"), "did you mean"),
        (
            RULES.replace("checks = [\"LB-ENC-01\"]", "diagnostic = \"disk_full\"\nentity = [\"nod\"]"),
            "no column 'nod'",
        ),
        (format!("exceptions = \"none.toml\"\n{RULES}"), "reading none.toml"),
    ] {
        world.place.write("alerts.toml", &rules);
        world.alert(FAILING, &[]).await.expect(2).says(&[says]);
    }
    // Of a secret that is not there, only the destination fails; the change stays.
    world.place.write("alerts.toml", &RULES.replace("\"key\"", "\"nokey\""));
    world.alert(FAILING, &[]).await.expect(1).says(&["destination 'hook': its secret: the file nokey"]);
    world.place.write("alerts.toml", RULES);
    world.alert(FAILING, &[]).await.expect(0);
    assert_eq!(world.inbox.told(), ["FAIL open"]);
    let ran = world.place.run(&["--lake", world.lake.location(), "alert"]).await.expect(2);
    assert!(ran.stderr.contains("which rules?"), "{}", ran.stderr);
    // The configuration names rules as well; a scheduled export follows the record, and says so if there is none.
    let cluster = "[clusters.a]\nhost = \"127.0.0.1\"\nport = 1\nuser = \"u\"\npassword_env = \"PW\"\n";
    world.place.write("lookback.toml", &format!("[alerts]\nrules = \"alerts.toml\"\n{cluster}"));
    let args = ["--lake", world.lake.location(), "alert", "--as-of", FIXED, "--dry-run"];
    let mut command = world.place.command(LOOKBACK);
    let output = command.args(args).env("HOOK_URL", &world.url).output().await.unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 would be sent"), "{output:?}");
    let ran = world.place.run(&["--lake", "elsewhere", "export", "--schedule", "0 0 * * * *"]).await.expect(2);
    assert!(ran.stderr.contains("[alerts] follows the record"), "{}", ran.stderr);
}
