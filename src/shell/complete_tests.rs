#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use super::*;

struct Fixed;

impl Names for Fixed {
    fn tables(&self) -> Vec<String> {
        ["stl_query", "stl_querytext", "stl_scan"].map(str::to_owned).to_vec()
    }

    fn columns(&self, table: &str) -> Vec<String> {
        let columns: &[&str] = match table {
            "stl_query" => &["cluster_id", "query", "querytxt", "starttime"],
            "stl_scan" => &["cluster_id", "query", "rows", "slice"],
            _ => &[],
        };
        columns.iter().map(|c| (*c).to_owned()).collect()
    }
}

/// Completes where `|` stands.
fn at(text: &str) -> Vec<String> {
    with("", text)
}

fn with(before: &str, text: &str) -> Vec<String> {
    let cursor = text.find('|').unwrap();
    let line = text.replace('|', "");
    let (start, found) = complete(before, &line, cursor, &Fixed);
    assert!(start <= cursor, "{text}");
    let word = line[start..cursor].to_lowercase();
    assert!(found.iter().all(|name| name.to_lowercase().starts_with(&word)), "{text}: {found:?}");
    found
}

#[test]
fn keywords_are_written_as_they_were_begun() {
    assert_eq!(at("sel|"), ["select"]);
    assert_eq!(at("SEL|"), ["SELECT"]);
    assert_eq!(at("SELECT DATED|"), ["DATEDIFF"]);
}

#[test]
fn tables_come_behind_from_and_join() {
    assert_eq!(at("select * from |"), ["stl_query", "stl_querytext", "stl_scan"]);
    assert_eq!(at("select * from STL_S|"), ["stl_scan"]);
    assert_eq!(at("select * from stl_query q join stl_|"), ["stl_query", "stl_querytext", "stl_scan"]);
    assert_eq!(with("select *\n  from ", "stl_sc|"), ["stl_scan"]);
}

#[test]
fn columns_are_those_of_the_tables_that_are_named() {
    assert_eq!(at("select sli| from stl_scan"), ["slice"]);
    assert_eq!(at("select start| from stl_scan"), [""; 0]);
    assert_eq!(at("select * from stl_query where start|"), ["starttime"]);
    assert_eq!(with("select *\nfrom stl_scan\n", "where sl|"), ["slice"]);
    // Of this statement, not of the one before.
    assert_eq!(at("select * from stl_scan; select sli|"), [""; 0]);
    assert_eq!(at("select | from stl_scan"), ["cluster_id", "query", "rows", "slice"]);
}

#[test]
fn a_qualifier_says_which_table() {
    assert_eq!(
        at("select q.| from stl_query q join stl_scan s using (query)"),
        ["cluster_id", "query", "querytxt", "starttime"]
    );
    assert_eq!(at("select S.r| from stl_query q join stl_scan AS s using (query)"), ["rows"]);
    assert_eq!(at("select stl_scan.s| from stl_scan where 1 = 1"), ["slice"]);
    assert_eq!(at("select x.| from stl_scan s"), [""; 0]);
}

#[test]
fn nothing_is_completed_in_quotes_and_comments() {
    for text in ["select 'sel|", "select \"sel|", "select /* sel|", "select $$ sel|"] {
        assert_eq!(at(text), [""; 0], "{text}");
    }
}

#[test]
fn commands_and_what_follows_them() {
    assert_eq!(at("\\di|"), ["\\diag"]);
    assert_eq!(at("\\d|"), ["\\d", "\\diag", "\\dt"]);
    assert_eq!(at("\\d stl_s|"), ["stl_scan"]);
    assert_eq!(at("\\diag slowe|"), ["slower_queries", "slowest_queries"]);
    assert_eq!(at("\\diag slowest_queries t|"), ["to=", "top="]);
    assert_eq!(at("\\format nd|"), ["ndjson"]);
    assert_eq!(at("\\timing o|"), ["off", "on"]);
    assert_eq!(at("\\nothing x|"), [""; 0]);
    // A backslash in a later line of a statement is none.
    assert!(with("select ", "\\d|").iter().all(|name| !name.starts_with('\\')));
}

#[test]
fn letters_that_take_several_bytes_are_whole() {
    assert_eq!(at("select 'ä' as ö, sta|, 'ß' from stl_query"), ["starttime"]);
    assert_eq!(at("select é|"), [""; 0]);
}

#[test]
fn the_words_are_sorted_and_there_once() {
    assert!(WORDS.windows(2).all(|pair| pair[0] < pair[1]));
}
