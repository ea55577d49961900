//! The report as one page. The template escapes every value by its type: none is marked as safe.

use askama::Template;
use lookback_query::diagnostics::{Column, Outcome, Severity};

use super::chart::{Drawing, draw};
use super::text::visible;
use super::{Report, Section};
use crate::print::moment;

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    lake: String,
    moment: String,
    parameters: Vec<String>,
    asked: usize,
    failed: usize,
    remarkable: Vec<Line>,
    groups: Vec<Group>,
}

/// A line of the summary.
struct Line {
    name: &'static str,
    title: &'static str,
    state: &'static str,
    /// How many; empty if it failed.
    rows: String,
}

struct Group {
    title: &'static str,
    parts: Vec<Part>,
}

struct Part {
    name: &'static str,
    title: &'static str,
    question: &'static str,
    /// `failed`, or the severity of what has rows, or `quiet`.
    state: &'static str,
    rows: usize,
    error: String,
    columns: Vec<Heading>,
    cells: Vec<Vec<Shown>>,
    left_out: usize,
    advice: Vec<&'static str>,
    drawing: Option<Drawing>,
    took: String,
}

struct Heading {
    name: &'static str,
    unit: String,
    meaning: &'static str,
    is_amount: bool,
}

struct Shown {
    text: String,
    is_amount: bool,
}

/// The page.
pub(super) fn write(report: &Report) -> Result<String, askama::Error> {
    let mut groups: Vec<Group> = Vec::new();
    for section in &report.sections {
        let title = section.diagnostic.group.title();
        match groups.last_mut().filter(|group| group.title == title) {
            Some(group) => group.parts.push(part(section)),
            None => groups.push(Group { title, parts: vec![part(section)] }),
        }
    }
    let page = Page {
        lake: visible(&report.lake),
        moment: moment(Some(report.moment)),
        parameters: report.parameters().iter().map(|parameter| visible(parameter)).collect(),
        asked: report.sections.len(),
        failed: report.failed().count(),
        remarkable: report.remarkable().into_iter().map(line).collect(),
        groups,
    };
    page.render()
}

fn line(section: &Section) -> Line {
    let rows = if section.result.is_ok() { section.rows().to_string() } else { String::new() };
    Line { name: section.diagnostic.name, title: section.diagnostic.title, state: state(section), rows }
}

fn part(section: &Section) -> Part {
    let diagnostic = section.diagnostic;
    let none = Outcome::default();
    let (outcome, error) = match &section.result {
        Ok(outcome) => (outcome, String::new()),
        Err(error) => (&none, visible(&error.to_string())),
    };
    let amounts: Vec<bool> = diagnostic.columns.iter().map(|column| column.unit.is_amount()).collect();
    let shown = |(at, text): (usize, &str)| Shown {
        text: visible(text),
        is_amount: amounts.get(at).copied().unwrap_or_default(),
    };
    let heading = |column: &Column| Heading {
        name: column.name,
        unit: column.unit.to_string(),
        meaning: column.meaning,
        is_amount: column.unit.is_amount(),
    };
    Part {
        name: diagnostic.name,
        title: diagnostic.title,
        question: diagnostic.question,
        state: state(section),
        rows: section.rows(),
        error,
        columns: diagnostic.columns.iter().map(heading).collect(),
        cells: outcome
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.text.as_str()).enumerate().map(shown).collect())
            .collect(),
        left_out: outcome.left_out,
        advice: diagnostic.advice.clone(),
        drawing: draw(diagnostic, outcome),
        took: format!("{:.1}", section.took.as_secs_f64()),
    }
}

fn state(section: &Section) -> &'static str {
    match (&section.result, section.rows(), section.diagnostic.severity) {
        (Err(_), _, _) => "failed",
        (Ok(_), 0, _) => "quiet",
        (Ok(_), _, Severity::Info) => "info",
        (Ok(_), _, severity) => severity.name(),
    }
}
