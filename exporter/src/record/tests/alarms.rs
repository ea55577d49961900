//! What is about to be lost is said while there is time to act, whatever it is that stands in the way.

use lookback_schemas::encryption::collector::{CLOUDTRAIL, REDSHIFT_EVENTS};
use lookback_schemas::time::{DAY, HOUR};

use super::scene::{ACCOUNT, Scene};
use crate::clock::Clock;
use crate::record::RecordReport;
use crate::record::plane::Refusal;

/// The collectors that are alarmed, and the whole days that each has left.
fn alarms(report: &RecordReport) -> Vec<(&'static str, i64)> {
    report.alarms().map(|(one, headroom)| (one.collector, headroom.left.div_euclid(DAY))).collect()
}

#[tokio::test]
async fn a_source_that_is_not_read_for_long_is_an_alarm_until_it_is() {
    let scene = Scene::new().await;
    let first = scene.later(0).await;
    assert_eq!(alarms(&first), []);
    scene.world.fail("redshift:DescribeEvents", 0, usize::MAX, Refusal::Server);
    scene.world.fail("cloudtrail:LookupEvents", 0, usize::MAX, Refusal::Denied);
    let started = scene.time.now();
    let mut after = Vec::new();
    for days in [9, 11, 15, 79, 81] {
        scene.time.set(started + days * DAY);
        let report = scene.collect().await;
        assert_eq!(report.exit_code(), 1);
        after.push((days, alarms(&report)));
    }
    assert_eq!(
        after,
        [
            (9, vec![]),
            (11, vec![(REDSHIFT_EVENTS, 2)]),
            (15, vec![(REDSHIFT_EVENTS, -2)]),
            (79, vec![(REDSHIFT_EVENTS, -66)]),
            (81, vec![(REDSHIFT_EVENTS, -68), (CLOUDTRAIL, 8)]),
        ]
    );
    // The record itself says how far each was.
    let runs = scene.runs(CLOUDTRAIL).await;
    let marks: Vec<_> = runs.iter().map(|row| row.get_text("watermark").unwrap()).collect();
    assert!(marks.len() == 6 && marks.iter().all(|mark| *mark == marks[0]), "{marks:?}");
    scene.world.state().faults.clear();
    let report = scene.collect().await;
    assert_eq!((alarms(&report), report.exit_code()), (vec![], 3), "what was lost is a gap, and no alarm any more");
}

#[tokio::test]
async fn an_account_that_cannot_be_reached_is_an_alarm_as_well() {
    let scene = Scene::new().await;
    scene.later(0).await;
    let mut place = scene.place(ACCOUNT, &scene.world);
    place.problem = Some("the role cannot be assumed".to_owned());
    scene.time.set(scene.time.now() + 9 * DAY);
    assert_eq!(alarms(&scene.collect_from(std::slice::from_ref(&place)).await), []);
    scene.time.set(scene.time.now() + DAY + HOUR);
    let report = scene.collect_from(std::slice::from_ref(&place)).await;
    assert_eq!(alarms(&report), [(REDSHIFT_EVENTS, 3)], "{report:?}");
    let (_, headroom) = report.alarms().next().unwrap();
    assert!(headroom.describe().contains("in 3 d"), "{}", headroom.describe());
}
