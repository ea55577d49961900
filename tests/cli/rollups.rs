//! Rollups as `maintain` keeps them: equal to the logs at every moment, whoever else is at work.

use lookback_schemas::time::{DAY, HOUR, MINUTE, day_of, day_start};
use lookback_simulator::{Cluster, Tls};
use serde_json::Value;

use crate::support::{Place, Sim, now, query, query_visible};

const TABLES: &str = "tables = [\"stl_query\", \"stl_wlm_query\", \"stl_scan\"]";

/// What each log says, hour by hour, in statements that share nothing with those that compute the rollup; and the same of the
/// rollup.
const LOGS: [(&str, &str); 3] = [
    (
        "SELECT cluster_id, log_date, EXTRACT(hour FROM endtime), \"database\", userid, COUNT(*), COUNT(NULLIF(aborted, 0)), \
         SUM(DATEDIFF(us, starttime, endtime)), MAX(DATEDIFF(us, starttime, endtime)), \
         COUNT(CASE WHEN DATEDIFF(us, starttime, endtime) < 1000000 THEN 1 END) \
         FROM stl_query GROUP BY 1, 2, 3, 4, 5",
        "SELECT cluster_id, log_date, EXTRACT(hour FROM hour), \"database\", userid, SUM(queries), SUM(aborted), SUM(elapsed_us), \
         MAX(longest_us), SUM(under_1s) FROM {table} WHERE queries > 0 GROUP BY 1, 2, 3, 4, 5",
    ),
    (
        "SELECT cluster_id, log_date, EXTRACT(hour FROM service_class_end_time), userid, service_class, COUNT(*), \
         SUM(total_queue_time), MAX(total_queue_time), SUM(total_exec_time), MAX(total_exec_time) \
         FROM stl_wlm_query GROUP BY 1, 2, 3, 4, 5",
        "SELECT cluster_id, log_date, EXTRACT(hour FROM hour), userid, service_class, SUM(wlm_queries), SUM(queue_us), \
         MAX(longest_queue_us), SUM(exec_us), MAX(longest_exec_us) FROM {table} WHERE wlm_queries > 0 GROUP BY 1, 2, 3, 4, 5",
    ),
    (
        "SELECT cluster_id, log_date, EXTRACT(hour FROM endtime), userid, COUNT(*), SUM(\"rows\"), SUM(bytes) \
         FROM stl_scan WHERE \"type\" = 2 GROUP BY 1, 2, 3, 4",
        "SELECT cluster_id, log_date, EXTRACT(hour FROM hour), userid, SUM(scan_steps), SUM(scan_rows), SUM(scan_bytes) \
         FROM {table} WHERE scan_steps > 0 GROUP BY 1, 2, 3, 4",
    ),
];

async fn sorted(place: &Place, sql: &str) -> Vec<String> {
    let mut rows = place.query(sql).await;
    rows.sort_unstable();
    rows
}

/// A table of sums is what the logs say. Gives how many groups were compared.
async fn assert_equals_logs(place: &Place, table: &str) -> usize {
    let mut groups = 0;
    for (log, sums) in LOGS {
        let (want, have) = (sorted(place, log).await, sorted(place, &sums.replace("{table}", table)).await);
        assert_eq!(have, want, "{table}: {log}");
        groups += want.len();
    }
    groups
}

fn of<'a>(json: &'a Value, table: &str) -> &'a Value {
    json["rollups"].as_array().unwrap().iter().find(|report| report["table"] == table).unwrap()
}

async fn maintain(place: &Place) -> Value {
    place.run(&["maintain", "--format", "json"]).await.expect(0).json()
}

const STATES: &str = "SELECT rollup, state, COUNT(*) FROM lookback_rollup_state GROUP BY 1, 2 ORDER BY 1, 2";

#[tokio::test]
async fn sums_equal_the_logs_in_every_hour_for_every_user_and_class() {
    let (one, two) = (Sim::generated("one").await, Sim::generated("two").await);
    let place = Place::with_export(TABLES, &[&one.section(), &two.section()]);
    place.run(&["export"]).await.expect(0);
    // Before anything is stored, while some is, and after: the same answer.
    let groups = assert_equals_logs(&place, "lookback_hourly_current").await;
    assert!(groups > 50, "only {groups} groups were compared");
    let json = maintain(&place).await;
    let days: usize = sorted(
        &place,
        "SELECT DISTINCT cluster_id, log_date FROM stl_scan UNION SELECT DISTINCT cluster_id, log_date \
         FROM stl_query UNION SELECT DISTINCT cluster_id, log_date FROM stl_wlm_query",
    )
    .await
    .len();
    assert!(days >= 2);
    assert_eq!(of(&json, "lookback_hourly")["stored"], days, "{json}");
    assert!(of(&json, "lookback_hourly")["failures"].as_array().unwrap().is_empty());
    assert_eq!(assert_equals_logs(&place, "lookback_hourly").await, groups);
    assert_eq!(assert_equals_logs(&place, "lookback_hourly_current").await, groups);
    let prints =
        "SELECT COUNT(*), SUM(runs), SUM(aborted), SUM(elapsed_us), MAX(longest_us) FROM lookback_fingerprints";
    let raw = "SELECT COUNT(*), SUM(runs), SUM(aborted), SUM(elapsed), MAX(longest) FROM (SELECT COUNT(*) AS runs, \
               COUNT(NULLIF(aborted, 0)) AS aborted, SUM(DATEDIFF(us, starttime, endtime)) AS elapsed, \
               MAX(DATEDIFF(us, starttime, endtime)) AS longest \
               FROM stl_query GROUP BY cluster_id, log_date, query_fingerprint(querytxt)) AS days";
    assert_eq!(place.query(prints).await, place.query(raw).await);

    // Nothing has changed, so nothing is done.
    let json = maintain(&place).await;
    for table in ["lookback_hourly", "lookback_fingerprints"] {
        assert_eq!((&of(&json, table)["stored"], &of(&json, table)["overtaken"]), (&0.into(), &0.into()), "{json}");
    }
    assert_eq!(of(&json, "lookback_hourly")["current"], days);
    let shown = place.run(&["maintain", "--no-sweep"]).await.expect(0).stdout;
    let line = shown.lines().find(|line| line.contains("lookback_hourly")).unwrap();
    assert!(line.starts_with("rollup:  lookback_hourly: 0 days of a cluster summed up (0 rows, 0 B), "), "{line}");
}

#[tokio::test]
async fn late_rows_of_a_sweep_are_summed_up_and_nothing_else_is() {
    let day = day_start(day_of(now())) - 6 * DAY;
    let sim = Sim::serve(Cluster::empty("one", day), Tls::Off).await;
    let place = Place::with_export("max_clock_skew = \"30d\"\nsweep = false", &[&sim.section()]);
    sim.cluster.insert("stl_query", vec![query(1, day + 6 * HOUR), query(2, day + 7 * HOUR)]);
    sim.cluster.insert("stl_query", vec![query(3, day + DAY + HOUR)]);
    sim.cluster.set_now(day + DAY + 3 * HOUR);
    place.run(&["export"]).await.expect(0);
    let json = maintain(&place).await;
    assert_eq!(of(&json, "lookback_hourly")["stored"], 2, "{json}");
    let total = "SELECT SUM(queries), SUM(elapsed_us) FROM lookback_hourly";
    assert_eq!(place.query(total).await, ["3,3000000"]);

    sim.cluster.insert("stl_query", vec![query_visible(4, day + 6 * HOUR + MINUTE, sim.cluster.now())]);
    sim.cluster.set_now(day + 3 * DAY + 2 * HOUR);
    let json = maintain(&place).await;
    assert_eq!(json["sweeps"]["rows_new"], 1, "{json}");
    let hourly = of(&json, "lookback_hourly");
    assert_eq!((&hourly["stored"], &hourly["current"]), (&1.into(), &1.into()), "{json}");
    assert_eq!(place.query(total).await, ["4,4000000"]);
    assert_eq!(place.query(STATES).await, ["lookback_fingerprints,current,2", "lookback_hourly,current,2"]);
}

#[tokio::test]
async fn rows_that_came_after_the_last_maintain_are_in_the_current_sums_and_are_known_to_lack() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    maintain(&place).await;
    sim.cluster.insert("stl_query", vec![query(6, now() - 3 * MINUTE)]);
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.query("SELECT SUM(queries) FROM lookback_hourly").await, ["5"]);
    assert_eq!(place.query("SELECT SUM(queries) FROM lookback_hourly_current").await, ["6"]);
    let states = place.query("SELECT DISTINCT state FROM lookback_rollup_state").await;
    assert!(states.iter().any(|state| state == "stale" || state == "missing"), "{states:?}");
}

#[tokio::test]
async fn maintenance_at_the_same_time_stores_no_day_twice() {
    let (one, two) = (Sim::generated("one").await, Sim::generated("two").await);
    let place = Place::with_export(TABLES, &[&one.section(), &two.section()]);
    place.run(&["export"]).await.expect(0);
    for round in 0..3 {
        let args = ["maintain", "--no-sweep", "--format", "json"];
        let ran = tokio::join!(place.run(&args), place.run(&args), place.run(&args));
        let reports = [ran.0, ran.1, ran.2].map(|ran| ran.expect(0).json());
        let sum = |what: &str| reports.iter().filter_map(|r| of(r, "lookback_hourly")[what].as_u64()).sum::<u64>();
        assert!(sum("stored") > 0, "round {round}: {reports:?}");
        assert_eq!(place.query("SELECT COUNT(*) FROM lookback_rollup_state WHERE state <> 'current'").await, ["0"]);
        let groups = assert_equals_logs(&place, "lookback_hourly").await;
        assert!(groups > 50);
        one.cluster.insert("stl_query", vec![query(1_000_000 + round, now() - 20 * MINUTE)]);
        place.run(&["export"]).await.expect(0);
    }
}

#[tokio::test]
async fn rollups_can_be_switched_off_by_flag_and_by_setting() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    let json = place.run(&["maintain", "--no-rollups", "--format", "json"]).await.expect(0).json();
    assert!(json["rollups"].is_null(), "{json}");
    let config = std::fs::read_to_string(place.path("lookback.toml")).unwrap();
    place.write("lookback.toml", &format!("{config}\n[maintain]\nrollups = false\n"));
    let json = place.run(&["maintain", "--format", "json"]).await.expect(0).json();
    assert!(json["rollups"].is_null(), "{json}");
    assert!(!place.exists("lake/lookback_hourly"));
    assert_eq!(place.query("SELECT SUM(queries) FROM lookback_hourly_current").await, ["5"]);
    assert!(place.query(STATES).await.iter().all(|line| line.contains(",missing,")));
    // Tables that no rollup is computed from are no reason to compute one.
    place.write("lookback.toml", &config);
    let json = place.run(&["maintain", "--table", "stl_error", "--format", "json"]).await.expect(0).json();
    assert!(json["rollups"].is_null(), "{json}");
}

#[tokio::test]
async fn a_file_of_a_log_that_cannot_be_read_stops_no_other_day() {
    let sim = Sim::generated_over_midnight("one").await;
    let place = Place::with_export(TABLES, &[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    let days = place.query("SELECT DISTINCT log_date FROM stl_query ORDER BY 1").await;
    assert!(days.len() >= 2, "{days:?}");
    let damaged = place.path(&format!("lake/stl_query/cluster_id=one/log_date={}", days[0]));
    for entry in std::fs::read_dir(&damaged).unwrap() {
        std::fs::write(entry.unwrap().path(), "no Parquet").unwrap();
    }
    let ran = place.run(&["maintain", "--no-sweep", "--format", "json"]).await.expect(1);
    let json = ran.json();
    ran.says(&[&format!("lookback_hourly/one/{}", days[0]), "was not summed up"]);
    let hourly = of(&json, "lookback_hourly");
    assert_eq!(hourly["failures"].as_array().unwrap().len(), 1, "{json}");
    assert!(hourly["stored"].as_u64().unwrap() >= days.len() as u64 - 1, "{json}");
}

#[tokio::test]
async fn days_that_the_logs_have_no_more_go() {
    let sim = Sim::generated("one").await;
    let place = Place::with_export(TABLES, &[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    let json = maintain(&place).await;
    let stored = of(&json, "lookback_hourly")["stored"].as_u64().unwrap();
    for table in ["stl_query", "stl_wlm_query", "stl_scan"] {
        std::fs::remove_dir_all(place.path(&format!("lake/{table}"))).unwrap();
    }
    let states = place.query(STATES).await;
    assert!(states.contains(&format!("lookback_hourly,superfluous,{stored}")), "{states:?}");
    assert_eq!(place.query("SELECT COUNT(*) FROM lookback_hourly_current").await, ["0"]);
    let json = place.run(&["maintain", "--no-sweep", "--format", "json"]).await.expect(0).json();
    assert_eq!(of(&json, "lookback_hourly")["removed"], stored, "{json}");
    assert_eq!(place.query("SELECT COUNT(*) FROM lookback_hourly").await, ["0"]);
    assert!(place.query(STATES).await.is_empty());
}
