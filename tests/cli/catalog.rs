//! `catalog`: what is written, where it is written, what is refused, and that every statement of a dashboard runs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::lakes::{TestLake, sample};
use crate::support::Place;

/// What Grafana makes of a statement: variables first, then macros.
fn expand(sql: &str, variables: &BTreeMap<String, String>) -> String {
    let mut sql = sql.to_owned();
    for (name, value) in variables {
        sql = sql.replace(&format!("${{{name}:percentencode}}"), value);
    }
    sql.replace("${cluster:sqlstring}", &variables["cluster"])
        .replace("$__timeFrom()", "'2025-12-31T22:00:00.123456789Z'")
        .replace("$__timeTo()", "'2026-01-03T00:00:00Z'")
}

/// The variables of a dashboard as they are when it opens; clusters as text of SQL.
fn variables(dashboard: &Value, clusters: &str) -> BTreeMap<String, String> {
    let list = dashboard["templating"]["list"].as_array().unwrap();
    let typed = list.iter().filter(|variable| variable["type"] == "textbox");
    let mut values: BTreeMap<String, String> = typed
        .map(|v| (v["name"].as_str().unwrap().to_owned(), v["current"]["value"].as_str().unwrap().to_owned()))
        .collect();
    values.insert("cluster".to_owned(), clusters.to_owned());
    values
}

#[tokio::test]
async fn every_statement_of_every_dashboard_runs_as_grafana_completes_it() {
    let (place, lake) = (Place::new(), sample().await);
    let listed = place.run(&["catalog", "grafana", "-o", "out"]).await.expect(0).stdout;
    let session = lake.session().await;
    let mut asked = 0;
    for name in place.entries().iter().flat_map(|folder| std::fs::read_dir(place.path(folder)).unwrap()) {
        let path = name.unwrap().path();
        assert!(listed.contains(path.file_name().unwrap().to_str().unwrap()), "{listed}");
        let dashboard: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        // All clusters and a choice of them, in turn.
        let chosen = [variables(&dashboard, "'*'"), variables(&dashboard, "'etl','b''i'")];
        for (panel, variables) in dashboard["panels"].as_array().unwrap().iter().zip(chosen.iter().cycle()) {
            let target = &panel["targets"][0];
            let sql = expand(target["rawSql"].as_str().unwrap(), variables);
            let answer = session.query(&sql).await.unwrap_or_else(|e| panic!("{}: {e}\n{sql}", panel["title"]));
            let schema = answer.schema();
            answer.collect().await.unwrap_or_else(|e| panic!("{}: {e}\n{sql}", panel["title"]));
            asked += 1;
            let columns: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
            if target["format"] == "time_series" {
                assert_eq!((columns[0].as_str(), columns[1].as_str(), columns.len()), ("time", "metric", 3), "{sql}");
            }
            // What is said of a column is said of one that is there.
            for one in panel["fieldConfig"]["overrides"].as_array().unwrap() {
                let name = one["matcher"]["options"].as_str().unwrap();
                assert!(columns.iter().any(|c| *c == name) || name.contains('\\'), "{}: {name}", panel["title"]);
            }
        }
    }
    assert!(asked > 80, "{asked}");
}

#[tokio::test]
async fn a_chart_shows_the_chosen_clusters_in_the_chosen_time_only() {
    let (place, lake) = (Place::new(), sample().await);
    let dashboard = place.run(&["catalog", "grafana", "slowest_queries"]).await.expect(0).json();
    let session = lake.session().await;
    let ask = async |panel: usize, clusters: &str, top: &str| {
        let mut variables = variables(&dashboard, clusters);
        variables.insert("top".to_owned(), top.to_owned());
        let sql = expand(dashboard["panels"][panel]["targets"][0]["rawSql"].as_str().unwrap(), &variables);
        crate::lakes::csv(&session, &sql).await.map_err(|e| e.to_string())
    };
    assert_eq!(ask(0, "'*'", "3").await.unwrap(), "etl 2,600.3\nbi 1,30\netl 3,3.1");
    assert_eq!(ask(0, "'bi'", "20").await.unwrap().lines().count(), 3);
    assert_eq!(ask(1, "'bi'", "1").await.unwrap().lines().next().unwrap().split(',').next(), Some("bi"));
    // As it arrives when somebody types `1; DROP TABLE x` or `'` there.
    for typed in ["1%3B%20DROP%20TABLE%20x", "%27", ""] {
        let refused = ask(0, "'*'", typed).await.unwrap_err();
        assert!(!refused.contains("DROP TABLE"), "{refused}");
    }
}

#[tokio::test]
async fn dashboards_that_do_not_exist_are_refused_with_those_that_do() {
    let place = Place::new();
    place.run(&["catalog", "grafana"]).await.expect(2).says(&["overview", "encryption", "--output", "--group"]);
    place.run(&["catalog", "grafana", "--group", "nothing"]).await.expect(2).says(&["'nothing'", "queues"]);
    place.run(&["catalog", "grafana", "slowest"]).await.expect(2).says(&["slowest_queries"]);
    let one = place.run(&["catalog", "grafana", "-g", "overview", "--datasource", "abc"]).await.expect(0).json();
    assert_eq!(one["panels"][0]["datasource"], json!({ "type": "grafana-postgresql-datasource", "uid": "abc" }));
    assert_eq!(one["uid"], "lookback-overview");
    assert!(place.entries().is_empty());
}

#[tokio::test]
async fn athena_gets_the_tables_that_the_lake_has() {
    let (place, lake) = (Place::new(), sample().await);
    lake.add_runs("2026-01-02", json!([{ "cluster_id": "etl", "run_id": "1", "table_name": "stl_query" }])).await;
    let ask =
        async |more: &[&str]| place.run(&[&["--lake", lake.location(), "catalog", "athena"], more].concat()).await;
    let s3 = ["--location", "s3://example/lake"];
    let ran = ask(&s3).await.expect(0);
    let tables: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("CREATE")).collect();
    assert_eq!(
        tables,
        [
            "CREATE DATABASE IF NOT EXISTS `lookback`;",
            "CREATE EXTERNAL TABLE `lookback`.`lookback_export_runs`",
            "CREATE EXTERNAL TABLE `lookback`.`stl_query`",
            "CREATE OR REPLACE VIEW \"lookback\".\"coverage\" AS",
        ]
    );
    ask(&[&s3[..], &["-o", "out.sql", "--database", "logs", "stl_query"]].concat()).await.expect(0);
    let file = std::fs::read_to_string(place.path("out.sql")).unwrap();
    assert!(file.contains("`logs`.`stl_query`\nLOCATION 's3://example/lake/stl_query/'"), "{file}");
    assert!(!file.contains("lookback_export_runs"), "{file}");
    // All of them need no lake.
    let all = place.run(&["--lake", "nowhere", "catalog", "athena", "--all", s3[0], s3[1]]).await.expect(0).stdout;
    assert!(all.contains("`stl_wlm_query`") && all.contains("`audit_results`") && all.contains("\"queries\""), "{all}");

    ask(&[]).await.expect(2).says(&["not in S3", "--location"]);
    ask(&[&s3[..], &["--database", "a b"]].concat()).await.expect(2).says(&["'a b'"]);
    ask(&["--location", "s3://example/it's"]).await.expect(2).says(&["characters"]);
    ask(&[&s3[..], &["stl_queri"]].concat()).await.expect(2).says(&["'stl_query'"]);
    let empty = TestLake::new();
    let none = place.run(&["--lake", empty.location(), "catalog", "athena", s3[0], s3[1]]).await;
    none.expect(1).says(&["no tables yet", "--all"]);
}

#[tokio::test]
async fn glue_gets_the_columns_that_the_log_has() {
    let (place, lake) = (Place::new(), TestLake::new());
    let row = json!([{ "query": 1, "starttime": "2026-01-01 08:00:00", "endtime": "2026-01-01 08:00:01" }]);
    lake.add_narrow("stl_query", "etl", "2026-01-01", &["label"], row).await;
    let ask = async |format: &str| {
        let base =
            ["--lake", lake.location(), "catalog", "glue", "--location", "s3://example/lake/", "--format", format];
        place.run(&base).await.expect(0)
    };
    let document = ask("json").await.json();
    assert_eq!(document["Database"]["DatabaseInput"]["Name"], "lookback");
    let table = &document["Tables"][0]["TableInput"];
    assert_eq!(table["Parameters"]["table_type"], "DELTA");
    assert_eq!(table["StorageDescriptor"]["Location"], "s3://example/lake/stl_query/");
    let columns = table["StorageDescriptor"]["Columns"].as_array().unwrap();
    assert!(columns.contains(&json!({ "Name": "starttime", "Type": "timestamp" })), "{columns:?}");
    assert!(columns.iter().all(|column| column["Name"] != "label" && column["Name"] != "cluster_id"), "{columns:?}");
    let keys = json!([{ "Name": "cluster_id", "Type": "string" }, { "Name": "log_date", "Type": "date" }]);
    assert_eq!(table["PartitionKeys"], keys);
    let template = ask("cloudformation").await.json();
    assert_eq!(template["Resources"]["TableStlQuery"]["Type"], "AWS::Glue::Table");
    // The script is one that a shell takes, and hands over JSON.
    let script = ask("cli").await.stdout;
    place.write("calls.sh", &script);
    let ran = place.sh("aws() { shift 3; printf '%s\\n' \"$1\"; }; . ./calls.sh").await.expect(0);
    let calls: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(calls, [document["Database"].clone(), document["Tables"][0].clone()]);
}
