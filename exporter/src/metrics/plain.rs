//! The plain text format of Prometheus (version 0.0.4), as the textfile collector of the node exporter reads it.
//!
//! OpenMetrics, which the metrics library writes, differs in three ways: a counter's family is named without the `_total` of its
//! samples, there is a type `info`, and the end is marked. [`parse`] reads both and gives families as the plain format names them.

use std::fmt::Write;

/// Samples of one name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) help: String,
    /// `counter` or `gauge`.
    pub(super) kind: String,
    pub(super) samples: Vec<Sample>,
}

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// As they are written, with braces; empty if there are none.
    pub(super) labels: String,
    pub(super) value: f64,
}

impl Sample {
    /// The value of a label, for values that need no escapes, as names of clusters and tables do.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let labels = self.labels.strip_prefix('{')?.strip_suffix('}')?;
        let after = labels.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\""))?;
        after.strip_suffix('"').filter(|value| !value.contains('\\'))
    }
}

/// Reads families of counters and gauges, sorted by name, their samples by labels.
///
/// # Errors
/// What is wrong, and in which line.
pub(super) fn parse(text: &str) -> Result<Vec<Family>, String> {
    let mut families: Vec<Family> = Vec::new();
    let mut help = ("", "");
    for (number, line) in text.lines().enumerate() {
        let wrong = |what: &str| format!("line {}: {what}", number + 1);
        if line.is_empty() || line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').unwrap_or((rest, ""));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or_else(|| wrong("a type without a name"))?;
            if !matches!(kind, "counter" | "gauge" | "info") {
                return Err(wrong(&format!("type '{kind}' is not known here")));
            }
            let help = if help.0 == name { help.1.to_owned() } else { String::new() };
            families.push(Family { name: name.to_owned(), help, kind: kind.to_owned(), samples: Vec::new() });
        } else if !line.starts_with('#') {
            let family = families.last_mut().ok_or_else(|| wrong("a sample without a type"))?;
            let (id, value) = line.rsplit_once(' ').ok_or_else(|| wrong("a sample without a value"))?;
            let (name, labels) = id.find('{').map_or((id, ""), |at| id.split_at(at));
            if !labels.is_empty() && !labels.ends_with('}') {
                return Err(wrong("labels without an end"));
            }
            let suffix = name.strip_prefix(family.name.as_str());
            match (family.kind.as_str(), suffix) {
                (_, Some("")) => {}
                ("counter", Some("_total")) | ("info", Some("_info")) => family.name = name.to_owned(),
                _ => return Err(wrong(&format!("'{name}' does not belong to '{}'", family.name))),
            }
            let value = value.parse().map_err(|_| wrong(&format!("'{value}' is not a number")))?;
            family.samples.push(Sample { labels: labels.to_owned(), value });
        }
    }
    families.retain(|family| !family.samples.is_empty());
    for family in &mut families {
        if family.kind == "info" {
            "gauge".clone_into(&mut family.kind);
        }
        family.samples.sort_by(|a, b| a.labels.cmp(&b.labels));
    }
    families.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(families)
}

/// Writes families.
pub(super) fn render(families: &[Family]) -> String {
    let mut text = String::new();
    for Family { name, help, kind, samples } in families {
        // Writing to a String does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for Sample { labels, value } in samples {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    }
    text
}

/// Carries the past over: counters go on from where they were, and what is not known now is as it was.
pub(super) fn carry_over(past: Vec<Family>, mut present: Vec<Family>) -> Vec<Family> {
    for old in past {
        let Some(family) = present.iter_mut().find(|family| family.name == old.name) else {
            present.push(old);
            continue;
        };
        // It says which build wrote the file, not which one ever did.
        if family.name.ends_with("_info") {
            continue;
        }
        for sample in old.samples {
            match family.samples.iter_mut().find(|now| now.labels == sample.labels) {
                Some(now) if family.kind == "counter" => now.value += sample.value,
                Some(_) => {}
                None => family.samples.push(sample),
            }
        }
        family.samples.sort_by(|a, b| a.labels.cmp(&b.labels));
    }
    present.sort_by(|a, b| a.name.cmp(&b.name));
    present
}
