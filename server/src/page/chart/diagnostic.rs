//! The chart that a diagnostic's header asks for.

use lookback_query::diagnostics::{Cell, ChartKind, Diagnostic, Unit};
use lookback_schemas::time::HOUR;

use super::super::ask::Answered;
use super::super::format::{cut, visible};
use super::{Chart, Kind, MOST_BARS, Series, largest};

/// Characters of a name in a chart.
const NAME: usize = 80;

impl Chart {
    /// The chart that a diagnostic says of itself; `None` if it has none, or there is nothing to draw.
    #[allow(clippy::cast_possible_truncation, reason = "milliseconds of a time that a lake knows fit")]
    pub(in crate::page) fn of_diagnostic(diagnostic: &Diagnostic, answer: &Answered) -> Option<Self> {
        let spec = diagnostic.chart.as_ref()?;
        let places =
            |names: &[&'static str]| names.iter().map(|name| answer.place(name)).collect::<Option<Vec<usize>>>();
        let (x, y, by) = (places(&spec.x)?, answer.place(spec.y)?, places(&spec.series)?);
        let unit = diagnostic.columns.iter().find(|column| column.name == spec.y).map(|column| column.unit)?;
        let name = |row: &[Cell], places: &[usize]| {
            let parts = places.iter().filter_map(|place| row.get(*place)).map(|cell| cell.text.trim());
            cut(&visible(&parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")), NAME)
        };
        let mut points = answer.rows.iter().filter_map(|row| {
            let amount = row.get(y)?.number.filter(|amount| amount.is_finite())?;
            let series = if by.is_empty() { spec.y.to_owned() } else { name(row, &by) };
            Some((name(row, &x), series, row.get(*x.first()?)?.number, amount))
        });
        if spec.kind == ChartKind::Bars {
            let chart = Self::ranks(unit, diagnostic.title, spec.y, points.map(|(x, _, _, amount)| (x, amount)));
            return chart.names.as_ref().is_some_and(|names| !names.is_empty()).then_some(chart);
        }
        let first = points.next()?;
        let mut places: Vec<(String, Option<f64>)> = Vec::new();
        let mut found: Vec<(String, String, f64)> = Vec::new();
        for (x, series, at, amount) in std::iter::once(first).chain(points) {
            if places.iter().all(|(own, _)| *own != x) {
                places.push((x.clone(), at));
            }
            found.push((x, series, amount));
        }
        // Of one column, in the order of its numbers or times.
        if x.len() == 1 && places.iter().all(|(_, at)| at.is_some()) {
            places.sort_by(|a, b| a.1.unwrap_or(0.0).total_cmp(&b.1.unwrap_or(0.0)));
        }
        let times: Vec<i64> = places.iter().filter_map(|(_, at)| at.map(|micros| (micros / 1_000.0) as i64)).collect();
        let is_time =
            |name: &str| diagnostic.columns.iter().any(|column| column.name == name && column.unit == Unit::Time);
        let timed = spec.x.len() == 1 && spec.x.iter().all(|name| is_time(name)) && times.len() == places.len();
        let names: Vec<String> = places.into_iter().map(|(name, _)| name).collect();
        let mut series: Vec<Series> = Vec::new();
        for (x, name, amount) in found {
            let at = series.iter().position(|one| one.name == name).unwrap_or_else(|| {
                series.push(Series { name, values: vec![None; names.len()], tone: "" });
                series.len() - 1
            });
            if let Some(place) = names.iter().position(|own| *own == x)
                && let Some(value) = series[at].values.get_mut(place)
            {
                *value = Some(value.unwrap_or(0.0) + amount);
            }
        }
        let mut chart = Self::new(Kind::Lines, unit, diagnostic.title);
        if spec.kind == ChartKind::Heat {
            chart.kind = Kind::Heat;
            series.truncate(MOST_BARS);
            for (y, one) in series.into_iter().enumerate() {
                chart.cells.extend(one.values.iter().enumerate().filter_map(|(x, value)| Some((x, y, (*value)?))));
                chart.rows.push(one.name);
            }
        } else {
            chart.series = largest(series);
        }
        if timed {
            chart.step = times.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(HOUR / 1_000);
            chart.at = Some(times);
        } else {
            chart.names = Some(names);
        }
        Some(chart)
    }
}
