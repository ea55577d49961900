//! What clients ask before anybody asks anything, as they send it: Grafana, Metabase, JDBC, DBeaver, SQLAlchemy, asyncpg.

use tokio_postgres::SimpleQueryMessage;

use crate::server::{Running, said, simple};

/// Each client's questions, and a part of the answer.
const QUESTIONS: &[(&str, &str, &str)] = &[
    ("Grafana", "SELECT current_setting('server_version_num')::int/100 as version", "1500"),
    ("Grafana", "SELECT extname FROM pg_extension WHERE extname = 'timescaledb'", ""),
    (
        "Grafana",
        r#"SELECT CASE WHEN quote_ident(table_schema) IN (
             SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
             FROM generate_series(
               array_lower(string_to_array(current_setting('search_path'),','),1),
               array_upper(string_to_array(current_setting('search_path'),','),1)) as i,
               string_to_array(current_setting('search_path'),',') s)
           THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
           FROM information_schema.tables
           WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog')
           ORDER BY 1"#,
        "stl_query",
    ),
    (
        "Grafana",
        "SELECT quote_ident(column_name) AS \"column\", data_type AS \"type\" FROM information_schema.columns \
         WHERE quote_ident(table_name) = 'stl_query'",
        "starttime,timestamp without time zone",
    ),
    ("Metabase", "SET extra_float_digits = 2; SHOW TRANSACTION ISOLATION LEVEL", "read committed"),
    ("Metabase", "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED; show timezone", "UTC"),
    (
        "Metabase",
        r#"SELECT nspname AS "TABLE_SCHEM", current_database() AS "TABLE_CATALOG" FROM pg_catalog.pg_namespace  WHERE nspname <> 'pg_toast' AND (nspname !~ '^pg_temp_'  OR nspname = (pg_catalog.current_schemas(true))[1]) AND (nspname !~ '^pg_toast_temp_'  OR nspname = replace((pg_catalog.current_schemas(true))[1], 'pg_temp_', 'pg_toast_temp_'))  ORDER BY "TABLE_SCHEM""#,
        "public,lookback",
    ),
    (
        "Metabase",
        r#"SELECT "n"."nspname" AS "schema", "c"."relname" AS "name", CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS "type", "d"."description" AS "description", "stat"."n_live_tup" AS "estimated_row_count" FROM "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid" LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = '0') AND ("d"."classoid" = 'pg_class'::regclass) LEFT JOIN "pg_stat_user_tables" AS "stat" ON ("n"."nspname" = "stat"."schemaname") AND ("c"."relname" = "stat"."relname") WHERE ("c"."relnamespace" = "n"."oid") AND ("n"."nspname" !~ '^pg_') AND ("n"."nspname" <> 'information_schema') AND c.relkind in ('r', 'p', 'v', 'f', 'm') AND ("n"."nspname" IN ('public')) ORDER BY "type" ASC, "schema" ASC, "name" ASC"#,
        "public,stl_query,TABLE,NULL",
    ),
    ("JDBC", "SELECT version()", "PostgreSQL 15.4"),
    ("JDBC", "SELECT nspname FROM pg_catalog.pg_namespace ORDER BY 1", "public"),
    (
        "JDBC",
        "SELECT current_database() AS \"TABLE_CAT\", n.nspname AS \"TABLE_SCHEM\", c.relname AS \"TABLE_NAME\" FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname LIKE 'stl_query' ORDER BY 3",
        "lookback,public,stl_query",
    ),
    ("DBeaver", "SELECT current_schema(),session_user", "public,local"),
    (
        "DBeaver",
        "SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate OR db.datname = 'lookback'",
        "lookback",
    ),
    ("SQLAlchemy", "select pg_catalog.version()", "PostgreSQL 15.4"),
    ("SQLAlchemy", "show standard_conforming_strings", "off"),
    ("asyncpg", "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;", ""),
    (
        "psycopg",
        "SELECT typname AS name, oid, typarray AS array_oid FROM pg_type t WHERE t.oid = to_regtype('hstore') ORDER BY t.oid",
        "",
    ),
    ("pgcli", "SELECT pg_is_in_recovery(), pg_backend_pid() > 0", "f,t"),
];

#[tokio::test]
async fn what_clients_ask_first_is_answered() {
    let server = Running::start().await;
    let client = server.connect().await;
    let mut wrong = Vec::new();
    for (who, sql, part) in QUESTIONS {
        match client.simple_query(sql).await {
            Ok(_) => {
                let answer = simple(&client, sql).await;
                if !answer.contains(part) {
                    wrong.push(format!("{who}: '{part}' is not in the answer to {sql}:\n{answer}"));
                }
            }
            Err(error) => wrong.push(format!("{who}: {}: {sql}", said(&error))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // None of it is a question about what is in the lake.
    assert!(server.desk.questions(10).is_empty());
}

#[tokio::test]
async fn names_and_types_are_those_of_redshift() {
    let server = Running::start().await;
    let client = server.connect().await;
    let sql = "SELECT data_type FROM information_schema.columns WHERE table_name = 'stl_query' AND column_name IN ('querytxt', 'starttime', 'query', 'log_date') ORDER BY column_name";
    assert_eq!(simple(&client, sql).await, "date\nbigint\ncharacter varying\ntimestamp without time zone");
    let sql = "SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
               WHERE c.relname = 'stl_query' AND a.attname = 'querytxt'";
    assert_eq!(simple(&client, sql).await, "character varying");
    let sql = "SELECT c.relkind, COUNT(*) > 10 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' GROUP BY 1 ORDER BY 1";
    assert_eq!(simple(&client, sql).await, "r,t\nv,t");
    let rows = client.query("SELECT relname FROM pg_class WHERE relname = $1", &[&"stl_query"]).await.unwrap();
    assert_eq!(rows[0].get::<_, &str>(0), "stl_query");
}

#[tokio::test]
async fn numbers_of_tables_stay_and_settings_are_those_of_the_connection() {
    let server = Running::start().await;
    let client = server.connect().await;
    let numbers = "SELECT c.oid, n.oid, a.attrelid, d.oid > 16000, 'stl_query'::regclass = c.oid FROM pg_class c \
                   JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1 \
                   JOIN pg_database d ON d.datname = current_database() WHERE c.relname = 'stl_query'";
    let found = simple(&client, numbers).await;
    // Written down, because clients keep it: after a restart, and on another server, it is the same.
    assert_eq!(found, "2006092299,2200,2006092299,t,t");
    let roles =
        "SELECT u.usesysid = r.oid, r.oid > 16000 FROM pg_catalog.pg_user u JOIN pg_roles r ON r.rolname = u.usename";
    assert_eq!(simple(&client, roles).await, "t,t");
    let setting =
        "SELECT setting, unit, source, reset_val FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'";
    assert_eq!(simple(&client, setting).await, "0,ms,default,0");
    client.batch_execute("SET statement_timeout = '5s'").await.unwrap();
    assert_eq!(simple(&client, setting).await, "5000,ms,session,0");
    assert_eq!(simple(&server.connect().await, setting).await, "0,ms,default,0");
    let own = "SELECT s.setting FROM pg_settings s WHERE name IN ('max_index_keys', 'standard_conforming_strings') ORDER BY name";
    assert_eq!(simple(&client, own).await, "32\noff");
    // Columns have the names that PostgreSQL gives them, also twice.
    let twice =
        client.simple_query("SELECT n.oid, n.*, 1, 2 FROM pg_namespace n WHERE nspname = 'public'").await.unwrap();
    let names = twice.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some(row.columns().iter().map(|column| column.name().to_owned()).collect::<Vec<_>>())
        }
        _ => None,
    });
    assert_eq!(names.unwrap(), ["oid", "oid", "nspname", "nspowner", "nspacl", "options", "?column?", "?column?"]);
    let nothing =
        client.prepare("SELECT i.*, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid").await.unwrap();
    assert!(nothing.columns().len() > 10, "what is empty has its columns");
}
