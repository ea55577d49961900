//! `/diagnostics` and `/diagnostics/{name}`: every named question, with its parameters, its chart, its rows and what to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use futures::FutureExt;
use futures::future::BoxFuture;
use lookback_query::diagnostics::{self, Cell as Value, ChartKind, Diagnostic, ParamType, Severity};

use super::ask::Trouble;
use super::chart::Chart;
use super::failure;
use super::format::count;
use super::html::{Advice, Html, Pair, Section, Text};
use super::panel::{Content, Def, fixed, together};
use super::request::Asked;
use super::shell::Page;
use super::sql::{Put, fill};
use super::table::Table;
use super::view::{When, encoded};

/// The page.
pub(super) const PAGE: Page = Page { place: "/diagnostics", controls: true, lead: "" };
/// The panels of one.
pub(super) static PANELS: [Def; 1] = [Def::new("answer", "Answer", 12, answer)];
/// What a parameter of a diagnostic is called in the URL.
const PREFIX: &str = "p.";

#[derive(Template)]
#[template(path = "gallery.html")]
struct Gallery {
    cards: Vec<Card>,
}

struct Card {
    href: String,
    title: &'static str,
    text: &'static str,
    severity: &'static str,
    tone: &'static str,
    chart: &'static str,
}

#[derive(Template)]
#[template(path = "params.html")]
struct Params {
    path: String,
    keep: Vec<Pair>,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    value: String,
    default: &'static str,
    required: bool,
    number: bool,
    text: &'static str,
}

fn tone(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warn",
        Severity::Critical => "bad",
    }
}

fn path(diagnostic: &Diagnostic) -> String {
    format!("/diagnostics/{}", diagnostic.name)
}

/// `GET /diagnostics`
pub(super) async fn list(asked: Asked) -> Response {
    let shell = asked.shell(PAGE).await;
    let mut parts = Vec::new();
    for group in diagnostics::list().chunk_by(|one, next| one.group == next.group) {
        let Some(first) = group.first() else { continue };
        parts.push(Html::of(&Section { title: first.group.title(), hint: &count(group.len() as f64) }));
        let card = |diagnostic: &Diagnostic| Card {
            href: asked.href(&path(diagnostic), &[]),
            title: diagnostic.title,
            text: diagnostic.question,
            severity: diagnostic.severity.name(),
            tone: tone(diagnostic.severity),
            chart: match diagnostic.chart.as_ref().map(|chart| chart.kind) {
                Some(ChartKind::Bars) => "bars",
                Some(ChartKind::Lines) => "lines",
                Some(ChartKind::Heat) => "heat map",
                None => "",
            },
        };
        let cards = Html::of(&Gallery { cards: group.iter().map(card).collect() });
        parts.push(Html::of(&Wide { custom: cards }));
    }
    shell.around(parts).answer(StatusCode::OK)
}

#[derive(Template)]
#[template(path = "wide.html")]
struct Wide {
    custom: Html,
}

/// `GET /diagnostics/{name}`
pub(super) async fn get(Path(name): Path<String>, mut asked: Asked) -> Response {
    let diagnostic = match diagnostics::get(&name) {
        Ok(diagnostic) => diagnostic,
        Err(error) => return failure::page(&asked, StatusCode::NOT_FOUND, Trouble::from(error)).await,
    };
    asked.own.insert("of".to_owned(), diagnostic.name.to_owned());
    let asked = Arc::new(asked);
    let about = fixed("question", diagnostic.question, 8, advice(diagnostic), &asked);
    let params = fixed("parameters", "Parameters", 4, form(&asked, diagnostic), &asked);
    let (shell, parts) = tokio::join!(asked.shell(PAGE), together("diagnostics", &PANELS, &asked));
    let sql = fill(diagnostic.sql, &[]);
    let text = Text {
        id: "sql",
        label: "The statement, with its parameters",
        text: sql,
        note: String::new(),
        console: String::new(),
    };
    let source =
        fixed("source", "The SQL", 12, Content { custom: Some(Html::of(&text)), ..Content::default() }, &asked);
    let shell = shell.about(diagnostic.title, "Diagnostics", asked.href("/diagnostics", &[]));
    shell.around([vec![about, params], parts, vec![source]].concat()).answer(StatusCode::OK)
}

fn advice(diagnostic: &'static Diagnostic) -> Content {
    let hint = match diagnostic.severity {
        Severity::Info => "An overview: rows mean nothing by themselves",
        Severity::Warning => "Each row is worth a look",
        Severity::Critical => "Each row is a risk or a loss",
    };
    Content { custom: Some(Html::of(&Advice { advice: &diagnostic.advice })), ..Content::default() }.hinted(hint)
}

fn form(asked: &Asked, diagnostic: &'static Diagnostic) -> Content {
    // Time range and clusters come from the bar above.
    let own = diagnostic.params.iter().filter(|param| !matches!(param.name, "from" | "to" | "cluster"));
    let fields: Vec<Field> = own
        .map(|param| Field {
            name: param.name,
            value: asked.own(&format!("{PREFIX}{}", param.name)).to_owned(),
            default: param.default.unwrap_or_default(),
            required: param.required,
            number: param.param_type == ParamType::Int,
            text: param.description,
        })
        .collect();
    if fields.is_empty() {
        return Content::nothing("None of its own", "It takes the time range and the cluster from the bar above.");
    }
    let keep = asked.view.pairs().into_iter().map(|(name, value)| Pair { name: name.to_owned(), value }).collect();
    Content { custom: Some(Html::of(&Params { path: path(diagnostic), keep, fields })), ..Content::default() }
}

/// The parameters of the URL, and those of the view that the diagnostic takes.
fn given(asked: &Asked, diagnostic: &Diagnostic) -> BTreeMap<String, String> {
    let takes = |name: &str| diagnostic.params.iter().any(|param| param.name == name);
    let own = asked.own.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)));
    let own = own.filter(|(name, value)| takes(name) && !value.is_empty());
    let mut given: BTreeMap<String, String> = own.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    for (name, time) in [("from", asked.window.from), ("to", asked.window.to)] {
        if takes(name) {
            given.entry(name.to_owned()).or_insert_with(|| When::At(time).to_string());
        }
    }
    if let ([one], true) = (asked.view.clusters.as_slice(), takes("cluster")) {
        given.entry("cluster".to_owned()).or_insert_with(|| one.clone());
    }
    given
}

/// The statement with its parameters, for the console.
fn written(diagnostic: &Diagnostic, given: &BTreeMap<String, String>) -> String {
    let value = |param: &'static diagnostics::Param| -> Option<String> {
        let text = given.get(param.name).map(String::as_str).or(param.default);
        Some(match (text, param.param_type) {
            (None, ParamType::Int) => "CAST(NULL AS BIGINT)".to_owned(),
            (None, ParamType::Text) => "CAST(NULL AS VARCHAR)".to_owned(),
            (None, ParamType::Timestamp) => "CAST(NULL AS TIMESTAMP)".to_owned(),
            (Some(text), ParamType::Int) => text.trim().parse::<i64>().ok()?.to_string(),
            (Some(text), ParamType::Text) => super::sql::literal(text),
            (Some(text), ParamType::Timestamp) => fill(":t", &[("t", Put::Time(diagnostics::parse_time(text).ok()?))]),
        })
    };
    // A diagnostic lives as long as the program.
    let Ok(diagnostic) = diagnostics::get(diagnostic.name) else { return String::new() };
    let values: Option<Vec<(&str, String)>> =
        diagnostic.params.iter().map(|param| Some((param.name, value(param)?))).collect();
    let Some(values) = values else { return String::new() };
    let puts: Vec<(&str, Put<'_>)> = values.iter().map(|(name, value)| (*name, Put::Sql(value))).collect();
    fill(diagnostic.sql, &puts)
}

fn answer(asked: Arc<Asked>) -> BoxFuture<'static, Result<Content, Trouble>> {
    async move {
        let diagnostic = diagnostics::get(asked.own("of"))?;
        let given = given(&asked, diagnostic);
        if let Some(missing) = diagnostic.params.iter().find(|param| param.required && !given.contains_key(param.name))
        {
            let advice = format!("Write it into the field '{}' above, and ask.", missing.name);
            return Ok(Content::nothing(format!("Which {}?", missing.name), advice));
        }
        let rows = asked.asking.diagnose(&asked.asker, asked.view.as_of, diagnostic, &given).await?;
        let sql = written(diagnostic, &given);
        if rows.rows.is_empty() {
            let advice = match diagnostic.severity {
                Severity::Info => "There is nothing to show for this time range and these clusters.",
                _ => "That is good news: nothing of the kind happened in this time range.",
            };
            return Ok(Content::nothing("No rows", advice).asked(sql));
        }
        let (table, left_out) = Table::of_diagnostic(diagnostic, &rows, |row, name| link(&asked, &rows, row, name));
        let chart = Chart::of_diagnostic(diagnostic, &rows);
        let note = match (left_out, asked.view.clusters.len()) {
            (0, 0 | 1) => String::new(),
            (0, _) => "A diagnostic takes one cluster or all of them; this is about all.".to_owned(),
            (more, _) => format!("{} more rows are left out.", count(more as f64)),
        };
        let hint = format!("{} rows", count(rows.rows.len() as f64));
        // The rows of a diagnostic are what it is about: they are not folded away below the chart.
        Ok(Content { chart, table: Some(table), open: true, sql, note, ..Content::default() }.hinted(hint))
    }
    .boxed()
}

/// A query's number leads to the query.
fn link(asked: &Asked, rows: &super::ask::Answered, row: &[Value], name: &str) -> String {
    let (cluster, query) = (rows.text(row, "cluster_id"), rows.text(row, "query"));
    match name {
        "query" if !cluster.is_empty() && query.parse::<i64>().is_ok() => {
            asked.href(&format!("/query/{}/{}", encoded(cluster), encoded(query)), &[])
        }
        "fingerprint" if !cluster.is_empty() => {
            asked.href("/queries", &[("cluster", cluster), ("fingerprint", rows.text(row, "fingerprint"))])
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    /// What the console is given is a statement, without any place left open.
    #[test]
    fn every_diagnostic_can_be_opened_in_the_console() {
        for diagnostic in diagnostics::list() {
            let required = diagnostic.params.iter().filter(|param| param.required);
            let given = required.map(|param| (param.name.to_owned(), "7".to_owned())).collect();
            let sql = written(diagnostic, &given);
            let parsed = lookback_query::dialect::parse(&sql)
                .unwrap_or_else(|e| unreachable!("{}: {e}\n{sql}", diagnostic.name));
            assert_eq!(parsed.len(), 1, "{}", diagnostic.name);
            for param in &diagnostic.params {
                assert!(
                    !parsed[0].to_string().contains(&format!(":{}", param.name)),
                    "{}: {}",
                    diagnostic.name,
                    param.name
                );
            }
        }
    }
}
