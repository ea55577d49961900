//! `sql` and `diagnose`.

use std::fs::File;

use lookback_schemas::time::MINUTE;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::{Place, Sim};

/// An exported cluster with the queries 1 to 5.
async fn lake() -> (Place, Sim) {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    (place, sim)
}

const SQL: &str = "SELECT cluster_id, query, trim(querytxt) AS text FROM stl_query WHERE query < 3 ORDER BY query";

#[tokio::test]
async fn answers_in_every_text_format() {
    let (place, _sim) = lake().await;
    let out = async |format: &str| place.run(&["sql", "--format", format, SQL]).await.expect(0).stdout;
    insta::assert_snapshot!(out("table").await, @r"
     cluster_id | query | text
    ------------+-------+----------
     one        |     1 | select 1
     one        |     2 | select 2
    (2 rows)
    ");
    assert_eq!(out("csv").await, "cluster_id,query,text\none,1,select 1\none,2,select 2\n");
    let json: serde_json::Value = serde_json::from_str(&out("json").await).unwrap();
    let rows = [
        serde_json::json!({ "cluster_id": "one", "query": 1, "text": "select 1" }),
        serde_json::json!({ "cluster_id": "one", "query": 2, "text": "select 2" }),
    ];
    assert_eq!(json.as_array().unwrap(), &rows);
    let lines: Vec<serde_json::Value> = out("ndjson").await.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines, rows);
    assert_eq!(place.run(&["sql", SQL]).await.expect(0).stdout, out("table").await, "the table is the default");
    let ran = place.run(&["sql", "--format", "xml", SQL]).await.expect(2);
    assert_eq!(
        ran.stderr,
        "lookback: 'xml' is not a format; formats are table, expanded, csv, json, ndjson, parquet, arrow\n"
    );
}

#[tokio::test]
async fn answers_as_parquet_and_arrow_files() {
    let (place, _sim) = lake().await;
    place.run(&["sql", "--format", "parquet", "-o", "out.parquet", SQL]).await.expect(0);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(place.path("out.parquet")).unwrap()).unwrap();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    let parquet = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();

    place.run(&["sql", "--format", "arrow", "--output", "out.arrow", SQL]).await.expect(0);
    let reader = arrow::ipc::reader::FileReader::try_new(File::open(place.path("out.arrow")).unwrap(), None).unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string(), parquet);
    insta::assert_snapshot!(parquet, @r"
    +------------+-------+----------+
    | cluster_id | query | text     |
    +------------+-------+----------+
    | one        | 1     | select 1 |
    | one        | 2     | select 2 |
    +------------+-------+----------+
    ");

    // Also to a pipe, byte for byte.
    for format in ["parquet", "arrow"] {
        let ran = place.run(&["sql", "--format", format, "SELECT 1 AS one"]).await.expect(0);
        let magic: &[u8] = if format == "parquet" { b"PAR1" } else { b"ARROW1" };
        assert!(ran.bytes.starts_with(magic) && ran.bytes.ends_with(magic), "{format}");
    }
    place
        .run(&["sql", "--format", "parquet", "SELECT 1; SELECT 2"])
        .await
        .expect(2)
        .says(&["parquet holds one result"]);
}

#[tokio::test]
async fn an_answer_without_rows_has_its_columns() {
    let (place, _sim) = lake().await;
    let sql = "SELECT query, endtime FROM stl_query WHERE query > 100";
    assert_eq!(place.run(&["sql", "--format", "csv", sql]).await.expect(0).stdout, "query,endtime\n");
    assert_eq!(place.run(&["sql", "--format", "json", sql]).await.expect(0).json(), serde_json::json!([]));
    place.run(&["sql", "--format", "parquet", "-o", "none.parquet", sql]).await.expect(0);
    let file = File::open(place.path("none.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!((reader.schema().fields().len(), reader.metadata().file_metadata().num_rows()), (2, 0));
}

#[tokio::test]
async fn statements_come_from_a_file_or_standard_input() {
    let (place, _sim) = lake().await;
    place.write("ask.sql", "-- how many\nSELECT count(*) AS n FROM stl_query;\n");
    let ran = place.run(&["sql", "--format", "csv", "-f", "ask.sql"]).await.expect(0);
    assert_eq!(ran.stdout, "n\n5\n");
    for args in [&["sql", "--format", "csv"][..], &["sql", "--format", "csv", "-"]] {
        let ran = place.run_with_input(args, "SELECT count(*) AS n FROM stl_query").await.expect(0);
        assert_eq!(ran.stdout, "n\n5\n");
    }
    place.write("two.sql", "SELECT 2 AS m; -- done");
    let args = ["sql", "--format", "csv", "-f", "two.sql", "-f", "ask.sql", "-f", "-"];
    assert_eq!(place.run_with_input(&args, "SELECT 3 AS o;").await.expect(0).stdout, "m\n2\nn\n5\no\n3\n");
    place.write("wrong.sql", "SELECT 1; SELEC 2");
    place.run(&["sql", "-f", "two.sql", "-f", "wrong.sql"]).await.expect(1).says(&["wrong.sql: syntax error"]);
    place.run(&["sql", "-f", "missing.sql"]).await.expect(2).says(&["missing.sql", "No such file"]);
    place.run(&["sql", "-f", "ask.sql", "SELECT 1"]).await.expect(2).says(&["cannot be used with"]);
    place.run(&["sql", "  ;  "]).await.expect(2).says(&["there is no statement"]);
}

#[tokio::test]
async fn several_statements_are_answered_in_order() {
    let (place, _sim) = lake().await;
    let ran = place.run(&["sql", "--format", "csv", "SELECT 1 AS a; SELECT 2 AS b;"]).await.expect(0);
    assert_eq!(ran.stdout, "a\n1\nb\n2\n");
    // All of them are understood before any of them runs.
    let ran = place.run(&["sql", "--format", "csv", "SELECT 1 AS a; DROP TABLE stl_query"]).await.expect(1);
    assert_eq!(ran.stdout, "");
    // A file holds them all.
    place.run(&["sql", "--format", "csv", "-o", "out.csv", "SELECT 1 AS a; SELECT 2 AS b"]).await.expect(0);
    assert_eq!(std::fs::read_to_string(place.path("out.csv")).unwrap(), "a\n1\nb\n2\n");
    // The first that fails is the last, and the file stays as it was.
    let before = place.entries();
    let args =
        ["sql", "--format", "csv", "-o", "out.csv", "SELECT 3 AS c; SELECT nothing FROM stl_query; SELECT 4 AS d"];
    place.run(&args).await.expect(1).says(&["'nothing' does not exist"]);
    assert_eq!(std::fs::read_to_string(place.path("out.csv")).unwrap(), "a\n1\nb\n2\n");
    assert_eq!(place.entries(), before);
    let ran = place.run(&["sql", "--format", "csv", "SELECT 3 AS c; SELECT nothing FROM stl_query; SELECT 4"]).await;
    assert_eq!(ran.expect(1).stdout, "c\n3\n");
}

#[tokio::test]
async fn a_syntax_error_says_where() {
    let (place, _sim) = lake().await;
    let ran = place.run(&["sql", "SELECT *\nFROM stl_query\nWHERE ("]).await.expect(1);
    insta::assert_snapshot!(ran.stderr, @"lookback: syntax error: Expected: an expression, found: EOF at Line: 3, Column: 8");
    let ran = place.run(&["sql", "SELEC 1"]).await.expect(1).says(&["syntax error", "SELEC", "Line: 1"]);
    assert_eq!(ran.stdout, "");
}

#[tokio::test]
async fn names_that_do_not_exist_get_a_suggestion() {
    let (place, _sim) = lake().await;
    place.run(&["sql", "SELECT * FROM stl_qurey"]).await.expect(1).says(&["stl_qurey", "stl_query"]);
    place
        .run(&["sql", "SELECT querytext FROM stl_query"])
        .await
        .expect(1)
        .says(&["'querytext' does not exist", "querytxt"]);
}

#[tokio::test]
async fn statements_that_would_change_something_are_refused() {
    let (place, _sim) = lake().await;
    let before = place.files();
    for sql in [
        "DROP TABLE stl_query",
        "COPY (SELECT 1) TO 'out.csv'",
        "SET datafusion.execution.batch_size = 1",
        "INSERT INTO stl_query SELECT * FROM stl_query",
        "DELETE FROM stl_query",
        "UPDATE stl_query SET query = 1",
        "CREATE TABLE t AS SELECT 1",
        "CREATE EXTERNAL TABLE t (a int) STORED AS CSV LOCATION '/etc/passwd'",
        "TRUNCATE stl_query",
        "EXPLAIN ANALYZE DELETE FROM stl_query",
    ] {
        let ran = place.run(&["sql", sql]).await.expect(1);
        assert_eq!(ran.stdout, "", "{sql}");
        assert!(ran.stderr.contains("refused") || ran.stderr.contains("syntax error"), "{sql}: {}", ran.stderr);
    }
    let ran = place.run(&["sql", "SELECT * FROM '/etc/passwd'"]).await.expect(1);
    assert!(!ran.stderr.contains("root:") && !ran.stdout.contains("root:"));
    assert_eq!(place.files(), before);
}

#[tokio::test]
async fn as_of_is_the_moment_that_getdate_answers() {
    let (place, _sim) = lake().await;
    let args = ["sql", "--format", "csv", "--as-of", "2026-01-31T08:00", "SELECT getdate() AS now"];
    assert_eq!(place.run(&args).await.expect(0).stdout, "now\n2026-01-31 08:00:00\n");
    let args = ["sql", "--as-of", "yesterday-ish", "SELECT getdate()"];
    place.run(&args).await.expect(2).says(&["yesterday-ish"]);
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    let (place, _sim) = lake().await;
    for format in ["csv", "ndjson", "json", "table"] {
        let sql = "SELECT a.value, b.value FROM generate_series(1, 2000) AS a, generate_series(1, 500) AS b";
        let script = format!("{{ \"$0\" sql --format {format} '{sql}'; echo \"code $?\" >&2; }} | head -1");
        let ran = place.sh(&script).await.expect(0);
        assert_eq!(ran.stderr, "code 0\n", "{format}");
        assert_eq!(ran.stdout.lines().count(), 1);
    }
}

#[tokio::test]
async fn commands_that_print_tables_survive_a_closed_reader() {
    let (place, _sim) = lake().await;
    for command in ["tables --all", "tables --all --format json", "diagnose", "status", "check"] {
        // `true` reads nothing, so that the first write may already fail.
        let script = format!("{{ \"$0\" {command}; echo \"code $?\" >&2; }} | true");
        let ran = place.sh(&script).await.expect(0);
        let noise = ran.stderr.lines().filter(|l| !l.contains("WARN")).collect::<Vec<_>>();
        assert_eq!(noise, ["code 0"], "{command}");
    }
}

#[tokio::test]
async fn an_output_file_that_cannot_be_written_is_named() {
    let (place, _sim) = lake().await;
    place.run(&["sql", "-o", "missing/out.csv", "SELECT 1"]).await.expect(1).says(&["missing/out.csv", "No such file"]);
    // The device that is always full.
    let ran = place.sh("\"$0\" sql --format csv 'SELECT 1' > /dev/full").await.expect(1);
    ran.says(&["No space left"]);
    let ran = place.sh("\"$0\" tables > /dev/full").await.expect(1);
    ran.says(&["No space left"]);
}

#[tokio::test]
async fn a_lake_can_be_named_without_a_configuration() {
    let (place, sim) = lake().await;
    let elsewhere = Place::new();
    let location = place.path("lake").display().to_string();
    let args = ["sql", "--lake", &location, "--format", "csv", "SELECT count(*) AS n FROM stl_query"];
    assert_eq!(elsewhere.run(&args).await.expect(0).stdout, format!("n\n{}\n", sim.truth().len()));
    let ran = elsewhere.run(&["sql", "SELECT 1"]).await.expect(1);
    insta::assert_snapshot!(elsewhere.steady(&ran.stderr), @r"lookback: there is no folder 'lake'. Give the folder that `lookback export` writes to (--lake), or make one with `lookback demo`");
    assert_eq!(elsewhere.entries(), [""; 0]);
}

#[tokio::test]
async fn tables_without_rows_are_empty_and_not_unknown() {
    let (place, _sim) = lake().await;
    assert_eq!(place.query("SELECT count(*) FROM stl_scan").await, ["0"]);
    place.run(&["sql", "SHOW TABLES"]).await.expect(0);
}

#[tokio::test]
async fn diagnose_lists_the_questions() {
    let ran = Place::new().run(&["diagnose"]).await.expect(0);
    insta::assert_snapshot!(ran.stdout, @r"
    Queries:
      costliest_queries      Queries that cost most in sum
      errors                 Errors of the servers
      failed_queries         Failed and cancelled queries
      hourly_queries         Queries by hour
      query_text             Full text of one query
      query_timeline         Timeline of one query
      shared_queries         Queries that run on several clusters
      slower_queries         Queries that got slower
      slowest_queries        Slowest queries
    Queues and load:
      cluster_load           Size and idle hours of the clusters
      commit_queue           Commit queue
      concurrency_scaling    Use of concurrency scaling
      costs                  Who uses the cluster
      load_by_hour           Load by hour of the day
      queue_pressure         Queue pressure
      queued_queries         Queries that waited longest
      wlm_rule_actions       Rules of workload management
    Tables and plans:
      alerts                 Alerts of the planner
      alerts_by_table        Alerts by table, with the fix
      analyzes               Analyze by table
      disk_spill             Steps that spilled to disk
      hourly_alerts          Alerts by hour
      missing_statistics     Tables without statistics
      nested_loops           Nested loop joins
      redistributed_rows     Joins that move rows between nodes
      skew                   Slices that do most of the work
      unused_tables          Tables that nobody reads
      vacuums                Vacuum by table
      wasteful_scans         Scans that throw most rows away
    Loading and unloading:
      changed_rows           Inserted and deleted rows
      load_errors            Errors of COPY
      loads                  COPY: files, rows and speed
      s3_transfers           Traffic with S3
      unloads                UNLOAD: files, rows and speed
    Security:
      ddl_changes            Changes of tables, by whom
      failed_logins          Failed log-ins
      open_connections       Connections that are never closed
      plaintext_sessions     Sessions without TLS
      privilege_changes      Changes of users and rights
      unused_users           Users that nobody uses
    Transactions and cluster:
      disk_full              Queries that met a full disk
      long_transactions      Long transactions
      restarts               Restarts
      rollbacks              Transactions that were undone
      transaction_conflicts  Transactions that were cancelled by a conflict
      usage_limits           Usage limits that were reached

    lookback diagnose NAME asks one, --describe NAME says what it takes and answers, --all asks all of them.
    ");
}

#[tokio::test]
async fn diagnose_answers_with_parameters() {
    let sim = Sim::generated("one").await;
    let place = Place::with_export("tables = [\"core\", \"stl_connection_log\"]", &[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    let rows = |ran: &crate::support::Ran| ran.stdout.lines().count() - 1;
    let ran = place.run(&["diagnose", "slowest_queries", "--format", "csv"]).await.expect(0);
    assert_eq!(rows(&ran), 10);
    let ran = place.run(&["diagnose", "slowest_queries", "-p", "top=3", "--format", "csv"]).await.expect(0);
    assert_eq!(rows(&ran), 3);
    let ran = place.run(&["diagnose", "slowest_queries", "-p", "cluster=other", "--format", "csv"]).await.expect(0);
    assert_eq!(rows(&ran), 0);
    let from = lookback_schemas::time::rfc3339(sim.cluster.now() - MINUTE);
    let from = format!("from={from}");
    let ran = place.run(&["diagnose", "slowest_queries", "--param", &from, "--format", "csv"]).await.expect(0);
    assert_eq!(rows(&ran), 0);
    // Every question can be asked.
    let ran = place.run(&["diagnose", "--all", "--output", "report.html"]).await.expect(0);
    assert_eq!(ran.stdout, "");
    let page = std::fs::read_to_string(place.path("report.html")).unwrap();
    assert!(page.contains("<article id=\"slowest_queries\">") && page.contains("<svg "));
    assert!(!page.contains("<article id=\"query_text\">"), "it needs a query");
    let ran = place.run(&["diagnose", "--all", "-p", "query=1", "-p", "top=2"]).await.expect(0);
    for part in ["# Lookback: diagnostics", "### Slowest queries", "### Full text of one query", "What to do:"] {
        assert!(ran.stdout.contains(part), "{part}\n{}", ran.stdout);
    }
}

#[tokio::test]
async fn diagnose_describes_a_question() {
    let ran = Place::new().run(&["diagnose", "--describe", "queued_queries"]).await.expect(0);
    for part in [
        "queued_queries: Queries that waited longest\nWhich queries waited longest for a slot",
        "Group: Queues and load. Rows mean: info.",
        "top        number",
        "queue_s        seconds  waiting, in all queues",
        "What to do:\n- Short queries behind long ones",
    ] {
        assert!(ran.stdout.contains(part), "{part}\n{}", ran.stdout);
    }
}

#[tokio::test]
async fn diagnose_says_what_to_do() {
    let sim = Sim::generated("one").await;
    let place = Place::with_export("tables = [\"core\"]", &[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    let ran = place.run(&["diagnose", "slowest_queries"]).await.expect(0);
    assert!(ran.stdout.starts_with("Slowest queries: Which queries took longest"), "{}", ran.stdout);
    assert!(ran.stdout.contains("(10 rows)\n\nWhat to do:\n- Take the slowest one"), "{}", ran.stdout);
    let ran = place.run(&["diagnose", "slowest_queries", "-p", "cluster=none"]).await.expect(0);
    assert!(!ran.stdout.contains("What to do"));
    place.run(&["diagnose", "slowest_queries", "--output", "slow.md"]).await.expect(0);
    assert!(std::fs::read_to_string(place.path("slow.md")).unwrap().contains("### Slowest queries"));
    place.run(&["diagnose", "slowest_queries", "--format", "csv", "--output", "slow.csv"]).await.expect(0);
    assert!(std::fs::read_to_string(place.path("slow.csv")).unwrap().starts_with("cluster_id,query,"));
}

#[tokio::test]
async fn a_report_shows_what_failed_and_ends_with_an_error() {
    let sim = Sim::generated("one").await;
    let place = Place::with_export("tables = [\"core\"]", &[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    // Every file of one table is cut short: what reads it fails, the others do not.
    let is_cut = |path: &std::path::PathBuf| {
        path.to_string_lossy().contains("stl_alert_event_log") && path.extension().is_some_and(|e| e == "parquet")
    };
    for file in place.files().into_iter().filter(is_cut) {
        std::fs::write(&file, b"PAR1").unwrap();
    }
    let ran = place.run(&["diagnose", "--all", "-o", "report.md"]).await.expect(1);
    ran.says(&["diagnostics failed", "alerts", "hourly_alerts"]);
    let report = std::fs::read_to_string(place.path("report.md")).unwrap();
    assert!(report.contains("**Failed:**") && report.contains("| failed |"), "{report}");
    assert!(report.contains("### Slowest queries\n") && report.contains("Take the slowest one"), "{report}");
}

#[tokio::test]
async fn a_wrong_question_or_parameter_is_usage() {
    let (place, _sim) = lake().await;
    place
        .run(&["diagnose", "slowest_querys"])
        .await
        .expect(2)
        .says(&["'slowest_querys'", "did you mean 'slowest_queries'"]);
    place.run(&["diagnose", "nothing_like_it_at_all"]).await.expect(2).says(&["slowest_queries"]);
    place.run(&["diagnose", "alerts", "-p", "top"]).await.expect(2).says(&["'top' is not a parameter", "name=value"]);
    place.run(&["diagnose", "alerts", "-p", "top=many"]).await.expect(2).says(&["top"]);
    place.run(&["diagnose", "alerts", "-p", "limit=1"]).await.expect(2).says(&["limit"]);
    place.run(&["diagnose", "query_text"]).await.expect(2).says(&["'query_text' needs a value for 'query'"]);
    place.run(&["diagnose", "--all", "-p", "tpo=1"]).await.expect(2).says(&["no diagnostic of this report", "'tpo'"]);
    place.run(&["diagnose", "--all", "-p", "from=never"]).await.expect(2).says(&["'never' is not a time"]);
    place.run(&["diagnose", "--all", "-o", "report.pdf"]).await.expect(2).says(&["report.pdf", ".md or .html"]);
    place.run(&["diagnose", "--all", "alerts"]).await.expect(2);
    place.run(&["diagnose", "--describe"]).await.expect(2);
    place.run(&["diagnose", "-o", "list.md"]).await.expect(2);
    assert!(!place.entries().iter().any(|name| name.starts_with("report") || name.starts_with("list")));
    place.run(&["diagnose", "alerts", "--format", "xml"]).await.expect(2).says(&["'xml' is not a format"]);
}
