//! Lakes and state files that cannot be used or written: nothing foreign is touched, and nothing is lost or doubled.

use std::path::Path;

use lookback_schemas::time::{MINUTE, SECOND};
use lookback_simulator::{Cluster, Row, Tls};

use crate::support::{LOOKBACK, Place, Ran, Sim, now, query};

/// Names and contents of what is in a folder.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&p).unwrap_or_default()))
        .collect();
    found.sort();
    found
}

fn failed(ran: Ran) -> Ran {
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}\n{}{}", ran.code, ran.stdout, ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("lookback: ") || ran.stderr.contains("\nlookback: "), "{}", ran.stderr);
    ran
}

#[tokio::test]
async fn a_folder_that_is_something_else_is_left_alone() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section(), "[lake]\nlocation = \"photos\"\n"]);
    let photos = place.path("photos");
    std::fs::create_dir(&photos).unwrap();
    std::fs::write(photos.join("holiday.jpg"), "pixels").unwrap();
    std::fs::write(photos.join("notes.txt"), "mine").unwrap();
    let before = contents(&photos);
    let check = place.run(&["check"]).await.expect(1);
    assert!(check.stdout.contains("PROBLEM  lake") && check.stdout.contains("is not a lake"), "{}", check.stdout);
    assert_eq!(contents(&photos), before);
    for command in ["export", "verify", "maintain"] {
        let ran = failed(place.run(&[command]).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(place.steady(&ran.stderr), @r"
            lookback: <folder>/photos is not a lake: it holds holiday.jpg and no lookback.json
                      point `lake.location` at a lake or at an empty folder
            ");
        }
        assert_eq!(contents(&photos), before);
    }
    for command in [&["status"][..], &["sql", "SELECT 1"], &["diagnose", "alerts"]] {
        failed(place.run(command).await).says(&["photos"]);
        assert_eq!(contents(&photos), before);
    }
}

#[tokio::test]
async fn a_marker_of_something_else_or_of_the_future_is_respected() {
    let sim = Sim::start("one").await;
    for (marker, says) in [
        ("{\"name\": \"my app\"}", "is not the marker of a lake"),
        ("{\"format\": \"lookback-lake\", \"version\": 99}", "format 99"),
        ("", "is not the marker of a lake"),
    ] {
        let place = Place::with(&[&sim.section()]);
        std::fs::create_dir(place.path("lake")).unwrap();
        place.write("lake/lookback.json", marker);
        let before = contents(&place.path("lake"));
        failed(place.run(&["export"]).await).says(&["lake", says]);
        assert_eq!(contents(&place.path("lake")), before);
    }
}

#[tokio::test]
async fn a_marker_of_another_format_is_not_taken_for_a_lake() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    std::fs::create_dir(place.path("lake")).unwrap();
    place.write("lake/lookback.json", "{\"format\": \"somebody-elses\", \"version\": 1}");
    let before = contents(&place.path("lake"));
    failed(place.run(&["export"]).await);
    assert_eq!(contents(&place.path("lake")), before);
}

#[tokio::test]
async fn a_lake_that_is_a_file_or_below_one_is_an_error() {
    let sim = Sim::start("one").await;
    for location in ["file.txt", "file.txt/lake"] {
        let place = Place::with(&[&sim.section(), &format!("[lake]\nlocation = \"{location}\"\n")]);
        place.write("file.txt", "mine");
        failed(place.run(&["export"]).await).says(&["file.txt"]);
        assert_eq!(std::fs::read_to_string(place.path("file.txt")).unwrap(), "mine");
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_an_error_with_advice() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section(), "[lake]\nlocation = \"/proc/lookback-lake\"\n"]);
    failed(place.run(&["export"]).await).says(&["/proc/lookback-lake", "writable"]);
}

#[tokio::test]
async fn a_state_file_that_cannot_be_written_is_an_error_with_advice() {
    let sim = Sim::start("one").await;
    for state in ["missing/state.sqlite", "/proc/state.sqlite", "folder"] {
        let place = Place::with(&[&sim.section(), &format!("[state]\npath = \"{state}\"\n")]);
        std::fs::create_dir(place.path("folder")).unwrap();
        failed(place.run(&["export"]).await).says(&["watermark file", state, "its folder must exist and be writable"]);
        // Nothing was read into the lake without being covered: a run with a good state file gets everything once.
        place.configure("", &[&sim.section()]);
        place.run(&["export"]).await.expect(0);
        assert_eq!(place.queries("one").await, sim.truth());
    }
}

#[tokio::test]
async fn a_damaged_state_file_can_be_moved_away() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    let good = std::fs::read(place.path("lookback-state.sqlite")).unwrap();
    let mut damaged_inside = good.clone();
    damaged_inside[100..].fill(0x5a);
    for damaged in [b"this is not a database, and long enough to be looked at as one".repeat(100), damaged_inside] {
        std::fs::write(place.path("lookback-state.sqlite"), &damaged).unwrap();
        let ran = place.run(&["export"]).await.expect(1);
        ran.says(&["watermark file", "lookback-state.sqlite", "move it away", "nothing is lost or doubled"]);
        assert_eq!(place.queries("one").await, sim.truth());

        for name in place.entries().iter().filter(|n| n.starts_with("lookback-state.sqlite")) {
            std::fs::rename(place.path(name), place.path(&format!("damaged-{name}"))).unwrap();
        }
        let again = place.run(&["export", "--format", "json"]).await.expect(0).json();
        assert_eq!(again["tables"][0]["rows_new"], 0, "{again}");
        assert_eq!(place.queries("one").await, sim.truth());
    }
}

#[tokio::test]
async fn a_state_file_of_a_newer_version_is_refused() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    let state = rusqlite::Connection::open(place.path("lookback-state.sqlite")).unwrap();
    state.pragma_update(None, "user_version", 99).unwrap();
    drop(state);
    place.run(&["export"]).await.expect(1).says(&["newer lookback (layout 99)", "use that version"]);
}

#[tokio::test]
async fn a_lost_state_file_adds_nothing() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    for name in place.entries().iter().filter(|n| n.starts_with("lookback-state.sqlite")) {
        std::fs::remove_file(place.path(name)).unwrap();
    }
    sim.cluster.insert("stl_query", vec![query(6, now() - 10 * MINUTE)]);
    let again = place.run(&["export", "--format", "json"]).await.expect(0).json();
    assert_eq!(again["tables"][0]["rows_new"], 1, "{again}");
    assert_eq!(place.queries("one").await, sim.truth());
}

/// A cluster whose `stl_query` does not compress to less than a few hundred kilobytes.
async fn heavy() -> Sim {
    use rand::{Rng, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let cluster = Cluster::empty("one", now());
    let rows: Vec<Row> = (1..=1_500)
        .map(|n| {
            let text: String = (0..200).map(|_| char::from(rng.random_range(b'0'..=b'z'))).collect();
            query(n, now() - 60 * MINUTE + n * SECOND / 5).with("querytxt", text)
        })
        .collect();
    cluster.insert("stl_query", rows);
    Sim::serve(cluster, Tls::Off).await
}

/// The shell's `ulimit -f` in blocks of 512 bytes: a write beyond it fails, as on a full disk, wherever it happens to be.
async fn files_end_at(blocks: &[u32]) {
    let sim = heavy().await;
    for blocks in blocks {
        let place = Place::with(&[&sim.section()]);
        let ran = place.sh(&format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" export")).await;
        let ran = failed(ran).expect(1);
        assert!(ran.stderr.contains("File too large") || ran.stderr.contains("disk"), "{blocks}: {}", ran.stderr);
        place.run(&["export"]).await.expect(0);
        assert!(place.queries("one").await == sim.truth(), "{blocks}: not the truth after a failed write");
        place.run(&["verify"]).await.expect(0);
    }
}

#[tokio::test]
async fn files_that_cannot_grow_at_the_start_lose_nothing() {
    files_end_at(&[0, 1, 8]).await;
}

#[tokio::test]
async fn files_that_cannot_grow_in_the_middle_lose_nothing() {
    files_end_at(&[70, 128, 256]).await;
}

/// On a file system of that size, in a mount namespace that ends with the script: an export that runs out of space, then
/// space, then an export. Fails where nobody may mount, neither as root nor in a user namespace.
async fn full_at(sizes: &[&str]) {
    let sim = heavy().await;
    for size in sizes {
        let place =
            Place::with(&[&sim.section(), "[lake]\nlocation = \"disk/lake\"\n[state]\npath = \"disk/state\"\n"]);
        std::fs::create_dir(place.path("disk")).unwrap();
        let mut unshare = None;
        for way in ["unshare -m", "unshare -r -m"] {
            if unshare.is_none() && place.sh(&format!("{way} sh -c 'mount -t tmpfs tmpfs disk'")).await.code == Some(0)
            {
                unshare = Some(way);
            }
        }
        let unshare = unshare.expect("a full disk takes a mount: run as root, or allow user namespaces");
        let script = format!(
            "mount -t tmpfs -o size={size} tmpfs disk
             '{LOOKBACK}' export >/dev/null; echo failed with $?
             mount -o remount,size=64m disk
             '{LOOKBACK}' export >/dev/null || exit 10
             '{LOOKBACK}' verify >/dev/null || exit 11
             '{LOOKBACK}' sql --format csv 'SELECT query FROM stl_query ORDER BY 1' || exit 12"
        );
        place.write("script", &script);
        let ran = place.sh(&format!("{unshare} sh script")).await.expect(0);
        let mut lines = ran.stdout.lines();
        assert_eq!(lines.next(), Some("failed with 1"), "{size}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("space") || ran.stderr.contains("full"),
            "{size}: the message must say why:\n{}",
            ran.stderr
        );
        let numbers: Vec<i64> = lines.skip(1).map(|l| l.parse().unwrap()).collect();
        assert!(numbers == sim.truth(), "{size}: not the truth after a full disk");
    }
}

#[tokio::test]
async fn a_disk_that_is_full_at_once_loses_nothing() {
    full_at(&["4k", "24k"]).await;
}

#[tokio::test]
async fn a_disk_that_gets_full_in_the_middle_loses_nothing() {
    full_at(&["96k", "256k"]).await;
}
