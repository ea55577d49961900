//! What there is to ask.

use lookback_query::ErrorKind;

use crate::support::sample;

#[tokio::test]
async fn tables_are_listed_with_what_they_hold() {
    let lake = sample().await;
    let session = lake.session().await;
    let relations = session.relations().await.unwrap();
    let find = |name: &str| relations.iter().find(|relation| relation.name == name).unwrap();
    let queries = find("stl_query").contents.unwrap();
    assert_eq!(queries.rows, Some(6));
    assert!(queries.files > 1 && queries.bytes > 1_000);
    assert_eq!(session.contents("stl_query").await.unwrap(), Some(queries));
    // Known, and empty here.
    assert_eq!(find("stl_vacuum").contents, None);
    assert_eq!(session.contents("stl_vacuum").await.unwrap(), None);
    assert!(relations.windows(2).all(|pair| pair[0].name < pair[1].name));
    let names: Vec<String> = session.names().await.unwrap().into_iter().map(|relation| relation.name).collect();
    assert_eq!(names, relations.iter().map(|relation| relation.name.clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_a_session_made_is_among_them() {
    let lake = sample().await;
    let session = lake.session().await;
    for sql in [
        "CREATE VIEW admin.v_slow AS SELECT query, COUNT(*) FROM stl_query GROUP BY 1",
        "CREATE TEMP TABLE kept AS SELECT 1 AS a",
    ] {
        session.query(sql).await.unwrap().collect().await.unwrap();
    }
    let names = session.names().await.unwrap();
    let find = |name: &str| names.iter().find(|relation| relation.name == name).unwrap().view;
    assert!(find("admin.v_slow") && !find("kept"));
    let columns = session.columns("admin.v_slow").await.unwrap();
    assert_eq!(columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["query", "count"]);
    session.query("DROP VIEW admin.v_slow").await.unwrap().collect().await.unwrap();
    assert!(session.names().await.unwrap().iter().all(|relation| relation.name != "admin.v_slow"));
}

#[tokio::test]
async fn columns_have_the_types_that_redshift_calls_them() {
    let lake = sample().await;
    let session = lake.session().await;
    let columns = session.columns("STL_Query").await.unwrap();
    let type_of = |name: &str| columns.iter().find(|column| column.name == name).unwrap().data_type.clone();
    let types = ["query", "querytxt", "starttime", "log_date", "cluster_id"].map(type_of);
    assert_eq!(types, ["bigint", "varchar", "timestamp", "date", "varchar"]);
    // Also of a table that nothing was exported from yet.
    assert!(session.columns("stl_vacuum").await.unwrap().iter().any(|column| column.name == "eventtime"));
    let error = session.columns("stl_qurey").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sql);
    assert!(error.to_string().contains("did you mean 'stl_query'"), "{error}");
    for name in ["", "a\"b; DROP TABLE x", "stl_query; SELECT 1", "a.b.c.d"] {
        assert!(session.columns(name).await.is_err(), "{name}");
    }
}
