use super::*;

fn points(names: usize) -> Vec<(String, i64, f64)> {
    (0..names).map(|n| (format!("s{n}"), HOUR * 3, 1.0 + n as f64)).collect()
}

#[test]
fn steps_fit_and_are_whole() {
    let steps = |hours: i64| Steps::of(Window { from: 90 * 60_000_000, to: 90 * 60_000_000 + hours * HOUR });
    assert_eq!([6, 200, 201, 720, 8_760].map(|hours| steps(hours).hours), [1, 1, 3, 6, 24]);
    assert_eq!(steps(6).begins().len(), 7, "parts of hours at both ends");
    assert_eq!(steps(6).begins()[0], 3_600_000);
}

#[test]
fn what_shares_a_step_is_added_and_what_is_outside_is_left_out() {
    let steps = Steps::of(Window { from: 0, to: 4 * HOUR });
    let rows = [("a", HOUR, 2.0), ("a", HOUR + 1, 3.0), ("b", 0, 1.0), ("a", 4 * HOUR, 100.0), ("a", -1, 100.0)];
    let rows = rows.map(|(name, at, amount)| (name.to_owned(), at, amount));
    let chart = Chart::over_time(Kind::Bars, "count", "x", steps, rows.clone());
    let values: Vec<(&str, Vec<f64>)> =
        chart.series.iter().map(|one| (one.name.as_str(), one.values.iter().flatten().copied().collect())).collect();
    assert_eq!(values, [("a", vec![0.0, 5.0, 0.0, 0.0]), ("b", vec![1.0, 0.0, 0.0, 0.0])]);
    let heat = Chart::heat_over_time("count", "x", steps, rows);
    assert_eq!((heat.rows, heat.cells.len()), (vec!["a".to_owned(), "b".to_owned()], 8));
}

#[test]
fn the_smallest_of_many_series_are_one_and_nothing_is_lost() {
    let steps = Steps::of(Window { from: 0, to: 6 * HOUR });
    let chart = Chart::over_time(Kind::Bars, "count", "x", steps, points(40));
    assert_eq!((chart.series.len(), chart.series[0].name.as_str()), (MOST_SERIES, "s39"));
    assert_eq!(chart.series[MOST_SERIES - 1].name, "29 others");
    let total: f64 = chart.series.iter().flat_map(|one| one.values.iter().flatten()).sum();
    assert_eq!(total, (1..=40).map(f64::from).sum::<f64>());
}

#[test]
fn bars_of_one_name_are_one() {
    let bars = [("a", 1.0), ("b", 2.0), ("a", 3.0)].map(|(name, amount)| (name.to_owned(), amount));
    let chart = Chart::ranks("count", "x", "n", bars);
    assert_eq!(chart.names, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(chart.series[0].values, [Some(4.0), Some(2.0)]);
}
