//! What a run of alerts says, to people and programs.

use lookback_alerts::changes::Change;
use lookback_alerts::run::{Outcome, Report};
use lookback_schemas::time::rfc3339;
use serde_json::{Value, json};

use crate::cli::Output;
use crate::failure::Failure;
use crate::{print, report};

/// Characters of an entity's name in a table.
const NAME_WIDTH: usize = 60;

pub(super) fn show(report: &Report, at: i64, dry_run: bool, format: Output) -> Result<(), Failure> {
    match format {
        Output::Json => print::json(&document(report, at, dry_run))?,
        Output::Table => table(report, at)?,
    }
    problems(report);
    Ok(())
}

/// What went wrong, to stderr; each reason once.
fn problems(report: &Report) {
    let mut said: Vec<String> = report.problems.iter().chain(&report.unasked).cloned().collect();
    let left = report.changes.iter().filter_map(|(change, outcome)| match outcome {
        Outcome::Left(why) => Some((change.destination.as_str(), why)),
        _ => None,
    });
    for (destination, why) in left {
        let text = format!("destination '{destination}': {why}");
        if !said.contains(&text) {
            said.push(text);
        }
    }
    said.iter().for_each(|text| print::note(report::visible(text)));
}

fn label(change: &Change) -> &str {
    if change.entity.name.is_empty() { &change.entity.id } else { &change.entity.name }
}

fn table(report: &Report, at: i64) -> Result<(), Failure> {
    let cells = |change: &Change, result: &str| {
        vec![
            change.destination.clone(),
            change.kind.name().to_owned(),
            change.rule.clone(),
            change.source.name.clone(),
            change.severity.name().to_owned(),
            report::cut(&report::visible(label(change)), NAME_WIDTH),
            result.to_owned(),
        ]
    };
    let changes = report.changes.iter().map(|(change, outcome)| cells(change, outcome.name()));
    let orphans = report.orphans.iter().map(|change| cells(change, "orphaned"));
    let rows: Vec<Vec<String>> = changes.chain(orphans).collect();
    if !rows.is_empty() {
        print::table(&["destination", "change", "rule", "question", "severity", "entity", "result"], &rows)?;
        print::line("")?;
    }
    let count = |of: &dyn Fn(&Outcome) -> bool| report.changes.iter().filter(|(_, outcome)| of(outcome)).count();
    let would = count(&|outcome| *outcome == Outcome::WouldSend);
    let counts = [
        (count(&|outcome| *outcome == Outcome::Sent), "sent"),
        (would, "would be sent"),
        (count(&|outcome| matches!(outcome, Outcome::Left(_))), "not sent"),
        (count(&|outcome| *outcome == Outcome::Noted), "noted"),
        (count(&|outcome| *outcome == Outcome::Watched), "watched"),
        (count(&|outcome| *outcome == Outcome::Held), "left to another run"),
        (report.orphans.len(), "orphaned (no rule asks about them)"),
    ];
    let said: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let said = if said.is_empty() { "nothing has changed".to_owned() } else { said.join(", ") };
    print::line(format!("as of {} (UTC): {said}", print::moment(Some(at))))
}

fn document(report: &Report, at: i64, dry_run: bool) -> Value {
    let one = |change: &Change| {
        json!({
            "destination": change.destination, "change": change.kind.name(), "change_id": change.change_id,
            "alert_id": change.alert_id, "rule": change.rule, "source": change.source, "severity": change.severity,
            "entity": change.entity, "verdict": change.verdict, "reason": change.reason,
            "opened_at": rfc3339(change.opened_at), "at": rfc3339(change.evaluated_at),
        })
    };
    let changes = report.changes.iter().map(|(change, outcome)| {
        let mut said = one(change);
        said["result"] = Value::from(outcome.name());
        if let Outcome::Left(why) = outcome {
            said["error"] = Value::from(why.clone());
        }
        said
    });
    json!({
        "as_of": rfc3339(at), "dry_run": dry_run, "failed": report.failed(),
        "changes": changes.collect::<Vec<_>>(), "orphans": report.orphans.iter().map(one).collect::<Vec<_>>(),
        "problems": report.problems, "unasked": report.unasked,
    })
}
