//! One line per finding (RFC 4180).

use lookback_schemas::time::rfc3339;
use serde_json::Value;

use crate::audit::finding::Finding;
use crate::audit::run::Audit;

const HEADER: &str = "check_id,check_version,severity,title,account_id,region,entity_type,entity,entity_name,verdict,reason,\
                      since,coverage_pct,window_from,window_to,accepted_until,accepted_by,evidence\n";

pub(super) fn write(audit: &Audit) -> String {
    let mut text = HEADER.to_owned();
    for finding in audit.findings() {
        text.push_str(&fields(finding).map(|field| quoted(&field)).join(","));
        text.push('\n');
    }
    text
}

fn fields(finding: &Finding) -> [String; 18] {
    let held = finding.acceptance.as_ref().filter(|acceptance| acceptance.holds);
    let until = held.map(|acceptance| acceptance.until.map_or_else(|| "approved".to_owned(), rfc3339));
    [
        finding.check.id.to_owned(),
        finding.check.version.to_string(),
        finding.check.severity.name().to_owned(),
        finding.check.title.to_owned(),
        finding.account_id.clone(),
        finding.region.clone(),
        finding.entity_type.clone(),
        finding.entity.clone(),
        finding.entity_name.clone(),
        finding.verdict.name().to_owned(),
        finding.reason.clone(),
        finding.since.map(rfc3339).unwrap_or_default(),
        finding.coverage_pct.map(|pct| format!("{pct:.2}")).unwrap_or_default(),
        rfc3339(finding.window_from),
        rfc3339(finding.window_to),
        until.unwrap_or_default(),
        held.map(|acceptance| acceptance.owner.clone()).unwrap_or_default(),
        if finding.evidence.is_empty() { String::new() } else { Value::Array(finding.evidence.clone()).to_string() },
    ]
}

/// A field. A spreadsheet takes a text that begins like a formula for one: an apostrophe before it says that it is text.
fn quoted(field: &str) -> String {
    let guard = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !field.contains(['"', ',', '\n', '\r']) {
        return field.to_owned();
    }
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}
