//! A file of rules as it is written, and what that means.

mod rule;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::{Spanned, Value};

use rule::RawRule;

use super::{Destination, MAX_DESTINATIONS, MAX_RULES, Rule, Rules};
use crate::error::{AlertError, ErrorKind};
use crate::secrets::Reference;

/// After how long a change that nobody reported on is sent again, if the file does not say.
const RESEND_AFTER: Duration = Duration::from_secs(300);
/// The wait before the second attempt.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Longest time for an attempt of a webhook, if the file does not say, and the longest that it can say.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);
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
        let rule = rule::rule(&place, raw, &destinations)?;
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
