//! Redshift's syntax on data: what it answers.

use lookback_query::{ErrorKind, Session};
use serde_json::json;

use crate::support::{TestLake, ask, csv, query, sample};

/// Six queries of two clusters (see `sample`), and what they scanned.
async fn lake() -> TestLake {
    let lake = sample().await;
    let scan = |query: i64, table: i64, rows: i64, name: &str| {
        json!({ "userid": 100, "query": query, "slice": 0, "segment": 1, "step": 0, "tbl": table, "rows": rows,
            "starttime": "2026-01-01 08:00:00", "endtime": "2026-01-01 08:00:01", "perm_table_name": name })
    };
    let rows = json!([scan(1, 7, 10, "orders"), scan(1, 8, 20, "users"), scan(2, 7, 30, "orders")]);
    lake.add("stl_scan", "etl", "2026-01-01", &[], rows).await;
    lake.add("stl_scan", "bi", "2026-01-01", &[], json!([scan(1, 9, 40, "100%_sure")])).await;
    lake
}

async fn check(session: &Session, cases: &[(&str, &str)]) {
    for (sql, want) in cases {
        assert_eq!(&ask(session, sql).await, want, "{sql}");
    }
}

async fn refused(session: &Session, cases: &[(&str, &str)]) {
    for (sql, want) in cases {
        let error = csv(session, sql).await.expect_err(sql);
        assert!(matches!(error.kind(), ErrorKind::Sql | ErrorKind::ReadOnly), "{sql}: {error}");
        assert!(error.to_string().contains(want), "{sql}: {error}");
    }
}

/// Runs every statement of a text; the last answer.
async fn script(session: &Session, sql: &str) -> String {
    let statements = session.prepare(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let mut text = String::new();
    for statement in &statements {
        let answer = session.run(statement).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
        let mut bytes = Vec::new();
        lookback_query::write(answer.into_stream(), lookback_query::Format::Csv, &mut bytes).await.unwrap();
        text = String::from_utf8(bytes).unwrap();
    }
    text.split_once('\n').map_or("", |(_, rest)| rest).trim_end().to_owned()
}

#[tokio::test]
async fn functions_that_choose() {
    let lake = lake().await;
    let session = lake.session().await;
    check(
        &session,
        &[
            ("SELECT DECODE(2, 1, 'a', 2, 'b'), DECODE(3, 1, 'a', 'z'), DECODE(3, 1, 'a')", "b,z,"),
            ("SELECT DECODE(NULL, NULL, 'found', 'lost'), DECODE(NULL::int, 1, 'a', NULL::int, 'b')", "found,b"),
            ("SELECT SUM(DECODE(cluster_id, 'etl', 1, 0)) FROM stl_query", "3"),
            ("SELECT NVL(NULL, NULL, 3), NVL2(NULL, 1, 2), NVL2(0, 1, 2)", "3,2,1"),
            ("SELECT CONCAT('a', NULL) IS NULL, CONCAT('a', CONCAT('b', 'c')), 'a' || NULL IS NULL", "true,abc,true"),
            ("SELECT CONVERT(int, '12') + 1, CONVERT(varchar(2), 'abc')", "13,ab"),
        ],
    )
    .await;
}

#[tokio::test]
async fn texts_are_aggregated_in_their_order() {
    let lake = lake().await;
    let session = lake.session().await;
    check(
        &session,
        &[
            ("SELECT LISTAGG(query, ',') WITHIN GROUP (ORDER BY query DESC) FROM stl_query WHERE cluster_id = 'bi'", "\"30,2,1\""),
            ("SELECT LISTAGG(cluster_id) WITHIN GROUP (ORDER BY cluster_id, query) FROM stl_query", "bibibietletletl"),
            ("SELECT LISTAGG(DISTINCT cluster_id, '|') WITHIN GROUP (ORDER BY cluster_id) FROM stl_query", "bi|etl"),
            ("SELECT LISTAGG(querytxt, ', ') IS NULL FROM stl_query WHERE query = 99", "true"),
            (
                "SELECT DISTINCT cluster_id, LISTAGG(query, ' ') WITHIN GROUP (ORDER BY query DESC) OVER (PARTITION BY cluster_id) \
                 FROM stl_query ORDER BY 1",
                "bi,30 2 1\netl,3 2 1",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_shared_column_needs_no_table() {
    let lake = lake().await;
    let session = lake.session().await;
    let joined = "(VALUES (1, 10), (2, 20)) a(id, x) {} JOIN (VALUES (2, 200), (3, 300)) b(id, y) USING (ID)";
    let cases = [
        ("", "id, x, y", "WHERE id > 1 ORDER BY id", "2,20,200"),
        ("LEFT", "id, y", "WHERE id > 0 ORDER BY id", "1,\n2,200"),
        ("RIGHT", "id, x", "WHERE id > 0 ORDER BY id DESC", "3,\n2,20"),
        ("FULL", "id, x, y", "ORDER BY 1", "1,10,\n2,20,200\n3,,300"),
        ("FULL", "COUNT(*)", "GROUP BY id HAVING MAX(id) > 1 ORDER BY id", "1\n1"),
        ("FULL", "x", "WHERE id IN (1, 3) ORDER BY id + 1", "10\n\"\""),
        ("RIGHT", "a.id AS a, id", "ORDER BY 2", "2,2\n,3"),
    ];
    for (kind, columns, rest, want) in cases {
        let sql = format!("SELECT {columns} FROM {} {rest}", joined.replace("{}", kind));
        assert_eq!(ask(&session, &sql).await, want, "{sql}");
    }
    let three = "SELECT id, z FROM (VALUES (1)) a(id) LEFT JOIN (VALUES (2)) b(id) USING (id) JOIN (VALUES (1, 9)) c(id, z) USING (id)";
    assert_eq!(ask(&session, three).await, "1,9");
    let error = csv(&session, &format!("SELECT * FROM {}", joined.replace("{}", "FULL"))).await.unwrap_err();
    assert!(error.to_string().contains("name the columns"), "{error}");
}

#[tokio::test]
async fn percentiles_and_shares() {
    let lake = lake().await;
    let session = lake.session().await;
    check(
        &session,
        &[
            ("SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY rows) FROM stl_scan", "25.0"),
            ("SELECT PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY rows DESC) FROM stl_scan", "13.0"),
            ("SELECT MEDIAN(rows::float) FROM stl_scan", "25"),
            (
                "SELECT cluster_id, tbl, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY rows) OVER (PARTITION BY cluster_id) FROM stl_scan \
                 ORDER BY 1, 2, rows",
                "bi,9,40.0\netl,7,20.0\netl,7,20.0\netl,8,20.0",
            ),
            ("SELECT DISTINCT MEDIAN(rows::float) OVER (PARTITION BY cluster_id) AS m FROM stl_scan ORDER BY m", "20\n40"),
            ("SELECT APPROXIMATE COUNT(DISTINCT query), APPROXIMATE  count( DISTINCT tbl) FROM stl_scan", "2,3"),
            ("SELECT rows, RATIO_TO_REPORT(rows) OVER () FROM stl_scan ORDER BY rows", "10,0.1\n20,0.2\n30,0.3\n40,0.4"),
            ("SELECT RATIO_TO_REPORT(rows - rows) OVER () IS NULL FROM stl_scan LIMIT 1", "true"),
        ],
    )
    .await;
}

#[tokio::test]
async fn sets_and_limits() {
    let lake = lake().await;
    let session = lake.session().await;
    check(
        &session,
        &[
            ("SELECT query FROM stl_query MINUS SELECT query FROM stl_scan ORDER BY 1", "3\n30"),
            ("SELECT DISTINCT TOP 2 query FROM stl_query ORDER BY query DESC", "30\n3"),
            ("SELECT TOP 2 DISTINCT query FROM stl_query ORDER BY query DESC", "30\n3"),
            ("SELECT 1 a, 2 b", "1,2"),
            ("SELECT s.*, q.query AS q FROM (SELECT tbl FROM stl_scan WHERE tbl = 9) s, (SELECT 5 AS query) q", "9,5"),
            ("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT SUM(i) FROM n", "10"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rows_are_compared() {
    let lake = lake().await;
    let session = lake.session().await;
    check(
        &session,
        &[
            ("SELECT COUNT(*) FROM stl_query WHERE (cluster_id, query) = ('etl', 2)", "1"),
            ("SELECT COUNT(*) FROM stl_query WHERE (cluster_id, query) <> ('etl', 2)", "5"),
            ("SELECT COUNT(*) FROM stl_query WHERE (cluster_id, query) IN (('etl', 2), ('bi', 30), ('bi', 3))", "2"),
            ("SELECT COUNT(*) FROM stl_query WHERE (cluster_id, query) NOT IN (('etl', 2), ('bi', 30))", "4"),
            ("SELECT COUNT(*) FROM stl_query WHERE (cluster_id, query) IN (SELECT cluster_id, query FROM stl_scan)", "3"),
            (
                "SELECT COUNT(*) FROM stl_query q WHERE q.userid > 0 AND (query = 3 OR (cluster_id, query) IN (SELECT cluster_id, MIN(query) FROM stl_scan GROUP BY 1))",
                "3",
            ),
            (
                "SELECT COUNT(*) FROM stl_query a JOIN stl_query b ON (a.cluster_id, a.query) = (b.cluster_id, b.query)",
                "6",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_name_of_the_select_list_stands_for_its_expression() {
    let lake = lake().await;
    let session = lake.session().await;
    check(
        &session,
        &[
            ("SELECT query * 2 AS b, b + 1 AS c FROM stl_query WHERE query = 30", "60,61"),
            ("SELECT query * 2 AS b FROM stl_query WHERE b = 60", "60"),
            ("SELECT query AS userid FROM stl_query WHERE userid = 100 ORDER BY 1", "3\n30"),
            ("SELECT query % 2 AS odd, COUNT(*) AS n FROM stl_query GROUP BY odd HAVING n > 2 ORDER BY odd", "0,3\n1,3"),
            ("SELECT 0 AS q, COUNT(*) AS n FROM stl_query GROUP BY q", "0,6"),
            ("SELECT MAX(query) AS query FROM stl_query GROUP BY cluster_id HAVING MAX(query) > 5", "30"),
            ("SELECT cluster_id, MAX(query) AS query FROM stl_query GROUP BY 1 ORDER BY MAX(query) DESC", "bi,30\netl,3"),
            (
                "SELECT cluster_id AS c, query AS q, ROW_NUMBER() OVER (PARTITION BY c ORDER BY q DESC) AS n FROM stl_query QUALIFY n = 1 ORDER BY c",
                "bi,30,1\netl,3,1",
            ),
            (
                "SELECT DATEDIFF(s, starttime, endtime) AS secs, secs / 60 AS mins, CASE WHEN mins > 1 THEN 'long' ELSE 'short' END \
                 FROM stl_query WHERE secs > 100",
                "600,10,long",
            ),
            ("WITH w AS (SELECT rows * 2 AS twice, twice + 1 AS more FROM stl_scan) SELECT MAX(more) FROM w", "81"),
        ],
    )
    .await;
}

#[tokio::test]
async fn tables_are_turned() {
    let lake = lake().await;
    let session = lake.session().await;
    check(
        &session,
        &[
            (
                "SELECT * FROM (SELECT cluster_id, tbl, rows FROM stl_scan) PIVOT (SUM(rows) FOR tbl IN (7, 8 AS users, 9)) ORDER BY cluster_id",
                "bi,,,40\netl,40,20,",
            ),
            ("SELECT * FROM (SELECT cluster_id FROM stl_scan) PIVOT (COUNT(*) AS n FOR cluster_id IN ('etl', 'x' AS y))", "3,0"),
            ("SELECT p.etl_n FROM (SELECT cluster_id FROM stl_scan) PIVOT (COUNT(*) AS n FOR cluster_id IN ('etl')) AS p", "3"),
            (
                "SELECT * FROM (SELECT query, tbl, NULLIF(rows, 10) AS rows FROM stl_scan WHERE query = 1 AND cluster_id = 'etl') \
                 UNPIVOT (v FOR k IN (tbl, rows AS n)) ORDER BY v",
                "1,tbl,7\n1,tbl,8\n1,n,20",
            ),
            (
                "SELECT COUNT(*), COUNT(v) FROM (SELECT tbl, NULLIF(rows, 10) AS rows FROM stl_scan) UNPIVOT INCLUDE NULLS (v FOR k IN (tbl, rows))",
                "8,7",
            ),
            ("WITH c AS (SELECT cluster_id, query FROM stl_scan) SELECT \"1\" FROM c PIVOT (COUNT(*) FOR query IN (1)) ORDER BY cluster_id", "1\n2"),
        ],
    )
    .await;
}

#[tokio::test]
async fn casts_and_patterns() {
    let lake = lake().await;
    let session = lake.session().await;
    check(
        &session,
        &[
            ("SELECT 'abcdef'::varchar(3), 'ab'::char(5), 'é€'::varchar(3), 'x'::character varying(9)", "abc,ab,é,x"),
            ("SELECT '7'::oid + 1, '7'::int2 + 0, '7'::int8, 1.5::float4, 1.5::float8, 'a'::bpchar, 'b'::name", "8,7,7,1.5,1.5,a,b"),
            ("SELECT 12.345::numeric(12,2), 12.7::numeric, '9999-12-31'::timestamp, '2026-01-31'::date", "12.35,13,9999-12-31 00:00:00,2026-01-31"),
            ("SELECT arrow_typeof(1::float), arrow_typeof('2026-01-01'::timestamp)", "Float64,Timestamp(µs)"),
            ("SELECT '2026-01-01'::timestamp + '1 day'::interval, '2026-01-01'::timestamp + 2 * INTERVAL '1 hour'", "2026-01-02 00:00:00,2026-01-01 02:00:00"),
            ("SELECT '2026-01-01'::timestamp + INTERVAL '1 minute' * 90", "2026-01-01 01:30:00"),
            ("SELECT 'orders' SIMILAR TO '(or|us)%', 'orders' SIMILAR TO 'or', 'a.c' SIMILAR TO 'a_c', 'abc' NOT SIMILAR TO 'a.c'", "true,false,true,true"),
            ("SELECT perm_table_name FROM stl_scan WHERE perm_table_name LIKE '100^%^_%' ESCAPE '^'", "100%_sure"),
            ("SELECT perm_table_name FROM stl_scan WHERE perm_table_name LIKE '100\\\\%\\\\_%'", "100%_sure"),
            ("SELECT COUNT(*) FROM stl_scan WHERE perm_table_name ~ '^\\\\w+$' AND perm_table_name !~* '^USERS'", "2"),
            ("SELECT 'it\\'s', 'a''b', E'x\\ty', 'c\\\\d'", "it's,a'b,x\ty,c\\d"),
        ],
    )
    .await;
}

#[tokio::test]
async fn times_are_compared_as_text() {
    let lake = lake().await;
    let session = lake.session().await;
    check(
        &session,
        &[
            ("SELECT COUNT(*) FROM stl_query WHERE starttime LIKE '2026-01-01%'", "3"),
            ("SELECT COUNT(*) FROM stl_query WHERE starttime NOT LIKE '2026-01-01 0%'", "4"),
            ("SELECT COUNT(*) FROM stl_query WHERE log_date LIKE '%-02'", "3"),
            ("SELECT COUNT(*) FROM stl_query WHERE starttime >= '2026-01-02' AND starttime < '2026-01-02 10:00'", "1"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_script_leaves_views_for_its_later_statements() {
    let lake = lake().await;
    let session = lake.session().await;
    let made = "CREATE OR REPLACE VIEW admin.v_scans AS SELECT cluster_id, SUM(rows) AS n FROM stl_scan GROUP BY 1 \
                WITH NO SCHEMA BINDING;";
    assert_eq!(
        script(&session, &format!("{made} SELECT n FROM admin.v_scans v ORDER BY v.cluster_id")).await,
        "40\n60"
    );
    check(
        &session,
        &[
            ("SELECT COUNT(*) FROM ADMIN.V_SCANS", "2"),
            ("SELECT v_scans.n FROM admin.v_scans WHERE cluster_id = 'etl'", "60"),
            ("WITH x AS (SELECT MAX(n) AS m FROM admin.v_scans) SELECT m FROM x", "60"),
            ("SELECT n * 2 AS twice, twice + 1 FROM admin.v_scans WHERE twice = 80", "80,81"),
        ],
    )
    .await;
    refused(
        &session,
        &[("SELECT 1 FROM v_scans", "'v_scans' does not exist"), ("CREATE VIEW admin.v_scans AS SELECT 1", "exists")],
    )
    .await;
    // A view in a view stays what it was when the outer one was made.
    let sql = "CREATE VIEW outer_view (biggest) AS SELECT MAX(n) FROM admin.v_scans; \
               CREATE OR REPLACE VIEW admin.v_scans AS SELECT 'x' AS cluster_id, 1 AS n; SELECT biggest FROM outer_view";
    assert_eq!(script(&session, sql).await, "60");
    // The name of a WITH hides a view, and another session has none.
    assert_eq!(ask(&session, "WITH outer_view AS (SELECT 5 AS a) SELECT a FROM outer_view").await, "5");
    assert!(csv(&lake.session().await, "SELECT 1 FROM outer_view").await.is_err());
    assert_eq!(script(&session, "DROP VIEW outer_view; DROP VIEW IF EXISTS outer_view").await, "");
    refused(
        &session,
        &[
            ("SELECT 1 FROM outer_view", "does not exist"),
            ("DROP VIEW outer_view", "no view 'outer_view'"),
            ("CREATE VIEW stl_query AS SELECT 1", "name of a system table"),
            ("CREATE VIEW admin.stv_sessions AS SELECT 1", "name of a system table"),
            ("CREATE VIEW broken AS SELECT nothing FROM stl_query", "column 'nothing' does not exist"),
            ("CREATE MATERIALIZED VIEW m AS SELECT 1", "CREATE MATERIALIZED"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_view_that_doubles_itself_has_an_end() {
    let lake = lake().await;
    let session = lake.session().await;
    let mut sql = "CREATE VIEW v0 AS SELECT query FROM stl_query WITH NO SCHEMA BINDING".to_owned();
    let mut failed = None;
    for n in 1..40 {
        if let Err(error) = session.query(&sql).await {
            failed = Some(error);
            break;
        }
        sql = format!(
            "CREATE VIEW v{n} AS SELECT a.query FROM v{} a JOIN v{} b USING (query) WITH NO SCHEMA BINDING",
            n - 1,
            n - 1
        );
    }
    assert_eq!(failed.map(|error| error.kind()), Some(ErrorKind::Limit));
}

#[tokio::test]
async fn temporary_tables_keep_their_rows() {
    let lake = lake().await;
    let session = lake.session().await;
    assert_eq!(
        script(&session, "CREATE TEMP TABLE big AS SELECT * FROM stl_scan WHERE rows > 15; SELECT COUNT(*) FROM big")
            .await,
        "3"
    );
    assert_eq!(script(&session, "SELECT query INTO #q FROM stl_query; SELECT COUNT(*) FROM #q").await, "6");
    assert_eq!(script(&session, "CREATE TABLE #r AS SELECT 1 AS a; SELECT a FROM big, #r LIMIT 1").await, "1");
    assert_eq!(
        script(
            &session,
            "CREATE TEMP TABLE none AS SELECT query FROM stl_query WHERE query < 0; SELECT COUNT(*) FROM none"
        )
        .await,
        "0"
    );
    let row = json!([query(99, "2026-01-03 08:00:00", "2026-01-03 08:00:01", "select 6")]);
    lake.add("stl_query", "etl", "2026-01-03", &[], row).await;
    assert_eq!(ask(&session, "SELECT (SELECT COUNT(*) FROM stl_query), COUNT(*) FROM #q").await, "7,6");
    assert_eq!(script(&session, "DROP TABLE big; DROP TABLE IF EXISTS big, #q").await, "");
    refused(
        &session,
        &[
            ("SELECT 1 FROM big", "does not exist"),
            ("CREATE TABLE big AS SELECT 1", "CREATE TABLE is refused"),
            ("CREATE TEMP TABLE big (a int)", "refused"),
            ("CREATE TEMP TABLE stl_query AS SELECT 1", "name of a system table"),
            ("DROP TABLE stl_query", "refused"),
            ("SELECT * INTO big FROM stl_query", "SELECT INTO is refused"),
        ],
    )
    .await;
}

#[tokio::test]
async fn lines_that_set_up_a_session_are_accepted_and_said_so() {
    let lake = lake().await;
    let session = lake.session().await;
    let sql = "set query_group to 'admin';\nSET enable_result_cache_for_session TO off;\nset search_path = admin, public;\n\
               begin;\nSET TIME ZONE 'UTC';\nreset query_group;\nanalyze stl_query;\nSELECT 1;\ncommit; end; rollback;";
    let statements = session.prepare(sql).unwrap();
    assert_eq!(statements.len(), 11);
    let said: Vec<String> = statements.iter().flat_map(|s| s.notices()).map(ToString::to_string).collect();
    assert_eq!(said.len(), 10);
    assert_eq!(
        said[1],
        "line 2: SET enable_result_cache_for_session has no effect here: nothing that it sets changes an answer"
    );
    assert_eq!(script(&session, sql).await, "");
    refused(
        &session,
        &[
            ("SELECT 1;\nSET timezone TO 'America/New_York'", "times are UTC here at Line: 2"),
            ("SET datafusion.runtime.memory_limit = '1T'", "SET datafusion.runtime.memory_limit is refused"),
            ("RESET datafusion.runtime.memory_limit", "is refused"),
            ("SET enable_case_sensitive_identifier TO true", "is refused"),
            ("\\set x 1\nSELECT 1", "\\set is a command of psql"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_answered_is_named_with_its_place() {
    let lake = lake().await;
    let session = lake.session().await;
    refused(
        &session,
        &[
            (
                "SELECT 1 FROM stl_query a, stl_scan b\nWHERE a.query = b.query (+)",
                "the (+) join is not supported; write LEFT JOIN or RIGHT JOIN at Line: 2",
            ),
            ("SELECT 1 WHERE 1 BETWEEN SYMMETRIC 2 AND 0", "BETWEEN SYMMETRIC"),
            ("SELECT 1 FROM stl_query CONNECT BY query = xid", "CONNECT BY"),
            ("SELECT 1\nFROM stv_sessions", "table 'stv_sessions' is a snapshot of a running cluster"),
            ("SELECT 1\nFROM pg_catalog.pg_class", "at Line: 2"),
            ("SELECT 1 FROM svv_table_info", "part of a cluster's catalog"),
            ("SELECT\n  pg_get_viewdef(1)", "pg_get_viewdef() can only be answered by a cluster"),
            ("SELECT has_table_privilege('a', 'b', 'select')", "has_table_privilege()"),
            ("COPY t FROM 's3://b/' IAM_ROLE default", "COPY is refused"),
            ("unload ('select 1') to 's3://b/'", "UNLOAD is refused"),
            ("SELECT 1;\n VACUUM FULL stl_query", "VACUUM is refused: lookback only reads"),
            ("CREATE EXTERNAL SCHEMA x FROM DATA CATALOG", "CREATE EXTERNAL is refused"),
            ("create user x password 'y'", "CREATE USER is refused"),
            ("ANALYZE COMPRESSION stl_query", "ANALYZE COMPRESSION is refused"),
            ("SELECT (1", "at Line: 1, Column:"),
            ("SELECT 'a", "at Line: 1, Column: 8"),
            ("SELECT a\nFROM stl_query\nWHERE a ==", "at Line: 3"),
        ],
    )
    .await;
    // A name of the statement's own is its own.
    assert_eq!(ask(&session, "WITH pg_class AS (SELECT 1 AS a) SELECT a FROM pg_class").await, "1");
}

#[tokio::test]
async fn comments_and_semicolons_are_where_they_may_be() {
    let lake = lake().await;
    let session = lake.session().await;
    let sql = "-- a; b\nSELECT 'x;--y', /* /* ; */ ' */ \"a;b\" FROM (SELECT 1 AS \"a;b\");;";
    assert_eq!(session.prepare(sql).unwrap().len(), 1);
    check(&session, &[(sql, "x;--y,1"), ("SELECT 'a' -- 'b\n, 'c'", "a,c")]).await;
}
