//! Values and rows exactly as the source has them.

use lookback_schemas::time::{DAY, HOUR, MINUTE, SECOND, Y2000};
use lookback_simulator::{Cluster, Row, Value};

use super::assert_done;
use crate::support::rows::{late, query, quick, scan, serve, text};
use crate::support::world::{NOON, World, job};

/// Texts that break what goes through CSV: the naive tool doubles backslashes, lets a leading quote swallow the next columns, and
/// makes NULL and the empty text one.
const HARD: [&str; 14] = [
    r"select 'C:\temp\new', '\\server\share'",
    "\"quoted first, then more",
    "'single' and \"double\", with, commas;",
    "line one\nline two\r\nline three\ttab",
    "\\N",
    "NULL",
    "",
    " leading and inner   blanks",
    "größe, naïve, Ωmega, 漢字, русский",
    "🦀 outside the basic plane 𝄞",
    "\u{1}control\u{7f}",
    "--comment -- $1 ${x} %s {}",
    "\\",
    "\"",
];

#[tokio::test]
async fn f12_text_arrives_as_it_was_written() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let tables = ["stl_query", "stl_querytext", "stl_ddltext", "stl_utilitytext", "stl_explain"];
    let jobs = [job("c", &server, &tables)];
    for (id, hard) in (1..).zip(HARD) {
        let end = NOON - HOUR + id * SECOND;
        cluster.insert("stl_query", vec![quick(id, end).with("querytxt", hard).with("label", hard)]);
        cluster.insert("stl_querytext", vec![text(id, 0, hard, end)]);
        cluster.insert(
            "stl_explain",
            vec![Row::new(end).with("query", id).with("nodeid", 1).with("plannode", hard).with("info", hard)],
        );
        for table in ["stl_ddltext", "stl_utilitytext"] {
            let row = Row::new(end).with("xid", id).with("sequence", 0).with("text", hard).with("label", hard);
            cluster.insert(table, vec![row.at("starttime", end).at("endtime", end)]);
        }
    }
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &tables).await;
    let mut rows = world.rows("stl_query").await;
    rows.sort_by_key(|r| r["query"].parse::<i64>().unwrap());
    let kept: Vec<&str> = rows.iter().map(|r| r["querytxt"].as_str()).collect();
    assert_eq!(kept, HARD);
    // And the second time the same texts are the same rows.
    world.at(&cluster, NOON + MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 0);
}

#[tokio::test]
async fn f12_null_and_empty_text_differ() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    let end = NOON - 10 * MINUTE;
    let row = |label: Value| quick(1, end).with("label", label);
    // Otherwise the same row: three rows only because NULL is not ''.
    let rows = vec![row(Value::Null), row(Value::from("")), row(Value::from("NULL"))];
    cluster.insert("stl_query", rows.clone());
    assert_eq!(world.export(&jobs).await.rows_new(), 3);
    let mut labels: Vec<Option<String>> =
        world.rows("stl_query").await.iter().map(|r| r.get("label").cloned()).collect();
    labels.sort();
    assert_eq!(labels, [None, Some(String::new()), Some("NULL".to_owned())]);
    // One more of each kind that surfaces late is one more of that kind.
    cluster.insert("stl_query", rows.into_iter().map(|r| late(r, NOON + MINUTE)).collect());
    world.at(&cluster, NOON + 5 * MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 3);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

/// A statement is cut every 200 characters, also where the cut is at a blank: trimming would glue words together.
#[tokio::test]
async fn f12_blanks_at_the_seams_of_fragments_are_kept() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query", "stl_querytext", "stl_utilitytext"])];
    let end = NOON - 10 * MINUTE;
    let statement = format!("select{}from{}wörter", " ".repeat(197), " x".repeat(150));
    let letters: Vec<char> = statement.chars().collect();
    let pieces: Vec<String> = letters.chunks(200).map(|c| c.iter().collect()).collect();
    assert!(pieces.len() > 2 && pieces[0].ends_with(' '));
    cluster.insert("stl_query", vec![quick(1, end)]);
    for (sequence, piece) in (0..).zip(&pieces) {
        cluster.insert("stl_querytext", vec![text(1, sequence, piece, end)]);
        let row = Row::new(end).with("xid", 1).with("sequence", sequence).with("text", piece.as_str());
        cluster.insert("stl_utilitytext", vec![row.at("starttime", end).at("endtime", end)]);
    }
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_querytext", "stl_utilitytext"]).await;
    for table in ["stl_querytext", "stl_utilitytext"] {
        let mut rows = world.rows(table).await;
        rows.sort_by_key(|r| r["sequence"].parse::<i64>().unwrap());
        let whole: String = rows.iter().map(|r| r["text"].as_str()).collect();
        assert_eq!(whole.trim_end(), statement, "{table}");
    }
}

#[tokio::test]
async fn padding_of_char_columns_is_not_kept() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    cluster.insert("stl_query", vec![quick(1, NOON - HOUR).with("database", "dev  ").with("querytxt", "  x  ")]);
    assert_done(&world.export(&[job("c", &server, &["stl_query"])]).await);
    let rows = world.rows("stl_query").await;
    assert_eq!((rows[0]["database"].as_str(), rows[0]["querytxt"].as_str()), ("dev", "  x"));
}

/// Tables without keys have rows that are equal in every column, and each of them happened.
#[tokio::test]
async fn identical_rows_are_kept_as_often_as_the_source_has_them() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let tables = ["stl_query", "stl_querytext", "stl_scan"];
    let jobs = [job("c", &server, &tables)];
    let end = NOON - 10 * MINUTE;
    let three = || vec![scan(1, 0, end), scan(1, 0, end), late(scan(1, 0, end), NOON + MINUTE)];
    cluster.insert("stl_scan", three());
    cluster.insert("stl_query", vec![quick(1, end)]);
    let fragment = || text(1, 0, "select 1", end);
    cluster.insert("stl_querytext", vec![fragment(), fragment(), late(fragment(), NOON + MINUTE)]);
    assert_eq!(world.export(&jobs).await.rows_new(), 2 + 1 + 2);
    assert_eq!(world.export(&jobs).await.rows_new(), 0);
    world.at(&cluster, NOON + 10 * MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 2);
    world.assert_equals_truth(&cluster, "c", &tables).await;
    // A fourth, found only by the sweep.
    cluster.insert("stl_scan", vec![late(scan(1, 0, end), NOON + 4 * HOUR), scan(2, 0, NOON + HOUR)]);
    world.at(&cluster, NOON + 2 * HOUR);
    assert_done(&world.export(&jobs).await);
    world.at(&cluster, NOON + 13 * HOUR);
    assert_done(&world.export(&jobs).await);
    assert_eq!(world.sweep(&jobs).await.rows_new(), 1);
    world.assert_equals_truth(&cluster, "c", &tables).await;
}

/// Redshift writes "never" as NULL or as 2000-01-01: such a row is placed by its start.
#[tokio::test]
async fn rows_without_an_end_are_placed_by_their_start() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    let endless =
        |id: i64, start: i64, end: Value| late(quick(id, start).at("starttime", start).with("endtime", end), start);
    cluster.insert(
        "stl_query",
        vec![
            endless(1, NOON - 10 * MINUTE, Value::Null),
            endless(2, NOON - 10 * MINUTE, Value::Time(Y2000)),
            quick(3, NOON - 20 * MINUTE),
            endless(4, NOON + 10 * MINUTE, Value::Null),
            endless(5, NOON + 11 * MINUTE, Value::Time(Y2000)),
        ],
    );
    assert_eq!(world.export(&jobs).await.rows_new(), 3);
    world.at(&cluster, NOON + 20 * MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 2);
    for _ in 0..2 {
        assert_eq!(world.export(&jobs).await.rows_new(), 0);
    }
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
    world.at(&cluster, NOON + 14 * HOUR);
    assert_done(&world.export(&jobs).await);
    assert_eq!(world.sweep(&jobs).await.rows_new(), 0);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

/// The first export reaches back to the oldest row, also where that row is placed by its start.
#[tokio::test]
async fn the_first_export_reaches_back_to_rows_without_an_end() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    let mut oldest = query(1, NOON - 2 * DAY, Y2000);
    oldest.visible_at = NOON - 2 * DAY;
    cluster.insert("stl_query", vec![oldest, quick(2, NOON - HOUR)]);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

/// Its time is a number of microseconds since 2000-01-01.
#[tokio::test]
async fn a_time_that_is_a_number_is_a_cursor_too() {
    let world = World::new();
    let cluster = Cluster::empty("c", NOON);
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_disk_full_diag"])];
    let full = |time: i64, visible: i64| {
        Row::new(visible)
            .with("currenttime", time - Y2000)
            .with("node_num", 1)
            .with("query_id", 7)
            .with("temp_blocks", 900)
    };
    cluster.insert(
        "stl_disk_full_diag",
        vec![
            full(NOON - 3 * DAY, NOON - 3 * DAY),
            full(NOON - 10 * MINUTE, NOON - 10 * MINUTE),
            full(NOON - 9 * MINUTE, NOON + MINUTE),
            full(NOON + 5 * MINUTE, NOON + 5 * MINUTE),
        ],
    );
    assert_eq!(world.export(&jobs).await.rows_new(), 2);
    world.at(&cluster, NOON + 20 * MINUTE);
    assert_eq!(world.export(&jobs).await.rows_new(), 2);
    assert_eq!(world.export(&jobs).await.rows_new(), 0);
    world.assert_equals_truth(&cluster, "c", &["stl_disk_full_diag"]).await;
    assert!(world.exists("stl_disk_full_diag/cluster_id=c/log_date=2026-05-27"));
}
