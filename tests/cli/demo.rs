//! `demo`: the first thing that anybody runs.

use crate::support::{LOOKBACK, Place};

/// Runs a small demo, then every command that it says to type next.
async fn demo_and_next(dir: &str) {
    let place = Place::new();
    let args = ["demo", "--once", "--dir", dir, "--clusters", "2", "--days", "1", "--queries", "100"];
    let ran = place.run(&args).await.expect(0);
    assert!(ran.stdout.contains("starting 2 simulated Redshift clusters with 1 days of history"), "{}", ran.stdout);
    assert!(ran.stdout.contains("== Slowest queries: "), "{}", ran.stdout);
    let next: Vec<&str> = ran.stdout.lines().map(str::trim).filter(|l| l.starts_with("lookback ")).collect();
    assert!(next.iter().any(|l| l.starts_with("lookback sql ")), "{}", ran.stdout);
    for line in next {
        let line = line.replacen("lookback", &format!("'{LOOKBACK}'"), 1);
        let answer = place.sh(&line).await.expect(0);
        assert!(answer.stdout.lines().count() > 2, "{line}\n{}", answer.stdout);
    }
}

#[tokio::test]
async fn the_demo_ends_with_commands_that_work() {
    demo_and_next("lookback-demo").await;
}

#[tokio::test]
async fn they_also_work_for_a_folder_with_a_blank_in_its_name() {
    demo_and_next("my demo").await;
}

#[tokio::test]
async fn a_second_demo_goes_on_without_duplicates() {
    let place = Place::new();
    let args = ["demo", "--once", "--dir", "d", "--clusters", "2", "--days", "1", "--queries", "100"];
    place.run(&args).await.expect(0);
    let count = async || {
        let sql = "SELECT count(*), count(DISTINCT cluster_id || '/' || CAST(query AS varchar)) FROM stl_query";
        let ran = place.run(&["sql", "--config", "d/lookback.toml", "--format", "csv", sql]).await.expect(0);
        let line = ran.stdout.lines().nth(1).unwrap().to_owned();
        let (all, distinct) = line.split_once(',').unwrap();
        (all.parse::<u64>().unwrap(), distinct.parse::<u64>().unwrap())
    };
    let first = count().await;
    assert_eq!(first.0, first.1);
    assert!(first.0 > 100, "{first:?}");
    place.run(&args).await.expect(0);
    let second = count().await;
    assert_eq!(second.0, second.1, "duplicates after a second demo");
    assert!(second.0 >= first.0);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::new();
    place.write("file", "mine");
    place
        .run(&["demo", "--once", "--dir", "file/demo"])
        .await
        .expect(1)
        .says(&["file/demo", "--dir names another folder"]);
    place.run(&["demo", "--once", "--days", "100"]).await.expect(2).says(&["--days"]);
}
