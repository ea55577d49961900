#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use lookback_query::diagnostics::{Cell, get};
use proptest::prelude::*;

use super::*;

fn number(value: f64) -> Cell {
    Cell { text: value.to_string(), number: Some(value) }
}

fn text(text: &str) -> Cell {
    Cell { text: text.to_owned(), number: None }
}

/// A row of `slowest_queries`.
fn row(cluster: &str, query: f64, seconds: f64, statement: &str) -> Vec<Cell> {
    let started = Cell { text: "2026-01-01 09:00:00".to_owned(), number: Some(1_767_258_000_000_000.0) };
    vec![text(cluster), number(query), number(101.0), started, number(seconds), Cell::default(), text(statement)]
}

fn section(name: &str, rows: Vec<Vec<Cell>>) -> Section {
    let diagnostic = get(name).unwrap();
    let columns = diagnostic.columns.iter().map(|column| column.name.to_owned()).collect();
    let outcome = Outcome { columns, rows, left_out: 0 };
    Section { diagnostic, result: Ok(outcome), took: Duration::from_millis(1_234) }
}

fn report(sections: Vec<Section>) -> Report {
    let given = BTreeMap::from([("cluster".to_owned(), "etl".to_owned())]);
    Report { lake: "s3://logs".to_owned(), moment: 1_767_258_000_000_000, given, sections }
}

fn failed(name: &str) -> Section {
    let error = QueryError::new(ErrorKind::Read, "a data file cannot be read: <part> | x");
    Section { result: Err(error), ..section(name, Vec::new()) }
}

#[test]
fn a_report_in_markdown() {
    let mut slow = section("slowest_queries", vec![row("etl", 2.0, 600.3, "select '|' from a_b -- <x>")]);
    slow.result.as_mut().unwrap().left_out = 3;
    let plain = section("plaintext_sessions", vec![["etl", "x", "h", "psql", "3", "", ""].map(text).to_vec()]);
    let report = report(vec![slow, section("errors", Vec::new()), failed("alerts"), plain]);
    let document = report.write(Form::Markdown).unwrap();
    for part in [
        "# Lookback: diagnostics\n\n- Lake: s3\\://logs\n- As of: 2026-01-01 09:00:00 UTC\n- Parameter: cluster=etl\n",
        "- 4 diagnostics asked, 1 failed\n",
        "| Alerts of the planner (`alerts`) | failed |\n| Sessions without TLS (`plaintext_sessions`) | critical, 1 rows |\n",
        "## Queries\n\n### Slowest queries\n\nWhich queries took longest, ",
        "| cluster\\_id | query | userid | started | total\\_s | queue\\_s | text |\n| --- | --- | --- | --- | ---: | ---: | --- |\n\
         | etl | 2 | 101 | 2026-01-01 09:00:00 | 600.3 |  | select '\\|' from a\\_b -- &lt;x&gt; |\n\n3 more rows are left out.\n",
        "What to do:\n\n- Take the slowest one",
        "### Errors of the servers\n",
        "\n\nNo rows.\n\n",
        "**Failed:** a data file cannot be read\\: &lt;part&gt; \\| x\n",
        "## Security\n\n### Sessions without TLS\n",
    ] {
        assert!(document.contains(part), "{part}\n---\n{document}");
    }
    assert_eq!(document.matches("\n## Queries\n").count(), 1);
    let failure = report.failure().unwrap();
    assert!(format!("{failure:?}").contains("1 of 4 diagnostics failed: alerts"), "{failure:?}");
}

#[test]
fn a_report_without_findings_says_so() {
    let report = report(vec![section("alerts", Vec::new()), section("slowest_queries", vec![row("a", 1.0, 1.0, "x")])]);
    for form in [Form::Markdown, Form::Html] {
        assert!(report.write(form).unwrap().contains("Nothing to look at."));
    }
    assert!(report.failure().is_none());
}

/// The tags of a page, in their order, with the names of their attributes.
pub(super) fn tags(page: &str) -> Vec<String> {
    let (mut tags, mut rest) = (Vec::new(), page);
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').unwrap() + start;
        let mut quoted = false;
        let outside: String = rest[start..end]
            .chars()
            .filter(|c| {
                quoted ^= *c == '"';
                !quoted
            })
            .collect();
        tags.push(outside);
        rest = &rest[end + 1..];
    }
    tags
}

#[test]
fn a_page_has_its_drawing_table_and_advice() {
    let report =
        report(vec![section("slowest_queries", vec![row("etl", 2.0, 600.25, "select 2"), row("bi", 1.0, 30.0, "x")])]);
    let page = report.write(Form::Html).unwrap();
    for part in [
        "<dt>As of</dt><dd>2026-01-01 09:00:00 UTC</dd>",
        "<dt>Parameter</dt><dd>cluster=etl</dd>",
        "prefers-color-scheme: dark",
        "aria-label=\"total_s (seconds) by cluster_id, query\"",
        "width=\"550.0\" height=\"18.0\" opacity=\"1.00\"><title>etl 2: 600.25</title>",
        "width=\"27.5\" height=\"18.0\" opacity=\"1.00\"><title>bi 1: 30</title>",
        "<td class=\"amount\">600.25</td>",
        "Take the slowest one that repeats.",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // Nothing runs, and nothing is fetched.
    for never in ["<script", "src=", "url(", "http://", "https://", "@import", "javascript:"] {
        assert!(!page.contains(never), "{never}");
    }
    assert_eq!(page.matches("<article").count(), page.matches("</article>").count());
}

#[test]
fn failures_come_first_and_the_severe_before_the_others() {
    let rows = || vec![vec![text("x"); 5]];
    let report = report(vec![
        section("alerts", rows()),
        section("plaintext_sessions", rows()),
        section("slowest_queries", vec![row("a", 1.0, 1.0, "x")]),
        failed("errors"),
    ]);
    let names: Vec<&str> = report.remarkable().iter().map(|section| section.diagnostic.name).collect();
    assert_eq!(names, ["errors", "plaintext_sessions", "alerts"]);
}

proptest! {
    /// Whatever a log holds, the page has the same tags and attributes, and the document the same lines and cells.
    #[test]
    fn texts_of_logs_change_no_structure(
        hostile in prop_oneof![
            any::<String>(),
            prop::sample::select(vec![
                "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onload='x", "</td></table>", "{{ lake }}", "{% if %}",
                "&lt;b&gt;", "| a | b |", "\n# title\n", "```\n", "<!--", "]]>", "\u{202e}", "a\r\n\r\n| --- |",
            ]).prop_map(str::to_owned),
        ],
    ) {
        let with = |text: &str| report(vec![section("slowest_queries", vec![row(text, 2.0, 600.0, text)]), failed("errors")]);
        let (plain, other) = (with("select"), with(&hostile));
        prop_assert_eq!(tags(&other.write(Form::Html).unwrap()), tags(&plain.write(Form::Html).unwrap()));
        let cells = |report: &Report| -> Vec<usize> {
            let document = report.write(Form::Markdown).unwrap();
            document.lines().map(|line| line.replace("\\\\", "").replace("\\|", "").matches('|').count()).collect()
        };
        prop_assert_eq!(cells(&other), cells(&plain));
    }
}

#[test]
fn names_of_files_say_the_form() {
    assert_eq!(Form::of(Path::new("a/report.md")), Some(Form::Markdown));
    assert_eq!(Form::of(Path::new("report.HTML")), Some(Form::Html));
    assert_eq!(Form::of(Path::new("report.pdf")), None);
    assert_eq!(Form::of(Path::new("report")), None);
}
