//! The header of a diagnostic's file.

use super::Param;
use super::spec::{Chart, ChartKind, Column, Group, Severity, Unit};
use crate::error::{ErrorKind, QueryError};
use crate::header::{once, param, read};

/// A named question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name without `.sql`.
    pub name: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it is about.
    pub group: Group,
    /// What it means that there are rows.
    pub severity: Severity,
    /// The question that it answers.
    pub question: &'static str,
    /// What it takes, in the order of the file.
    pub params: Vec<Param>,
    /// The columns of the result, in their order.
    pub columns: Vec<Column>,
    /// How the result is drawn, if a drawing says more than the table.
    pub chart: Option<Chart>,
    /// What to do about the rows, one piece of advice each.
    pub advice: Vec<&'static str>,
    /// The statement, with `:name` where parameters go.
    pub sql: &'static str,
}

impl Diagnostic {
    /// Whether it answers without being given a parameter.
    #[must_use]
    pub fn runs_alone(&self) -> bool {
        self.params.iter().all(|param| !param.required)
    }
}

/// Reads a file. The header is the comment lines before the first line of SQL. What is not understood, said twice or missing is
/// an error: a header that is only nearly right would show in a report as something else.
pub(crate) fn parse(name: &'static str, text: &'static str) -> Result<Diagnostic, QueryError> {
    let wrong = |what: String| QueryError::new(ErrorKind::Internal, format!("diagnostic '{name}': {what}"));
    let mut header = Header::default();
    read(text, |key, value| header.line(key, value)).map_err(wrong)?;
    header.finish(name, text).map_err(|missing| wrong(format!("the header has {missing}")))
}

#[derive(Default)]
struct Header {
    title: Option<&'static str>,
    group: Option<Group>,
    severity: Option<Severity>,
    question: Option<&'static str>,
    params: Vec<Param>,
    columns: Vec<Column>,
    chart: Option<Chart>,
    advice: Vec<&'static str>,
}

impl Header {
    /// Takes a line; `None` if it is not understood.
    fn line(&mut self, key: &[&'static str], value: &'static str) -> Option<()> {
        match *key {
            ["title"] => once(&mut self.title, value),
            ["group"] => once(&mut self.group, Group::of(value)?),
            ["severity"] => once(&mut self.severity, Severity::of(value)?),
            ["question"] => once(&mut self.question, value),
            ["param", ref words @ ..] => param(&mut self.params, words, value),
            ["column", name, unit] => {
                let column = Column { name, unit: Unit::of(unit)?, meaning: value };
                let is_new = self.columns.iter().all(|other| other.name != name);
                is_new.then(|| self.columns.push(column))
            }
            ["chart", kind] => once(&mut self.chart, chart(kind, value)?),
            ["do"] => {
                self.advice.push(value);
                Some(())
            }
            _ => None,
        }
    }

    fn finish(self, name: &'static str, sql: &'static str) -> Result<Diagnostic, String> {
        let no = |key: &str| format!("no {key}");
        if self.columns.is_empty() {
            return Err(no("column"));
        }
        if self.advice.is_empty() {
            return Err(no("do"));
        }
        if let Some(chart) = &self.chart {
            let column = |wanted: &str| self.columns.iter().find(|column| column.name == wanted);
            if let Some(unknown) = chart.x.iter().chain(&chart.series).find(|wanted| column(wanted).is_none()) {
                return Err(format!("a chart of '{unknown}', which is no column"));
            }
            if !column(chart.y).is_some_and(|column| column.unit.is_amount()) {
                return Err(format!("a chart of '{}', which is no column with amounts", chart.y));
            }
        }
        Ok(Diagnostic {
            name,
            title: self.title.ok_or_else(|| no("title"))?,
            group: self.group.ok_or_else(|| no("group"))?,
            severity: self.severity.ok_or_else(|| no("severity"))?,
            question: self
                .question
                .filter(|text| text.ends_with('?'))
                .ok_or_else(|| no("question that ends with '?'"))?,
            params: self.params,
            columns: self.columns,
            chart: self.chart,
            advice: self.advice,
            sql,
        })
    }
}

/// `x=a,b y=c series=d`
fn chart(kind: &str, value: &'static str) -> Option<Chart> {
    let kind = match kind {
        "bars" => ChartKind::Bars,
        "lines" => ChartKind::Lines,
        "heat" => ChartKind::Heat,
        _ => return None,
    };
    let (mut x, mut y, mut series) = (None, None, None);
    for part in value.split_whitespace() {
        let (key, columns) = part.split_once('=')?;
        let place = match key {
            "x" => &mut x,
            "y" => &mut y,
            "series" => &mut series,
            _ => return None,
        };
        once(place, columns)?;
    }
    let names = |columns: &'static str| columns.split(',').collect::<Vec<_>>();
    Some(Chart { kind, x: names(x?), y: y?, series: series.map(names).unwrap_or_default() })
}
