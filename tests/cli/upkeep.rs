//! `verify`, `status` and `maintain`.

use lookback_schemas::time::{DAY, HOUR, MINUTE, day_name, day_of, day_start};
use lookback_simulator::{Cluster, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Place, Sim, now, query, query_visible};

#[tokio::test]
async fn verify_of_a_good_lake_is_0() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with(&[&one.section(), &two.section()]);
    place.run(&["export"]).await.expect(0);
    let json = place.run(&["verify", "--format", "json"]).await.expect(0).json();
    assert_eq!(json.as_array().unwrap().len(), 2);
    for report in json.as_array().unwrap() {
        assert_eq!((&report["source_rows"], &report["missing"]), (&5.into(), &0.into()), "{json}");
    }
    let shown = place.run(&["verify", "--cluster", "two"]).await.expect(0).stdout;
    assert_eq!(shown.lines().count(), 3, "{shown}");
}

#[tokio::test]
async fn verify_counts_a_row_that_surfaced_too_late() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    let late = now() - 2 * HOUR - 30 * MINUTE;
    sim.cluster.insert("stl_query", vec![query_visible(6, late, sim.cluster.now())]);
    let ran =
        place.run(&["verify"]).await.expect(1).says(&["1 rows of the source are not in the lake", "lookback maintain"]);
    assert!(ran.stdout.contains(&format!("missing: 1 on {}", day_name(day_of(late)))), "{}", ran.stdout);
    let json = place.run(&["verify", "--format", "json"]).await.expect(1).json();
    assert_eq!((&json[0]["missing"], &json[0]["source_rows"]), (&1.into(), &6.into()), "{json}");
    assert_eq!(json[0]["missing_by_day"][0]["day"], day_name(day_of(late)));
}

#[tokio::test]
async fn verify_of_a_cluster_that_is_gone_is_1_and_the_others_are_recounted() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with(&[&one.section(), &two.section()]);
    place.run(&["export"]).await.expect(0);
    one.server.stop().await;
    let ran = place.run(&["verify"]).await.expect(1).says(&["cluster 'one'"]);
    assert!(ran.stdout.contains("two"), "{}", ran.stdout);
}

#[tokio::test]
async fn status_shows_coverage_lag_and_headroom() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with(&[&one.section(), &two.section()]);
    two.cluster.set_now(now() - 5 * MINUTE);
    place.run(&["export"]).await.expect(0);
    let json = place.run(&["status", "--format", "json"]).await.expect(0).json();
    let rows = json.as_array().unwrap();
    // What will be lost first comes first.
    assert_eq!(rows.iter().map(|r| r["cluster_id"].as_str().unwrap()).collect::<Vec<_>>(), ["two", "one"]);
    for (row, behind) in rows.iter().zip([7 * 60, 2 * 60]) {
        let lag = row["lag_seconds"].as_i64().unwrap();
        assert!((behind..behind + 30).contains(&lag), "{row}");
        let headroom = row["purge_headroom_seconds"].as_i64().unwrap();
        assert!((2 * 86_400 - lag - 2..=2 * 86_400 - lag + 2).contains(&headroom), "{row}");
        assert_eq!((&row["rows"], &row["runs"], &row["failed"]), (&5.into(), &1.into(), &0.into()), "{row}");
        assert_eq!(row["last_outcome"], "ok");
        assert!(row["covered_until"].as_str().unwrap().ends_with('Z') && row["gaps"].as_array().unwrap().is_empty());
        assert!(row["purge_at"].as_str() > row["covered_until"].as_str(), "{row}");
        assert!(row["last_success"].as_str().unwrap().ends_with('Z'), "{row}");
    }
    let shown = place.run(&["status"]).await.expect(0).stdout;
    assert!(shown.contains("\ncluster  table"), "{shown}");
    let purge = rows[0]["purge_at"].as_str().unwrap();
    let moment = purge.split_at(19).0.replace('T', " ");
    let first = shown.lines().next().unwrap().replace(&moment, "<moment>");
    insta::assert_snapshot!(first, @"first to be lost: two stl_query, from <moment> UTC on, in 1d 23h: rows that are not exported by then may be purged");
}

#[tokio::test]
async fn status_names_what_was_never_exported() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    place
        .configure("tables = [\"core\"]", &[&sim.section(), &crate::support::section("new", 1, "tls = \"plaintext\"")]);
    let json = place.run(&["status", "--format", "json"]).await.expect(0).json();
    let of = |cluster: &str| {
        let rows = json.as_array().unwrap().iter().filter(|r| r["cluster_id"] == cluster);
        rows.filter(|r| r["last_outcome"] == "never exported" && r["purge_at"].is_null()).count()
    };
    assert_eq!((of("one"), of("new")), (7, 8), "{json}");
    let shown = place.run(&["status"]).await.expect(0).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("first to be lost: one stl_query, from "), "{shown}");
    insta::assert_snapshot!(lines[1], @"never exported, headroom unknown: new stl_alert_event_log, new stl_ddltext, new stl_explain and 12 more");
}

#[tokio::test]
async fn status_says_since_when_rows_may_have_been_lost() {
    let sim = Sim::start("one").await;
    let place = Place::with_export("retention = \"1m\"\nsettle = \"2m\"", &[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    let shown = place.run(&["status"]).await.expect(0).stdout;
    let first = shown.lines().next().unwrap();
    assert!(first.starts_with("first to be lost: one stl_query, since "), "{shown}");
    assert!(first.ends_with(" ago: rows that were not exported by then may have been purged"), "{shown}");
}

#[tokio::test]
async fn status_tells_what_failed_last() {
    let sim = Sim::start("one").await;
    let place = Place::with_export("retries = 0", &[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    let fault = lookback_simulator::Fault::Cancel { table: Some("stl_query".to_owned()) };
    sim.cluster.fault(fault);
    place.run(&["export"]).await.expect(1);
    let json = place.run(&["status", "--format", "json"]).await.expect(0).json();
    assert_eq!((&json[0]["failed"], &json[0]["last_outcome"]), (&1.into(), &"failed".into()), "{json}");
    assert!(json[0]["last_error"].as_str().unwrap().contains("57014"), "{json}");
    assert!(json[0]["covered_until"].is_string());
    let shown = place.run(&["status"]).await.expect(0).stdout;
    assert!(shown.contains("57014"), "{shown}");
}

#[tokio::test]
async fn status_without_a_lake_says_what_to_do() {
    let ran = Place::new().run(&["status"]).await.expect(1);
    assert!(ran.stderr.contains("lookback export"), "{}", ran.stderr);
}

/// A cluster whose clock starts six days ago, and a lake with three exports of that day.
async fn three_exports_of_a_day() -> (Place, Sim, i64) {
    let day = day_start(day_of(now())) - 6 * DAY;
    let sim = Sim::serve(Cluster::empty("one", day), Tls::Off).await;
    let place = Place::with_export("max_clock_skew = \"30d\"\nsweep = false", &[&sim.section()]);
    for part in 1..=3 {
        let time = day + part * 6 * HOUR;
        sim.cluster.insert("stl_query", vec![query(2 * part - 1, time - HOUR), query(2 * part, time - 10 * MINUTE)]);
        sim.cluster.set_now(time);
        place.run(&["export"]).await.expect(0);
    }
    // Two days and an hour later the day is closed, once its sweeps are done.
    sim.cluster.set_now(day + 3 * DAY + 2 * HOUR);
    place.run(&["export"]).await.expect(0);
    (place, sim, day)
}

/// Data files of `stl_query`.
fn data_files(place: &Place) -> usize {
    let folder = place.path("lake/stl_query");
    place.files().iter().filter(|p| p.starts_with(&folder) && p.extension().is_some_and(|e| e == "parquet")).count()
}

/// A port in front of the cluster. Nothing more comes back from what the client asks after it has prepared a statement with this
/// text: not even an error, as when the network is gone.
async fn silenced(sim: &Sim, text: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let cluster = sim.server.addr();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let server = TcpStream::connect(cluster).await.unwrap();
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                let answers = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                let (mut buffer, mut prepared) = ([0; 65_536], false);
                while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
                    if prepared {
                        // The halves stay open: the client has to notice by itself.
                        std::future::pending::<()>().await;
                    }
                    prepared = buffer[..n].windows(text.len()).any(|w| w == text.as_bytes());
                    to_server.write_all(&buffer[..n]).await.unwrap();
                }
                answers.abort();
            });
        }
    });
    port
}

#[tokio::test]
async fn verify_of_a_cluster_that_falls_silent_ends() {
    let ended = async |text: &'static str| {
        let sim = Sim::start("one").await;
        let place = Place::with_export("timeout = \"1s\"", &[&sim.section()]);
        place.run(&["export"]).await.expect(0);
        let port = silenced(&sim, text).await;
        let here = format!("port = {}", sim.server.addr().port());
        let config = std::fs::read_to_string(place.path("lookback.toml")).unwrap();
        place.write("lookback.toml", &config.replace(&here, &format!("port = {port}")));
        place.run(&["verify"]).await.expect(1).says(&["'one'", "stl_query", "no answer within 6 s"]);
    };
    // The oldest row, and a window's rows.
    tokio::join!(ended("SELECT min("), ended("SELECT c."));
}

#[tokio::test]
async fn maintain_finds_late_rows_and_merges_the_files_of_a_closed_day() {
    let (place, sim, day) = three_exports_of_a_day().await;
    assert_eq!(data_files(&place), 3);
    sim.cluster.insert("stl_query", vec![query_visible(7, day + 7 * HOUR, sim.cluster.now())]);
    place.run(&["verify"]).await.expect(1);

    let json = place.run(&["maintain", "--format", "json"]).await.expect(0).json();
    assert_eq!((&json["sweeps"]["rows_new"], &json["sweeps"]["failures"]), (&1.into(), &0.into()), "{json}");
    let compact = &json["compact"];
    assert_eq!(
        (&compact["days"], &compact["files_before"], &compact["files_after"]),
        (&1.into(), &4.into(), &1.into()),
        "{json}"
    );
    assert_eq!(compact["rows"], 7);
    assert_eq!(json["vacuum"]["waiting"], 4, "{json}");
    assert_eq!(place.queries("one").await, sim.truth());
    place.run(&["verify"]).await.expect(0);

    let shown = place.run(&["maintain"]).await.expect(0).stdout;
    insta::assert_snapshot!(shown, @r"
    sweeps:  0 rows that only a sweep found
    compact: 0 days of a cluster, 0 files into 0, 0 B into 0 B
    rollup:  lookback_hourly: 0 days of a cluster summed up (0 rows, 0 B), 1 were up to date
    rollup:  lookback_fingerprints: 0 days of a cluster summed up (0 rows, 0 B), 1 were up to date
    vacuum:  0 files removed (0 B), 4 wait for the end of their grace period
    ");
    assert_eq!(place.queries("one").await, sim.truth());
}

#[tokio::test]
async fn maintain_without_sweeps_connects_to_no_cluster() {
    let (place, sim, _) = three_exports_of_a_day().await;
    let truth = sim.truth();
    sim.server.stop().await;
    let json = place.run(&["maintain", "--no-sweep", "--format", "json"]).await.expect(0).json();
    assert!(json["sweeps"].is_null(), "{json}");
    assert_eq!(json["compact"]["days"], 0, "a day that was not swept is not closed: {json}");
    assert_eq!(place.queries("one").await, truth);
    place.run(&["maintain"]).await.expect(1).says(&["cluster 'one'"]);
    assert_eq!(place.queries("one").await, truth);
}

#[tokio::test]
async fn maintain_removes_files_after_their_grace_period_only() {
    let (place, sim, _) = three_exports_of_a_day().await;
    place.run(&["maintain"]).await.expect(0);
    assert_eq!(data_files(&place), 4);
    let config = std::fs::read_to_string(place.path("lookback.toml")).unwrap();
    // However short the grace period, an export that is under way keeps what it has written: an hour is the least.
    place.write("lookback.toml", &format!("{config}\n[maintain]\ngrace = \"1s\"\n"));
    let json = place.run(&["maintain", "--no-sweep", "--format", "json"]).await.expect(0).json();
    assert_eq!((&json["vacuum"]["files"], &json["vacuum"]["waiting"]), (&0.into(), &3.into()), "{json}");
    assert_eq!(place.queries("one").await, sim.truth());
}

#[tokio::test]
async fn export_runs_the_sweeps_that_are_due_unless_told_not_to() {
    let (place, sim, day) = three_exports_of_a_day().await;
    sim.cluster.insert("stl_query", vec![query_visible(7, day + 7 * HOUR, sim.cluster.now())]);
    let config = std::fs::read_to_string(place.path("lookback.toml")).unwrap();
    place.write("lookback.toml", &config.replace("sweep = false\n", ""));
    place.run(&["export", "--no-sweep"]).await.expect(0);
    assert_eq!(place.queries("one").await.len(), 6);
    let ran = place.run(&["export"]).await.expect(0);
    assert!(ran.stdout.contains(&format!("sweep {}", day_name(day_of(day)))), "{}", ran.stdout);
    assert_eq!(place.queries("one").await, sim.truth());
}
