//! Bars from left to right, one below the other, in the order of the rows.

use super::{Drawing, Field, LINE, Label, Point, WIDTH, as_f64, note};
use crate::report::text::{amount, cut};

/// Bars that are drawn.
const MOST: usize = 20;
/// Room for names on the left, and characters that fit there.
const NAMES: f64 = 270.0;
const NAME_LENGTH: usize = 38;
/// Room for the amount on the right.
const AMOUNTS: f64 = 80.0;

pub(super) fn draw(points: &[Point]) -> Drawing {
    let shown = &points[..points.len().min(MOST)];
    let largest = shown.iter().map(|point| point.y).fold(0.0, f64::max);
    let mut drawing = Drawing {
        width: WIDTH,
        height: as_f64(shown.len()) * (LINE + 4.0) + 4.0,
        note: note(points.len() - shown.len(), "bars"),
        ..Drawing::default()
    };
    for (number, point) in shown.iter().enumerate() {
        let y = as_f64(number) * (LINE + 4.0) + 4.0;
        let width = if largest > 0.0 { point.y.max(0.0) / largest * (WIDTH - NAMES - AMOUNTS) } else { 0.0 };
        let name = [point.x.as_str(), point.series.as_str()].join(" ");
        let label = |x: f64, anchor, class: &str, text| Label { x, y: y + 13.0, anchor, class: class.to_owned(), text };
        drawing.labels.push(label(NAMES - 8.0, "end", "name", cut(name.trim(), NAME_LENGTH)));
        drawing.labels.push(label(NAMES + width + 6.0, "start", "amount", amount(point.y)));
        drawing.fields.push(Field {
            x: NAMES,
            y,
            width,
            height: LINE,
            class: "s0".to_owned(),
            opacity: 1.0,
            title: format!("{}: {}", name.trim(), amount(point.y)),
        });
    }
    drawing
}
