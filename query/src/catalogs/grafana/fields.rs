//! How Grafana shows the columns of an answer: units, and where a click leads.

use serde_json::{Value, json};

use crate::diagnostics::{Column, Diagnostic, Unit};

/// The uid of the dashboard about one query, which others lead to.
pub(super) const QUERY_UID: &str = "lookback-query";

/// Grafana's id of a unit. Names and numbers of things are texts: 4347 is not "4.35 K".
pub(super) fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Name | Unit::Id | Unit::Text => "string",
        Unit::Time => "dateTimeAsIso",
        Unit::Date => "time:YYYY-MM-DD",
        Unit::Count => "locale",
        Unit::Percent => "percent",
        Unit::Factor => "suffix:×",
        Unit::Seconds => "s",
        Unit::Hours => "h",
        Unit::Days => "d",
        // Grafana's "mbytes" are 1,048,576 bytes, "decmbytes" a million.
        Unit::Megabytes => "mbytes",
        Unit::MegabytesPerSecond => "MiBs",
    }
}

/// One override for each column of a table. `uid` is the dashboard that it is on.
pub(super) fn overrides(question: &Diagnostic, uid: &str, passed_on: &str) -> Vec<Value> {
    let has_cluster = question.columns.iter().any(|column| column.name == "cluster_id");
    question.columns.iter().map(|column| of_column(column, has_cluster, uid, passed_on)).collect()
}

fn of_column(column: &Column, has_cluster: bool, uid: &str, passed_on: &str) -> Value {
    let mut properties = vec![json!({ "id": "unit", "value": unit(column.unit) })];
    if column.unit == Unit::Text {
        properties.push(json!({ "id": "custom.inspect", "value": true }));
        properties.push(json!({ "id": "custom.minWidth", "value": 240 }));
    }
    if let Some(mappings) = mappings(column.name) {
        properties.push(json!({ "id": "mappings", "value": mappings }));
        properties.push(json!({ "id": "custom.cellOptions", "value": { "type": "color-text" } }));
    }
    let link = |title: &str, url: String| json!({ "id": "links", "value": [{ "title": title, "url": url }] });
    let range = "${__url_time_range}";
    match column.name {
        "query" if column.unit == Unit::Id && has_cluster && uid != QUERY_UID => properties.push(link(
            "Everything about query ${__value.text}",
            format!(
                "/d/{QUERY_UID}?{range}{passed_on}&var-cluster=${{__data.fields.cluster_id:percentencode}}\
                 &var-query=${{__value.raw:percentencode}}"
            ),
        )),
        "cluster_id" if uid != QUERY_UID => properties.push(link(
            "Only ${__value.text}",
            format!("/d/{uid}?{range}{passed_on}&var-cluster=${{__value.raw:percentencode}}"),
        )),
        _ => {}
    }
    json!({ "matcher": { "id": "byName", "options": column.name }, "properties": properties })
}

/// Colours of words that mean good or bad.
fn mappings(column: &str) -> Option<Value> {
    let words: &[(&str, &str)] = match column {
        "verdict" => &[("FAIL", "red"), ("UNKNOWN", "orange"), ("PASS", "green")],
        "encrypted" | "tls_required" | "rotates" => &[("no", "red"), ("yes", "green")],
        "severity" => &[("critical", "red"), ("high", "orange")],
        _ => return None,
    };
    Some(words_in_colour(words))
}

/// Value mappings of words to colours.
pub(super) fn words_in_colour(words: &[(&str, &str)]) -> Value {
    let options: serde_json::Map<String, Value> = words
        .iter()
        .enumerate()
        .map(|(index, (word, color))| ((*word).to_owned(), json!({ "color": color, "index": index, "text": word })))
        .collect();
    json!([{ "type": "value", "options": options }])
}

/// What the panel's `i` shows: the question, the columns, what to do. Markdown; nothing in it comes from a log.
pub(super) fn description(question: &Diagnostic) -> String {
    let mut text = format!("{}\n", question.question);
    for column in &question.columns {
        text.push_str(&format!("\n- `{}`: {}", column.name, column.meaning));
    }
    text.push_str("\n\nWhat to do:\n");
    for advice in &question.advice {
        text.push_str(&format!("\n- {advice}"));
    }
    text
}
