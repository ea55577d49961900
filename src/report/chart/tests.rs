#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use lookback_query::diagnostics::Cell;
use proptest::prelude::*;

use super::*;

fn point(x: &str, at: Option<f64>, series: &str, y: f64) -> Point {
    Point { x: x.to_owned(), at, series: series.to_owned(), y }
}

#[test]
fn rows_of_the_same_place_are_added() {
    let chart = Chart { kind: ChartKind::Heat, x: vec!["hour"], y: "s", series: vec!["cluster", "queue"] };
    let columns = ["cluster", "queue", "hour", "s"].map(str::to_owned).to_vec();
    let cell = |text: &str| Cell { text: text.to_owned(), number: text.parse().ok() };
    let row = |cells: [&str; 4]| cells.map(cell).to_vec();
    let rows = vec![
        row(["a", "6", "9", "1"]),
        row(["a", "6", "9", "2.5"]),
        row(["a", "7", "9", "4"]),
        row(["a", "7", "10", ""]),
    ];
    let outcome = Outcome { columns, rows, left_out: 0 };
    assert_eq!(
        points(&chart, &outcome).unwrap(),
        [point("9", Some(9.0), "a 6", 3.5), point("9", Some(9.0), "a 7", 4.0)]
    );
    let unknown = Chart { y: "t", ..chart };
    assert!(points(&unknown, &outcome).is_none());
}

#[test]
fn bars_are_as_long_as_their_amounts() {
    let drawing = bars::draw(&[point("a", None, "", 50.0), point("b", None, "", 25.0), point("c", None, "", 0.0)]);
    let widths: Vec<f64> = drawing.fields.iter().map(|field| field.width).collect();
    assert_eq!(widths, [550.0, 275.0, 0.0]);
    assert_eq!(drawing.height, 70.0);
    let many: Vec<Point> = (0..25).map(|n| point(&n.to_string(), None, "", 1.0)).collect();
    let drawing = bars::draw(&many);
    assert_eq!((drawing.fields.len(), drawing.note.as_str()), (20, "5 more bars are in the table only"));
}

#[test]
fn lines_are_drawn_by_time_and_from_zero() {
    let hour = 3_600.0;
    let points = [
        point("12", Some(12.0 * hour), "a", 80.0),
        point("0", Some(0.0), "a", 40.0),
        point("3", Some(3.0 * hour), "a", 0.0),
    ];
    let drawing = lines::draw(&points);
    let line = drawing.lines.iter().find(|line| line.class == "line l0").unwrap();
    // From 60 to 750 from left to right, from 230 to 10 from bottom to top, where 100 is the top.
    assert_eq!(line.points, "60.0,142.0 232.5,230.0 750.0,54.0");
    let labels: Vec<&str> = drawing.labels.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(labels, ["0", "50", "100", "0", "12", "a"]);
    let many: Vec<Point> = (0..10).map(|n| point("1", None, &n.to_string(), 1.0)).collect();
    assert_eq!(lines::draw(&many).note, "2 more lines are in the table only");
}

#[test]
fn heat_is_stronger_for_more() {
    let points = [point("1", Some(1.0), "a", 4.0), point("0", Some(0.0), "b", 2.0), point("0", Some(0.0), "a", 0.0)];
    let drawing = heat::draw(&points);
    let fields: Vec<(f64, f64, f64)> = drawing.fields.iter().map(|field| (field.x, field.y, field.opacity)).collect();
    assert_eq!(fields, [(228.0, 0.0, 1.0), (180.0, 20.0, 0.56)]);
}

#[test]
fn scales_end_at_round_numbers() {
    for (value, want) in
        [(0.0, 1.0), (0.03, 0.05), (1.0, 1.0), (1.1, 2.0), (7.0, 10.0), (80.0, 100.0), (4_200.0, 5_000.0)]
    {
        let got = ceiling(value);
        assert!((got - want).abs() < 1e-9, "{value}: {got}");
    }
}

proptest! {
    #[test]
    fn every_field_lies_within_the_drawing(
        amounts in prop::collection::vec((0_u8..6, 0_u8..40, -1e9_f64..1e12), 1..200),
    ) {
        let points: Vec<Point> = amounts
            .iter()
            .map(|(series, x, y)| point(&x.to_string(), Some(f64::from(*x)), &series.to_string(), *y))
            .collect();
        for drawing in [bars::draw(&points), lines::draw(&points), heat::draw(&points)] {
            for field in &drawing.fields {
                prop_assert!(field.width >= 0.0 && field.height >= 0.0, "{:?}", field);
                prop_assert!(field.x >= 0.0 && field.x + field.width <= drawing.width + 0.01, "{:?}", field);
                prop_assert!(field.y >= 0.0 && field.y + field.height <= drawing.height + 0.01, "{:?}", field);
                prop_assert!((0.0..=1.0).contains(&field.opacity), "{:?}", field);
            }
        }
    }
}
