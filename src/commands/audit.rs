//! `lookback audit`

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use lookback_exporter::record::append_results;
use lookback_exporter::{Settings, places};
use lookback_query::audit::{self, Audit, Check, Exceptions, Finding, Period, Request, Verdict, format, record};
use lookback_query::diagnostics::parse_time;
use lookback_schemas::time::DAY;

use super::diagnose::parameters;
use crate::answer::NewFile;
use crate::cli::{Audit as Arguments, Global};
use crate::failure::{FAILED, Failure};
use crate::{config, print, report};

/// The window, if none is given: as long as CloudTrail remembers.
const WINDOW: i64 = 90 * DAY;
/// Characters of a reason in a table; the other formats have all of it.
const REASON_WIDTH: usize = 160;

/// The parameter of the check that asks which keys the lake's own files need.
const LAKE_KEYS: &str = "lake_keys";

/// How an audit is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Table,
    Html,
    Data(format::Form),
}

pub(crate) async fn run(global: &Global, arguments: &Arguments) -> Result<u8, Failure> {
    let checks = chosen(&arguments.control)?;
    if arguments.list {
        return list(&checks);
    }
    let form = form(arguments.format.as_deref(), arguments.output.as_deref())?;
    let mut request = request(arguments, checks)?;
    let settings = config::load_to_ask(global).await?;
    with_lake_keys(&mut request, &settings);
    let session = config::session(&settings).await?;
    let audit = audit::run(&session, &request).await?;
    let text = match form {
        Form::Table => table(&audit),
        Form::Html => report::audit::page(&audit, &request.exceptions)?,
        Form::Data(form) => format::write(&audit, form),
    };
    match &arguments.output {
        Some(path) => {
            let mut file = NewFile::create(path)?;
            file.write_all(text.as_bytes())?;
            file.finish()?;
        }
        None => print::line(text.trim_end())?,
    }
    for unused in &audit.unused {
        print::note(format!(
            "the exception of {} for {} '{}' is not needed any more: take it out of the file",
            unused.owner, unused.check, unused.entity
        ));
    }
    if arguments.record {
        store(&settings, &audit).await?;
    }
    let unknown = arguments.strict && audit.count(Verdict::Unknown) > 0;
    for judged in audit.errors() {
        print::note(format!("{}: {}", judged.check.id, judged.error.as_deref().unwrap_or_default()));
    }
    Ok(if audit.failures() > 0 || audit.errors().next().is_some() || unknown { FAILED } else { 0 })
}

fn chosen(ids: &[String]) -> Result<Vec<&'static Check>, Failure> {
    if ids.is_empty() {
        return Ok(audit::list().iter().collect());
    }
    let mut checks = ids.iter().map(|id| audit::get(id)).collect::<Result<Vec<_>, _>>()?;
    checks.sort_by_key(|check| check.id);
    checks.dedup_by_key(|check| check.id);
    Ok(checks)
}

fn request(arguments: &Arguments, checks: Vec<&'static Check>) -> Result<Request, Failure> {
    let time = |text: &Option<String>| text.as_deref().map(parse_time).transpose();
    let as_of = time(&arguments.as_of)?.unwrap_or_else(|| chrono::Utc::now().timestamp_micros());
    let to = time(&arguments.to)?.unwrap_or(as_of);
    let from = time(&arguments.from)?.unwrap_or(to - WINDOW);
    let exceptions = match &arguments.exceptions {
        Some(path) => {
            let shown = path.display();
            let text = std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("reading {shown}: {e}")))?;
            Exceptions::parse(&text).map_err(|e| Failure::from(e).within(shown))?
        }
        None => Exceptions::default(),
    };
    Ok(Request { as_of, from, to, checks, params: parameters(&arguments.params)?, exceptions })
}

/// The keys that the files of the lake are under, as the configuration says, for a check that asks and was not told.
pub(super) fn with_lake_keys(request: &mut Request, settings: &Settings) {
    let asks = request.checks.iter().any(|check| check.params.iter().any(|param| param.name == LAKE_KEYS));
    if !asks || request.params.contains_key(LAKE_KEYS) {
        return;
    }
    if let Some((name, keys)) = lake_keys(settings) {
        request.params.insert(name, keys);
    }
}

/// The parameter of checks that says which keys the lake's files are under, with those of the configuration. Only a bucket's files
/// are under a key.
pub(super) fn lake_keys(settings: &Settings) -> Option<(String, String)> {
    if !settings.lake.location.starts_with("s3://") {
        return None;
    }
    let of_clusters = settings.clusters.values().filter_map(|cluster| cluster.kms_key.as_deref());
    let keys: BTreeSet<&str> = settings.lake.kms_key.as_deref().into_iter().chain(of_clusters).collect();
    (!keys.is_empty()).then(|| (LAKE_KEYS.to_owned(), keys.into_iter().collect::<Vec<_>>().join(",")))
}

/// The form that is asked for, or that a file's name asks for.
fn form(asked: Option<&str>, output: Option<&Path>) -> Result<Form, Failure> {
    let by_name = output.and_then(|path| path.extension()).and_then(|extension| extension.to_str());
    let wanted = asked.or(by_name.map(|extension| match extension {
        "htm" => "html",
        "xml" => "junit",
        "html" | "json" | "csv" => extension,
        _ => "table",
    }));
    Ok(match wanted.unwrap_or("table") {
        "table" => Form::Table,
        "html" => Form::Html,
        "json" => Form::Data(format::Form::Json),
        "csv" => Form::Data(format::Form::Csv),
        "ocsf" => Form::Data(format::Form::Ocsf),
        "asff" => Form::Data(format::Form::Asff),
        "junit" => Form::Data(format::Form::Junit),
        other => {
            let message = format!("'{other}' is not a format; formats are table, html, json, csv, ocsf, asff, junit");
            return Err(Failure::usage(message));
        }
    })
}

/// What needs attention, and how many there are of everything.
fn table(audit: &Audit) -> String {
    let attention = |finding: &&Finding| matches!(finding.verdict, Verdict::Fail | Verdict::Unknown);
    let rows: Vec<Vec<String>> = audit.findings().filter(attention).map(line).collect();
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str(&print::render(
            &["check", "severity", "verdict", "entity", "account", "region", "since", "reason"],
            &rows,
        ));
        text.push('\n');
    }
    text.push_str(&report::audit::summary(audit));
    text
}

fn line(finding: &Finding) -> Vec<String> {
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { report::visible(text) };
    let verdict = if finding.is_accepted() { "FAIL (accepted)".to_owned() } else { finding.verdict.to_string() };
    let since = finding.since.map_or_else(|| "-".to_owned(), |since| print::moment(Some(since)));
    let note = finding.acceptance.as_ref().map(report::audit::acceptance).map(|note| format!("; {note}"));
    vec![
        finding.check.id.to_owned(),
        finding.check.severity.to_string(),
        verdict,
        or_dash(finding.label()),
        or_dash(&finding.account_id),
        or_dash(&finding.region),
        since,
        format!("{}{}", report::cut(&report::visible(&finding.reason), REASON_WIDTH), note.unwrap_or_default()),
    ]
}

fn list(checks: &[&'static Check]) -> Result<u8, Failure> {
    for check in checks {
        let period = match check.period {
            Period::Now => "now",
            Period::Window => "window",
        };
        print::line(format!("{} {} ({}, {period})\n  {}", check.id, check.title, check.severity, check.question))?;
        for param in &check.params {
            let default = param.default.map(|value| format!(" = {value}")).unwrap_or_default();
            print::line(format!("  -p {}{default}: {}", param.name, param.description))?;
        }
    }
    Ok(0)
}

/// The verdicts, into the lake: through the exporter, because whoever asks only reads.
async fn store(settings: &Settings, audit: &Audit) -> Result<(), Failure> {
    let aws = places::aws(settings).await;
    let lake = places::lake(settings, aws.as_ref())?;
    lake.expect_lake().await?;
    let (rows, run_id) = (record::rows(audit), record::run_id(audit));
    let now = chrono::Utc::now().timestamp_micros();
    let new = append_results(&lake, &rows, &run_id, now).await?;
    print::note(match new {
        0 => format!("audit_results has {run_id} already"),
        new => format!("audit_results has {new} new rows: {run_id}"),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails shall say where")]

    use super::*;

    #[test]
    fn the_keys_of_the_lake_are_those_of_the_configuration() {
        let given = |toml: &str, checks: &[&str], params: &[(&str, &str)]| {
            let settings: Settings = toml::from_str(toml).unwrap();
            let checks = checks.iter().map(|id| audit::get(id).unwrap()).collect();
            let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let exceptions = Exceptions::default();
            let mut request = Request { as_of: 1, from: 0, to: 1, checks, params, exceptions };
            with_lake_keys(&mut request, &settings);
            request.params.get(LAKE_KEYS).cloned()
        };
        let lake = "[lake]\nlocation = \"s3://logs/lake\"\nkms_key = \"k1\"\n[clusters.a]\nkms_key = \"k0\"\n[clusters.b]\nkms_key = \"k1\"";
        assert_eq!(given(lake, &["LB-ENC-01", "LB-KEY-03"], &[]).as_deref(), Some("k0,k1"));
        assert_eq!(given(lake, &["LB-KEY-03"], &[(LAKE_KEYS, "mine")]).as_deref(), Some("mine"));
        assert_eq!(given(lake, &["LB-ENC-01"], &[]), None);
        assert_eq!(given(&lake.replace("s3://logs/", "logs/"), &["LB-KEY-03"], &[]), None);
        assert_eq!(given("[lake]\nlocation = \"s3://logs/lake\"", &["LB-KEY-03"], &[]), None);
    }
}
