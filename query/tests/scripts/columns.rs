//! A view is what Redshift documents, and two columns more.

use arrow::datatypes::DataType;
use lookback_query::{Session, views};
use lookback_schemas::{LakeType, registry};

use crate::support::{TestLake, ask, csv, query, sample};

async fn columns(session: &Session, table: &str) -> Vec<(String, DataType)> {
    let answer = session.query(&format!("SELECT * FROM {table}")).await.unwrap_or_else(|e| panic!("{table}: {e}"));
    let fields = answer.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
    assert_eq!(answer.collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum::<usize>(), 0, "{table}");
    fields
}

#[tokio::test]
async fn every_view_has_the_documented_columns_in_their_order() {
    let lake = TestLake::new();
    let session = lake.session().await;
    for view in views::list() {
        let found = columns(&session, view.name).await;
        let plain = |lake_type| match lake_type {
            LakeType::Text { .. } => LakeType::Text { trim: false },
            other => other,
        };
        let found: Vec<(String, LakeType)> =
            found.into_iter().map(|(name, data_type)| (name, LakeType::of_arrow(&data_type).unwrap())).collect();
        let spec = registry().table(view.name).unwrap_or_else(|| panic!("{} is not documented", view.name));
        let mut want: Vec<(String, LakeType)> =
            spec.columns.iter().map(|c| (c.name.clone(), plain(c.lake_type().unwrap()))).collect();
        want.push(("cluster_id".to_owned(), LakeType::Text { trim: false }));
        want.push(("log_date".to_owned(), LakeType::Date));
        assert_eq!(found, want, "{}", view.name);
    }
}

#[tokio::test]
async fn a_view_works_on_tables_that_lack_what_aws_added_later() {
    let lake = TestLake::new();
    let rows = serde_json::json!([query(1, "2026-01-01 08:00:00", "2026-01-01 08:00:02", "select 1")]);
    lake.add_narrow("stl_query", "etl", "2026-01-01", &["concurrency_scaling_status", "label"], rows).await;
    let session = lake.session().await;
    assert!(csv(&session, "SELECT label FROM stl_query").await.is_err());
    let sql = "SELECT query, elapsed, label, concurrency_scaling_status_txt, cluster_id FROM svl_qlog";
    assert_eq!(ask(&session, sql).await, "1,2000000,,,etl");
}

#[tokio::test]
async fn a_table_of_the_lake_comes_before_a_view_of_its_name() {
    let lake = TestLake::new();
    let row = |event: &str| serde_json::json!([{ "event": event, "record_time": "2026-01-01 08:00:00" }]);
    lake.add("sys_connection_log", "etl", "2026-01-01", &[], row("of the table")).await;
    let rows = serde_json::json!([{ "event": "of the view", "recordtime": "2026-01-01 08:00:00" }]);
    lake.add("stl_connection_log", "etl", "2026-01-01", &[], rows).await;
    let session = lake.session().await;
    assert_eq!(ask(&session, "SELECT event FROM sys_connection_log").await, "of the table");
    let sql = "SELECT table_name, table_type FROM information_schema.tables \
               WHERE table_name IN ('sys_connection_log', 'sys_userlog') ORDER BY 1";
    assert_eq!(ask(&session, sql).await, "sys_connection_log,BASE TABLE\nsys_userlog,VIEW");
}

#[tokio::test]
async fn views_are_listed_described_and_named_in_errors() {
    let lake = sample().await;
    let session = lake.session().await;
    assert!(ask(&session, "SHOW TABLES").await.contains("svl_query_summary,VIEW"));
    assert!(ask(&session, "DESCRIBE svl_qlog").await.starts_with("userid,Int64"));
    assert!(ask(&session, "SHOW COLUMNS FROM svl_qlog").await.contains("concurrency_scaling_status_txt"));
    let sql = "SELECT COUNT(*) FROM information_schema.columns WHERE table_name = 'svl_query_metrics'";
    assert_eq!(ask(&session, sql).await, "24");
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM pg_catalog.SVL_QLOG").await, "6");
    for (sql, want) in [
        ("SELECT 1 FROM svl_qlogs", "did you mean 'svl_qlog'?"),
        ("SELECT 1 FROM svl_compile", "it is not exported to lakes"),
        ("SELECT 1 FROM svcs_compile", "it is not exported to lakes"),
        ("SELECT 1 FROM svcs_concurrency_scaling_usage", "it is not exported to lakes"),
        ("SELECT querytxt FROM svl_qlog", "column 'querytxt' does not exist"),
    ] {
        let error = csv(&session, sql).await.unwrap_err().to_string();
        assert!(error.contains(want), "{sql}: {error}");
    }
}
