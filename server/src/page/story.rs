//! `/encryption/{cluster}`: the story of one cluster, incarnation by incarnation. For auditors.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use lookback_query::audit::timeline::{Between, Entry, Incarnation, Segment};

use super::chart::{Chart, Kind, Span};
use super::encryption::{AUDIT_WINDOW, way};
use super::failure;
use super::format::{count, cut, minute, moment, visible};
use super::html::{Fact, Facts, Html};
use super::panel::{Content, fixed};
use super::request::Asked;
use super::shell::Page;
use super::table::{Cell, Table};

/// The page.
const PAGE: Page = Page { place: "/encryption", controls: true, lead: "" };
/// Incarnations that are told.
const MOST: usize = 12;
/// Characters of a cluster's name or ARN.
const NAME: usize = 300;

/// `GET /encryption/{cluster}`
pub(super) async fn get(Path(cluster): Path<String>, asked: Asked) -> Response {
    if !asked.is_auditor() {
        return failure::forbidden(&asked).await;
    }
    let asked = Arc::new(asked.reaching(AUDIT_WINDOW));
    let cluster: String = cluster.chars().take(NAME).collect();
    let told = match asked.asking.story(&asked.asker, &cluster, asked.now, asked.window).await {
        Ok(told) => told,
        Err(trouble) => return failure::page(&asked, StatusCode::NOT_FOUND, trouble).await,
    };
    let shell = asked.shell(PAGE).await;
    let name = told.incarnations.last().map_or(cluster.as_str(), |one| one.name());
    let shell = shell.about(visible(name), "Encryption", asked.href("/encryption", &[]));
    let stories = told.incarnations.iter().rev().take(MOST).enumerate();
    let parts =
        stories.flat_map(|(at, one)| [facts(one, at, &asked), segments(one, at, &asked), entries(one, at, &asked)]);
    shell.around(parts.collect()).answer(StatusCode::OK)
}

fn facts(one: &Incarnation, at: usize, asked: &Asked) -> Html {
    let names: Vec<String> = one.names.iter().map(|(name, _)| visible(name)).collect();
    let mut facts = vec![
        Fact::new("Names", names.join(", then ")),
        Fact::new("Account", visible(&one.account_id)),
        Fact::new("Region", visible(&one.region)),
        Fact::new("Created (UTC)", moment(one.created)),
        Fact::new("Gone (UTC)", one.gone.map(between).unwrap_or_default()),
        Fact::new("Namespace", visible(&one.namespace_arn)),
    ];
    facts.retain(|fact| !fact.text.is_empty());
    let content = Content { custom: Some(Html::of(&Facts { facts })), ..Content::default() };
    fixed(&format!("incarnation-{at}"), "Cluster", 12, content, asked)
}

/// A moment, or the two looks between which it was.
fn between(time: Between) -> String {
    match (time.after, time.by) {
        (Some(after), Some(by)) if after < by => format!("{} – {}", minute(after), minute(by)),
        (_, Some(by)) => minute(by),
        (Some(after), None) => format!("after {}", minute(after)),
        (None, None) => String::new(),
    }
}

fn segments(one: &Incarnation, at: usize, asked: &Asked) -> Html {
    let ms = |micros: i64| (micros / 1_000) as f64;
    let mut chart = Chart::new(Kind::Spans, "time", "How the cluster was encrypted, and when");
    chart.rows = vec![cut(&visible(one.name()), 60)];
    (chart.from, chart.to) = (Some(ms(asked.window.from)), Some(ms(asked.window.to)));
    let columns = [
        ("From (UTC)", "time"),
        ("To (UTC)", "time"),
        ("Encryption", ""),
        ("Queries", "amount"),
        ("Connections", "amount"),
        ("Without TLS", "amount"),
    ];
    let mut table = Table::new("How the cluster was encrypted", &columns).stacked();
    for segment in &one.segments {
        let (tone, word) = way(segment.encrypted, &segment.encryption_type);
        chart.spans.push(span(segment, asked, tone, word));
        let work = |of: fn(&lookback_query::audit::timeline::Work) -> i64| match &segment.work {
            Some(work) => Cell::amount(count(of(work) as f64), of(work) as f64),
            None => Cell::amount("no logs", -1.0),
        };
        table.push(vec![
            Cell::text(&between(segment.began)),
            if segment.ended.by.is_none() { Cell::text("still so") } else { Cell::text(&between(segment.ended)) },
            Cell::text(word).toned(tone).below(visible(&segment.how())),
            work(|work| work.queries),
            work(|work| work.connections),
            work(|work| work.plaintext),
        ]);
    }
    let content = match table.rows.is_empty() {
        true => Content::nothing("Nothing was seen in this time range", "Choose a longer one."),
        false => Content { chart: Some(chart), table: Some(table), ..Content::default() },
    };
    fixed(&format!("segments-{at}"), "How it was encrypted", 12, content, asked)
}

fn span(segment: &Segment, asked: &Asked, tone: &'static str, word: &str) -> Span {
    let (from, to) = (asked.window.from, asked.window.to);
    let began = segment.began.by.or(segment.began.after).unwrap_or(from).clamp(from, to);
    let ended = segment.ended.by.unwrap_or(asked.now).clamp(began, to.max(began));
    let details = segment.kms_key_arn.as_deref().map(|key| cut(&visible(key), 90)).into_iter().collect();
    let ms = |micros: i64| (micros / 1_000) as f64;
    Span {
        row: 0,
        from: ms(began),
        to: ms(ended),
        name: word.to_owned(),
        tone,
        color: 0,
        open: segment.ended.by.is_none(),
        details,
    }
}

fn entries(one: &Incarnation, at: usize, asked: &Asked) -> Html {
    let mut table = Table::new("What happened", &[("Time (UTC)", "time"), ("What", ""), ("Who", "")]).stacked();
    for entry in one.entries.iter().rev().take(500) {
        table.push(line(entry));
    }
    let content = match table.rows.is_empty() {
        true => Content::nothing("Nothing happened in this time range", "Choose a longer one."),
        false => Content { table: Some(table), ..Content::default() }
            .hinted("Two times are the looks between which it happened"),
    };
    fixed(&format!("entries-{at}"), "What happened", 12, content, asked)
}

fn line(entry: &Entry) -> Vec<Cell> {
    let times = if entry.times > 1 { format!(" ({} times)", entry.times) } else { String::new() };
    let when = between(Between { after: entry.after, by: Some(entry.time) });
    let what = Cell::text(&format!("{}{times}", entry.what));
    vec![Cell::text(&when), if entry.failed { what.classed("bad") } else { what }, Cell::text(&entry.who)]
}
