//! Checks: one SQL file each, in the folder `audit/checks`.

use std::sync::OnceLock;

pub use lookback_schemas::Severity;

use crate::diagnostics::Param;
use crate::error::{ErrorKind, QueryError};
use crate::header::{once, param, read};
use crate::names;

/// The files that ship with this build: name and text.
pub(super) const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/checks.rs"));

/// Which time a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// How things are at the moment of the audit.
    Now,
    /// What happened in the window of the audit.
    Window,
}

/// A table that a check reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Its name.
    pub table: &'static str,
    /// The collectors that fill it, any of which is enough; none for a table of logs.
    pub collectors: Vec<&'static str>,
    /// The kind of deployment that they are about, if it is only one: `cluster` or `namespace`.
    pub only: Option<&'static str>,
}

/// Kinds of deployments, which have collectors of their own.
const DEPLOYMENTS: [&str; 2] = ["cluster", "namespace"];

impl Need {
    /// Whether it is a table of the record without a collector: what it has is said about what was read, or was concluded.
    #[must_use]
    pub fn is_evidence(&self) -> bool {
        self.collectors.is_empty() && lookback_schemas::encryption::table(self.table).is_some()
    }

    /// Whether it is a table of logs: how far that was exported, the exporter's ledger says.
    #[must_use]
    pub fn is_log(&self) -> bool {
        self.collectors.is_empty() && !self.is_evidence()
    }

    /// Whether a judgment about an entity of a kind needs it: one about a cluster needs nothing that is read of namespaces only.
    #[must_use]
    pub fn concerns(&self, entity_type: &str) -> bool {
        self.only.is_none_or(|only| only == entity_type || !DEPLOYMENTS.contains(&entity_type))
    }
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, such as `LB-ENC-01`.
    pub id: &'static str,
    /// Counts up when its answers change their meaning.
    pub version: u32,
    /// A few words.
    pub title: &'static str,
    /// How bad a FAIL is.
    pub severity: Severity,
    /// The question that it answers.
    pub question: &'static str,
    /// The tables whose coverage counts.
    pub needs: Vec<Need>,
    /// Which time it is about.
    pub period: Period,
    /// What it takes, in the order of the file.
    pub params: Vec<Param>,
    /// What to do about a FAIL, one piece of advice each.
    pub advice: Vec<&'static str>,
    /// The statement, with `:name` where parameters go.
    pub sql: &'static str,
}

/// All checks, by id.
#[must_use]
pub fn list() -> &'static [Check] {
    static ALL: OnceLock<Vec<Check>> = OnceLock::new();
    // A test parses every file; one that does not parse would not ship.
    ALL.get_or_init(|| FILES.iter().filter_map(|(name, text)| parse(name, text).ok()).collect())
}

/// The check of that id, whatever its case.
///
/// # Errors
/// [`ErrorKind::Parameter`] with the nearest ids, or all of them.
pub fn get(id: &str) -> Result<&'static Check, QueryError> {
    list().iter().find(|check| check.id.eq_ignore_ascii_case(id)).ok_or_else(|| {
        let upper = id.to_uppercase();
        let near = names::nearest(&upper, list().iter().map(|check| check.id), 3);
        let hint = if near.is_empty() {
            format!("there are {}", list().iter().map(|check| check.id).collect::<Vec<_>>().join(", "))
        } else {
            format!("did you mean {}?", names::quoted(&near))
        };
        QueryError::new(ErrorKind::Parameter, format!("no check has the id '{id}'; {hint}"))
    })
}

/// Names that every check is given.
pub(super) const BOUND: [&str; 3] = ["as_of", "from", "to"];

/// Reads a file. A header that is only nearly right is an error: what it says decides verdicts.
///
/// # Errors
/// [`ErrorKind::Internal`] with the file and what is wrong with it.
pub fn parse(name: &'static str, text: &'static str) -> Result<Check, QueryError> {
    let wrong = |what: String| QueryError::new(ErrorKind::Internal, format!("check '{name}': {what}"));
    let mut header = Header::default();
    read(text, |key, value| header.line(key, value)).map_err(wrong)?;
    let check = header.finish(text).map_err(|missing| wrong(format!("the header has {missing}")))?;
    if check.id != name {
        return Err(wrong(format!("its id is '{}'", check.id)));
    }
    Ok(check)
}

#[derive(Default)]
struct Header {
    id: Option<&'static str>,
    version: Option<u32>,
    title: Option<&'static str>,
    severity: Option<Severity>,
    question: Option<&'static str>,
    needs: Option<Vec<Need>>,
    period: Option<Period>,
    params: Vec<Param>,
    advice: Vec<&'static str>,
}

impl Header {
    /// Takes a line; `None` if it is not understood.
    fn line(&mut self, key: &[&'static str], value: &'static str) -> Option<()> {
        match *key {
            ["id"] => once(&mut self.id, value),
            ["version"] => once(&mut self.version, value.parse().ok()?),
            ["title"] => once(&mut self.title, value),
            ["severity"] => once(&mut self.severity, Severity::of(value)?),
            ["question"] => once(&mut self.question, value),
            ["needs"] => once(&mut self.needs, value.split(',').map(need).collect::<Option<_>>()?),
            ["window"] => once(
                &mut self.period,
                match value {
                    "now" => Period::Now,
                    "window" => Period::Window,
                    _ => return None,
                },
            ),
            ["param", name, ..] if BOUND.contains(&name) => None,
            ["param", ref words @ ..] => param(&mut self.params, words, value),
            ["do"] => {
                self.advice.push(value);
                Some(())
            }
            _ => None,
        }
    }

    fn finish(self, sql: &'static str) -> Result<Check, String> {
        let no = |key: &str| format!("no {key}");
        if self.advice.is_empty() {
            return Err(no("do"));
        }
        Ok(Check {
            id: self.id.ok_or_else(|| no("id"))?,
            version: self.version.ok_or_else(|| no("version"))?,
            title: self.title.ok_or_else(|| no("title"))?,
            severity: self.severity.ok_or_else(|| no("severity"))?,
            question: self
                .question
                .filter(|text| text.ends_with('?'))
                .ok_or_else(|| no("question that ends with '?'"))?,
            needs: self.needs.ok_or_else(|| no("needs"))?,
            period: self.period.ok_or_else(|| no("window"))?,
            params: self.params,
            advice: self.advice,
            sql,
        })
    }
}

/// `table`, `table/collector` or `table/collector|collector`
/// `table`, `table/collector`, `table/one|other`, each also followed by ` for cluster` or ` for namespace`.
fn need(text: &'static str) -> Option<Need> {
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let (text, only) = match text.trim().split_once(" for ") {
        Some((text, only)) => (text, Some(only)),
        None => (text.trim(), None),
    };
    let (table, collectors) = match text.split_once('/') {
        Some((table, collectors)) => (table, collectors.split('|').collect()),
        None => (text, Vec::new()),
    };
    let is_right =
        is_name(&table) && collectors.iter().all(is_name) && only.is_none_or(|only| DEPLOYMENTS.contains(&only));
    is_right.then_some(Need { table, collectors, only })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails shall say where")]

    use super::*;
    use crate::diagnostics::params;
    use crate::dialect;

    const WHOLE: &str = "-- id: X-1\n-- version: 2\n-- title: a\n-- severity: high\n-- question: b?\n\
                         -- needs: cluster_encryption_state/clusters, encryption_events/cloudtrail|trail_files, stl_query\n\
                         -- window: window\n-- param days int = 3: c\n-- do: d\n-- do: e\nSELECT 1";

    #[test]
    fn every_file_parses_and_uses_what_it_declares() {
        for (name, text) in FILES {
            let check = parse(name, text).unwrap_or_else(|e| panic!("{e}"));
            let mut statements = dialect::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(statements.len(), 1, "{name}");
            let mut values = params::values(name, &check.params, &std::collections::BTreeMap::new()).unwrap();
            values.extend(BOUND.map(|bound| (format!(":{bound}"), params::moment(0))));
            params::substitute(&mut statements[0], &values).unwrap_or_else(|e| panic!("{name}: {e}"));
            for param in &check.params {
                let used = text.contains(&format!(":{}", param.name)) || param.name == "min_coverage";
                assert!(used, "{name}: {} is declared and not used", param.name);
            }
        }
        assert_eq!(list().len(), FILES.len());
    }

    #[test]
    fn a_header_says_what_it_says() {
        let check = parse("X-1", WHOLE).unwrap();
        assert_eq!((check.version, check.severity, check.period), (2, Severity::High, Period::Window));
        let needs: Vec<_> = check.needs.iter().map(|need| (need.table, need.collectors.clone())).collect();
        assert_eq!(
            needs,
            [
                ("cluster_encryption_state", vec!["clusters"]),
                ("encryption_events", vec!["cloudtrail", "trail_files"]),
                ("stl_query", vec![])
            ]
        );
        assert_eq!((check.params.len(), check.advice), (1, vec!["d", "e"]));
    }

    #[test]
    fn headers_that_are_wrong() {
        let with = |from: &str, to: &str| {
            assert!(WHOLE.contains(from), "{from}");
            WHOLE.replacen(from, to, 1)
        };
        for text in [
            "SELECT 1".to_owned(),
            with("-- id: X-1", "-- id: X-2"),
            with("-- version: 2", "-- version: two"),
            with("-- severity: high", "-- severity: bad"),
            with("b?", "b"),
            with("clusters,", "clusters/x,"),
            with("cloudtrail|", "cloudtrail||"),
            with("-- window: window", "-- window: past"),
            with("-- window: window\n", ""),
            with("days int", "as_of timestamp"),
            with("-- do: d\n-- do: e\n", ""),
        ] {
            assert!(parse("X-1", text.clone().leak()).is_err(), "{text}");
        }
    }
}
