//! Lines over time, one for each series, on one scale that begins at zero.

use std::fmt::Write as _;

use super::{Drawing, Field, LINE, Label, Line, Point, WIDTH, as_f64, ceiling, largest_series, note, ordered};
use crate::report::text::{amount, cut};

/// Lines that are drawn; there are as many colours.
const MOST: usize = 8;
const LEFT: f64 = 60.0;
const TOP: f64 = 10.0;
const HEIGHT: f64 = 220.0;
/// Room for the names of the lines on the right, and characters that fit there.
const NAMES: f64 = 150.0;
const NAME_LENGTH: usize = 20;

pub(super) fn draw(points: &[Point]) -> Drawing {
    let (series, left_out) = largest_series(points, MOST);
    let places = ordered(points);
    let top = ceiling(points.iter().map(|point| point.y).fold(0.0, f64::max));
    let right = WIDTH - NAMES;
    let mut drawing = Drawing {
        width: WIDTH,
        height: TOP + HEIGHT + LINE + 10.0,
        note: note(left_out, "lines"),
        ..Drawing::default()
    };
    let x_of = |number: usize, at: Option<f64>| LEFT + share(&places, number, at) * (right - LEFT);
    let y_of = |value: f64| TOP + HEIGHT - value.max(0.0) / top * HEIGHT;
    for step in [0.0, 0.5, 1.0] {
        let y = y_of(top * step);
        drawing.lines.push(Line { points: format!("{LEFT:.1},{y:.1} {right:.1},{y:.1}"), class: "grid".to_owned() });
        drawing.labels.push(label(LEFT - 8.0, y + 4.0, "end", "amount", amount(top * step)));
    }
    let ends = [(0, "start"), (places.len() - 1, "end")];
    for (number, anchor) in ends.into_iter().take(places.len()) {
        let (name, at) = &places[number];
        drawing.labels.push(label(x_of(number, *at), TOP + HEIGHT + LINE, anchor, "name", cut(name, 32)));
    }
    for (number, name) in series.iter().enumerate() {
        let mut path = String::new();
        for (place, (x, at)) in places.iter().enumerate() {
            let Some(point) = points.iter().find(|point| point.x == *x && point.series == *name) else { continue };
            let (left, down) = (x_of(place, *at), y_of(point.y));
            // Writing to a text cannot fail.
            let _ = write!(path, "{left:.1},{down:.1} ");
            drawing.fields.push(Field {
                x: left - 2.5,
                y: down - 2.5,
                width: 5.0,
                height: 5.0,
                class: format!("s{number}"),
                opacity: 1.0,
                title: format!("{name} {x}: {}", amount(point.y)).trim_start().to_owned(),
            });
        }
        drawing.lines.push(Line { points: path.trim_end().to_owned(), class: format!("line l{number}") });
        let y = TOP + 14.0 + as_f64(number) * LINE;
        drawing.labels.push(label(right + 14.0, y, "start", &format!("t{number}"), cut(name, NAME_LENGTH)));
    }
    drawing
}

/// How far from the first to the last place one is: by its number, or counted if there is none.
fn share(places: &[(String, Option<f64>)], number: usize, at: Option<f64>) -> f64 {
    let ends = (places.first().and_then(|place| place.1), places.last().and_then(|place| place.1));
    match (at, ends) {
        (Some(at), (Some(first), Some(last))) if last > first => (at - first) / (last - first),
        _ if places.len() > 1 => as_f64(number) / as_f64(places.len() - 1),
        _ => 0.0,
    }
}

fn label(x: f64, y: f64, anchor: &'static str, class: &str, text: String) -> Label {
    Label { x, y, anchor, class: class.to_owned(), text }
}
