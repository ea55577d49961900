//! Every side effect, stopped before and after: exhaustive, not sampled.
//!
//! The story: an export; more rows, one of them late; a second export; the next day, a sweep; two days on, the last sweep and
//! compaction. Whatever stops it where, a new process goes on with the same step, and at the end the lake equals the truth.

use std::sync::Arc;
use std::time::Duration;

use lookback_exporter::Work;
use lookback_exporter::settings::ExportSettings;
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};

use crate::faults::{Injector, Point};
use crate::scene::{NOON, Scene};

#[derive(Debug, Clone, Copy)]
enum Step {
    Export,
    Sweep,
    Compact,
}

async fn step(scene: &Scene, injector: &Arc<Injector>, step: Step) -> bool {
    let work = match step {
        Step::Export => Work::Export { sweep: false },
        Step::Sweep => Work::Sweep,
        Step::Compact => return scene.compact(injector).await,
    };
    scene.work(injector, work).await.exit_code() == 0
}

/// Runs the story; a step that was stopped is taken up again by a new process, once the dead one's lease has ended.
async fn story(injector: Arc<Injector>, overlap: Duration) -> Scene {
    let mut scene = Scene::new(NOON).await;
    scene.settings.overlap = overlap;
    let mut injector = injector;
    let mut delay = 0;
    for id in 0..3 {
        scene.query(id, NOON - HOUR + id * MINUTE, NOON - HOUR + id * MINUTE + SECOND);
    }
    // Two rows alike in every column.
    scene.query(2, NOON - HOUR + 2 * MINUTE, NOON - HOUR + 2 * MINUTE + SECOND);
    let plan = [
        (0, Step::Export),
        (15 * MINUTE, Step::Export),
        (DAY - 8 * HOUR, Step::Export),
        (DAY - 8 * HOUR, Step::Sweep),
        (2 * DAY - 8 * HOUR, Step::Sweep),
        (2 * DAY - 8 * HOUR, Step::Compact),
    ];
    for (number, (after, what)) in plan.into_iter().enumerate() {
        if number == 1 {
            scene.query(3, NOON + MINUTE, NOON + MINUTE + SECOND);
            // Ended before the first export's window closed, and seen only now.
            scene.query(4, NOON - 10 * MINUTE, NOON + 5 * MINUTE);
            // Seen an hour after it ended: only a sweep can find it.
            scene.query(5, NOON - 2 * HOUR, NOON + 10 * MINUTE);
        }
        // The second export in two pieces, the first of which has a watermark of its own.
        scene.settings.slice =
            if number == 1 { (overlap + QUARTER_HOUR) * 3 / 4 } else { ExportSettings::default().slice };
        scene.set_now(NOON + after + delay);
        let mut attempts = 0;
        while !step(&scene, &injector, what).await {
            attempts += 1;
            assert!(attempts <= 3, "step {number} ({what:?}) does not come to its end");
            assert!(injector.is_dead(), "step {number} ({what:?}) failed by itself");
            // A new process, after the lease of the dead one.
            injector = Injector::counting();
            delay += 11 * MINUTE;
            scene.set_now(NOON + after + delay);
        }
    }
    scene
}

async fn every_stop(part: u64, parts: u64, overlap: Duration) {
    let counting = Injector::counting();
    let scene = story(Arc::clone(&counting), overlap).await;
    assert_eq!(scene.difference().await, None, "without a stop");
    let total = counting.count();
    assert!(total > 60, "only {total} side effects: {:?}", counting.names());
    for kind in ["query", "object", "commit", "watermark", "lease", "release", "connect"] {
        assert!(counting.names().iter().any(|n| n.starts_with(kind)), "no side effect of kind {kind}");
    }
    let mut stopped = 0;
    for at in (0..total).filter(|at| at % parts == part) {
        for point in [Point::Before, Point::After] {
            let injector = Injector::stopping(at, point);
            let scene = story(Arc::clone(&injector), overlap).await;
            stopped += u64::from(injector.is_dead());
            let name = counting.names().get(at as usize).cloned().unwrap_or_default();
            assert_eq!(scene.difference().await, None, "stopped {point:?} side effect {at} ({name})");
        }
    }
    assert!(stopped > 0);
    println!("part {part}: {total} side effects in the story, {stopped} stops tried here");
}

const QUARTER_HOUR: Duration = Duration::from_secs(900);
const HALF_HOUR: Duration = Duration::from_secs(1_800);

macro_rules! parts {
    ($($name:ident: $part:literal, $overlap:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            every_stop($part, 4, $overlap).await;
        }
    )*};
}

parts! {
    every_stop_part_1_of_4: 0, HALF_HOUR;
    every_stop_part_2_of_4: 1, HALF_HOUR;
    every_stop_part_3_of_4: 2, HALF_HOUR;
    every_stop_part_4_of_4: 3, HALF_HOUR;
    every_stop_without_overlap_part_1_of_4: 0, Duration::ZERO;
    every_stop_without_overlap_part_2_of_4: 1, Duration::ZERO;
    every_stop_without_overlap_part_3_of_4: 2, Duration::ZERO;
    every_stop_without_overlap_part_4_of_4: 3, Duration::ZERO;
}
