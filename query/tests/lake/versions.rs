//! A lake that is written to while it is asked.

use lookback_query::Session;
use lookback_query::lake::FileList;
use serde_json::json;

use crate::support::{TestLake, ask, query, sample};

fn described(list: &FileList) -> Vec<String> {
    let (files, all) = (list.files().iter().enumerate(), vec![true; list.schema().table_schema().fields().len()]);
    files
        .map(|(n, f)| format!("{f:?} {:?} {:?}", list.partition_values(n).unwrap(), list.statistics(n, &all)))
        .collect()
}

/// What a session that stays knows of the files is what one that begins reads.
async fn agree(session: &Session, lake: &TestLake) {
    let kept = session.lake().newest("stl_query").await.unwrap().unwrap();
    let read = lake.session().await.lake().newest("stl_query").await.unwrap().unwrap();
    assert_eq!(kept.version(), read.version());
    assert_eq!(described(&kept), described(&read));
}

fn append(lake: &TestLake, version: u64, actions: &[serde_json::Value]) {
    let lines: Vec<String> = actions.iter().map(ToString::to_string).collect();
    let path = lake.dir.path().join(format!("stl_query/_delta_log/{version:020}.json"));
    assert!(!path.exists());
    std::fs::write(path, lines.join("\n")).unwrap();
}

#[tokio::test]
async fn further_commits_are_read_without_the_rest_of_the_log() {
    let lake = sample().await;
    let session = lake.session().await;
    agree(&session, &lake).await;
    let rows = json!([query(7, "2026-01-01 07:00:00", "2026-01-01 07:00:01", "select 7")]);
    lake.add("stl_query", "dev", "2026-01-01", &["starttime"], rows).await;
    agree(&session, &lake).await;
    assert_eq!(
        ask(&session, "SELECT COUNT(*), MAX(querytxt) FROM stl_query WHERE cluster_id = 'dev'").await,
        "1,select 7"
    );

    // As compaction does: files of one day go, one comes; then one of them comes back, and the new one goes.
    let list = session.lake().newest("stl_query").await.unwrap().unwrap();
    let bi = list.files().iter().filter(|f| f.path.to_string().contains("=bi/log_date=2026-01-02"));
    let paths: Vec<(String, u64)> = bi.map(|f| (f.path.to_string(), f.size)).collect();
    assert_eq!(paths.len(), 2);
    let remove = |path: &str| json!({ "remove": { "path": path, "dataChange": false, "deletionTimestamp": 1 } });
    let add = |path: &str, size: u64| {
        let values = json!({ "cluster_id": "bi", "log_date": "2026-01-02" });
        json!({ "add": { "path": path, "size": size, "partitionValues": values, "modificationTime": 0, "dataChange": false,
            "stats": r#"{"numRecords":1,"minValues":{"query":2},"maxValues":{"query":2},"nullCount":{"query":0}}"# } })
    };
    let renamed = "cluster_id=bi/log_date=2026-01-02/day-new-00000.parquet";
    let at = |path: &str| lake.dir.path().join("stl_query").join(path);
    std::fs::copy(at(&paths[0].0), at(renamed)).unwrap();
    let version = list.version();
    append(&lake, version + 1, &[remove(&paths[0].0), remove(&paths[1].0), add(renamed, paths[0].1)]);
    agree(&session, &lake).await;
    assert_eq!(ask(&session, "SELECT COUNT(*) FROM stl_query WHERE cluster_id = 'bi'").await, "2");
    append(&lake, version + 2, &[remove(renamed), add(&paths[0].0, paths[0].1)]);
    append(&lake, version + 3, &[json!({ "commitInfo": { "timestamp": 1 } })]);
    agree(&session, &lake).await;
    assert_eq!(session.lake().newest("stl_query").await.unwrap().unwrap().version(), version + 3);
}
