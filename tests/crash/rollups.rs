//! Rollups, stopped before and after every side effect: readers see a day's old sums or its new ones, never both or neither,
//! and the next `maintain` completes what was left.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::util::display::array_value_to_string;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use lookback_exporter::maintain::{RollupDays, RollupEngine, RollupReport, Rows, roll_up};
use lookback_exporter::{Error, ErrorKind, Work};
use lookback_query::{PinnedRollup, QueryError, Session};
use lookback_schemas::rollups::{Day, DayState, HOURLY, Key, ROLLUPS, Rollup};
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};
use tokio_util::sync::CancellationToken;

use crate::faults::{Injector, Point};
use crate::scene::{NOON, Scene};

struct Engine(Session);

struct Pinned(PinnedRollup);

fn failed(e: QueryError) -> Error {
    Error::new(ErrorKind::Lake, e.to_string())
}

#[async_trait]
impl RollupEngine for Engine {
    async fn pin(&self, rollup: &'static Rollup) -> Result<Box<dyn RollupDays>, Error> {
        Ok(Box::new(Pinned(self.0.rollup(rollup).await.map_err(failed)?)))
    }
}

#[async_trait]
impl RollupDays for Pinned {
    fn days(&self) -> &BTreeMap<Key, Day> {
        self.0.days()
    }

    async fn compute(&self, cluster_id: &str, day: i32) -> Result<Rows, Error> {
        let rows = self.0.compute(cluster_id, day).await.map_err(failed)?;
        Ok(rows.map_err(|e| failed(e.into())).boxed())
    }
}

async fn maintain(scene: &Scene, injector: &Arc<Injector>) -> Vec<RollupReport> {
    let (exporter, _) = scene.exporter(injector);
    roll_up(&exporter, &Engine(scene.session().await), &ROLLUPS, &CancellationToken::new()).await
}

/// Queries by cluster and day, as a table has them.
async fn by_day(session: &Session, table: &str, count: &str) -> BTreeMap<String, String> {
    let sql = format!("SELECT CAST(log_date AS VARCHAR) AS day, {count} AS n FROM {table} GROUP BY log_date");
    let batches = session.query(&sql).await.unwrap().collect().await.unwrap();
    let rows = batches.iter().flat_map(|batch| {
        let text = |column: usize, row: usize| array_value_to_string(batch.column(column), row).unwrap();
        (0..batch.num_rows()).map(move |row| (text(0, row), text(1, row)))
    });
    rows.collect()
}

/// Two days are stored; then a late row comes for the first of them, and rows of a third.
async fn scene() -> (Scene, BTreeMap<String, String>) {
    let mut scene = Scene::new(NOON).await;
    scene.settings.slice_rows = 1_000;
    scene.create_lake().await;
    for id in 0..3 {
        scene.query(id, NOON - HOUR + id * MINUTE, NOON - HOUR + id * MINUTE + SECOND);
    }
    scene.query(3, NOON - DAY, NOON - DAY + SECOND);
    let calm = Injector::counting();
    let export = Work::Export { sweep: false };
    assert_eq!(scene.work(&calm, export).await.exit_code(), 0);
    assert!(maintain(&scene, &calm).await.iter().all(|report| report.stored == 2 && report.failures.is_empty()));
    let old = by_day(&scene.session().await, HOURLY.name, "SUM(queries)").await;
    scene.query(4, NOON - 10 * MINUTE, NOON + 5 * MINUTE);
    scene.query(5, NOON + 13 * HOUR, NOON + 13 * HOUR);
    scene.set_now(NOON + 14 * HOUR);
    assert_eq!(scene.work(&calm, export).await.exit_code(), 0);
    (scene, old)
}

async fn assert_whole(scene: &Scene, old: &BTreeMap<String, String>, when: &str) {
    let session = scene.session().await;
    let new = by_day(&session, "stl_query", "COUNT(*)").await;
    for (day, stored) in by_day(&session, HOURLY.name, "SUM(queries)").await {
        assert!(Some(&stored) == old.get(&day) || Some(&stored) == new.get(&day), "{when}: {stored} queries on {day}");
    }
    let current = by_day(&session, "lookback_hourly_current", "SUM(queries)").await;
    assert_eq!(current, new, "{when}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rollups_stopped_before_and_after_every_side_effect_are_the_old_or_the_new_ones() {
    let counting = Injector::counting();
    let (whole, _) = scene().await;
    let reports = maintain(&whole, &counting).await;
    assert!(reports.iter().all(|report| report.stored == 2 && report.current == 1), "{reports:?}");
    let names = counting.names();
    for table in ["lookback_hourly", "lookback_fingerprints"] {
        for kind in ["object", "commit"] {
            let found = names.iter().any(|name| name.starts_with(kind) && name.contains(table));
            assert!(found, "no {kind} of {table} in {names:?}");
        }
    }
    for at in 0..counting.count() {
        for point in [Point::Before, Point::After] {
            let (scene, old) = scene().await;
            let injector = Injector::stopping(at, point);
            maintain(&scene, &injector).await;
            assert!(injector.is_dead());
            let when = format!("stopped {point:?} side effect {at} ({:?})", names.get(at as usize));
            assert_whole(&scene, &old, &when).await;
            let again = maintain(&scene, &Injector::counting()).await;
            assert!(
                again.iter().all(|report| report.failures.is_empty() && report.overtaken == 0),
                "{when}: {again:?}"
            );
            let session = scene.session().await;
            for rollup in ROLLUPS {
                let pinned = session.rollup(rollup).await.unwrap();
                assert_eq!(pinned.days().len(), 3);
                assert!(
                    pinned.days().values().all(|day| day.state == DayState::Current),
                    "{when}: {:?}",
                    pinned.days()
                );
            }
            let stored = by_day(&session, HOURLY.name, "SUM(queries)").await;
            assert_eq!(stored, by_day(&session, "stl_query", "COUNT(*)").await, "{when}");
        }
    }
}

/// Lets another `maintain` pass between the look at the rollup and the commit.
struct Overtaken<'a> {
    scene: &'a Scene,
    engine: Engine,
}

#[async_trait]
impl RollupEngine for Overtaken<'_> {
    async fn pin(&self, rollup: &'static Rollup) -> Result<Box<dyn RollupDays>, Error> {
        let pinned = self.engine.pin(rollup).await?;
        // Newer logs, stored by somebody else.
        let id = 10 + i64::from(rollup == &HOURLY);
        let end = self.scene.now() - HOUR;
        self.scene.query(id, end, end);
        let calm = Injector::counting();
        self.scene.work(&calm, Work::Export { sweep: false }).await;
        let (exporter, _) = self.scene.exporter(&calm);
        roll_up(&exporter, &self.engine, &[rollup], &CancellationToken::new()).await;
        Ok(pinned)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_of_older_logs_never_replace_those_of_newer_ones() {
    let mut scene = Scene::new(NOON).await;
    scene.create_lake().await;
    scene.settings.overlap = std::time::Duration::from_secs(4 * 3_600);
    let calm = Injector::counting();
    scene.query(0, NOON - HOUR, NOON - HOUR);
    assert_eq!(scene.work(&calm, Work::Export { sweep: false }).await.exit_code(), 0);
    // Once where there is no table yet, and once where the day is stored already.
    for round in 0..2 {
        let engine = Overtaken { scene: &scene, engine: Engine(scene.session().await) };
        let (exporter, _) = scene.exporter(&calm);
        let reports = roll_up(&exporter, &engine, &ROLLUPS, &CancellationToken::new()).await;
        assert!(reports.iter().all(|report| report.failures.is_empty()), "{reports:?}");
        assert!(reports.iter().all(|report| (report.stored, report.overtaken) == (0, 1)), "round {round}: {reports:?}");
        let session = scene.session().await;
        let stored = by_day(&session, HOURLY.name, "SUM(queries)").await;
        let logs = by_day(&session, "stl_query", "COUNT(*)").await;
        // What the other one stored, which came before the last query.
        let number = |days: &BTreeMap<String, String>| days.values().map(|n| n.parse::<i64>().unwrap()).sum::<i64>();
        assert_eq!(number(&stored), number(&logs) - 1, "round {round}");
        assert_eq!(by_day(&session, "lookback_hourly_current", "SUM(queries)").await, logs);
        // A later row, so that there is something to do in the next round.
        scene.query(20 + round, scene.now() - 30 * MINUTE, scene.now() - 30 * MINUTE);
        scene.set_now(scene.now() + 5 * MINUTE);
        assert_eq!(scene.work(&calm, Work::Export { sweep: false }).await.exit_code(), 0);
    }
}
