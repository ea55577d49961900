//! JUnit XML: a suite per check, a case per entity. A FAIL that counts is a failure; one that is accepted, UNKNOWN and
//! NOT_APPLICABLE are skipped cases that say why.

use std::fmt::Write as _;

use lookback_schemas::time::rfc3339;

use crate::audit::finding::{Finding, Verdict};
use crate::audit::run::{Audit, Judged};

pub(super) fn write(audit: &Audit) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (tests, failures) = (audit.findings().count(), audit.failures());
    let errors = audit.errors().count();
    let skipped = tests - failures - errors - audit.count(Verdict::Pass);
    let _ = writeln!(
        xml,
        "<testsuites name=\"lookback audit\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">"
    );
    audit.checks.iter().for_each(|judged| suite(&mut xml, audit, judged));
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, audit: &Audit, judged: &Judged) {
    let count = |is: fn(&Finding) -> bool| judged.findings.iter().filter(|finding| is(finding)).count();
    let (failures, passes) = (count(Finding::counts), count(|finding| finding.verdict == Verdict::Pass));
    let errors = usize::from(judged.error.is_some());
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{}\" timestamp=\"{}\" time=\"{:.3}\">",
        escaped(&format!("{} {}", judged.check.id, judged.check.title)),
        judged.findings.len(),
        judged.findings.len() - failures - errors - passes,
        rfc3339(audit.as_of),
        judged.took.as_secs_f64()
    );
    for finding in &judged.findings {
        case(xml, finding, judged.error.is_some());
    }
    xml.push_str("  </testsuite>\n");
}

fn case(xml: &mut String, finding: &Finding, is_error: bool) {
    let place = [finding.account_id.as_str(), finding.region.as_str(), finding.label()];
    let name = place.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let _ =
        write!(xml, "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"", escaped(finding.check.id), escaped(&name));
    let message = escaped(&finding.reason);
    let severity = finding.check.severity;
    let child = match finding.verdict {
        Verdict::Pass => {
            xml.push_str("/>\n");
            return;
        }
        _ if is_error => format!("<error type=\"error\" message=\"{message}\"/>"),
        Verdict::Fail if finding.is_accepted() => {
            let acceptance = finding.acceptance.as_ref();
            let owner = acceptance.map(|acceptance| acceptance.owner.as_str()).unwrap_or_default();
            let why = acceptance.map(|acceptance| acceptance.reason.as_str()).unwrap_or_default();
            format!("<skipped message=\"FAIL, accepted by {}: {}. {message}\"/>", escaped(owner), escaped(why))
        }
        Verdict::Fail => {
            let mut body = format!("{}\n{}", finding.entity, finding.reason);
            finding.check.advice.iter().for_each(|advice| {
                let _ = write!(body, "\n- {advice}");
            });
            format!("<failure type=\"{severity}\" message=\"{message}\">{}</failure>", escaped(&body))
        }
        verdict => format!("<skipped message=\"{verdict}: {message}\"/>"),
    };
    let _ = writeln!(xml, ">\n      {child}\n    </testcase>");
}

/// Text as XML 1.0 may have it, in content and in attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
