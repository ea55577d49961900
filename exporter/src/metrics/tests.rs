#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::PermissionsExt;

use lookback_schemas::registry;
use lookback_schemas::time::{HOUR, SECOND};

use super::*;
use crate::error::Error;
use crate::source::Window;

const NOON: i64 = 1_779_969_600 * SECOND;

fn report(cluster: &str, covered_until: Option<i64>) -> TableReport {
    let mut report = TableReport::new(cluster, cluster, "stl_query", RunKind::Export, NOON);
    (report.rows_read, report.rows_new, report.rows_present) = (10, 4, 6);
    (report.files, report.bytes, report.duration_ms) = (1, 2_000, 1_500);
    report.covered_until = covered_until;
    report
}

fn failed(cluster: &str, table: &str, kind: ErrorKind) -> TableReport {
    let mut report = TableReport::new(cluster, "", table, RunKind::Export, NOON);
    report.outcome = TableOutcome::Failed(Error::new(kind, "x"));
    report
}

fn ended(tables: Vec<TableReport>) -> Report {
    Report { run_id: "r".to_owned(), tables, ledger_error: None }
}

fn one_run(metrics: &Metrics, tables: Vec<TableReport>) {
    metrics.tables(&tables);
    metrics.run(&ended(tables), 2 * SECOND);
}

fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|l| l == *line), "'{line}' is not in:\n{text}");
    }
}

fn lacks(text: &str, part: &str) {
    assert!(!text.contains(part), "'{part}' is in:\n{text}");
}

#[test]
fn a_report_becomes_numbers() {
    let metrics = Metrics::new("1.2.3", 48 * HOUR);
    let mut gap = report("b", Some(NOON - HOUR));
    gap.gap = Some(Window { from: 0, to: 1 });
    let mut sweep = report("a", Some(NOON - 120 * SECOND));
    sweep.kind = RunKind::Sweep;
    let reports = vec![report("a", Some(NOON - 120 * SECOND)), sweep, gap, failed("c", "", ErrorKind::Connect)];
    one_run(&metrics, reports);
    let text = metrics.text(NOON + 60 * SECOND);
    has(
        &text,
        &[
            "# TYPE lookback_build_info gauge",
            "lookback_build_info{version=\"1.2.3\"} 1",
            "# TYPE lookback_runs_total counter",
            "lookback_runs_total{outcome=\"failed\"} 1",
            "lookback_runs_total{outcome=\"ok\"} 0",
            "lookback_last_success_timestamp_seconds{cluster=\"a\",table=\"stl_query\"} 1779969601.5",
            "lookback_covered_until_timestamp_seconds{cluster=\"a\",table=\"stl_query\"} 1779969480",
            "lookback_lag_seconds{cluster=\"a\",table=\"stl_query\"} 180",
            "lookback_purge_headroom_seconds{cluster=\"a\",table=\"stl_query\"} 172620",
            "lookback_rows_read_total{cluster=\"a\",table=\"stl_query\"} 20",
            "lookback_rows_new_total{cluster=\"a\",table=\"stl_query\"} 8",
            "lookback_rows_already_present_total{cluster=\"a\",table=\"stl_query\"} 12",
            "lookback_sweep_recovered_rows_total{cluster=\"a\",table=\"stl_query\"} 4",
            "lookback_gaps_total{cluster=\"a\",table=\"stl_query\"} 0",
            "lookback_gaps_total{cluster=\"b\",table=\"stl_query\"} 1",
            "lookback_table_failures_total{cluster=\"c\",table=\"\",kind=\"connect\"} 1",
            "lookback_written_bytes_total 6000",
            "lookback_files_written_total 3",
            "lookback_tick_duration_seconds 2",
            "lookback_clusters{state=\"failed\"} 1",
        ],
    );
    lacks(&text, "# EOF");
    let open = metrics.openmetrics(NOON);
    assert!(open.ends_with("# EOF\n"));
    has(&open, &["# TYPE lookback_runs counter", "# TYPE lookback_build info"]);
    // Every name is announced with a help text.
    for family in plain::parse(&open).unwrap() {
        assert!(family.help.len() > 10, "{}", family.name);
    }
}

#[test]
fn lag_is_as_of_the_moment_of_asking_and_ends_with_the_cluster() {
    let metrics = Metrics::new("1", DAY_AND_A_HALF);
    let watermark = |covered_until| Watermark { covered_until, ..Watermark::default() };
    metrics.recall(&[
        ("a".to_owned(), "stl_query".to_owned(), watermark(NOON - HOUR)),
        ("a@10".to_owned(), "stl_query".to_owned(), watermark(NOON - 10 * SECOND)),
        ("a@9".to_owned(), "stl_query".to_owned(), watermark(NOON)),
    ]);
    let lag = |seconds: i64| format!("lookback_lag_seconds{{cluster=\"a\",table=\"stl_query\"}} {seconds}");
    has(&metrics.text(NOON), &[&lag(10)]);
    has(&metrics.text(NOON + HOUR), &[&lag(3_610)]);
    // A failure does not touch what was covered.
    metrics.tables(&[failed("a", "stl_query", ErrorKind::Timeout)]);
    has(&metrics.text(NOON), &[&lag(10), "lookback_clusters{state=\"failed\"} 1"]);
    metrics.clusters([].into_iter());
    let text = metrics.text(NOON);
    lacks(&text, "lookback_lag_seconds");
    has(&text, &["lookback_clusters{state=\"failed\"} 0"]);
}

const DAY_AND_A_HALF: i64 = 36 * HOUR;

#[test]
fn a_run_that_was_stopped_is_no_failure() {
    let metrics = Metrics::new("1", 0);
    one_run(&metrics, vec![failed("a", "stl_query", ErrorKind::Cancelled)]);
    let text = metrics.text(NOON);
    has(&text, &["lookback_runs_total{outcome=\"stopped\"} 1", "lookback_clusters{state=\"failed\"} 0"]);
    lacks(&text, "lookback_table_failures_total{");
}

#[test]
fn requests_are_read_when_they_are_asked_for() {
    let metrics = Metrics::new("1", 0);
    lacks(&metrics.text(NOON), "lookback_aws_requests");
    metrics.count_requests(RequestCounts::default());
    let commits = Arc::new(crate::run::CommitCounts::default());
    metrics.late.watch(commits);
    let text = metrics.text(NOON);
    has(&text, &["lookback_commits_total{outcome=\"conflict\"} 0", "# TYPE lookback_commits_total counter"]);
}

#[test]
fn a_file_keeps_the_last_success_and_its_counters_never_fall() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lookback.prom");
    let first = Metrics::new("1", 48 * HOUR);
    one_run(&first, vec![report("a", Some(NOON - HOUR)), report("b", Some(NOON - HOUR))]);
    write_file(&path, &first, NOON).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);

    // The next command exports `a` only, and fails.
    let second = Metrics::new("2", 48 * HOUR);
    one_run(&second, vec![failed("a", "stl_query", ErrorKind::Timeout)]);
    write_file(&path, &second, NOON + HOUR).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    has(
        &text,
        &[
            "lookback_last_success_timestamp_seconds{cluster=\"a\",table=\"stl_query\"} 1779969601.5",
            "lookback_last_success_timestamp_seconds{cluster=\"b\",table=\"stl_query\"} 1779969601.5",
            "lookback_rows_new_total{cluster=\"a\",table=\"stl_query\"} 4",
            "lookback_rows_new_total{cluster=\"b\",table=\"stl_query\"} 4",
            "lookback_runs_total{outcome=\"ok\"} 1",
            "lookback_runs_total{outcome=\"failed\"} 1",
            "lookback_lag_seconds{cluster=\"b\",table=\"stl_query\"} 7200",
            "lookback_written_bytes_total 4000",
        ],
    );
    lacks(&text, "version=\"1\"");
    // What is written is the plain format: each family is announced once, under the name of its samples.
    let families = plain::parse(&text).unwrap();
    assert_eq!(plain::render(&families), text);
    for line in text.lines().filter_map(|l| l.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
        assert!(matches!(kind, "counter" | "gauge"), "{line}");
        assert_eq!(families.iter().filter(|f| f.name == name).count(), 1, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");
}

#[test]
fn a_file_that_is_none_is_replaced_and_a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lookback.prom");
    std::fs::write(&path, "what is this\n").unwrap();
    let metrics = Metrics::new("1", 0);
    one_run(&metrics, vec![report("a", None)]);
    write_file(&path, &metrics, NOON).unwrap();
    has(&std::fs::read_to_string(&path).unwrap(), &["lookback_runs_total{outcome=\"ok\"} 1"]);
    let error = write_file(&folder.path().join("no/lookback.prom"), &metrics, NOON).unwrap_err();
    assert!(error.to_string().contains("no/lookback.prom") && error.advice().is_some(), "{error}");
}

#[test]
fn text_that_is_no_metrics_is_refused() {
    for (text, line) in [
        ("x 1\n", "line 1: a sample without a type"),
        ("# TYPE x gauge\ny 1\n", "line 2: 'y' does not belong to 'x'"),
        ("# TYPE x gauge\nx one\n", "line 2: 'one' is not a number"),
        ("# TYPE x histogram\n", "line 1: type 'histogram' is not known here"),
        ("# TYPE x gauge\nx{a=\"b\" 1\n", "line 2: labels without an end"),
    ] {
        assert_eq!(plain::parse(text), Err(line.to_owned()));
    }
}

#[test]
fn every_kind_of_failure_has_a_label_of_its_own() {
    let metrics = Metrics::new("1", 0);
    let tables = registry().select(&["core"]).unwrap();
    let kinds = [ErrorKind::Connect, ErrorKind::MissingTable, ErrorKind::Lake, ErrorKind::Schema];
    for (table, of) in tables.iter().zip(kinds) {
        metrics.tables(&[failed("a", &table.name, of)]);
    }
    let text = metrics.text(NOON);
    for name in ["connect", "missing_table", "lake", "schema"] {
        assert_eq!(text.matches(&format!("kind=\"{name}\"")).count(), 1, "{text}");
    }
}
