//! Where the parts of a drawing go. Colours are classes, so that the page decides about dark and light.

mod bars;
mod heat;
mod lines;

use lookback_query::diagnostics::{Chart, ChartKind, Diagnostic, Outcome};

use super::text::{amount, visible};

/// Width of a drawing, in its own units; the page scales it.
const WIDTH: f64 = 900.0;
/// Height of a line of text.
const LINE: f64 = 18.0;

/// A drawing: rectangles, lines and labels, in units of its view box.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    /// What it shows, for who cannot see it.
    pub(super) title: String,
    pub(super) fields: Vec<Field>,
    pub(super) lines: Vec<Line>,
    pub(super) labels: Vec<Label>,
    /// What is not drawn; empty if all is.
    pub(super) note: String,
}

/// A rectangle.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) class: String,
    pub(super) opacity: f64,
    /// What it says when a pointer rests on it.
    pub(super) title: String,
}

/// A line through points.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) points: String,
    pub(super) class: String,
}

/// A text; `anchor` is `start`, `middle` or `end`.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: &'static str,
    pub(super) class: String,
    pub(super) text: String,
}

/// One amount that is drawn.
#[derive(Debug, Clone, PartialEq)]
struct Point {
    x: String,
    /// Where it is on a scale, if x is one column with numbers, times or days.
    at: Option<f64>,
    series: String,
    y: f64,
}

/// The drawing of an answer; `None` if the diagnostic has none, or there is nothing to draw.
pub(super) fn draw(diagnostic: &Diagnostic, outcome: &Outcome) -> Option<Drawing> {
    let chart = diagnostic.chart.as_ref()?;
    let points = points(chart, outcome)?;
    if points.iter().all(|point| point.y <= 0.0) {
        return None;
    }
    let mut drawing = match chart.kind {
        ChartKind::Bars => bars::draw(&points),
        ChartKind::Lines => lines::draw(&points),
        ChartKind::Heat => heat::draw(&points),
    };
    let unit = diagnostic.columns.iter().find(|column| column.name == chart.y).map(|column| column.unit);
    let unit = unit.map(|unit| format!(" ({unit})")).unwrap_or_default();
    drawing.title = format!("{}{unit} by {}", chart.y, chart.x.join(", "));
    Some(drawing)
}

/// The rows as points, in their order; rows of the same x and series are added up, those without an amount left out.
fn points(chart: &Chart, outcome: &Outcome) -> Option<Vec<Point>> {
    let place = |name: &str| outcome.columns.iter().position(|column| column == name);
    let places = |names: &[&'static str]| names.iter().map(|name| place(name)).collect::<Option<Vec<usize>>>();
    let (x, y, series) = (places(&chart.x)?, place(chart.y)?, places(&chart.series)?);
    let mut points: Vec<Point> = Vec::new();
    for row in &outcome.rows {
        let name = |places: &[usize]| {
            let parts = places.iter().map(|place| visible(&row[*place].text)).filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join(" ")
        };
        let Some(amount) = row[y].number.filter(|amount| amount.is_finite()) else { continue };
        let (name, series) = (name(&x), name(&series));
        match points.iter_mut().find(|point| point.x == name && point.series == series) {
            Some(point) => point.y += amount,
            None => {
                let at = if let [one] = x.as_slice() { row[*one].number } else { None };
                points.push(Point { x: name, at, series, y: amount });
            }
        }
    }
    (!points.is_empty()).then_some(points)
}

/// The names of the series, those with most in sum first, and how many of them are left out.
fn largest_series(points: &[Point], most: usize) -> (Vec<String>, usize) {
    let mut sums: Vec<(String, f64)> = Vec::new();
    for point in points {
        match sums.iter_mut().find(|(series, _)| *series == point.series) {
            Some((_, sum)) => *sum += point.y,
            None => sums.push((point.series.clone(), point.y)),
        }
    }
    sums.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let left_out = sums.len().saturating_sub(most);
    (sums.into_iter().take(most).map(|(series, _)| series).collect(), left_out)
}

/// The places on the x axis in their order: by number if all have one, otherwise as the rows come.
fn ordered(points: &[Point]) -> Vec<(String, Option<f64>)> {
    let mut places: Vec<(String, Option<f64>)> = Vec::new();
    for point in points {
        if places.iter().all(|(x, _)| *x != point.x) {
            places.push((point.x.clone(), point.at));
        }
    }
    if places.iter().all(|(_, at)| at.is_some()) {
        places.sort_by(|a, b| a.1.unwrap_or(0.0).total_cmp(&b.1.unwrap_or(0.0)));
    }
    places
}

/// The first of 1, 2 and 5 times a power of ten that is not below a value.
fn ceiling(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|limit| *limit >= value * 0.999_999)
        .unwrap_or(value)
}

/// `text` at the end of a drawing's series.
fn note(left_out: usize, what: &str) -> String {
    if left_out == 0 {
        String::new()
    } else {
        format!("{} more {what} are in the table only", amount(as_f64(left_out)))
    }
}

/// A small count on the drawing's scale.
fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
