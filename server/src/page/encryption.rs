//! `/encryption`: how every cluster was encrypted since when, its keys, their rotations, and the audit's verdicts with their
//! evidence. For auditors.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use futures::FutureExt;
use futures::future::BoxFuture;
use lookback_query::audit::{Audit, Verdict};
use lookback_schemas::time::DAY;

use super::ask::Trouble;
use super::chart::{Chart, Drill, Kind, Span};
use super::checks::checks;
use super::failure;
use super::format::{cut, minute, moment, visible};
use super::html::Html;
use super::panel::{Content, Def, together};
use super::request::Asked;
use super::shell::Page;
use super::table::{Cell, Table};
use super::view::encoded;
use crate::people::Role;

/// The page.
pub(super) const PAGE: Page = Page { place: "/encryption", controls: true, lead: "" };
/// How far back an audit looks, if nobody says otherwise: as long as CloudTrail remembers.
pub(super) const AUDIT_WINDOW: i64 = 90 * DAY;
/// Its panels.
pub(super) static PANELS: [Def; 5] = [
    Def::new("verdicts", "Verdicts", 12, verdicts).of(Role::Auditor),
    Def::new("timeline", "How clusters were encrypted", 12, timeline).of(Role::Auditor),
    Def::new("checks", "Checks", 12, checks).of(Role::Auditor),
    Def::new("keys", "Keys", 12, keys).of(Role::Auditor),
    Def::new("events", "Rotations and other changes", 12, events).of(Role::Auditor),
];

/// `GET /encryption`
pub(super) async fn get(asked: Asked) -> Response {
    if !asked.is_auditor() {
        return failure::forbidden(&asked).await;
    }
    // A click on a cluster's row.
    if !asked.own("story").is_empty() {
        return Redirect::to(&story(&asked, asked.own("story"))).into_response();
    }
    let asked = Arc::new(asked.reaching(AUDIT_WINDOW));
    let (shell, parts) = tokio::join!(asked.shell(PAGE), together("encryption", &PANELS, &asked));
    shell.around(parts).answer(StatusCode::OK)
}

type Drawn = BoxFuture<'static, Result<Content, Trouble>>;

/// How a verdict is marked.
pub(super) fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "bad",
        Verdict::Unknown => "warn",
        Verdict::Pass => "ok",
        Verdict::NotApplicable => "none",
    }
}

#[derive(Template)]
#[template(path = "verdicts.html")]
struct Counts {
    counts: Vec<Count>,
    note: String,
}

/// How many of something there are.
pub(super) struct Count {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) tone: &'static str,
}

/// How many findings there are of each kind.
pub(super) fn summary(audit: &Audit) -> Content {
    if audit.coverage.reads.is_empty() {
        let advice = "No collector has ever run: add [record] to the configuration of the exporter, and “lookback export” collects it.";
        return Content::nothing("Nothing is known of the clusters' encryption", advice);
    }
    let name = |verdict: Verdict| if verdict == Verdict::NotApplicable { "NOT APPLICABLE" } else { verdict.name() };
    let count =
        |verdict: Verdict| Count { name: name(verdict), text: audit.count(verdict).to_string(), tone: tone(verdict) };
    let accepted = audit.findings().filter(|finding| finding.is_accepted()).count();
    let note = match (audit.failures(), accepted) {
        (0, _) => "No failure counts. UNKNOWN says that the evidence has a hole where a PASS would need it.".to_owned(),
        (failures, 0) => {
            format!("{failures} failures count. UNKNOWN says that the evidence has a hole where a PASS would need it.")
        }
        (failures, accepted) => format!("{failures} failures count; {accepted} are accepted."),
    };
    let counts = Html::of(&Counts { counts: Verdict::ALL.into_iter().map(count).collect(), note });
    let window = format!("As of {} UTC, window from {}", minute(audit.as_of), minute(audit.window.0));
    Content { custom: Some(counts), ..Content::default() }.hinted(window)
}

fn verdicts(asked: Arc<Asked>) -> Drawn {
    async move {
        let audited = asked.asking.audit(&asked.asker, asked.now, asked.window).await?;
        Ok(summary(&audited.0))
    }
    .boxed()
}

/// The page of one cluster's story.
pub(super) fn story(asked: &Asked, cluster: &str) -> String {
    asked.href(&format!("/encryption/{}", encoded(cluster)), &[])
}

/// How a way of encryption is marked and told.
pub(super) fn way(encrypted: Option<bool>, kind: &str) -> (&'static str, &'static str) {
    match (encrypted, kind) {
        (Some(false), _) => ("bad", "not encrypted"),
        (Some(true), "kms_cmk") => ("ok", "customer managed key"),
        (Some(true), "kms_aws_managed") => ("info", "key that AWS manages"),
        (Some(true), "kms_aws_owned") => ("info", "key that AWS owns"),
        (Some(true), "hsm") => ("ok", "hardware security module"),
        (Some(true), _) => ("info", "encrypted, kind unknown"),
        (None, _) => ("none", "not known"),
    }
}

fn timeline(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = super::sql::fill(include_str!("sql/intervals.sql"), &[]);
        let answer = asked.rows(&sql).await?;
        let mut chart = Chart::new(Kind::Spans, "time", "How each cluster was encrypted, and when");
        let window = asked.window;
        let ms = |micros: i64| (micros / 1_000) as f64;
        for row in &answer.rows {
            let name = visible(answer.text(row, "cluster_identifier"));
            let arn = answer.text(row, "cluster_namespace_arn");
            let wanted = asked.view.clusters.is_empty() || asked.view.clusters.contains(&name);
            let Some(began) = answer.time(row, "start_hi").filter(|_| wanted) else { continue };
            let (ended, open) = match answer.time(row, "end_hi") {
                Some(ended) => (ended, false),
                None => (answer.time(row, "end_lo").unwrap_or(asked.now).max(began), true),
            };
            if ended <= window.from || began >= window.to {
                continue;
            }
            let at = chart.keys.iter().position(|key| key == arn).unwrap_or_else(|| {
                chart.rows.push(name.clone());
                chart.keys.push(arn.to_owned());
                chart.rows.len() - 1
            });
            let encrypted = match answer.text(row, "encrypted") {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            };
            let (tone, told) = way(encrypted, answer.text(row, "encryption_type"));
            let key = visible(answer.text(row, "kms_key_arn"));
            let details = if key.is_empty() { Vec::new() } else { vec![cut(&key, 90)] };
            // Intervals that differ in something else are one span.
            let (from, to) = (ms(began.max(window.from)), ms(ended.min(window.to)));
            match chart.spans.last_mut() {
                Some(last) if last.row == at && last.name == told && last.details == details => {
                    (last.to, last.open) = (to, open);
                }
                _ => chart.spans.push(Span { row: at, from, to, name: told.to_owned(), tone, color: 0, open, details }),
            }
        }
        if chart.spans.is_empty() {
            let advice = "The collectors have seen no cluster in this time range. “lookback status” and the coverage of the evidence say since when they look.";
            return Ok(Content::nothing("Nothing was seen", advice).asked(sql));
        }
        (chart.from, chart.to) = (Some(ms(window.from)), Some(ms(window.to)));
        chart.drill = Some(Drill { path: "/encryption".to_owned(), query: asked.kept(), by: "story", range: false });
        let (table, _) = Table::of("How clusters were encrypted", &answer);
        Ok(Content { chart: Some(chart), table: Some(table), sql, ..Content::default() }
            .hinted("Green: customer managed key. Blue: a key of AWS. Red: not encrypted. Click a cluster for its story"))
    }
    .boxed()
}

fn keys(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = super::sql::fill(include_str!("sql/keys.sql"), &[]);
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() {
            return Ok(Content::nothing(
                "No keys are known",
                "The collector “kms” describes the keys that clusters and snapshots use.",
            )
            .asked(sql));
        }
        let columns = [
            ("Key", "strong"),
            ("State", "tight"),
            ("Managed by", "tight"),
            ("Rotation", ""),
            ("Rotated last (UTC)", "time"),
            ("Next (UTC)", "time"),
            ("Seen last (UTC)", "time"),
        ];
        let mut table = Table::new("Keys", &columns).stacked();
        for row in &answer.rows {
            let (alias, arn) = (visible(answer.text(row, "alias")), visible(answer.text(row, "kms_key_arn")));
            let state = visible(answer.text(row, "key_state"));
            let day = |name: &str| moment(answer.time(row, name)).get(..16).unwrap_or_default().to_owned();
            let rotation = match (answer.text(row, "rotation_enabled"), answer.text(row, "rotation_period_days")) {
                ("true", "") => "on".to_owned(),
                ("true", days) => format!("every {days} days"),
                ("false", _) => "off".to_owned(),
                _ => "not known".to_owned(),
            };
            let name = if alias.is_empty() { arn.rsplit('/').next().unwrap_or_default().to_owned() } else { alias };
            let tone = match state.as_str() {
                "Enabled" => "ok",
                "" => "none",
                _ => "bad",
            };
            let state = if state.is_empty() { "not known".to_owned() } else { state };
            table.push(vec![
                Cell::text(&name).below(arn),
                Cell::text(&state).toned(tone),
                Cell::text(answer.text(row, "key_manager")),
                Cell::text(&rotation),
                Cell::text(&day("last_rotation_at")),
                Cell::text(&day("next_rotation_date")),
                Cell::text(&day("observed_at")),
            ]);
        }
        Ok(Content { table: Some(table), sql, ..Content::default() }.hinted("As they were seen last"))
    }
    .boxed()
}

fn events(asked: Arc<Asked>) -> Drawn {
    async move {
        let sql = asked.over(asked.window, include_str!("sql/rotations.sql"), &[]);
        let answer = asked.rows(&sql).await?;
        if answer.rows.is_empty() {
            return Ok(Content::nothing("Nothing happened", "No source tells of a change in this time range.").asked(sql));
        }
        let mut table = Table::new("Rotations and other changes", &[("Time (UTC)", "time"), ("What", ""), ("Of", ""), ("Who", ""), ("Outcome", "tight"), ("Told by", "")]).stacked();
        for row in &answer.rows {
            let class = visible(answer.text(row, "event_class"));
            let (cluster, key) = (visible(answer.text(row, "cluster")), visible(answer.text(row, "kms_key_arn")));
            let of = if cluster.is_empty() { key.clone() } else { cluster };
            let failed = answer.text(row, "outcome") == "failure";
            let sources = answer.text(row, "sources").replace(['[', ']', '"'], "").replace(',', ", ");
            table.push(vec![
                Cell::text(&moment(answer.time(row, "event_time"))),
                Cell::text(&told(&class)),
                Cell::text(&of),
                Cell::text(answer.text(row, "who")),
                if failed { Cell::text("failed").toned("bad") } else { Cell::text("done").toned("ok") },
                Cell::text(&sources),
            ]);
        }
        table.limit = table.rows.len() > 14;
        let hint = "KMS rotates a key's material; Redshift rotates the cluster's own keys; a change of the key is a migration. They are never the same";
        Ok(Content { table: Some(table), sql, ..Content::default() }.hinted(hint))
    }
    .boxed()
}

/// A class of events, for people.
pub(super) fn told(class: &str) -> String {
    match class {
        "kms_rotation.completed" => "KMS: material of the key rotated".to_owned(),
        "kms_rotation.requested" => "KMS: rotation of the key's material requested".to_owned(),
        "cek_rotation.started" => "Redshift: rotation of the cluster's keys started".to_owned(),
        "cek_rotation.completed" => "Redshift: rotation of the cluster's keys completed".to_owned(),
        "cek_rotation.failed" => "Redshift: rotation of the cluster's keys failed".to_owned(),
        "encryption.key_changed" => "moved to another key".to_owned(),
        other => other.replace(['.', '_'], " "),
    }
}
