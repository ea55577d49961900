//! The story of a cluster as `timeline` tells it.

use lookback_query::ErrorKind;
use lookback_query::audit::timeline::{Timeline, timeline};
use lookback_query::diagnostics::parse_time;
use lookback_schemas::time::rfc3339;

use crate::story::{lake, tables};

async fn told(cluster: &str) -> Timeline {
    let lake = lake(&tables()).await;
    let session = lake.session().await;
    let as_of = parse_time("2026-10-31T12:00").unwrap();
    timeline(&session, cluster, as_of, (0, as_of)).await.unwrap()
}

fn time(micros: Option<i64>) -> String {
    micros.map_or_else(|| "-".to_owned(), |micros| rfc3339(micros)[..16].to_owned())
}

/// Segments and entries, a line each.
fn lines(timeline: &Timeline) -> String {
    let mut text = String::new();
    for one in &timeline.incarnations {
        let names: Vec<&str> = one.names.iter().map(|(name, _)| name.as_str()).collect();
        text.push_str(&format!("{} {}\n", one.namespace_arn.rsplit('-').next().unwrap(), names.join(", ")));
        for segment in &one.segments {
            let (from, to) = (time(segment.began.by), time(segment.ended.by));
            text.push_str(&format!("  {from} .. {to} {}: {:?}\n", segment.how(), segment.work));
        }
        for entry in &one.entries {
            let who = entry.who.rsplit('/').next().unwrap_or_default();
            text.push_str(&format!("  {} {} [{}] {who}\n", time(Some(entry.time)), entry.what, entry.class));
        }
    }
    text
}

#[tokio::test]
async fn a_cluster_keeps_its_story_through_a_rename() {
    let by_new_name = told("sales-eu").await;
    assert_eq!(by_new_name.incarnations, told("sales").await.incarnations);
    insta::assert_snapshot!(lines(&by_new_name));
}

#[tokio::test]
async fn incarnations_of_one_name_are_apart() {
    let both = told("analytics").await;
    assert_eq!(both.incarnations.len(), 2);
    insta::assert_snapshot!(lines(&both));
}

#[tokio::test]
async fn a_name_that_nobody_had_is_answered_with_near_ones() {
    let lake = lake(&tables()).await;
    let session = lake.session().await;
    let as_of = parse_time("2026-10-31T12:00").unwrap();
    let error = timeline(&session, "sale", as_of, (0, as_of)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter);
    assert!(error.to_string().contains("did you mean 'sales'"), "{error}");
}
