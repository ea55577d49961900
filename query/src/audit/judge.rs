//! From what rows say to a verdict: a PASS needs whole evidence.

use serde_json::Value;

use super::check::{Check, Need};
use super::coverage::{Coverage, Proof, Subject};
use super::finding::{Finding, Verdict};
use super::rows::Row;
use crate::error::{ErrorKind, QueryError};

/// The columns of a check's answer, in their order.
pub const COLUMNS: [&str; 9] =
    ["account_id", "region", "entity_type", "entity", "entity_name", "verdict", "reason", "evidence", "since"];

/// What verdicts rest on, besides rows.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// What was read.
    pub coverage: &'a Coverage,
    /// The time that the verdict is about (microseconds since 1970-01-01, UTC).
    pub window: (i64, i64),
    /// The time over which coverage counts: the same, or for the present state the time before the moment of the audit within
    /// which it must have been looked at.
    pub proven: (i64, i64),
    /// Percent that must have been read for a PASS.
    pub min_coverage: f64,
}

/// What a row of a check says, not yet weighed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stated {
    /// See [`Finding`]; so are the others.
    pub account_id: String,
    /// Region.
    pub region: String,
    /// Type of the entity.
    pub entity_type: String,
    /// ARN.
    pub entity: String,
    /// Name.
    pub entity_name: String,
    /// The verdict of the rows.
    pub verdict: Option<Verdict>,
    /// The sentence.
    pub reason: String,
    /// The rows that prove it.
    pub evidence: Vec<Value>,
    /// Since when.
    pub since: Option<i64>,
}

impl Stated {
    /// Reads a row of a check's answer.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the verdict is none, or the evidence is no list in JSON.
    pub(super) fn read(check: &Check, row: &Row) -> Result<Self, QueryError> {
        let wrong = |what: String| QueryError::new(ErrorKind::Internal, format!("check {}: {what}", check.id));
        let verdict = row.text("verdict");
        let verdict = Verdict::of(&verdict).ok_or_else(|| wrong(format!("'{verdict}' is not a verdict")))?;
        let evidence = row.text("evidence");
        let evidence = match evidence.is_empty() {
            true => Vec::new(),
            false => serde_json::from_str(&evidence)
                .map_err(|e| wrong(format!("the evidence '{evidence}' is not a list in JSON: {e}")))?,
        };
        Ok(Self {
            account_id: row.text("account_id"),
            region: row.text("region"),
            entity_type: row.text("entity_type"),
            entity: row.text("entity"),
            entity_name: row.text("entity_name"),
            verdict: Some(verdict),
            reason: row.text("reason"),
            evidence,
            since: row.time("since"),
        })
    }
}

/// The finding that a row amounts to.
#[must_use]
pub fn judge(check: &'static Check, stated: Stated, ground: &Ground<'_>) -> Finding {
    let subject = Subject {
        account_id: &stated.account_id,
        region: &stated.region,
        entity_type: &stated.entity_type,
        entity: &stated.entity,
        name: &stated.entity_name,
    };
    let proof = prove(check, &subject, ground);
    let (mut verdict, mut reason) = (stated.verdict.unwrap_or(Verdict::Unknown), stated.reason);
    if let (Verdict::Pass, Some(hole)) = (verdict, hole(proof.as_ref(), ground)) {
        verdict = Verdict::Unknown;
        reason = if reason.is_empty() { hole } else { format!("{hole}. What was read says: {reason}") };
    }
    Finding {
        check,
        account_id: stated.account_id,
        region: stated.region,
        entity_type: stated.entity_type,
        entity: stated.entity,
        entity_name: stated.entity_name,
        verdict,
        reason,
        evidence: stated.evidence,
        coverage_pct: proof.map(|proof| proof.pct),
        since: stated.since,
        window_from: ground.window.0,
        window_to: ground.window.1,
        acceptance: None,
    }
}

/// The finding of a check that has no entity: nothing to look at, unless nobody looked.
#[must_use]
pub fn judge_nothing(check: &'static Check, ground: &Ground<'_>) -> Finding {
    let unread: Vec<&Need> = check.needs.iter().filter(|need| !ground.coverage.ever(need)).collect();
    let (verdict, reason) = if unread.is_empty() {
        let proof = prove(check, &Subject::default(), ground);
        match hole(proof.as_ref(), ground) {
            Some(hole) => (Verdict::Unknown, hole),
            None => (Verdict::NotApplicable, "There is nothing that this check is about".to_owned()),
        }
    } else {
        (Verdict::Unknown, never_read(&unread))
    };
    let stated = Stated { verdict: Some(verdict), reason, ..Stated::default() };
    let mut finding = judge(check, stated, ground);
    if !unread.is_empty() {
        finding.coverage_pct = Some(0.0);
    }
    finding
}

fn never_read(unread: &[&Need]) -> String {
    let names = |of: fn(&Need) -> Option<String>| {
        let mut names: Vec<String> = unread.iter().filter_map(|need| of(need)).collect();
        names.dedup();
        names.join(", ")
    };
    let tables = names(|need| Some(need.table.to_owned()));
    let collectors = names(|need| (!need.collectors.is_empty()).then(|| need.collectors.join(" or ")));
    if collectors.is_empty() {
        return format!("{tables} was never exported: export it, and ask again");
    }
    format!("{tables} was never collected: let the collector {collectors} run, and ask again")
}

/// What is proven of the weakest of a check's needs.
fn prove(check: &Check, subject: &Subject<'_>, ground: &Ground<'_>) -> Option<Proof> {
    let proof = |need| ground.coverage.proof(need, subject, ground.proven);
    check.needs.iter().filter_map(proof).reduce(Proof::weaker)
}

/// What is missing for a PASS, in words.
fn hole(proof: Option<&Proof>, ground: &Ground<'_>) -> Option<String> {
    let proof = proof.filter(|proof| proof.denied || proof.pct < ground.min_coverage)?;
    let missing = proof.missing.clone().unwrap_or_else(|| format!("{:.1} % was read", proof.pct));
    let needed = if proof.denied { String::new() } else { format!(" ({} % is needed)", ground.min_coverage) };
    let mut letters = missing.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    Some(format!("{}{needed}", first.chain(letters).collect::<String>()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails shall say where")]

    use lookback_schemas::time::DAY;

    use super::*;
    use crate::audit::check::parse;
    use crate::audit::coverage::{Place, Reads};

    fn check() -> &'static Check {
        let text = "-- id: X\n-- version: 1\n-- title: a\n-- severity: high\n-- question: b?\n\
                    -- needs: kms_key_state/keys, cluster_encryption_state/clusters\n-- window: window\n-- do: c\nSELECT 1";
        Box::leak(Box::new(parse("X", text).unwrap()))
    }

    fn coverage(keys: i64) -> Coverage {
        let place = |collector: &str| Place {
            collector: collector.to_owned(),
            account_id: "1".to_owned(),
            region: "eu".to_owned(),
        };
        let mut reads = [Reads::default(), Reads::default()];
        reads[0].complete.add(0, keys);
        reads[1].complete.add(0, 100 * DAY);
        let [keys, clusters] = reads;
        Coverage { reads: [(place("keys"), keys), (place("clusters"), clusters)].into(), ..Coverage::default() }
    }

    fn judged(verdict: Verdict, keys: i64) -> Finding {
        let coverage = coverage(keys);
        let window = (0, 100 * DAY);
        let ground = Ground { coverage: &coverage, window, proven: window, min_coverage: 98.0 };
        let text = |text: &str| text.to_owned();
        let stated = Stated {
            account_id: text("1"),
            region: text("eu"),
            entity_name: text("sales"),
            verdict: Some(verdict),
            reason: text("It is encrypted"),
            ..Stated::default()
        };
        judge(check(), stated, &ground)
    }

    #[test]
    fn a_pass_needs_the_coverage_of_every_need() {
        assert_eq!(judged(Verdict::Pass, 99 * DAY).verdict, Verdict::Pass);
        let unknown = judged(Verdict::Pass, 97 * DAY);
        assert_eq!(unknown.verdict, Verdict::Unknown);
        assert_eq!(
            unknown.reason,
            "97.0 % of the window was read by keys of 1/eu; the longest hole is 1970-04-08 00:00 to 1970-04-11 00:00 UTC \
             (98 % is needed). What was read says: It is encrypted"
        );
        assert!((unknown.coverage_pct.unwrap() - 97.0).abs() < 1e-9);
    }

    #[test]
    fn only_a_pass_is_changed() {
        for verdict in [Verdict::Fail, Verdict::Unknown, Verdict::NotApplicable] {
            let finding = judged(verdict, DAY);
            assert_eq!((finding.verdict, finding.reason.as_str()), (verdict, "It is encrypted"));
        }
    }

    #[test]
    fn nothing_to_look_at_is_not_the_same_as_nobody_looked() {
        let window = (0, 100 * DAY);
        let nothing = |coverage: &Coverage| {
            judge_nothing(check(), &Ground { coverage, window, proven: window, min_coverage: 98.0 })
        };
        assert_eq!(nothing(&coverage(100 * DAY)).verdict, Verdict::NotApplicable);
        assert_eq!(nothing(&coverage(50 * DAY)).verdict, Verdict::Unknown);
        let never = nothing(&Coverage::default());
        assert_eq!(never.verdict, Verdict::Unknown);
        assert_eq!(
            never.reason,
            "kms_key_state, cluster_encryption_state was never collected: let the collector keys, clusters run, and ask again"
        );
    }
}
