//! A file of rules as it is written, and what that means.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Bound, Destination, Diagnostic, MAX_DESTINATIONS, MAX_RULES, MAX_RUNS, Rule, Rules, Target, Threshold};
use crate::error::{AlertError, ErrorKind};
use crate::observe::Severity;
use crate::secrets::Reference;

/// After how long a change that nobody reported on is sent again, if the file does not say.
const RESEND_AFTER: Duration = Duration::from_secs(300);
/// The wait before the second attempt.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Longest time for an attempt of a webhook, if the file does not say, and the longest that it can say.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);
/// How far behind logs may be for silence to mean something.
const FRESH: Duration = Duration::from_secs(6 * 60 * 60);
/// Characters of names.
const MAX_NAME: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    exceptions: Option<PathBuf>,
    resend_after: Option<Spanned<String>>,
    retry_delay: Option<Spanned<String>>,
    #[serde(default)]
    destinations: BTreeMap<String, Spanned<RawDestination>>,
    #[serde(default)]
    rule: Vec<Spanned<RawRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDestination {
    r#type: String,
    // As any value: an error of the parser would repeat what stands there.
    url: Option<Spanned<Value>>,
    secret: Option<Spanned<Value>>,
    timeout: Option<Spanned<String>>,
    topic_arn: Option<Spanned<String>>,
    allow_aws_managed_key: Option<bool>,
    account_id: Option<Spanned<String>>,
    region: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
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

/// The text of a file, for line numbers.
struct Place<'a> {
    named: &'a str,
    text: &'a str,
}

impl Place<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn wrong(&self, at: usize, why: impl std::fmt::Display) -> AlertError {
        AlertError::new(ErrorKind::Rules, format!("{}, line {}: {why}", self.named, self.line(at)))
    }

    fn duration(&self, value: &Spanned<String>, most: Duration) -> Result<Duration, AlertError> {
        let text = value.get_ref();
        let parsed = humantime::parse_duration(text).ok().filter(|duration| !duration.is_zero() && *duration <= most);
        parsed.ok_or_else(|| {
            let most = humantime::format_duration(most);
            self.wrong(value.span().start, format!("'{text}' is not a duration up to {most}, such as \"10s\""))
        })
    }

    fn reference(&self, key: &str, at: usize, value: Option<&Spanned<Value>>) -> Result<Reference, AlertError> {
        let forms = "{ env = \"NAME\" }, { ssm = \"/name\" } or { file = \"path\" }";
        let Some(value) = value else { return Err(self.wrong(at, format!("'{key}' is missing: one of {forms}"))) };
        let refuse = |why: &str| {
            self.wrong(value.span().start, format!("'{key}' {why}: write where it is kept, as one of {forms}"))
        };
        let Value::Table(table) = value.get_ref() else {
            return Err(refuse("is secret and does not belong into this file"));
        };
        let mut entries = table.iter();
        let (Some((kind, Value::String(name))), None) = (entries.next(), entries.next()) else {
            return Err(refuse("is not understood"));
        };
        match kind.as_str() {
            _ if name.is_empty() => Err(refuse("is not understood")),
            "env" => Ok(Reference::Env(name.clone())),
            "ssm" => Ok(Reference::Ssm(name.clone())),
            "file" => Ok(Reference::File(PathBuf::from(name))),
            _ => Err(refuse("is not understood")),
        }
    }
}

pub(super) fn read(named: &str, text: &str) -> Result<Rules, AlertError> {
    let place = Place { named, text };
    // Only the reason and the line: the line itself may hold what nobody should see.
    let file: File = toml::from_str(text).map_err(|e| {
        let at = e.span().map(|span| span.start);
        match at {
            Some(at) => place.wrong(at, e.message()),
            None => AlertError::new(ErrorKind::Rules, format!("{named}: {}", e.message())),
        }
    })?;
    if file.rule.len() > MAX_RULES || file.destinations.len() > MAX_DESTINATIONS {
        let most = format!("at most {MAX_RULES} rules and {MAX_DESTINATIONS} destinations fit into a file");
        return Err(AlertError::new(ErrorKind::Rules, format!("{named}: {most}")));
    }
    let duration = |value: &Option<Spanned<String>>, default: Duration, most: Duration| match value {
        Some(value) => place.duration(value, most),
        None => Ok(default),
    };
    let mut destinations = BTreeMap::new();
    for (name, raw) in &file.destinations {
        check_name(&place, raw.span().start, "destination", name)?;
        destinations.insert(name.clone(), destination(&place, raw)?);
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(file.rule.len());
    for raw in &file.rule {
        let rule = rule(&place, raw, &destinations)?;
        if let Some(other) = rules.iter().find(|other| other.name == rule.name) {
            let why = format!("a rule of the name '{}' is at line {} already", rule.name, other.line);
            return Err(place.wrong(raw.span().start, why));
        }
        rules.push(rule);
    }
    Ok(Rules {
        exceptions: file.exceptions,
        resend_after: duration(&file.resend_after, RESEND_AFTER, Duration::from_secs(24 * 60 * 60))?,
        retry_delay: duration(&file.retry_delay, RETRY_DELAY, MAX_RETRY_DELAY)?,
        destinations,
        rules,
    })
}

fn check_name(place: &Place<'_>, at: usize, what: &str, name: &str) -> Result<(), AlertError> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(good) {
        let why = format!("the name of a {what} has 1 to {MAX_NAME} letters, digits, '-', '_' or '.'");
        return Err(place.wrong(at, why));
    }
    Ok(())
}

fn destination(place: &Place<'_>, raw: &Spanned<RawDestination>) -> Result<Destination, AlertError> {
    let (at, one) = (raw.span().start, raw.get_ref());
    let (webhook, sns, hub) = ("webhook", "sns", "security_hub");
    let keys = [
        ("url", one.url.is_some(), webhook),
        ("secret", one.secret.is_some(), webhook),
        ("timeout", one.timeout.is_some(), webhook),
        ("topic_arn", one.topic_arn.is_some(), sns),
        ("allow_aws_managed_key", one.allow_aws_managed_key.is_some(), sns),
        ("account_id", one.account_id.is_some(), hub),
        ("region", one.region.is_some(), hub),
    ];
    let kind = one.r#type.as_str();
    if ![webhook, sns, hub].contains(&kind) {
        return Err(place.wrong(at, format!("'{kind}' is no type of destination; there are {webhook}, {sns}, {hub}")));
    }
    if let Some((key, ..)) = keys.into_iter().find(|(_, given, of)| *given && *of != kind) {
        return Err(place.wrong(at, format!("a destination of type {kind} has no '{key}'")));
    }
    if kind == webhook {
        let timeout = one.timeout.as_ref().map_or(Ok(TIMEOUT), |value| place.duration(value, MAX_TIMEOUT))?;
        let url = place.reference("url", at, one.url.as_ref())?;
        let secret = place.reference("secret", at, one.secret.as_ref())?;
        return Ok(Destination::Webhook { url, secret, timeout });
    }
    if kind == sns {
        let arn = one.topic_arn.as_ref().ok_or_else(|| place.wrong(at, "'topic_arn' is missing"))?;
        if region_of_topic(arn.get_ref()).is_none() {
            let why = "'topic_arn' is not the ARN of a topic: arn:aws:sns:REGION:ACCOUNT:NAME";
            return Err(place.wrong(arn.span().start, why));
        }
        let allow_aws_managed_key = one.allow_aws_managed_key.unwrap_or(false);
        return Ok(Destination::Sns { topic_arn: arn.get_ref().clone(), allow_aws_managed_key });
    }
    let account = one.account_id.as_ref().ok_or_else(|| place.wrong(at, "'account_id' is missing"))?;
    if !is_account(account.get_ref()) {
        return Err(place.wrong(account.span().start, "'account_id' is not an account: 12 digits"));
    }
    Ok(Destination::SecurityHub { account_id: account.get_ref().clone(), region: one.region.clone() })
}

/// The region in the ARN of a topic.
pub(crate) fn region_of_topic(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", partition, "sns", region, account, name]
            if partition.starts_with("aws") && !region.is_empty() && is_account(account) && !name.is_empty() =>
        {
            Some(region)
        }
        _ => None,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn rule(
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
        runs: one.r#for.as_deref().map_or(Some(1), runs).ok_or_else(|| {
            wrong(format!("'for' is a number of runs from 1 to {MAX_RUNS}, such as \"2 runs\""))
        })?,
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
    let duration = |value: &Option<Spanned<String>>| value.as_ref().map(|value| place.duration(value, year)).transpose();
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
