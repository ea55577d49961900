//! `live.<table>` and `all.<table>`: the clusters themselves in a question.

use std::process::Stdio;
use std::time::Duration;

use lookback_schemas::time::MINUTE;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::{LOOKBACK, Place, Ran, Sim, now, query};

/// Asks with clusters; the answer is one number.
async fn number(place: &Place, sql: &str) -> i64 {
    let ran = place.run(&["sql", "--live", "--format", "csv", sql]).await.expect(0);
    ran.stdout.lines().nth(1).unwrap().parse().unwrap()
}

async fn refused(place: &Place, sql: &str) -> Ran {
    place.run(&["sql", "--live", sql]).await.expect(1)
}

#[tokio::test]
async fn what_is_new_on_a_cluster_is_there_before_and_after_its_export() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    // Two that are older than the margin, which an export takes, and one that it does not take yet.
    let times = [now() - 10 * MINUTE, now() - 9 * MINUTE, sim.cluster.now()];
    sim.cluster.insert("stl_query", (6..).zip(times).map(|(n, end)| query(n, end)).collect());
    for exported in [5, 7] {
        assert_eq!(number(&place, "SELECT count(*) FROM stl_query").await, exported);
        assert_eq!(number(&place, "SELECT count(*) FROM live.stl_query").await, 8);
        assert_eq!(number(&place, "SELECT count(*) FROM all.stl_query").await, 8);
        assert_eq!(number(&place, "SELECT sum(query) FROM all.stl_query WHERE log_date >= '2000-01-02'").await, 36);
        place.run(&["export"]).await.expect(0);
    }
    // As an export gives them: the columns, the cluster's name and the day.
    let columns = "SELECT cluster_id, query, trim(querytxt), log_date = endtime::date, label FROM";
    let all = format!("{columns} {{}}.stl_query WHERE endtime > getdate() - interval '1 day' ORDER BY query LIMIT 6");
    let of = async |schema: &str| place.run(&["sql", "--live", &all.replace("{}", schema)]).await.expect(0).stdout;
    let history = of("public").await;
    assert!(history.contains("one"), "{history}");
    assert_eq!(of("live").await, history);
    assert_eq!(of("all").await, history);
    // Joined with history and with itself, in a view, and beside other tables.
    let joined = "SELECT count(*) FROM live.stl_query l JOIN stl_query h USING (cluster_id, query) JOIN all.stl_query a USING (cluster_id, query)";
    assert_eq!(number(&place, joined).await, 7);
    let view = "CREATE VIEW now_too AS SELECT query FROM all.stl_query; SELECT count(*) FROM now_too";
    let ran = place.run(&["sql", "--live", view]).await.expect(0);
    assert!(ran.stdout.contains('8'), "{}", ran.stdout);
    assert_eq!(number(&place, "SELECT count(*) FROM all.stl_alert_event_log").await, 0);
    let listed = "SELECT count(DISTINCT table_schema) FROM information_schema.tables WHERE table_name = 'stl_query'";
    assert_eq!(number(&place, listed).await, 3);
    // Nothing was written for any of it.
    assert_eq!(place.query("SELECT count(*) FROM stl_query").await, ["7"]);
}

#[tokio::test]
async fn clusters_are_read_only_where_that_is_on_and_never_in_part() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with(&[&one.section(), &two.section()]);
    place.run(&["export"]).await.expect(0);
    let live = "SELECT count(*) FROM live.stl_query";
    place.run(&["sql", live]).await.expect(1).says(&["'live.stl_query'", "--live", "[live]"]);
    place.run(&["sql", "SELECT count(*) FROM all.stl_query"]).await.expect(1).says(&["'all.stl_query'", "--live"]);
    // Another moment, tables that no cluster has, and views.
    place.run(&["sql", "--live", "--as-of", "2026-01-01", live]).await.expect(2).says(&["--as-of"]);
    refused(&place, "SELECT 1 FROM live.lookback_clusters").await.says(&["no cluster has such a log"]);
    refused(&place, "SELECT 1 FROM live.svl_qlog").await.says(&["live.svl_qlog"]);
    refused(&place, "SELECT 1 FROM all.svl_user_info").await.says(&["not exported", "class final"]);
    // The setting, its limits, and a moment again.
    let with = async |keys: &[(&str, &str)], args: &[&str]| {
        let mut command = place.command(LOOKBACK);
        command.arg("sql").args(args).env("LOOKBACK_LIVE__ENABLED", "true").envs(keys.iter().copied());
        let output = command.output().await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (code, said) = with(&[("LOOKBACK_LIVE__CONNECTIONS", "1")], &["--format", "csv", live]).await;
    assert!(code == Some(0) && said.contains("10"), "{said}");
    let (code, said) = with(&[], &["--as-of", "2026-01-01", live]).await;
    assert!(code == Some(1) && said.contains("another moment"), "{said}");
    let (code, said) = with(&[("LOOKBACK_LIVE__MAX_ROWS", "4")], &[live]).await;
    assert!(code == Some(1) && said.contains("more than 4 rows of stl_query") && said.contains("endtime"), "{said}");
    // A cluster that is down fails what needs it, by its name, and nothing else.
    two.server.stop().await;
    refused(&place, live).await.says(&["cluster 'two'"]);
    refused(&place, "SELECT count(*) FROM all.stl_query").await.says(&["cluster 'two'"]);
    assert_eq!(number(&place, "SELECT count(*) FROM all.stl_query WHERE cluster_id = 'one'").await, 5);
    assert_eq!(number(&place, "SELECT count(*) FROM live.stl_query WHERE cluster_id IN ('one', 'three')").await, 5);
    assert_eq!(number(&place, "SELECT count(*) FROM stl_query").await, 10);
}

#[tokio::test]
async fn a_later_incarnation_is_a_cluster_of_its_own() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    sim.cluster.new_incarnation();
    sim.cluster.insert("stl_query", vec![query(1, now() - 10 * MINUTE)]);
    let all = "SELECT count(*) FROM all.stl_query WHERE cluster_id";
    // As the next export will call it, which has to record that first.
    for _ in 0..2 {
        assert_eq!(number(&place, &format!("{all} = 'one'")).await, 5);
        assert_eq!(number(&place, &format!("{all} = 'one@2'")).await, 1);
        assert_eq!(number(&place, "SELECT count(*) FROM all.stl_query").await, 6);
        place.run(&["export"]).await.expect(0);
    }
}

/// A running server, stopped when it is dropped.
struct Served {
    _child: tokio::process::Child,
    address: String,
}

impl Served {
    async fn start(place: &Place) -> Self {
        let mut command = place.command(LOOKBACK);
        command.args(["serve", "--live", "--pg", "off", "--http", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap().unwrap();
        let (_, rest) = first.split_once("http://").unwrap();
        Self { _child: child, address: rest.trim_end_matches('/').to_owned() }
    }

    /// The answer to a statement as CSV, with its head.
    async fn ask(&self, sql: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!(
            "POST /api/sql?format=csv HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nLookback-Request: 1\r\n",
            self.address
        );
        let rest = format!("Content-Length: {}\r\nConnection: close\r\n\r\n{sql}", sql.len());
        stream.write_all(format!("{head}{rest}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test]
async fn a_server_reads_clusters_for_many_at_once() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with(&[&one.section(), &two.section(), "[live]\nconnections = 1\n"]);
    place.run(&["export"]).await.expect(0);
    one.cluster.insert("stl_query", vec![query(6, one.cluster.now())]);
    let server = Served::start(&place).await;
    // Two tables of two clusters in each of six statements, on one connection at a time.
    let sql = "SELECT 'rows', (SELECT count(*) FROM live.stl_query) + (SELECT count(*) FROM all.stl_query)";
    let answers = futures::future::join_all((0..6).map(|_| server.ask(sql))).await;
    for answer in answers {
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("rows,22"), "{answer}");
    }
    // New rows are there at once, and a cluster that goes away is named.
    two.cluster.insert("stl_query", vec![query(6, two.cluster.now())]);
    let answer = server.ask(sql).await;
    assert!(answer.contains("rows,24"), "{answer}");
    two.server.stop().await;
    let answer = server.ask(sql).await;
    assert!(!answer.starts_with("HTTP/1.1 200") && answer.contains("cluster 'two'"), "{answer}");
}
