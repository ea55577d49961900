//! What is collected when AWS refuses, fails, repeats itself or is late: nothing lost, nothing twice, nothing for ever.

use aws_sdk_kms::types::KeyManagerType;
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};
use serde_json::json;

use super::scene::{ACCOUNT, START, Scene, cluster, key, key_arn, notice, record, snapshot};
use super::world::World;
use crate::clock::Clock;
use crate::record::plane::Refusal;
use crate::settings::RecordSettings;

async fn busy() -> Scene {
    let scene = Scene::new().await;
    let mut state = scene.world.state();
    let own = key_arn("own");
    state.keys.insert(own.clone(), key(&own, KeyManagerType::Customer));
    state.clusters = (0..5).map(|n| cluster(&format!("c{n}"), Some(&own))).collect();
    state.snapshots = (0..7).map(|n| snapshot(&format!("s{n}"), "c0", Some(&own))).collect();
    state.notices = (0..9).map(|n| notice("3000", &format!("c{n}"), START - n * HOUR)).collect();
    let request = json!({"clusterIdentifier": "c1"});
    state.records =
        (0..9).map(|n| (0, record(&format!("e{n}"), "RebootCluster", START - (n + 1) * HOUR, &request))).collect();
    state.page = Some(2);
    drop(state);
    scene
}

async fn expect_all(scene: &Scene) {
    assert_eq!(scene.rows("cluster_encryption_state").await.len(), 5);
    assert_eq!(scene.rows("snapshot_encryption_state").await.len(), 7);
    assert_eq!(scene.classes("redshift_events").await.len(), 9);
    assert_eq!(scene.classes("cloudtrail_lookup").await.len(), 9);
}

#[tokio::test]
async fn pages_in_disorder_with_things_twice() {
    let scene = busy().await;
    scene.world.state().untidy = true;
    scene.later(0).await;
    expect_all(&scene).await;
    scene.later(20 * MINUTE).await;
    expect_all(&scene).await;
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for refusal in [Refusal::Throttled, Refusal::Server, Refusal::Unreached, Refusal::ExpiredToken] {
        let scene = busy().await;
        for call in ["redshift:DescribeClusters", "redshift:DescribeEvents", "cloudtrail:LookupEvents"] {
            scene.world.fail(call, 1, 2, refusal);
        }
        let report = scene.later(0).await;
        assert!(report.collectors.iter().all(|one| one.status == "ok"), "{refusal:?}: {report:?}");
        let throttles: u64 = report.collectors.iter().map(|one| one.tally.throttles).sum();
        assert_eq!(throttles, if refusal == Refusal::Throttled { 6 } else { 0 });
        expect_all(&scene).await;
    }
}

#[tokio::test]
async fn nothing_is_tried_for_ever_and_one_collector_stops_no_other() {
    for refusal in [Refusal::Throttled, Refusal::Server, Refusal::ExpiredToken, Refusal::Denied, Refusal::Other] {
        for call in ["redshift:DescribeClusters", "redshift:DescribeEvents", "cloudtrail:LookupEvents"] {
            let scene = busy().await;
            scene.later(0).await;
            scene.world.fail(call, 0, usize::MAX, refusal);
            scene.time.set(scene.time.now() + HOUR);
            scene.world.state().calls.clear();
            let report = scene.collect().await;
            assert!(report.error.is_none());
            let failed: Vec<_> = report.collectors.iter().filter(|one| one.status == "failed").collect();
            assert_eq!(failed.len(), 1, "{refusal:?} of {call}: {report:?}");
            assert_eq!(report.exit_code(), 1);
            let asked = scene.world.state().calls.iter().filter(|(name, _)| *name == call).count();
            assert!(asked <= 8, "{refusal:?} of {call}: {asked} calls");
            let runs = scene.runs(failed[0].collector).await;
            let last = runs.last().unwrap();
            assert_eq!((last.get_text("status"), last.get_time("window_to")), (Some("failed"), None));
            assert_eq!(last.get_text("access_errors").is_some(), refusal == Refusal::Denied);
            // Nothing is taken for gone, and nothing for read.
            if refusal != Refusal::Denied {
                expect_all(&scene).await;
            }
            let gone = scene.rows("snapshot_encryption_state").await;
            assert!(gone.iter().all(|row| row.get_text("obs_kind") != Some("tombstone")));
            scene.world.state().faults.clear();
            let missed = scene.time.now() - 20 * MINUTE;
            let late = record("missed", "PauseCluster", missed, &json!({"clusterIdentifier": "c1"}));
            scene.world.state().records.push((0, late));
            scene.world.state().notices.push(notice("2003", "c1", missed));
            scene.later(HOUR).await;
            assert!(scene.classes("cloudtrail_lookup").await.contains(&"cluster.paused".to_owned()));
            assert!(scene.classes("redshift_events").await.contains(&"cluster.interrupted".to_owned()));
        }
    }
}

#[tokio::test]
async fn lookups_keep_to_their_rate() {
    let scene = busy().await;
    scene.later(0).await;
    let state = scene.world.state();
    let at: Vec<i64> = state.calls.iter().filter(|(name, _)| *name == "cloudtrail:LookupEvents").map(|c| c.1).collect();
    assert!(at.len() >= 58);
    for (n, first) in at.iter().enumerate() {
        assert!(at[n..].iter().filter(|t| **t - first < SECOND).count() <= 3);
    }
    let seconds = (at[at.len() - 1] - at[0]) / SECOND;
    assert!(at.len() as i64 <= seconds * 3 / 2 + 4, "{} lookups in {seconds} s", at.len());
}

#[tokio::test]
async fn a_key_that_may_not_be_looked_at_is_not_known_and_never_taken_for_amazons() {
    let scene = busy().await;
    let foreign = "arn:aws:kms:eu-central-1:999988887777:key/theirs";
    scene.world.state().clusters = vec![cluster("c0", Some(foreign))];
    scene.world.fail("kms:DescribeKey", 1, usize::MAX, Refusal::Denied);
    let report = scene.later(0).await;
    let keys = report.collectors.iter().find(|one| one.collector == "keys").unwrap();
    assert_eq!(keys.status, "partial");
    let clusters = scene.rows("cluster_encryption_state").await;
    assert_eq!(clusters[0].get_text("encryption_type"), Some("unknown"));
    assert_eq!(clusters[0].get_text("kms_key_account"), Some("999988887777"));
    let rows = scene.rows("kms_key_state").await;
    let row = rows.iter().find(|row| row.get_text("kms_key_arn") == Some(foreign)).unwrap();
    assert_eq!((row.get_text("key_manager"), row.get_text("owner_account")), (None, Some("999988887777")));
    assert!(row.get_text("access_error").unwrap().starts_with("kms:DescribeKey"));
    let runs = scene.runs("keys").await;
    let refused = runs[0].get_text("access_errors").unwrap();
    assert!(
        refused.contains(r#""grant":"kms:DescribeKey""#) && refused.contains(&format!(r#""resource":"{foreign}""#))
    );
    assert!(
        runs[0].get_time("window_to").is_some() && runs[0].get_text("error").is_none(),
        "the others were looked at"
    );
    // Another denial of the same is no change.
    scene.world.state().faults.clear();
    scene.world.fail("kms:DescribeKey", 1, usize::MAX, Refusal::Denied);
    scene.later(HOUR).await;
    assert_eq!(scene.rows("kms_key_state").await.len(), rows.len());
}

#[tokio::test]
async fn a_fact_that_fails_for_now_is_no_change_of_state() {
    let scene = busy().await;
    scene.later(0).await;
    scene.world.fail("redshift:DescribeLoggingStatus", 0, 4, Refusal::Server);
    scene.world.fail("kms:GetKeyPolicy", 0, 4, Refusal::Server);
    let report = scene.later(HOUR / 2).await;
    let of = |name: &str| report.collectors.iter().find(|one| one.collector == name).unwrap();
    assert_eq!((of("clusters").status, of("keys").status), ("partial", "partial"));
    assert_eq!(of("clusters").window, None, "the look proves nothing");
    expect_all(&scene).await;
    assert_eq!(scene.rows("kms_key_state").await.len(), 1);
    assert!(scene.classes("state_diff").await.is_empty());
}

#[tokio::test]
async fn a_window_that_expired_before_it_was_read_is_a_gap() {
    let scene = busy().await;
    scene.later(0).await;
    scene.time.set(scene.time.now() + 20 * DAY);
    let report = scene.collect().await;
    assert_eq!(report.exit_code(), 3, "{report:?}");
    let runs = scene.runs("redshift_events").await;
    let gaps: Vec<_> = runs.iter().filter(|row| row.get_text("status") == Some("gap")).collect();
    assert_eq!(gaps.len(), 1);
    let lost = gaps[0].get_time("window_to").unwrap() - gaps[0].get_time("window_from").unwrap();
    assert!((6 * DAY - lost).abs() < HOUR, "{lost}");
    assert!(scene.runs("cloudtrail").await.iter().all(|row| row.get_text("status") == Some("ok")));
    scene.later(HOUR).await;
    assert_eq!(scene.runs("redshift_events").await.len(), 4, "said once");
    // A state that nobody looked at for days is not proven by the next look.
    let looks = scene.runs("clusters").await;
    assert_eq!(looks[1].get_time("window_from"), looks[1].get_time("window_to"));
}

#[tokio::test]
async fn lost_watermarks_lose_and_repeat_nothing() {
    let mut scene = busy().await;
    scene.later(0).await;
    scene.lose_watermarks().await;
    let report = scene.later(HOUR).await;
    assert_eq!(report.collectors.iter().map(|one| one.rows).sum::<u64>(), 0, "{report:?}");
    expect_all(&scene).await;
}

#[tokio::test]
async fn two_at_once_are_one() {
    let scene = busy().await;
    let place = [scene.place(ACCOUNT, &scene.world)];
    let (one, other) = tokio::join!(scene.collect_from(&place), scene.collect_from(&place));
    let rows = |report: &crate::record::RecordReport| report.collectors.iter().map(|c| c.rows).sum::<u64>();
    assert!(one.error.is_none() && other.error.is_none(), "{one:?} {other:?}");
    assert!(rows(&one) == 0 || rows(&other) == 0, "{one:?} {other:?}");
    expect_all(&scene).await;
}

#[tokio::test]
async fn an_account_that_cannot_be_reached_stops_no_other() {
    let scene = busy().await;
    let other = World::new(&scene.time);
    let mut broken = scene.place("444455556666", &other);
    broken.problem = Some("the role cannot be assumed".to_owned());
    let report = scene.collect_from(&[broken, scene.place(ACCOUNT, &scene.world)]).await;
    assert_eq!(report.exit_code(), 1);
    expect_all(&scene).await;
    let runs = scene.rows("collection_runs").await;
    let failed: Vec<_> = runs.iter().filter(|row| row.get_text("status") == Some("failed")).collect();
    assert!(!failed.is_empty() && failed.iter().all(|row| row.get_text("account_id") == Some("444455556666")));
    assert!(other.state().calls.is_empty());
}

#[tokio::test]
async fn more_than_fits_into_a_run_is_read_oldest_first_until_it_is_done() {
    let minutes = |n: u64| std::time::Duration::from_secs(60 * n);
    let settings = RecordSettings { config_history: false, timeout: minutes(4), ..RecordSettings::default() };
    let scene = Scene::with(settings).await;
    let request = json!({"clusterIdentifier": "c1"});
    {
        let mut state = scene.world.state();
        state.page = Some(2);
        let all = 0..500;
        let at = |n: i64| START - (n + 1) * HOUR;
        state.records = all.map(|n| (0, record(&format!("e{n}"), "RebootCluster", at(n), &request))).collect();
    }
    let (mut runs, mut before) = (0, i64::MIN);
    loop {
        let started = scene.time.now();
        let report = scene.collect().await;
        assert!(report.error.is_none());
        assert!(scene.time.now() - started < 5 * MINUTE, "it ends in time");
        let found = scene.classes("cloudtrail_lookup").await.len();
        let one = report.collectors.iter().find(|one| one.collector == "cloudtrail").unwrap();
        let window = one.window.expect("every run covers something");
        runs += 1;
        if one.status == "ok" {
            assert_eq!((found, window.to > START - MINUTE), (500, true));
            break;
        }
        assert!(window.to > before && runs < 40, "{found} after {runs} runs");
        before = window.to;
        scene.time.set(scene.time.now() + 15 * MINUTE);
    }
    assert!(runs > 1);
}
