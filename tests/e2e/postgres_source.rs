//! The same exporter over a real PostgreSQL server that holds STL tables. Its clock is the real one, so rows are dated relative
//! to now; and its time zone is not UTC, so whoever takes local time for UTC is hours off.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use lookback_exporter::clock::{Clock, SystemClock};
use lookback_exporter::source::{Endpoint, RedshiftSource, TlsMode};
use lookback_exporter::verify::verify;
use lookback_exporter::{ClusterJob, ErrorKind, Report};
use lookback_query::{Limits, Session};
use lookback_schemas::time::{HOUR, MINUTE};
use tokio_postgres::Client;

use crate::support::postgres::Postgres;
use crate::support::stl::create_stl_tables;
use crate::support::world::{RowText, World, specs};

const CORE: [&str; 8] = [
    "stl_alert_event_log",
    "stl_ddltext",
    "stl_explain",
    "stl_query",
    "stl_querytext",
    "stl_scan",
    "stl_utilitytext",
    "stl_wlm_query",
];

/// A server with the core tables, empty, a user that may read them and nothing else, and a world at the present.
struct Site {
    server: Postgres,
    admin: Client,
    world: World,
    /// The present at the start of the test, microseconds UTC.
    now: i64,
}

impl Site {
    async fn start() -> Self {
        let server = Postgres::start();
        let admin = server.client().await;
        create_stl_tables(&admin, &CORE).await;
        let grant = "CREATE ROLE exporter LOGIN PASSWORD 'reads-only' NOSUPERUSER; \
                     GRANT SELECT ON ALL TABLES IN SCHEMA public TO exporter";
        let site = Self { server, admin, world: World::new(), now: SystemClock.now() };
        site.run(grant).await;
        site
    }

    async fn run(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}\n{e:?}"));
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint {
            cluster: "pg".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: self.server.port(),
            database: self.server.database().to_owned(),
            user: "exporter".to_owned(),
            password: Some("reads-only".into()),
            tls: TlsMode::Plaintext,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(60),
            incarnation: None,
        }
    }

    fn job_at(endpoint: Endpoint, tables: &[&str]) -> [ClusterJob; 1] {
        let source = Arc::new(RedshiftSource::new(endpoint));
        [ClusterJob { name: "pg".to_owned(), source, tables: specs(tables) }]
    }

    fn job(&self, tables: &[&str]) -> [ClusterJob; 1] {
        Self::job_at(self.endpoint(), tables)
    }

    async fn export(&self, jobs: &[ClusterJob]) -> Report {
        self.world.clock.set(SystemClock.now());
        self.world.export(jobs).await
    }

    /// Exports, expects success, and says how many rows were new.
    async fn new_rows(&self, jobs: &[ClusterJob]) -> u64 {
        let report = self.export(jobs).await;
        assert_eq!(failures(&report), Vec::<String>::new());
        assert_eq!(report.exit_code(), 0);
        report.rows_new()
    }

    /// The moment as a literal of a timestamp in UTC.
    fn ago(&self, micros: i64) -> String {
        format!("'{}'", lookback_schemas::time::sql_literal(self.now - micros))
    }

    /// One query that ended so long ago, with text.
    async fn query(&self, id: i64, ended_ago: i64) {
        let (start, end) = (self.ago(ended_ago + 1_000_000), self.ago(ended_ago));
        self.run(&format!(
            "INSERT INTO stl_query (userid, query, label, database, querytxt, starttime, endtime, aborted) \
             VALUES (100, {id}, 'default', 'dev', 'select {id}', {start}, {end}, 0); \
             INSERT INTO stl_querytext (userid, query, sequence, text) VALUES (100, {id}, 0, 'select {id}')"
        ))
        .await;
    }

    /// Rows of the core tables, one query every `step` seconds back from the present.
    async fn generate(&self, queries: i64, step: i64) {
        let base = self.ago(3 * MINUTE);
        let end = format!(
            "({base}::timestamp - n * interval '{step} seconds' + (n * 7919 % 1000000) * interval '1 microsecond')"
        );
        let from = format!("FROM generate_series(1, {queries}) n");
        for (table, columns, values) in [
            (
                "stl_query",
                "userid, query, label, xid, pid, database, querytxt, starttime, endtime, aborted, insert_pristine",
                format!(
                    "100 + n % 7, n, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'etl' END, 1000 + n, n % 50, 'dev', \
                         'select ' || n, {end} - n % 60 * interval '1 second', {end}, n % 2, 0"
                ),
            ),
            ("stl_querytext", "userid, query, sequence, text", "100 + n % 7, n, 0, 'select ' || n".to_owned()),
            ("stl_explain", "query, nodeid, parentid, plannode", "n, 1, 0, 'XN Seq Scan on t' || n".to_owned()),
            (
                "stl_scan",
                "query, slice, starttime, endtime, rows, bytes, tbl, is_rrscan, perm_table_name",
                format!("n, n % 4, {end} - interval '1 second', {end}, n * 1000000007::bigint, n, 42, 't', 'sales'"),
            ),
            (
                "stl_wlm_query",
                "query, service_class, queue_end_time, service_class_start_time, service_class_end_time, final_state",
                format!("n, 6, {end} - interval '1 hour', {end} - interval '2 hours', {end}, 'Completed'"),
            ),
            (
                "stl_alert_event_log",
                "query, event, event_time",
                format!("n, 'Nested Loop Join in the query plan', {end}"),
            ),
            ("stl_ddltext", "xid, sequence, text, starttime, endtime", format!("n, 0, 'drop table x', {end}, {end}")),
            ("stl_utilitytext", "xid, sequence, text, starttime, endtime", format!("n, 0, 'commit', {end}, {end}")),
        ] {
            self.run(&format!("INSERT INTO {table} ({columns}) SELECT {values} {from}")).await;
        }
    }

    /// The rows of a table as the server has them, in the form of the lake's: times as microseconds, CHAR without padding
    /// except in fragments, nulls left out.
    async fn truth(&self, table: &str) -> Vec<RowText> {
        let columns = self
            .admin
            .query(
                "SELECT column_name::text, data_type::text, character_maximum_length::int FROM information_schema.columns \
                 WHERE table_name = $1 ORDER BY ordinal_position",
                &[&table],
            )
            .await
            .unwrap();
        let names: Vec<String> = columns.iter().map(|c| c.get(0)).collect();
        let exprs: Vec<String> = columns
            .iter()
            .map(|column| {
                let (name, kind, length): (String, String, Option<i32>) = (column.get(0), column.get(1), column.get(2));
                match kind.as_str() {
                    "timestamp without time zone" => {
                        format!("((extract(epoch FROM \"{name}\") * 1000000)::bigint)::text")
                    }
                    "character" if length == Some(200) => format!("rpad(\"{name}\"::text, 200)"),
                    _ => format!("\"{name}\"::text"),
                }
            })
            .collect();
        let sql = format!("SELECT {} FROM {table}", exprs.join(", "));
        let mut rows: Vec<RowText> = self
            .admin
            .query(&sql, &[])
            .await
            .unwrap()
            .iter()
            .map(|row| {
                let values =
                    (0..names.len()).filter_map(|i| Some((names[i].clone(), row.get::<_, Option<String>>(i)?)));
                values.collect()
            })
            .collect();
        rows.sort();
        rows
    }

    async fn assert_equals_truth(&self, tables: &[&str]) {
        for table in tables {
            let (have, want) = (self.world.rows_of(table, "pg").await, self.truth(table).await);
            assert_eq!(have.len(), want.len(), "{table}: rows in the lake and on the server");
            if let Some((have, want)) = have.iter().zip(&want).find(|(have, want)| have != want) {
                panic!("{table}: the lake has\n{have:?}\nthe server\n{want:?}");
            }
        }
    }
}

fn failures(report: &Report) -> Vec<String> {
    report.failures().map(|(t, e)| format!("{}: {e}", t.table)).collect()
}

fn kinds(report: &Report) -> Vec<(&str, ErrorKind)> {
    report.failures().map(|(t, e)| (t.table.as_str(), e.kind())).collect()
}

#[tokio::test]
async fn core_tables_arrive_exactly_and_once() {
    let site = Site::start().await;
    site.generate(600, 130).await;
    let jobs = site.job(&["core"]);
    assert_eq!(site.new_rows(&jobs).await, 8 * 600);
    site.assert_equals_truth(&CORE).await;
    assert_eq!(site.new_rows(&jobs).await, 0);
    site.query(5_000, 150 * 1_000_000).await;
    assert_eq!(site.new_rows(&jobs).await, 2);
    site.assert_equals_truth(&CORE).await;
    let reports = verify(&*site.world.exporter().await, &jobs[0]).await.unwrap();
    assert_eq!(reports.iter().map(|r| (r.missing, r.only_in_lake)).collect::<BTreeSet<_>>(), BTreeSet::from([(0, 0)]));
}

/// F3, F4, F5: late, long and simultaneous.
#[tokio::test]
async fn f03_f04_f05_late_long_and_simultaneous_rows_arrive() {
    let site = Site::start().await;
    let jobs = site.job(&["stl_query", "stl_querytext"]);
    site.query(1, 3 * MINUTE).await;
    assert_eq!(site.new_rows(&jobs).await, 2);
    // Late, inside the overlap.
    site.query(2, 20 * MINUTE).await;
    // Long: it started a day ago.
    let (start, end) = (site.ago(24 * HOUR), site.ago(4 * MINUTE));
    site.run(&format!("INSERT INTO stl_query (query, starttime, endtime) VALUES (3, {start}, {end})")).await;
    // The same microsecond as the youngest row of the first export, and the same row once more.
    let first = "SELECT * FROM stl_query WHERE query = 1";
    site.run(&format!("INSERT INTO stl_query {first}")).await;
    site.query(4, 3 * MINUTE).await;
    assert_eq!(site.new_rows(&jobs).await, 6);
    site.assert_equals_truth(&["stl_query", "stl_querytext"]).await;
    assert_eq!(site.new_rows(&jobs).await, 0);
}

/// F1 and F7: a child that could not be read, and a watermark file that is lost.
#[tokio::test]
async fn f01_f07_children_and_lost_watermarks() {
    let site = Site::start().await;
    let jobs = site.job(&["stl_query", "stl_querytext", "stl_explain"]);
    site.generate(50, 30).await;
    site.run("REVOKE SELECT ON stl_querytext FROM exporter").await;
    let report = site.export(&jobs).await;
    assert_eq!(kinds(&report), [("stl_querytext", ErrorKind::Privilege)]);
    assert!(failures(&report)[0].contains("stl_querytext"));
    site.run("GRANT SELECT ON stl_querytext TO exporter").await;
    assert_eq!(site.new_rows(&jobs).await, 50);
    site.assert_equals_truth(&["stl_query", "stl_querytext", "stl_explain"]).await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(site.world.folder.path().join(format!("state.sqlite{suffix}")));
    }
    assert_eq!(site.new_rows(&jobs).await, 0);
}

/// F12: text and values as they are.
#[tokio::test]
async fn f12_values_arrive_as_they_are() {
    let site = Site::start().await;
    let jobs = site.job(&["stl_query", "stl_ddltext", "stl_scan"]);
    let end = site.ago(10 * MINUTE + 1);
    let insert = site
        .admin
        .prepare(&format!(
            "INSERT INTO stl_query (query, label, querytxt, starttime, endtime) VALUES (1, $1, $2, {end}, {end})"
        ))
        .await
        .unwrap();
    let ddl = site
        .admin
        .prepare(&format!(
            "INSERT INTO stl_ddltext (xid, label, text, starttime, endtime) VALUES (1, $1, $2, {end}, {end})"
        ))
        .await
        .unwrap();
    let texts = [
        Some(r"C:\temp\new \\ \N"),
        Some("\"quoted first, then, more"),
        Some("two\nlines\r\nand a\ttab"),
        Some("größe 漢字 🦀 русский"),
        Some(""),
        Some("trailing blanks   "),
        Some("   "),
        None,
    ];
    for text in texts {
        site.admin.execute(&insert, &[&text, &text]).await.unwrap();
        site.admin.execute(&ddl, &[&text, &text]).await.unwrap();
    }
    // The ends of the types, and NULL everywhere else.
    site.run(&format!(
        "INSERT INTO stl_scan (query, rows, bytes, starttime, endtime) VALUES \
         (2147483647, 9223372036854775807, -9223372036854775808, NULL, {end}), (-2147483648, 0, NULL, {end}, {end}), \
         (NULL, NULL, NULL, {end}, NULL)"
    ))
    .await;
    assert_eq!(site.new_rows(&jobs).await, 2 * 8 + 3);
    site.assert_equals_truth(&["stl_query", "stl_ddltext", "stl_scan"]).await;
    assert_eq!(site.new_rows(&jobs).await, 0);
    let rows = site.world.rows("stl_query").await;
    assert_eq!(rows.iter().filter(|r| !r.contains_key("label")).count(), 1, "NULL is not ''");
    assert!(
        site.world.rows("stl_ddltext").await.iter().all(|r| r.get("text").is_none_or(|t| t.chars().count() == 200))
    );
}

/// F13: a column is added, another dropped, a type changed.
#[tokio::test]
async fn f13_columns_come_go_and_change() {
    let site = Site::start().await;
    let tables = ["stl_query", "stl_querytext", "stl_scan"];
    let jobs = site.job(&tables);
    site.generate(100, 10).await;
    assert_eq!(site.new_rows(&jobs).await, 300);
    let end = site.ago(5 * MINUTE);
    site.run(&format!(
        "ALTER TABLE stl_query ADD COLUMN query_hash varchar(40); \
         INSERT INTO stl_query (query, endtime, query_hash) VALUES (900, {end}, 'abc')"
    ))
    .await;
    let report = site.export(&jobs).await;
    assert_eq!(failures(&report), Vec::<String>::new());
    assert_eq!(report.rows_new(), 1);
    let added: Vec<_> = report.tables.iter().flat_map(|t| &t.added_columns).collect();
    assert_eq!(added, ["query_hash"]);
    site.assert_equals_truth(&tables).await;

    site.run("ALTER TABLE stl_query DROP COLUMN insert_pristine").await;
    assert_eq!(site.new_rows(&jobs).await, 0);
    site.run("ALTER TABLE stl_query ALTER COLUMN aborted TYPE text").await;
    site.query(901, 4 * MINUTE).await;
    let report = site.export(&jobs).await;
    assert_eq!(kinds(&report), [("stl_query", ErrorKind::Schema)]);
    assert_eq!(report.rows_new(), 1, "the text of the query");
}

/// F13: rows that are equal but for a new column. Which of them the server gives first is its own affair.
#[tokio::test]
async fn f13_twins_that_differ_in_a_new_column_are_told_apart() {
    let site = Site::start().await;
    let jobs = site.job(&["stl_scan"]);
    let end = site.ago(10 * MINUTE);
    let insert = |columns: &str, values: &str| {
        format!("INSERT INTO stl_scan (query, endtime{columns}) VALUES (1, {end}{values})")
    };
    site.run(&insert("", "")).await;
    assert_eq!(site.new_rows(&jobs).await, 1);
    site.run("ALTER TABLE stl_scan ADD COLUMN shard bigint").await;
    site.run(&insert(", shard", ", 7")).await;
    // Moves the first row behind the second.
    site.run("UPDATE stl_scan SET query = query WHERE shard IS NULL").await;
    assert_eq!(site.new_rows(&jobs).await, 1);
    site.assert_equals_truth(&["stl_scan"]).await;
    for order in ["shard IS NULL", "shard = 7"] {
        site.run(&format!("UPDATE stl_scan SET query = query WHERE {order}")).await;
        assert_eq!(site.new_rows(&jobs).await, 0, "{order}");
    }
    site.assert_equals_truth(&["stl_scan"]).await;
}

/// F11: with row security the server hides rows and says nothing.
#[tokio::test]
async fn f11_row_security_is_refused() {
    let site = Site::start().await;
    let jobs = site.job(&["stl_query", "stl_querytext"]);
    site.query(1, 10 * MINUTE).await;
    site.run("ALTER TABLE stl_query ENABLE ROW LEVEL SECURITY").await;
    let report = site.export(&jobs).await;
    assert_eq!((kinds(&report), report.exit_code()), (vec![("", ErrorKind::Privilege)], 1));
    assert!(site.world.rows("stl_query").await.is_empty());
    site.run("ALTER TABLE stl_query DISABLE ROW LEVEL SECURITY").await;
    assert_eq!(site.new_rows(&jobs).await, 2);
}

/// The server's local time is hours away from UTC, and stays where it is.
#[tokio::test]
async fn a_session_time_zone_shifts_nothing() {
    let site = Site::start().await;
    site.run("ALTER ROLE exporter SET timezone TO 'Asia/Kathmandu'").await;
    let zone: String = site.admin.query_one("SHOW timezone", &[]).await.unwrap().get(0);
    assert_eq!(zone, "America/New_York");
    let jobs = site.job(&["stl_query", "stl_querytext"]);
    // On both sides of every edge that a shift by hours would move.
    let ages = [3 * MINUTE, 4 * HOUR, 5 * HOUR + 45 * MINUTE, 10 * HOUR, 26 * HOUR];
    for (id, age) in (1..).zip(ages) {
        site.query(id, age).await;
    }
    assert_eq!(site.new_rows(&jobs).await, 2 * 5);
    site.assert_equals_truth(&["stl_query", "stl_querytext"]).await;
    let mut ends: Vec<i64> =
        site.world.rows("stl_query").await.iter().map(|r| site.now - r["endtime"].parse::<i64>().unwrap()).collect();
    ends.sort_unstable();
    assert_eq!(ends, ages);
    let watermark = site.world.exporter().await.watermark("pg", "stl_query").await.unwrap().unwrap();
    assert!((watermark.covered_until - (site.now - 2 * MINUTE)).abs() < MINUTE, "{watermark:?}");
    let session = Session::open(site.world.lake_path().to_str().unwrap(), Limits::default()).await.unwrap();
    let sql = "SELECT count(*) FROM stl_query WHERE log_date = CAST(endtime AS date)";
    let batches: Vec<RecordBatch> = session.query(sql).await.unwrap().collect().await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 5);
}

/// What a person gets wrong first.
#[tokio::test]
async fn mistakes_are_named() {
    let site = Site::start().await;
    let tables = ["stl_query", "stl_vacuum"];
    let wrong = |change: &dyn Fn(&mut Endpoint)| {
        let mut endpoint = site.endpoint();
        change(&mut endpoint);
        Site::job_at(endpoint, &tables)
    };
    for (jobs, kind, word) in [
        (wrong(&|e| e.password = Some("wrong-password".into())), ErrorKind::Auth, "password authentication failed"),
        (wrong(&|e| e.password = None), ErrorKind::Auth, "password"),
        (wrong(&|e| e.user = "nobody".to_owned()), ErrorKind::Auth, "nobody"),
        (wrong(&|e| e.database = "nowhere".to_owned()), ErrorKind::Config, "nowhere"),
        (wrong(&|e| e.tls = TlsMode::Verify), ErrorKind::Tls, "TLS"),
        (wrong(&|e| e.port = 1), ErrorKind::Connect, "127.0.0.1:1"),
    ] {
        let report = site.export(&jobs).await;
        assert_eq!(kinds(&report), [("", kind)], "{:?}", failures(&report));
        let said = &failures(&report)[0];
        assert!(said.contains(word) && said.contains("'pg'"), "{said}");
        assert!(!said.contains("wrong-password"), "{said}");
        assert!(report.failures().next().unwrap().1.advice().is_some());
    }
    // A table that is not there is named, and stops no other.
    site.query(1, 10 * MINUTE).await;
    let report = site.export(&site.job(&tables)).await;
    assert_eq!(kinds(&report), [("stl_vacuum", ErrorKind::MissingTable)]);
    assert!(failures(&report)[0].contains("stl_vacuum"));
    site.assert_equals_truth(&["stl_query"]).await;
    // A table that may not be read, too.
    site.run("REVOKE SELECT ON stl_query FROM exporter").await;
    let report = site.export(&site.job(&["stl_query", "stl_scan"])).await;
    assert_eq!(kinds(&report), [("stl_query", ErrorKind::Privilege)]);
}
