//! Each check at each date against the answer sheet.

use std::collections::BTreeMap;

use lookback_query::Session;
use lookback_query::audit::run::{KEPT_BYTES, run_keeping};
use lookback_query::audit::{Finding, list};

use crate::story::{Question, ask, asked_with, cites, lake, request, sheet, tables};

/// All checks at one date, in one audit: no two of the sheet give one parameter two values.
async fn answers(session: &Session, date: &str) -> Vec<String> {
    let questions: Vec<Question> = sheet("answers.json");
    let questions: Vec<Question> = questions.into_iter().filter(|question| question.date == date).collect();
    assert_eq!(questions.len(), list().len(), "every check is in the sheet");
    let one = &questions[0];
    assert!(questions.iter().all(|other| (&other.as_of, &other.from, &other.to) == (&one.as_of, &one.from, &one.to)));
    let checks: Vec<&str> = questions.iter().map(|question| question.check.as_str()).collect();
    let audit = ask(session, [&one.as_of, &one.from, &one.to], &checks, &asked_with(&questions)).await;
    let mut wrong = Vec::new();
    for (question, judged) in questions.iter().zip(&audit.checks) {
        assert_eq!(question.check, judged.check.id);
        wrong.extend(differences(question, &judged.findings).into_iter().map(|text| format!("date {date}: {text}")));
    }
    wrong
}

/// What the findings of a check say that the sheet does not, and the other way round.
fn differences(question: &Question, findings: &[Finding]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut found: BTreeMap<&str, _> = BTreeMap::new();
    for finding in findings {
        let before = found.insert(finding.entity.as_str(), finding);
        assert!(before.is_none(), "{}: {} is there twice", question.check, finding.entity);
    }
    for expected in &question.entities {
        let place = format!("{} {} {}", question.check, expected.name, expected.entity);
        match found.remove(expected.entity.as_str()) {
            None => wrong.push(format!("{place}: {} is expected, and there is nothing", expected.verdict)),
            Some(finding) if finding.verdict.name() != expected.verdict => wrong.push(format!(
                "{place}: {} is expected, not {}: {}",
                expected.verdict, finding.verdict, finding.reason
            )),
            Some(finding) => {
                assert!(!finding.reason.is_empty(), "{place}: no reason");
                let uncited = expected.evidence.iter().filter(|wanted| !cites(finding, wanted));
                wrong.extend(uncited.map(|wanted| format!("{place}: {wanted} is not among the evidence")));
            }
        }
    }
    let more = found.values().map(|finding| (finding.verdict, &finding.entity, &finding.reason));
    wrong.extend(more.map(|more| format!("{}: more than is expected: {more:?}", question.check)));
    wrong
}

/// The dates of the sheet, a test's share of them together: in one session, the last first, so that an audit that let another
/// moment's rows in would see too much.
async fn at(dates: &[&str]) {
    let lake = lake(&tables()).await;
    let session = lake.session().await;
    let mut wrong = Vec::new();
    for date in dates.iter().rev() {
        wrong.extend(answers(&session, date).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const DATES: [&[&str]; 3] = [&["1", "2", "3", "4", "5"], &["6", "7", "8", "9", "a"], &["b", "c", "d", "e", "f"]];

#[tokio::test]
async fn from_november_to_a_morning_in_march() {
    at(DATES[0]).await;
}

#[tokio::test]
async fn from_march_to_a_morning_in_june() {
    at(DATES[1]).await;
}

#[tokio::test]
async fn from_july_to_october() {
    at(DATES[2]).await;
}

#[test]
fn every_date_is_asked() {
    let asked = DATES.concat();
    let questions: Vec<Question> = sheet("answers.json");
    assert!(questions.iter().all(|question| asked.contains(&question.date.as_str())));
    assert_eq!(asked.len(), 15);
}

/// What checks have in common is kept as rows, as far as there is room; with no room, and with room for a part of it, the findings
/// are the same, word by word.
#[tokio::test]
async fn what_is_kept_changes_nothing() {
    let lake = lake(&tables()).await;
    let session = lake.session().await;
    // At this moment much of the story is still to come, and all views have something to tell.
    let checks = ["LB-COV-01", "LB-ENC-05", "LB-ENC-09", "LB-KEY-01", "LB-KEY-06", "LB-LOG-01", "LB-ROT-03"];
    let asked = request(["2026-07-02T12:00", "2026-05-01", "2026-07-02T12:00"], &checks, &BTreeMap::new());
    let mut told = Vec::new();
    for kept_bytes in [KEPT_BYTES, 1 << 20, 0] {
        let audit = run_keeping(&session, &asked, kept_bytes).await.unwrap();
        assert_eq!(audit.errors().count(), 0);
        let text = |finding: &Finding| {
            let Finding { check, account_id, region, entity, entity_name, verdict, reason, evidence, since, .. } =
                finding;
            format!(
                "{} {account_id} {region} {entity} {entity_name} {verdict} {reason} {evidence:?} {since:?}",
                check.id
            )
        };
        told.push((audit.findings().map(text).collect::<Vec<_>>(), audit.versions));
    }
    assert!(told[0].0.len() > 60, "{}", told[0].0.len());
    assert_eq!(told[1], told[0]);
    assert_eq!(told[2], told[0]);
}
