//! Two exporters at once on one lake and one table, over a network and an AWS that fail at random, also after success. The seed
//! is printed; `LOOKBACK_TEST_SEED` runs one alone. Of the seeds that `LOOKBACK_TEST_SEEDS` asks for, one in twenty runs here:
//! the stand-in for AWS takes its time.

use std::sync::{Arc, Mutex};

use lookback_exporter::Work;
use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND};
use lookback_simulator::{Cluster, Row, ServeOptions};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio_util::sync::CancellationToken;

use crate::support::proxy::{Fault, Rule};
use crate::support::site::Site;
use crate::world::{NOON, job, specs, truth};

const TABLES: [&str; 2] = ["stl_query", "stl_wlm_query"];

fn query(cluster: &Cluster, id: i64, end: i64, visible: i64) {
    let base = || Row::new(visible).with("userid", 100).with("query", id);
    let row = base().with("querytxt", format!("select {id}").as_str()).at("starttime", end - MINUTE).at("endtime", end);
    cluster.insert("stl_query", vec![row]);
    let times = ["service_class_start_time", "queue_end_time", "service_class_end_time"];
    let wlm = times.iter().zip([MINUTE, SECOND, 0]).fold(base(), |row, (name, before)| row.at(name, end - before));
    cluster.insert("stl_wlm_query", vec![wlm]);
}

async fn life(account: &Site, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut site = account.another(&format!("{seed}"), 2).await;
    site.settings.retries = 1;
    site.settings.commit_linger = std::time::Duration::ZERO;
    // A lease that has ended when it is given makes both work at once.
    if random.random_bool(0.7) {
        site.settings.lease = std::time::Duration::ZERO;
    }
    let cluster = Cluster::empty("etl", NOON);
    let server = cluster.serve(ServeOptions::default()).await.unwrap();
    let jobs = [job("etl", &server, &TABLES)];
    let (mut id, mut now) = (0, NOON);
    for round in 0..8_u64 {
        for _ in 0..random.random_range(1..5) {
            let end = now - random.random_range(0..HOUR);
            let late = if random.random_bool(0.2) { random.random_range(0..20 * HOUR) } else { SECOND };
            query(&cluster, id, end, end + late);
            if random.random_bool(0.2) {
                query(&cluster, id, end, end + late);
            }
            id += 1;
        }
        now += random.random_range(5 * MINUTE..9 * HOUR);
        cluster.set_now(now);
        site.clock.set(now);
        let chance = random.random_range(0.0..0.06);
        let dice = Arc::new(Mutex::new(StdRng::seed_from_u64(seed * 1_000 + round)));
        for fault in [Fault::LoseAnswer, Fault::ErrorAfter { status: 503 }, Fault::RefuseBefore, Fault::slow_down()] {
            let dice = Arc::clone(&dice);
            site.proxy.inject(Rule::new(fault).when(move |_| dice.lock().unwrap().random_bool(chance)));
        }
        let export = || async {
            let aws = site.aws().await;
            let Ok(exporter) = site.try_exporter_of(&aws).await else { return };
            exporter.run(&jobs, Work::Export { sweep: true }, &CancellationToken::new()).await;
        };
        let compact = || async {
            let aws = site.aws().await;
            let Ok(exporter) = site.try_exporter_of(&aws).await else { return };
            let _ = lookback_exporter::maintain::compact(&exporter, &specs(&TABLES), &CancellationToken::new()).await;
        };
        if random.random_bool(0.3) {
            tokio::join!(export(), compact());
        } else {
            tokio::join!(export(), export());
        }
        site.proxy.clear_rules();
    }
    for _ in 0..4 {
        now += 22 * HOUR;
        cluster.set_now(now);
        site.clock.set(now);
        let report = site.exporter().await.run(&jobs, Work::Export { sweep: true }, &CancellationToken::new()).await;
        let failures: Vec<String> = report.failures().map(|(t, e)| format!("{}: {e}", t.table)).collect();
        assert_eq!(report.exit_code(), 0, "seed {seed}: a calm export: {failures:?}");
    }
    assert!(now > NOON + 3 * DAY);
    for table in TABLES {
        let (want, have) = (truth(&cluster, table), site.rows(table, "etl").await);
        assert_eq!(have, want, "LOOKBACK_TEST_SEED={seed}: {table}");
        assert!(!have.is_empty());
    }
}

async fn lives(part: u64, parts: u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let seeds: Vec<u64> = match number("LOOKBACK_TEST_SEED") {
        Some(seed) => vec![seed],
        None => (0..(number("LOOKBACK_TEST_SEEDS").unwrap_or(240) / 20).max(parts)).collect(),
    };
    let account = Site::new().await;
    for seed in seeds.into_iter().filter(|s| s % parts == part) {
        println!("seed {seed}");
        Box::pin(life(&account, seed)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_lives_part_1_of_2() {
    lives(0, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_lives_part_2_of_2() {
    lives(1, 2).await;
}
