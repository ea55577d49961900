//! Two exporters, sweeps and compaction at once, with late rows, purges and failures at random: some days of a cluster's life
//! per seed. The seed is printed; `LOOKBACK_TEST_SEED` runs one alone, `LOOKBACK_TEST_SEEDS` sets how many run.

use std::sync::Arc;

use lookback_exporter::Work;
use lookback_schemas::time::{DAY, HOUR, MINUTE};
use lookback_simulator::Fault;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::faults::Injector;
use crate::scene::{NOON, Scene, TABLES};

async fn life(seed: u64) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut scene = Scene::new(NOON).await;
    // Now and then without the overlap: the sweeps alone must carry it.
    if random.random_bool(0.3) {
        scene.settings.overlap = std::time::Duration::ZERO;
    }
    // A lease that has already ended when it is given makes both exporters work at once, which is what has to be survived.
    if random.random_bool(0.7) {
        scene.settings.lease = std::time::Duration::ZERO;
    }
    let mut id = 0;
    for number in 0..14_u64 {
        let now = scene.now();
        for _ in 0..random.random_range(0..4) {
            let end = now - random.random_range(0..HOUR);
            // One in five surfaces late: by minutes, or by many hours, but before the last sweep of its day.
            let late = match random.random_range(0..10) {
                0 => random.random_range(0..HOUR),
                1 => random.random_range(0..20 * HOUR),
                _ => random.random_range(0..MINUTE),
            };
            scene.query(id, end, end + late);
            if random.random_bool(0.1) {
                scene.query(id, end, end + late);
            }
            id += 1;
        }
        scene.set_now(now + random.random_range(5 * MINUTE..9 * HOUR));
        // Days that had both their sweeps may be purged.
        if random.random_bool(0.2) {
            scene.cluster.purge_before(scene.now() - 4 * DAY);
        }
        let chance = if random.random_bool(0.5) { random.random_range(0.0..0.08) } else { 0.0 };
        let (one, two) =
            (Injector::flaky(seed * 1_000 + number, chance), Injector::flaky(seed * 2_000 + number, chance));
        if random.random_bool(0.15) {
            scene.cluster.fault(Fault::CutAfterRows { table: None, rows: 1 }.once());
        }
        match random.random_range(0..6) {
            0 => {
                scene.work(&one, Work::Sweep).await;
            }
            1 => {
                tokio::join!(scene.work(&one, Work::Export { sweep: true }), scene.compact(&two));
            }
            2 => {
                tokio::join!(scene.work(&one, Work::Export { sweep: true }), scene.work(&two, Work::Sweep));
            }
            _ => {
                tokio::join!(
                    scene.work(&one, Work::Export { sweep: true }),
                    scene.work(&two, Work::Export { sweep: true })
                );
            }
        }
        scene.cluster.clear_faults();
    }
    // Quiet days, in which everything surfaces, is swept for the last time and compacted.
    for _ in 0..4 {
        scene.set_now(scene.now() + 22 * HOUR);
        let calm = Injector::counting();
        let report = scene.work(&calm, Work::Export { sweep: true }).await;
        if report.exit_code() != 0 {
            let failures: Vec<String> = report.failures().map(|(t, e)| format!("{}: {e}", t.table)).collect();
            return Err(format!("a calm export ends with {}: {failures:?}", report.exit_code()));
        }
        if !scene.compact(&calm).await {
            return Err("a calm compaction fails".to_owned());
        }
    }
    if let Some(difference) = scene.difference().await {
        return Err(difference);
    }
    // Nothing more to find: the same again changes nothing.
    let calm = Injector::counting();
    let again = scene.work(&calm, Work::Export { sweep: true }).await;
    if again.rows_new() != 0 {
        return Err(format!("{} rows are new to an export of what is known", again.rows_new()));
    }
    for table in TABLES {
        assert!(id == 0 || !scene.rows(table).await.is_empty());
    }
    Ok(())
}

async fn lives(part: u64, parts: u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let seeds: Vec<u64> = match number("LOOKBACK_TEST_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("LOOKBACK_TEST_SEEDS").unwrap_or(240)).collect(),
    };
    for seed in seeds.into_iter().filter(|s| s % parts == part) {
        println!("seed {seed}");
        let result = Arc::new(life(seed).await);
        assert!(result.is_ok(), "LOOKBACK_TEST_SEED={seed}: {result:?}");
    }
}

macro_rules! parts {
    ($($name:ident: $part:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            lives($part, 4).await;
        }
    )*};
}

parts! {
    random_lives_part_1_of_4: 0;
    random_lives_part_2_of_4: 1;
    random_lives_part_3_of_4: 2;
    random_lives_part_4_of_4: 3;
}
