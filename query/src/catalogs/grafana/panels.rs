//! Panels: a question of the diagnostics as a chart or a table of Grafana.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::charts;
use super::fields::{description, overrides, unit, words_in_colour};
use super::substitute::{Stand, statement};
use crate::diagnostics::{Column, Diagnostic, Unit};

/// How a question is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As its chart says.
    Chart,
    /// Its rows.
    Table,
    /// Its one row, as large numbers.
    Numbers,
    /// Columns time, thing, state: what state each thing was in.
    States,
}

/// What all panels of a dashboard share.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    /// The dashboard's uid.
    pub(super) uid: &'a str,
    /// The data source, as panels name it.
    pub(super) datasource: Value,
    /// What links have to carry on beside time range and cluster.
    pub(super) passed_on: &'a str,
    /// What stands for the parameters of a question.
    pub(super) stands: BTreeMap<&'a str, Stand>,
}

/// The panel without its id and place.
///
/// # Errors
/// Why the question cannot be shown in this shape.
pub(super) fn panel(question: &Diagnostic, shape: Shape, setting: &Setting<'_>) -> Result<Value, String> {
    let drawn = match shape {
        Shape::Table => table(question, setting)?,
        Shape::Numbers => numbers(question, setting)?,
        Shape::States => states(question, setting)?,
        Shape::Chart => charts::drawn(question, setting)?,
    };
    let mut panel = json!({
        "title": question.title,
        "description": description(question),
        "datasource": setting.datasource,
        "type": drawn.kind,
        "options": drawn.options,
        "fieldConfig": drawn.fields,
        "transformations": drawn.transformations,
        "targets": [{
            "refId": "A",
            "datasource": setting.datasource,
            "editorMode": "code",
            "format": drawn.format,
            "rawQuery": true,
            "rawSql": drawn.sql,
        }],
    });
    // A table beside it has the name.
    if let (Shape::Chart, Some(chart), true) = (shape, &question.chart, question.columns.len() > 3) {
        panel["title"] = json!(format!("{}: {}", question.title, what(question, chart.y)));
    }
    Ok(panel)
}

/// What is particular to one kind of panel.
pub(super) struct Drawn {
    /// Grafana's plugin.
    pub(super) kind: &'static str,
    /// `table` or `time_series`.
    pub(super) format: &'static str,
    pub(super) sql: String,
    pub(super) options: Value,
    pub(super) fields: Value,
    pub(super) transformations: Value,
}

fn table(question: &Diagnostic, setting: &Setting<'_>) -> Result<Drawn, String> {
    Ok(Drawn {
        kind: "table",
        format: "table",
        sql: statement(question.sql, &setting.stands)?,
        options: table_options(),
        fields: json!({
            "defaults": {
                "custom": { "align": "auto", "cellOptions": { "type": "auto" }, "filterable": true, "inspect": false },
            },
            "overrides": overrides(question, setting.uid, setting.passed_on),
        }),
        transformations: json!([]),
    })
}

fn numbers(question: &Diagnostic, setting: &Setting<'_>) -> Result<Drawn, String> {
    let overrides = question.columns.iter().map(|column| {
        json!({
            "matcher": { "id": "byName", "options": column.name },
            "properties": [
                { "id": "unit", "value": unit(column.unit) },
                { "id": "displayName", "value": what(question, column.name) },
            ],
        })
    });
    let overrides: Vec<Value> = overrides.collect();
    Ok(Drawn {
        kind: "stat",
        format: "table",
        sql: statement(question.sql, &setting.stands)?,
        options: json!({
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "/.*/", "values": false },
            "colorMode": "none", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
            "textMode": "value_and_name", "wideLayout": true, "showPercentChange": false,
        }),
        fields: json!({ "defaults": { "noValue": "nothing yet" }, "overrides": overrides }),
        transformations: json!([]),
    })
}

fn states(question: &Diagnostic, setting: &Setting<'_>) -> Result<Drawn, String> {
    let [time, thing, _] = question.columns.as_slice() else {
        return Err("states are three columns: time, thing, state".to_owned());
    };
    if time.name != "time" || time.unit != Unit::Time {
        return Err("the first column of states is a time of that name".to_owned());
    }
    let colours = [
        ("none", "red"),
        ("kms_aws_managed", "yellow"),
        ("kms_cmk", "green"),
        ("kms_aws_owned", "yellow"),
        ("hsm", "green"),
        ("unknown", "orange"),
        ("gone", "text"),
    ];
    Ok(Drawn {
        kind: "state-timeline",
        format: "table",
        sql: statement(question.sql, &setting.stands)?,
        options: json!({
            "mergeValues": true, "showValue": "auto", "alignValue": "left", "rowHeight": 0.9, "perPage": 20,
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true },
            "tooltip": { "mode": "single", "sort": "none" },
        }),
        fields: json!({
            "defaults": {
                "mappings": words_in_colour(&colours),
                "displayName": format!("${{__field.labels.{}}}", thing.name),
                "custom": { "fillOpacity": 70, "lineWidth": 0, "insertNulls": false, "spanNulls": true },
            },
            "overrides": [],
        }),
        transformations: json!([{
            "id": "partitionByValues",
            "options": { "fields": [thing.name], "keepFields": false, "naming": { "asLabels": true } },
        }]),
    })
}

/// Options of every table.
pub(super) fn table_options() -> Value {
    let footer = json!({ "show": false, "reducer": ["sum"], "fields": "", "countRows": false });
    json!({ "showHeader": true, "cellHeight": "sm", "footer": footer })
}

/// The column of that name.
pub(super) fn column<'a>(question: &'a Diagnostic, name: &str) -> Option<&'a Column> {
    question.columns.iter().find(|column| column.name == name)
}

/// What a column holds, in a few words: its name alone says little on top of a panel.
fn what<'a>(question: &'a Diagnostic, name: &'a str) -> &'a str {
    let meaning = column(question, name).map_or(name, |column| column.meaning);
    meaning.split([',', ';']).next().unwrap_or(meaning)
}
