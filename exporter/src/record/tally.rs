//! What a collector asked, and what was refused to it.
//!
//! A refusal is kept with the resource that was asked about, where a call is about one: a key of another account that may not be
//! described says nothing of the account's other keys. A call that is refused altogether stands for all resources, and so does
//! one that is refused about very many.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Resources that are named of a refused call; of more, it counts as refused altogether.
const MOST_RESOURCES: usize = 100;
/// Resources that a message names.
const NAMED: usize = 3;

/// What a collector asked, and what was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls by action, each attempt.
    pub calls: BTreeMap<&'static str, u64>,
    /// Answers that said: too many.
    pub throttles: u64,
    /// Actions that were refused.
    pub denied: BTreeMap<&'static str, Denial>,
}

/// How an action was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Denial {
    /// The service's code; empty if it was not refused altogether.
    pub code: String,
    /// The service's code by the resource (ARN) that was asked about.
    pub resources: BTreeMap<String, String>,
}

impl Denial {
    /// Whether it stands for all resources.
    fn is_whole(&self) -> bool {
        !self.code.is_empty() || self.resources.len() > MOST_RESOURCES
    }

    /// A code of it.
    fn any_code(&self) -> &str {
        let first = self.resources.values().next().map_or("", String::as_str);
        if self.code.is_empty() { first } else { &self.code }
    }
}

impl Tally {
    /// All calls.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Keeps a refusal, of a call about a resource or about all there is.
    pub(super) fn refused(&mut self, call: &'static str, about: Option<&str>, code: &str) {
        let denial = self.denied.entry(call).or_default();
        match about {
            // One more than are named is enough to know that there are too many.
            Some(_) if denial.resources.len() > MOST_RESOURCES => {}
            Some(resource) => {
                denial.resources.insert(resource.to_owned(), code.to_owned());
            }
            None if code.is_empty() => "refused".clone_into(&mut denial.code),
            None => code.clone_into(&mut denial.code),
        }
    }

    /// What was refused and what to allow, as the record has it; `None` if nothing was.
    #[must_use]
    pub fn access_errors(&self) -> Option<Value> {
        let entries = self.denied.iter().flat_map(|(call, denial)| {
            if denial.is_whole() {
                return vec![json!({ "call": call, "code": denial.any_code(), "grant": call })];
            }
            let one = |(resource, code): (&String, &String)| {
                json!({ "call": call, "code": code, "grant": call, "resource": resource })
            };
            denial.resources.iter().map(one).collect()
        });
        (!self.denied.is_empty()).then(|| entries.collect())
    }

    /// What was refused and what to do, a sentence for each call.
    pub(super) fn refusals(&self) -> Vec<String> {
        let one = |(call, denial): (&&'static str, &Denial)| {
            let code = denial.any_code();
            let about = if denial.is_whole() {
                String::new()
            } else {
                let names: Vec<&str> = denial.resources.keys().take(NAMED).map(String::as_str).collect();
                let more = denial.resources.len() - names.len();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!(" of {}{more}", names.join(", "))
            };
            format!(
                "{call}{about} was refused ({code}): allow it to the role, and on a KMS key in the key's policy, too"
            )
        };
        self.denied.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(refusals: &[(&'static str, Option<&str>, &str)]) -> Tally {
        let mut tally = Tally::default();
        for (call, about, code) in refusals {
            tally.refused(call, *about, code);
        }
        tally
    }

    fn errors(tally: &Tally) -> String {
        tally.access_errors().map_or_else(String::new, |errors| errors.to_string())
    }

    #[test]
    fn a_refusal_names_its_resource_unless_it_is_for_all() {
        assert_eq!(Tally::default().access_errors(), None);
        let one = tally(&[("kms:DescribeKey", Some("key/a"), "Denied")]);
        assert_eq!(
            errors(&one),
            r#"[{"call":"kms:DescribeKey","code":"Denied","grant":"kms:DescribeKey","resource":"key/a"}]"#
        );
        let all = tally(&[("kms:DescribeKey", Some("key/a"), "Denied"), ("kms:DescribeKey", None, "")]);
        assert_eq!(errors(&all), r#"[{"call":"kms:DescribeKey","code":"refused","grant":"kms:DescribeKey"}]"#);
    }

    #[test]
    fn of_very_many_resources_none_is_named() {
        let names: Vec<String> = (0..5_000).map(|n| format!("key/{n:05}")).collect();
        let all: Vec<_> = names.iter().map(|name| ("kms:DescribeKey", Some(name.as_str()), "Denied")).collect();
        let named = tally(&all[..MOST_RESOURCES]);
        assert_eq!(errors(&named).matches("resource").count(), MOST_RESOURCES);
        assert_eq!(
            named.refusals(),
            [
                "kms:DescribeKey of key/00000, key/00001, key/00002 and 97 more was refused (Denied): allow it to the role, \
              and on a KMS key in the key's policy, too"
            ]
        );
        let whole = tally(&all);
        assert_eq!(errors(&whole), r#"[{"call":"kms:DescribeKey","code":"Denied","grant":"kms:DescribeKey"}]"#);
        assert!(whole.denied.values().all(|denial| denial.resources.len() <= MOST_RESOURCES + 1));
    }
}
