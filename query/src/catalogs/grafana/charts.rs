//! Drawings of Grafana for the charts that a question's header asks for.
//!
//! | chart | panel |
//! |---|---|
//! | bars | bar chart, the largest on top |
//! | lines over time | time series |
//! | heat over time | heat map |
//! | heat over anything else | table with a coloured cell for each x and series: Grafana's heat maps are over time |

use serde_json::json;

use super::fields::unit;
use super::panels::{Drawn, Setting, column, table_options};
use super::substitute::{Stand, statement};
use crate::diagnostics::{Chart, ChartKind, Diagnostic, Unit};

/// Rows of a chart over time at most: the time range limits it already, and this bounds it.
const POINTS: i64 = 5_000;
/// Bars of a chart at most.
const BARS: usize = 30;
/// Parameters that only say how long the answer is.
const LENGTHS: [&str; 2] = ["top", "rows"];

/// The drawing.
///
/// # Errors
/// Why Grafana has none for it.
pub(super) fn drawn(question: &Diagnostic, setting: &Setting<'_>) -> Result<Drawn, String> {
    let chart = question.chart.as_ref().ok_or("it has no chart")?;
    match (chart.kind, over_time(question, chart)) {
        (ChartKind::Bars, _) => bars(question, chart, setting),
        (ChartKind::Lines, true) => lines(question, chart, setting),
        (ChartKind::Heat, true) => heat_over_time(question, chart, setting),
        (ChartKind::Heat, false) => heat(question, chart, setting),
        (ChartKind::Lines, false) => Err("it has lines over something that is no time".to_owned()),
    }
}

/// A bar for each x. What has the same x is added up, as everywhere.
fn bars(question: &Diagnostic, chart: &Chart, setting: &Setting<'_>) -> Result<Drawn, String> {
    let sql = statement(question.sql, &setting.stands)?;
    let (x, y) = (chart.x.join(", "), chart.y);
    let sql = format!(
        "SELECT {} AS {},\n       SUM({}) AS {}\nFROM (\n{sql}\n) AS answer\nGROUP BY 1\n\
         ORDER BY 2 DESC NULLS LAST, 1\nLIMIT {BARS}",
        label(&chart.x),
        quoted(&x),
        quoted(y),
        quoted(y),
    );
    Ok(Drawn {
        kind: "barchart",
        format: "table",
        sql,
        options: json!({
            "orientation": "horizontal", "xField": x, "showValue": "auto", "stacking": "none", "groupWidth": 0.8,
            "barWidth": 0.9, "barRadius": 0, "fullHighlight": false, "xTickLabelRotation": 0, "xTickLabelMaxLength": 40,
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false },
            "tooltip": { "mode": "single", "sort": "none" },
        }),
        fields: json!({
            "defaults": {
                "unit": unit_of(question, y), "color": { "mode": "palette-classic" }, "min": 0,
                "custom": { "fillOpacity": 80, "lineWidth": 1, "gradientMode": "none", "axisPlacement": "auto" },
            },
            "overrides": [],
        }),
        transformations: json!([]),
    })
}

/// The statement of a chart over time: `time`, `metric` (what tells lines apart), and the amount.
fn series(question: &Diagnostic, chart: &Chart, setting: &Setting<'_>) -> Result<String, String> {
    let [x] = chart.x.as_slice() else { return Err("a chart over time has one x".to_owned()) };
    let mut stands = setting.stands.clone();
    for length in LENGTHS {
        if let Some(stand) = stands.get_mut(length) {
            *stand = Stand::Fixed(POINTS);
        }
    }
    let metric = if chart.series.is_empty() { text_literal(chart.y) } else { label(&chart.series) };
    Ok(format!(
        "SELECT CAST({} AS TIMESTAMP) AS \"time\",\n       {metric} AS metric,\n       SUM({}) AS {}\nFROM (\n{}\n) AS answer\n\
         GROUP BY 1, 2\nORDER BY 1, 2\nLIMIT {POINTS}",
        quoted(x),
        quoted(chart.y),
        quoted(chart.y),
        statement(question.sql, &stands)?,
    ))
}

fn lines(question: &Diagnostic, chart: &Chart, setting: &Setting<'_>) -> Result<Drawn, String> {
    Ok(Drawn {
        kind: "timeseries",
        format: "time_series",
        sql: series(question, chart, setting)?,
        options: json!({
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [] },
            "tooltip": { "mode": "multi", "sort": "desc" },
        }),
        fields: json!({
            "defaults": {
                "unit": unit_of(question, chart.y), "color": { "mode": "palette-classic" }, "min": 0,
                "custom": {
                    "drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 10, "pointSize": 4,
                    "showPoints": "auto", "spanNulls": false, "stacking": { "group": "A", "mode": "none" },
                },
            },
            "overrides": [],
        }),
        transformations: json!([]),
    })
}

fn heat_over_time(question: &Diagnostic, chart: &Chart, setting: &Setting<'_>) -> Result<Drawn, String> {
    Ok(Drawn {
        kind: "heatmap",
        format: "time_series",
        sql: series(question, chart, setting)?,
        options: json!({
            "calculate": false, "cellGap": 1, "showValue": "never", "rowsFrame": { "layout": "auto" },
            "color": {
                "mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "exponent": 0.5, "steps": 64, "reverse": false,
            },
            "cellValues": { "unit": unit_of(question, chart.y) }, "filterValues": { "le": 1e-9 },
            "yAxis": { "axisPlacement": "left" }, "legend": { "show": true },
            "tooltip": { "mode": "single", "showColorScale": false, "yHistogram": false },
        }),
        fields: json!({ "defaults": { "custom": { "scaleDistribution": { "type": "linear" } } }, "overrides": [] }),
        transformations: json!([]),
    })
}

/// Grafana's heat maps are over time. Over anything else it is a table with a coloured cell for each x and series.
fn heat(question: &Diagnostic, chart: &Chart, setting: &Setting<'_>) -> Result<Drawn, String> {
    let ([x], false) = (chart.x.as_slice(), chart.series.is_empty()) else {
        return Err("a heat map has one x, and series".to_owned());
    };
    let sql = statement(question.sql, &setting.stands)?;
    let name = chart.series.join(", ");
    let sql = format!(
        "SELECT {} AS {},\n       {} AS {},\n       SUM({}) AS {}\nFROM (\n{sql}\n) AS answer\nGROUP BY 1, 2\n\
         ORDER BY 2, 1\nLIMIT {POINTS}",
        label(&chart.series),
        quoted(&name),
        quoted(x),
        quoted(x),
        quoted(chart.y),
        quoted(chart.y),
    );
    let rows = format!("{name}\\{x}");
    Ok(Drawn {
        kind: "table",
        format: "table",
        sql,
        options: table_options(),
        fields: json!({
            "defaults": {
                "unit": unit_of(question, chart.y), "color": { "mode": "continuous-YlRd" }, "min": 0,
                "custom": { "align": "center", "minWidth": 50, "cellOptions": { "type": "color-background", "mode": "basic" } },
            },
            "overrides": [{
                "matcher": { "id": "byName", "options": rows },
                "properties": [
                    { "id": "unit", "value": "string" },
                    { "id": "custom.cellOptions", "value": { "type": "auto" } },
                    { "id": "custom.width", "value": 160 },
                ],
            }],
        }),
        transformations: json!([{
            "id": "groupingToMatrix",
            "options": { "rowField": name, "columnField": x, "valueField": chart.y, "emptyValue": "null" },
        }]),
    })
}

fn over_time(question: &Diagnostic, chart: &Chart) -> bool {
    let units: Vec<Unit> = chart.x.iter().filter_map(|x| column(question, x)).map(|column| column.unit).collect();
    matches!(units.as_slice(), [Unit::Time | Unit::Date])
}

fn unit_of(question: &Diagnostic, name: &str) -> &'static str {
    column(question, name).map_or("none", |column| unit(column.unit))
}

/// Several columns as one name.
fn label(columns: &[&str]) -> String {
    let text = |column: &&str| format!("COALESCE(CAST({} AS VARCHAR), '-')", quoted(column));
    columns.iter().map(text).collect::<Vec<_>>().join(" || ' ' || ")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
