//! What clients ask, over the real wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::SystemTime;

use common::{DAY, HOUR, SECOND, START, connect, connect_as, one, query, serve, sqlstate, texts};
use futures::{StreamExt, TryStreamExt, pin_mut};
use lookback_simulator::{Access, Cluster, Row, VERSION, Value};
use tokio_postgres::types::Type;

#[tokio::test]
async fn a_session_begins_as_on_redshift() {
    let cluster = Cluster::empty("c1", START);
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    assert_eq!(one(&client, "SELECT version()").await.as_deref(), Some(VERSION));
    client
        .batch_execute("SET timezone TO 'UTC'; SET query_group TO 'lookback'; SET statement_timeout TO 600000")
        .await
        .unwrap();
    assert_eq!(one(&client, "SHOW query_group").await.as_deref(), Some("lookback"));
    assert_eq!(one(&client, "SELECT getdate()").await.as_deref(), Some("2026-03-02 00:00:00"));
    assert_eq!(one(&client, "select current_namespace").await, Some(cluster.namespace()));
    assert_eq!(one(&client, "SELECT current_user").await.as_deref(), Some("lookback"));
    let usesuper = "SELECT usesuper FROM pg_user WHERE usename = current_user";
    assert_eq!(one(&client, usesuper).await.as_deref(), Some("f"));
    let access = "SELECT syslog_access FROM svv_user_info WHERE user_name = current_user";
    assert_eq!(one(&client, access).await.as_deref(), Some("UNRESTRICTED"));
    let roles = "SELECT role_name FROM svv_user_grants WHERE user_name = current_user";
    assert_eq!(texts(&client, roles).await.len(), 0);
    client.batch_execute("BEGIN; SELECT 1; COMMIT").await.unwrap();
    cluster.advance(1_500_000);
    let row = client.query_one("SELECT getdate(), current_namespace, count(*) FROM stl_query", &[]).await.unwrap();
    let names: Vec<_> = row.columns().iter().map(|c| (c.name().to_owned(), c.type_().clone())).collect();
    assert_eq!(
        names,
        [
            ("getdate".to_owned(), Type::TIMESTAMP),
            ("current_namespace".to_owned(), Type::VARCHAR),
            ("count".to_owned(), Type::INT8)
        ]
    );
    assert_eq!(micros(row.get(0)), START + 1_500_000);
}

fn micros(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

#[tokio::test]
async fn every_table_reports_the_types_of_its_documentation() {
    let cluster = Cluster::empty("c1", START);
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    for table in cluster.tables() {
        let statement = client.prepare(&format!("SELECT * FROM {table}")).await.unwrap();
        let spec = lookback_schemas::registry().table(&table).unwrap();
        assert_eq!(statement.columns().len(), spec.columns.len(), "{table}");
        for (column, documented) in statement.columns().iter().zip(&spec.columns) {
            assert_eq!(column.name(), documented.name);
            let (want, modifier) = match documented.redshift_type.as_str() {
                "integer" => (Type::INT4, -1),
                "bigint" => (Type::INT8, -1),
                "timestamp" => (Type::TIMESTAMP, -1),
                "double precision" => (Type::FLOAT8, -1),
                text => (Type::BPCHAR, 4 + text[10..text.len() - 1].parse::<i32>().unwrap()),
            };
            assert_eq!((column.type_(), column.type_modifier()), (&want, modifier), "{table}.{}", column.name());
        }
    }
}

#[tokio::test]
async fn binary_and_text_results_agree() {
    let cluster = Cluster::empty("c1", START + DAY);
    cluster.add_column("stl_query", "cost", "numeric(12,3)");
    cluster.add_column("stl_query", "note", "character varying(20)");
    cluster.add_column("stl_query", "share", "double precision");
    cluster.add_column("stl_query", "odd", "boolean");
    let row = query(7, 100, START + 123_456)
        .with("label", "it's \\ \"quoted\", with\ttab")
        .with("cost", -42)
        .with("note", "")
        .with("share", 0.25)
        .with("odd", true);
    cluster.insert("stl_query", vec![row, query(8, 100, START + SECOND)]);
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    let sql =
        "SELECT userid, query, label, xid, querytxt, endtime, cost, note, share, odd FROM stl_query ORDER BY query";
    let statement = client.prepare(sql).await.unwrap();
    let rows = client.query_raw(&statement, std::iter::empty::<i32>()).await.unwrap();
    pin_mut!(rows);
    let first = rows.next().await.unwrap().unwrap();
    assert_eq!(first.get::<_, i32>(0), 100);
    assert_eq!(first.get::<_, i32>(1), 7);
    assert_eq!(first.get::<_, &str>(2), format!("{:<320}", "it's \\ \"quoted\", with\ttab"));
    assert_eq!(first.get::<_, i64>(3), 1_007);
    assert_eq!(first.get::<_, &str>(4), format!("{:<4000}", "select 7"));
    assert_eq!(micros(first.get(5)), START + 123_456);
    assert_eq!(first.columns()[6].type_(), &Type::NUMERIC);
    assert_eq!(first.get::<_, Option<&str>>(7), Some(""));
    assert_eq!(first.get::<_, f64>(8), 0.25);
    assert!(first.get::<_, bool>(9));
    let second = rows.next().await.unwrap().unwrap();
    assert_eq!(second.get::<_, Option<&str>>(7), None);
    assert!(rows.next().await.is_none());
    let text = texts(&client, sql).await;
    let get = |i: usize| text[0][i].as_deref().unwrap();
    assert_eq!((get(0), get(1), get(3)), ("100", "7", "1007"));
    assert_eq!(get(2), format!("{:<320}", "it's \\ \"quoted\", with\ttab"));
    assert_eq!(get(5), "2026-03-02 00:00:00.123456");
    assert_eq!((get(6), get(7), get(8), get(9)), ("-42.000", "", "0.25", "t"));
    assert_eq!(text[1][7], None);
}

#[tokio::test]
async fn windows_as_the_exporter_reads_them() {
    let cluster = Cluster::empty("c1", START + 2 * DAY);
    let never = lookback_schemas::time::Y2000;
    cluster.insert(
        "stl_query",
        vec![
            query(1, 100, START + HOUR),
            query(2, 100, START + 2 * HOUR),
            query(3, 100, START + 3 * HOUR).at("endtime", never).at("starttime", START + HOUR),
            query(4, 100, START + 3 * HOUR).with("endtime", Value::Null).at("starttime", START + HOUR),
            query(5, 100, lookback_schemas::time::LATEST).at("starttime", START),
        ],
    );
    let text =
        |id: i64, n: i64, text: &str| Row::new(START + HOUR).with("query", id).with("sequence", n).with("text", text);
    cluster.insert(
        "stl_querytext",
        vec![text(1, 0, "select "), text(1, 1, "1"), text(2, 0, "x"), text(9, 0, "no parent")],
    );
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    let window = "SELECT c.query, c.endtime FROM stl_query c WHERE (c.endtime >= '2026-03-02 01:00:00.000000' AND c.endtime < \
                  '2026-03-02 02:00:00.000000') OR ((c.endtime IS NULL OR c.endtime <= '2000-01-01') AND c.starttime >= \
                  '2026-03-02 01:00:00.000000' AND c.starttime < '2026-03-02 02:00:00.000000') ORDER BY c.query";
    let ids: Vec<i32> = client.query(window, &[]).await.unwrap().iter().map(|r| r.get(0)).collect();
    assert_eq!(ids, [1, 3, 4]);
    let driven = "SELECT c.query, c.sequence, c.\"text\", p.log_time FROM stl_querytext c JOIN (SELECT query, min(endtime) AS \
                  log_time FROM stl_query WHERE endtime >= '2026-03-02 01:00:00' AND endtime < '2026-03-02 02:00:00' GROUP BY \
                  query) p ON c.query = p.query ORDER BY c.sequence";
    let statement = client.prepare(driven).await.unwrap();
    let types: Vec<_> = statement.columns().iter().map(|c| c.type_().clone()).collect();
    assert_eq!(types, [Type::INT4, Type::INT4, Type::BPCHAR, Type::TIMESTAMP]);
    let rows = client.query(&statement, &[]).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].get::<_, &str>(2), format!("{:<200}", "select "));
    assert_eq!(micros(rows[0].get(3)), START + HOUR);
    let next = "SELECT min(endtime) FROM stl_query WHERE endtime > '2026-03-02 01:00:00'";
    assert_eq!(one(&client, next).await.as_deref(), Some("2026-03-02 02:00:00"));
    assert_eq!(one(&client, "SELECT max(endtime) FROM stl_query WHERE endtime < '2000-01-01'").await, None);
    let counts = "SELECT pid, count(*) AS n FROM stl_query GROUP BY pid";
    // The row of the year 9999 is not visible yet.
    assert_eq!(texts(&client, counts).await, [[Some("77".to_owned()), Some("4".to_owned())]]);
    cluster.set_now(lookback_schemas::time::LATEST);
    let far = "SELECT endtime FROM stl_query WHERE endtime > '2026-03-02 03:00:00'";
    assert_eq!(one(&client, far).await.as_deref(), Some("9999-12-31 23:59:59.999999"));
}

#[tokio::test]
async fn what_redshift_has_not_is_refused_with_its_sqlstate() {
    let cluster = Cluster::empty("c1", START);
    cluster.set_user("nobody", "x", Access::NoSelect);
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    for (sql, code) in [
        ("COPY stl_query TO STDOUT", "0A000"),
        ("SELECT * FROM pg_range", "42P01"),
        ("SELECT * FROM pg_enum", "42P01"),
        ("SELECT * FROM stl_nothing", "42P01"),
        ("SELECT nothing FROM stl_query", "42703"),
        ("SELECT nothing(query) FROM stl_query", "42883"),
        ("SELEC 1", "42601"),
        ("SELECT (1", "42601"),
        ("DROP TABLE stl_query", "0A000"),
    ] {
        assert_eq!(sqlstate(&client, sql).await, code, "{sql}");
    }
    let error = client.prepare("SELECT * FROM stl_nothing").await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42P01");
    let nobody = connect_as(&server, "nobody", "x").await;
    assert_eq!(sqlstate(&nobody, "SELECT * FROM stl_query").await, "42501");
    assert_eq!(one(&nobody, "SELECT 1 AS one").await.as_deref(), Some("1"));
    // The session goes on after each of these.
    assert_eq!(one(&client, "SELECT count(*) FROM stl_query").await.as_deref(), Some("0"));
    client.batch_execute("BEGIN").await.unwrap();
    assert_eq!(sqlstate(&client, "SELECT * FROM pg_range").await, "42P01");
    assert_eq!(sqlstate(&client, "SELECT 1").await, "25P02");
    client.batch_execute("ROLLBACK; SELECT 1").await.unwrap();
}

#[tokio::test]
async fn rows_appear_when_their_time_has_come_and_go_when_they_are_purged() {
    let cluster = Cluster::empty("c1", START);
    let late = Row { visible_at: START + 5 * HOUR, ..query(2, 100, START + HOUR) };
    cluster.insert("stl_query", vec![query(1, 100, START + HOUR), late, query(3, 100, START + 2 * DAY)]);
    let text = |id: i64| Row::new(START).with("query", id).with("userid", 100).with("text", "select");
    cluster.insert("stl_querytext", vec![text(1), text(2), text(3)]);
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    let ids = "SELECT query FROM stl_query ORDER BY 1";
    let seen =
        async |sql: &str| -> Vec<i32> { client.query(sql, &[]).await.unwrap().iter().map(|r| r.get(0)).collect() };
    assert_eq!(seen(ids).await, [0_i32; 0]);
    cluster.set_now(START + HOUR);
    assert_eq!(seen(ids).await, [1]);
    cluster.set_now(START + 5 * HOUR);
    assert_eq!(seen(ids).await, [1, 2]);
    cluster.set_now(START + 3 * DAY);
    assert_eq!(seen(ids).await, [1, 2, 3]);
    assert_eq!(cluster.truth_visible("stl_query").num_rows(), 3);
    cluster.set_retention(Some(2 * DAY));
    assert_eq!(seen(ids).await, [3]);
    assert_eq!(seen("SELECT query FROM stl_querytext").await, [3]);
    cluster.set_retention(None);
    cluster.purge_before(START + HOUR + 1);
    assert_eq!(seen(ids).await, [3]);
    assert_eq!(cluster.truth("stl_query").num_rows(), 3);
}

#[tokio::test]
async fn a_user_without_syslog_access_sees_only_its_own_rows_and_no_error() {
    let cluster = Cluster::empty("c1", START + DAY);
    cluster.set_user("own", "x", Access::OwnRows { userid: 101 });
    cluster.set_user("monitor", "x", Access::SysMonitor);
    cluster.set_user("root", "x", Access::Superuser);
    cluster.insert("stl_query", vec![query(1, 100, START), query(2, 101, START)]);
    cluster.insert("stl_commit_stats", vec![Row::new(START).with("xid", 1).at("endtime", START)]);
    let server = serve(&cluster).await;
    for (user, queries, commits) in [("own", "1", "0"), ("monitor", "2", "1"), ("root", "2", "1")] {
        let client = connect_as(&server, user, "x").await;
        assert_eq!(one(&client, "SELECT count(*) FROM stl_query").await.as_deref(), Some(queries), "{user}");
        assert_eq!(one(&client, "SELECT count(*) FROM stl_commit_stats").await.as_deref(), Some(commits), "{user}");
    }
    let monitor = connect_as(&server, "monitor", "x").await;
    let role = "SELECT role_name FROM svv_user_grants WHERE user_name = current_user";
    assert_eq!(one(&monitor, role).await.as_deref(), Some("sys:monitor"));
    let root = connect_as(&server, "root", "x").await;
    let usesuper = "SELECT usesuper FROM pg_user WHERE usename = current_user";
    assert_eq!(one(&root, usesuper).await.as_deref(), Some("t"));
}

#[tokio::test]
async fn columns_come_go_and_change() {
    let cluster = Cluster::empty("c1", START);
    cluster.insert("stl_query", vec![query(1, 100, START)]);
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    let before = client.prepare("SELECT * FROM stl_query").await.unwrap();
    cluster.add_column("stl_query", "new_id", "bigint");
    cluster.change_type("stl_query", "query", "bigint");
    cluster.drop_column("stl_query", "insert_pristine");
    cluster.insert("stl_query", vec![query(2, 100, START).with("new_id", 9)]);
    let row = client.query_one("SELECT query, new_id FROM stl_query WHERE new_id IS NOT NULL", &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 9));
    assert_eq!(sqlstate(&client, "SELECT insert_pristine FROM stl_query").await, "42703");
    let error = client.query(&before, &[]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "0A000");
    let truth = cluster.truth("stl_query");
    assert_eq!((truth.num_rows(), truth.num_columns()), (2, 13));
}

#[tokio::test]
async fn a_new_incarnation_forgets_everything_and_ends_open_sessions() {
    let cluster = Cluster::empty("c1", START);
    cluster.insert("stl_query", vec![query(1, 100, START)]);
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    let before = one(&client, "SELECT current_namespace").await;
    cluster.new_incarnation();
    assert_eq!(sqlstate(&client, "SELECT 1").await, "57P01");
    let client = connect(&server).await;
    assert_ne!(one(&client, "SELECT current_namespace").await, before);
    assert_eq!(one(&client, "SELECT count(*) FROM stl_query").await.as_deref(), Some("0"));
    assert_eq!(cluster.truth("stl_query").num_rows(), 0);
}

#[tokio::test]
async fn a_cluster_can_log_what_it_is_asked() {
    let cluster = Cluster::empty("c1", START);
    cluster.log_own_queries(true);
    let server = serve(&cluster).await;
    let client = connect(&server).await;
    client.batch_execute("SET query_group TO 'lookback'; SELECT version()").await.unwrap();
    let long = format!("SELECT count(*) FROM stl_scan WHERE perm_table_name <> '{}'", "x".repeat(300));
    client.batch_execute(&long).await.unwrap();
    let logged = texts(&client, "SELECT rtrim(label), rtrim(querytxt) FROM stl_query").await;
    assert_eq!(logged, [[Some("lookback".to_owned()), Some(long)]]);
    assert_eq!(cluster.truth("stl_querytext").num_rows(), 2 + 1);
    assert_eq!(cluster.queries_served(), 4);
}

#[tokio::test]
async fn a_large_result_is_streamed_and_a_portal_can_be_suspended() {
    let cluster = Cluster::empty("c1", START);
    cluster.insert("stl_query", (0..3_000).map(|i| query(i, 100, START)).collect());
    let server = serve(&cluster).await;
    let mut client = connect(&server).await;
    let rows = client.query_raw("SELECT query, querytxt FROM stl_query", std::iter::empty::<i32>()).await.unwrap();
    let rows: Vec<_> = rows.try_collect().await.unwrap();
    assert_eq!(rows.len(), 3_000);
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT query FROM stl_query", &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&portal, 1_000).await.unwrap().len(), 1_000);
    assert_eq!(transaction.query_portal(&portal, 0).await.unwrap().len(), 2_000);
}
