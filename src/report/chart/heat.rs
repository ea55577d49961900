//! Fields in rows, one row for each series: the stronger the colour, the larger the amount.

use super::{Drawing, Field, LINE, Label, Point, WIDTH, as_f64, largest_series, note, ordered};
use crate::report::text::{amount, cut};

/// Rows and columns that are drawn.
const MOST_ROWS: usize = 24;
const MOST_COLUMNS: usize = 96;
/// Room for names on the left, and characters that fit there.
const NAMES: f64 = 180.0;
const NAME_LENGTH: usize = 25;
/// The weakest colour of a field that has an amount.
const FAINT: f64 = 0.12;

pub(super) fn draw(points: &[Point]) -> Drawing {
    let (mut rows, rows_left_out) = largest_series(points, MOST_ROWS);
    rows.sort();
    let all = ordered(points);
    // The newest are last.
    let columns = &all[all.len().saturating_sub(MOST_COLUMNS)..];
    let largest = points.iter().map(|point| point.y).fold(0.0, f64::max);
    let size = ((WIDTH - NAMES) / as_f64(columns.len())).min(48.0);
    let bottom = as_f64(rows.len()) * (LINE + 2.0);
    let notes = [note(rows_left_out, "rows"), note(all.len() - columns.len(), "columns")];
    let mut drawing = Drawing {
        width: WIDTH,
        height: bottom + LINE + 6.0,
        note: notes.into_iter().filter(|note| !note.is_empty()).collect::<Vec<_>>().join("; "),
        ..Drawing::default()
    };
    let label = |x, y, anchor, text| Label { x, y, anchor, class: "name".to_owned(), text };
    for (row, name) in rows.iter().enumerate() {
        let y = as_f64(row) * (LINE + 2.0);
        drawing.labels.push(label(NAMES - 8.0, y + 13.0, "end", cut(name, NAME_LENGTH)));
        for (column, (x, _)) in columns.iter().enumerate() {
            let point = points.iter().find(|point| point.x == *x && point.series == *name);
            let Some(point) = point.filter(|point| point.y > 0.0) else { continue };
            drawing.fields.push(Field {
                x: NAMES + as_f64(column) * size,
                y,
                width: (size - 1.0).max(1.0),
                height: LINE,
                class: "s0".to_owned(),
                opacity: FAINT + (1.0 - FAINT) * point.y / largest,
                title: format!("{name} {x}: {}", amount(point.y)).trim_start().to_owned(),
            });
        }
    }
    let ends = [(0, "start"), (columns.len() - 1, "end")];
    for (number, anchor) in ends.into_iter().take(columns.len()) {
        let edge = if number == 0 { 0.0 } else { 1.0 };
        let x = NAMES + (as_f64(number) + edge) * size;
        drawing.labels.push(label(x, bottom + LINE - 2.0, anchor, cut(&columns[number].0, 32)));
    }
    drawing
}
