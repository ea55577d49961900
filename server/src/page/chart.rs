//! What a chart shows, as the page's script draws it: one small form for all of them. Amounts come from the same rows as the table
//! below the chart, and are only put in their places here; what is added up, is added up where a place is shared.

mod diagnostic;

use lookback_schemas::time::HOUR;
use serde::Serialize;

use super::view::Window;

/// Series that a chart tells apart; the rest are one, `others`.
const MOST_SERIES: usize = 12;
/// Bars, and rows of a heat map.
const MOST_BARS: usize = 24;

/// How it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Bars from left to right.
    Bars,
    /// Lines.
    Lines,
    /// Bars from top to bottom, with their names.
    Ranks,
    /// Fields, the stronger the more.
    Heat,
    /// Spans of time in rows.
    Spans,
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Chart {
    pub(super) kind: Kind,
    pub(super) unit: String,
    /// What it shows, for whoever does not see it.
    pub(super) label: String,
    /// Begins of steps in time (ms since 1970-01-01).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Vec<i64>>,
    /// Places that are no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) names: Option<Vec<String>>,
    /// Length of a step (ms).
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) step: i64,
    pub(super) stack: bool,
    pub(super) series: Vec<Series>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) rows: Vec<String>,
    /// What a row is called in a link, where that is not its name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cells: Vec<(usize, usize, f64)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) levels: Vec<Level>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) spans: Vec<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drill: Option<Drill>,
}

/// Amounts of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) values: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) tone: &'static str,
}

/// What an amount of a heat map means, where it is no amount.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Level {
    pub(super) name: &'static str,
    pub(super) tone: &'static str,
}

/// A span: from and to in ms since 1970-01-01, or in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub(super) struct Span {
    pub(super) row: usize,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) tone: &'static str,
    pub(super) color: usize,
    pub(super) open: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
}

/// Where a click leads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Drill {
    pub(super) path: String,
    /// What the link keeps, without its `?`.
    pub(super) query: String,
    /// The parameter that takes the name of what was clicked.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) by: &'static str,
    /// Whether the link takes the time of what was clicked.
    pub(super) range: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(step: &i64) -> bool {
    *step == 0
}

/// The steps of a time range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) window: Window,
    pub(super) hours: i64,
}

impl Steps {
    /// Steps that a chart has room for, at least an hour each.
    pub(super) fn of(window: Window) -> Self {
        let fits = |hours: &i64| window.length() / (hours * HOUR) <= 200;
        let hours = [1, 3, 6, 12].into_iter().find(fits).unwrap_or(24);
        Self { window: window.whole(hours * HOUR), hours }
    }

    fn micros(self) -> i64 {
        self.hours * HOUR
    }

    /// In words.
    pub(super) fn each(self) -> String {
        match self.hours {
            1 => "Each hour".to_owned(),
            24 => "Each day".to_owned(),
            hours => format!("Each {hours} hours"),
        }
    }

    fn begins(self) -> Vec<i64> {
        let count = usize::try_from(self.window.length() / self.micros()).unwrap_or(0).min(10_000);
        (0..count).map(|n| (self.window.from + i64::try_from(n).unwrap_or(0) * self.micros()) / 1_000).collect()
    }

    fn place(self, time: i64) -> Option<usize> {
        let inside = (self.window.from..self.window.to).contains(&time);
        inside.then(|| usize::try_from((time - self.window.from) / self.micros()).ok()).flatten()
    }
}

impl Chart {
    /// An empty one.
    pub(super) fn new(kind: Kind, unit: impl ToString, label: impl Into<String>) -> Self {
        Self {
            kind,
            unit: unit.to_string(),
            label: label.into(),
            at: None,
            names: None,
            step: 0,
            stack: false,
            series: Vec::new(),
            rows: Vec::new(),
            keys: Vec::new(),
            cells: Vec::new(),
            notes: Vec::new(),
            levels: Vec::new(),
            spans: Vec::new(),
            from: None,
            to: None,
            drill: None,
        }
    }

    /// Amounts over time. `points` are (series, time in microseconds, amount); a step without any has none of it, which is 0.
    pub(super) fn over_time(
        kind: Kind,
        unit: &str,
        label: &str,
        steps: Steps,
        points: impl IntoIterator<Item = (String, i64, f64)>,
    ) -> Self {
        let begins = steps.begins();
        let mut series: Vec<Series> = Vec::new();
        for (name, time, amount) in points {
            let Some(place) = steps.place(time) else { continue };
            let at = series.iter().position(|one| one.name == name).unwrap_or_else(|| {
                series.push(Series { name, values: vec![Some(0.0); begins.len()], tone: "" });
                series.len() - 1
            });
            if let Some(Some(value)) = series[at].values.get_mut(place) {
                *value += amount;
            }
        }
        let mut chart = Self::new(kind, unit, label);
        chart.at = Some(begins);
        chart.step = steps.micros() / 1_000;
        chart.stack = true;
        chart.series = largest(series);
        chart
    }

    /// The same, drawn as fields.
    pub(super) fn heat_over_time(
        unit: &str,
        label: &str,
        steps: Steps,
        points: impl IntoIterator<Item = (String, i64, f64)>,
    ) -> Self {
        let lines = Self::over_time(Kind::Heat, unit, label, steps, points);
        let mut chart = Self { series: Vec::new(), stack: false, ..lines.clone() };
        for (y, one) in lines.series.into_iter().enumerate() {
            let amounts = one.values.iter().enumerate().filter_map(|(x, value)| Some((x, y, (*value)?)));
            chart.cells.extend(amounts);
            chart.rows.push(one.name);
        }
        chart
    }

    /// Amounts by name, in their order.
    pub(super) fn ranks(
        unit: impl ToString,
        label: &str,
        series: &str,
        bars: impl IntoIterator<Item = (String, f64)>,
    ) -> Self {
        let mut merged: Vec<(String, f64)> = Vec::new();
        for (name, amount) in bars {
            match merged.iter_mut().find(|(own, _)| *own == name) {
                Some((_, sum)) => *sum += amount,
                None => merged.push((name, amount)),
            }
        }
        merged.truncate(MOST_BARS);
        let (names, values) = merged.into_iter().map(|(name, amount)| (name, Some(amount))).unzip();
        let mut chart = Self::new(Kind::Ranks, unit, label);
        chart.names = Some(names);
        chart.series = vec![Series { name: series.to_owned(), values, tone: "" }];
        chart
    }

    /// How many rows it has from top to bottom, for its height.
    pub(super) fn depth(&self) -> usize {
        match self.kind {
            Kind::Ranks => self.names.as_ref().map_or(0, Vec::len),
            Kind::Heat | Kind::Spans => self.rows.len(),
            Kind::Bars | Kind::Lines => 0,
        }
    }
}

/// The series with most in sum, in that order, and the others as one.
fn largest(mut series: Vec<Series>) -> Vec<Series> {
    let sum = |one: &Series| one.values.iter().flatten().sum::<f64>();
    series.sort_by(|a, b| sum(b).total_cmp(&sum(a)).then_with(|| a.name.cmp(&b.name)));
    if series.len() > MOST_SERIES {
        let rest = series.split_off(MOST_SERIES - 1);
        let places = rest.iter().map(|one| one.values.len()).max().unwrap_or(0);
        let at =
            |place: usize| rest.iter().filter_map(|one| one.values.get(place).copied().flatten()).reduce(|a, b| a + b);
        let values = (0..places).map(at).collect();
        series.push(Series { name: format!("{} others", rest.len()), values, tone: "none" });
    }
    series
}

#[cfg(test)]
mod tests;
