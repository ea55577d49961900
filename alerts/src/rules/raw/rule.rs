//! A rule as it is written, and what that means.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::super::{Bound, Destination, Diagnostic, MAX_RUNS, Rule, Target, Threshold};
use super::{Place, check_name, is_account};
use crate::error::AlertError;
use crate::observe::Severity;

/// How far behind logs may be for silence to mean something.
const FRESH: Duration = Duration::from_secs(6 * 60 * 60);
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    name: String,
    checks: Option<Vec<String>>,
    severities: Option<Vec<String>>,
    diagnostic: Option<String>,
    #[serde(default)]
    params: BTreeMap<String, Value>,
    #[serde(default)]
    accounts: BTreeSet<String>,
    #[serde(default)]
    clusters: Vec<String>,
    #[serde(default)]
    entity: Vec<String>,
    threshold: Option<BTreeMap<String, Value>>,
    severity: Option<String>,
    window: Option<Spanned<String>>,
    fresh: Option<Spanned<String>>,
    #[serde(default)]
    unknown: bool,
    #[serde(default)]
    baseline: bool,
    r#for: Option<String>,
    to: Vec<String>,
}

pub(super) fn rule(
    place: &Place<'_>,
    raw: &Spanned<RawRule>,
    destinations: &BTreeMap<String, Destination>,
) -> Result<Rule, AlertError> {
    let (at, one) = (raw.span().start, raw.get_ref());
    check_name(place, at, "rule", &one.name)?;
    let wrong = |why: String| place.wrong(at, format!("rule '{}': {why}", one.name));
    if let Some(unknown) = one.to.iter().find(|name| !destinations.contains_key(*name)) {
        let known: Vec<&str> = destinations.keys().map(String::as_str).collect();
        return Err(wrong(format!("there is no destination '{unknown}'; there are {}", known.join(", "))));
    }
    if one.to.is_empty() || one.to.iter().collect::<BTreeSet<_>>().len() != one.to.len() {
        return Err(wrong("'to' names at least one destination, and each once".to_owned()));
    }
    if let Some(bad) = one.accounts.iter().find(|account| !is_account(account)) {
        return Err(wrong(format!("'{bad}' is not an account: 12 digits")));
    }
    let target = target(place, at, one)?;
    let params = one.params.iter().map(|(name, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => value.to_string(),
            _ => return Err(wrong(format!("the parameter '{name}' is neither text nor number"))),
        };
        Ok((name.clone(), text))
    });
    Ok(Rule {
        name: one.name.clone(),
        line: place.line(at),
        target,
        params: params.collect::<Result<_, _>>()?,
        accounts: one.accounts.clone(),
        clusters: one.clusters.clone(),
        unknown: one.unknown,
        baseline: one.baseline,
        runs: one
            .r#for
            .as_deref()
            .map_or(Some(1), runs)
            .ok_or_else(|| wrong(format!("'for' is a number of runs from 1 to {MAX_RUNS}, such as \"2 runs\"")))?,
        to: one.to.clone(),
    })
}

fn target(place: &Place<'_>, at: usize, one: &RawRule) -> Result<Target, AlertError> {
    let wrong = |why: String| place.wrong(at, format!("rule '{}': {why}", one.name));
    let severity = |name: &String| {
        let known = Severity::ALL.map(Severity::name).join(", ");
        Severity::of(name).ok_or_else(|| wrong(format!("'{name}' is not a severity; there are {known}")))
    };
    let of_diagnostic = [
        ("entity", !one.entity.is_empty()),
        ("threshold", one.threshold.is_some()),
        ("severity", one.severity.is_some()),
        ("window", one.window.is_some()),
        ("fresh", one.fresh.is_some()),
    ];
    let Some(name) = &one.diagnostic else {
        if one.checks.is_none() && one.severities.is_none() {
            return Err(wrong("it asks nothing: name 'checks', 'severities' or a 'diagnostic'".to_owned()));
        }
        if let Some((key, _)) = of_diagnostic.iter().find(|(_, given)| *given) {
            return Err(wrong(format!("'{key}' belongs to a diagnostic")));
        }
        if [one.checks.as_ref(), one.severities.as_ref()].into_iter().flatten().any(Vec::is_empty) {
            return Err(wrong("an empty list asks nothing; leave the key out for all".to_owned()));
        }
        let severities = one.severities.iter().flatten().map(severity).collect::<Result<_, _>>()?;
        return Ok(Target::Checks { ids: one.checks.clone().unwrap_or_default(), severities });
    };
    if one.checks.is_some() || one.severities.is_some() {
        return Err(wrong("it asks checks or a diagnostic, not both".to_owned()));
    }
    if one.entity.is_empty() {
        return Err(wrong("'entity' is missing: the columns that say what a row is about".to_owned()));
    }
    let threshold = one.threshold.as_ref().map(|parts| {
        threshold(parts).ok_or_else(|| {
            wrong("'threshold' is { column = \"NAME\", above = 90 }, or below, at_least, at_most".to_owned())
        })
    });
    let year = Duration::from_secs(366 * 24 * 60 * 60);
    let duration =
        |value: &Option<Spanned<String>>| value.as_ref().map(|value| place.duration(value, year)).transpose();
    Ok(Target::Diagnostic(Diagnostic {
        name: name.clone(),
        entity: one.entity.clone(),
        threshold: threshold.transpose()?,
        severity: one.severity.as_ref().map(severity).transpose()?,
        window: duration(&one.window)?,
        fresh: duration(&one.fresh)?.unwrap_or(FRESH),
    }))
}

fn threshold(parts: &BTreeMap<String, Value>) -> Option<Threshold> {
    let column = parts.get("column")?.as_str()?.to_owned();
    let mut others = parts.iter().filter(|(key, _)| key.as_str() != "column");
    let ((key, value), None) = (others.next()?, others.next()) else { return None };
    let bound = match key.as_str() {
        "above" => Bound::Above,
        "below" => Bound::Below,
        "at_least" => Bound::AtLeast,
        "at_most" => Bound::AtMost,
        _ => return None,
    };
    let value = value.as_float().or_else(|| value.to_string().parse().ok().filter(|_| value.is_integer()));
    Some(Threshold { column, bound, value: value.filter(|value| value.is_finite())? })
}

fn runs(text: &str) -> Option<u32> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: u32 = number.parse().ok()?;
    (matches!(unit.trim(), "run" | "runs") && (1..=MAX_RUNS).contains(&number)).then_some(number)
}
