//! The report as Markdown.

use askama::Template;

use super::text::{markdown, visible};
use super::{Report, Section};
use crate::print::moment;

#[derive(Template)]
#[template(path = "report.md", escape = "none")]
struct Document {
    lake: String,
    moment: String,
    parameters: Vec<String>,
    asked: usize,
    failed: usize,
    remarkable: Vec<Line>,
    parts: Vec<Part>,
}

/// A line of the summary.
struct Line {
    title: &'static str,
    name: &'static str,
    state: String,
}

struct Part {
    /// The title of the group that begins here; empty within a group.
    group: &'static str,
    name: &'static str,
    title: &'static str,
    question: &'static str,
    error: String,
    /// The table, line by line; empty without rows.
    table: Vec<String>,
    left_out: usize,
    advice: Vec<&'static str>,
}

/// The document.
pub(super) fn write(report: &Report) -> Result<String, askama::Error> {
    let mut parts = Vec::with_capacity(report.sections.len());
    let mut group = None;
    for section in &report.sections {
        let own = section.diagnostic.group;
        let title = if group.replace(own) == Some(own) { "" } else { own.title() };
        parts.push(part(section, title));
    }
    let line = |section: &Section| Line {
        title: section.diagnostic.title,
        name: section.diagnostic.name,
        state: match &section.result {
            Ok(_) => format!("{}, {} rows", section.diagnostic.severity.name(), section.rows()),
            Err(_) => "failed".to_owned(),
        },
    };
    let document = Document {
        lake: markdown(&report.lake),
        moment: moment(Some(report.moment)),
        parameters: report.parameters().iter().map(|parameter| markdown(parameter)).collect(),
        asked: report.sections.len(),
        failed: report.failed().count(),
        remarkable: report.remarkable().into_iter().map(line).collect(),
        parts,
    };
    document.render()
}

fn part(section: &Section, group: &'static str) -> Part {
    let diagnostic = section.diagnostic;
    let (table, left_out, error) = match &section.result {
        Ok(outcome) if outcome.rows.is_empty() => (Vec::new(), 0, String::new()),
        Ok(outcome) => {
            let names: Vec<String> = diagnostic.columns.iter().map(|column| markdown(column.name)).collect();
            let rules = diagnostic.columns.iter().map(|column| if column.unit.is_amount() { "---:" } else { "---" });
            let mut lines = vec![row(&names), row(&rules.map(str::to_owned).collect::<Vec<_>>())];
            for cells in &outcome.rows {
                // Numbers and times cannot hold markup, and are better read as they are.
                let shown = cells.iter().map(|cell| match cell.number {
                    Some(_) => visible(&cell.text),
                    None => markdown(&cell.text),
                });
                lines.push(row(&shown.collect::<Vec<_>>()));
            }
            (lines, outcome.left_out, String::new())
        }
        Err(error) => (Vec::new(), 0, markdown(&error.to_string())),
    };
    Part {
        group,
        name: diagnostic.name,
        title: diagnostic.title,
        question: diagnostic.question,
        error,
        table,
        left_out,
        advice: diagnostic.advice.clone(),
    }
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}
