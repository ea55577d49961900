//! Every request that changes something in S3 or DynamoDB, stopped after its effect: exhaustive, on the wire. What is stopped
//! before its effect leaves S3 and DynamoDB as the request before it did, so that only the first one is stopped there as well.
//!
//! The story is that of `tests/crash`, shorter: an export; more rows, one of them late; a second export; the sweeps of the next
//! days and compaction. The process whose request is stopped hears nothing more from AWS; a new one goes on with the same step.

use lookback_exporter::Work;
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};
use lookback_simulator::{Cluster, Row, ServeOptions, Server};
use tokio_util::sync::CancellationToken;

use crate::support::proxy::Point;
use crate::support::site::Site;
use crate::world::{NOON, job, specs, truth};

const TABLES: [&str; 2] = ["stl_query", "stl_querytext"];

#[derive(Debug, Clone, Copy)]
enum Step {
    Export,
    Sweep,
    Compact,
}

/// Adds a query that ended at `end`, and a fragment of its text; both become visible at `visible`.
fn query(cluster: &Cluster, id: i64, end: i64, visible: i64) {
    let base = || Row::new(visible).with("userid", 100 + id % 3).with("query", id);
    let row = base().with("querytxt", format!("select {id}").as_str()).at("starttime", end - MINUTE).at("endtime", end);
    cluster.insert("stl_query", vec![row]);
    cluster.insert("stl_querytext", vec![base().with("sequence", 0).with("text", format!("select {id}").as_str())]);
}

async fn step(site: &Site, server: &Server, step: Step) -> Result<(), String> {
    let aws = site.aws().await;
    let Ok(exporter) = site.try_exporter_of(&aws).await else { return Err("the lake cannot be opened".to_owned()) };
    let work = match step {
        Step::Export => Work::Export { sweep: false },
        Step::Sweep => Work::Sweep,
        Step::Compact => {
            let done =
                lookback_exporter::maintain::compact(&exporter, &specs(&TABLES), &CancellationToken::new()).await;
            return match done {
                Ok(report) if report.failures.is_empty() => Ok(()),
                Ok(report) => Err(format!("{:?}", report.failures)),
                Err(e) => Err(e.to_string()),
            };
        }
    };
    let report = exporter.run(&[job("etl", server, &TABLES)], work, &CancellationToken::new()).await;
    if report.exit_code() == 0 {
        return Ok(());
    }
    Err(report.failures().map(|(t, e)| format!("{}: {e}; ", t.table)).collect())
}

/// Runs the story with a stop; gives the number of mutations up to its end.
async fn story(site: &mut Site, stop: Option<(u64, Point)>) -> u64 {
    site.settings.retries = 0;
    site.settings.commit_linger = std::time::Duration::ZERO;
    let cluster = Cluster::empty("etl", NOON);
    let server = cluster.serve(ServeOptions::default()).await.unwrap();
    if let Some((n, point)) = stop {
        site.proxy.fail_at(n, point);
    }
    for id in 0..3 {
        query(&cluster, id, NOON - HOUR + id * MINUTE, NOON - HOUR + id * MINUTE + SECOND);
    }
    // Two rows alike in every column.
    query(&cluster, 2, NOON - HOUR + 2 * MINUTE, NOON - HOUR + 2 * MINUTE + SECOND);
    let plan = [
        (0, Step::Export),
        (15 * MINUTE, Step::Export),
        (DAY - 8 * HOUR, Step::Export),
        (DAY - 8 * HOUR, Step::Sweep),
        (2 * DAY - 8 * HOUR, Step::Sweep),
        (2 * DAY - 8 * HOUR, Step::Compact),
    ];
    let mut delay = 0;
    for (number, (after, what)) in plan.into_iter().enumerate() {
        if number == 1 {
            query(&cluster, 3, NOON + MINUTE, NOON + MINUTE + SECOND);
            // Ended before the first export's window closed, and seen only now.
            query(&cluster, 4, NOON - 10 * MINUTE, NOON + 5 * MINUTE);
            // Seen an hour after it ended: only a sweep can find it.
            query(&cluster, 5, NOON - 2 * HOUR, NOON + 10 * MINUTE);
        }
        let mut attempts = 0;
        loop {
            site.clock.set(NOON + after + delay);
            cluster.set_now(NOON + after + delay);
            let Err(why) = step(site, &server, what).await else { break };
            attempts += 1;
            assert!(attempts <= 3, "step {number} ({what:?}) does not come to its end: {why}");
            assert!(site.proxy.has_failed(), "step {number} ({what:?}) failed by itself: {why}");
            // A new process, after the lease of the dead one.
            site.proxy.heal();
            delay += 16 * MINUTE;
        }
    }
    for table in TABLES {
        let (want, have) = (truth(&cluster, table), site.rows(table, "etl").await);
        assert_eq!(have, want, "{table}, stopped at {stop:?}");
    }
    site.proxy.mutations()
}

async fn every_stop(part: u64, parts: u64) {
    let account = Site::new().await;
    let mut calm = account.another("calm", 1).await;
    let total = story(&mut calm, None).await;
    assert!(total > 40, "only {total} mutations");
    for service in ["s3", "dynamodb"] {
        assert!(calm.proxy.requests().iter().any(|r| r.service == service && r.is_mutation()), "{service}");
    }
    for n in (0..total).filter(|n| n % parts == part) {
        let points = if n == 0 { &[Point::Before, Point::After][..] } else { &[Point::After] };
        for &point in points {
            let mut site = account.another(&format!("{n}-{point:?}").to_lowercase(), 1).await;
            story(&mut site, Some((n, point))).await;
        }
    }
    println!("part {part}: {total} mutations in the story, each stopped after its effect");
}

macro_rules! parts {
    ($($name:ident: $part:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            every_stop($part, 4).await;
        }
    )*};
}

parts! {
    every_stop_part_1_of_4: 0;
    every_stop_part_2_of_4: 1;
    every_stop_part_3_of_4: 2;
    every_stop_part_4_of_4: 3;
}
