//! The same story with holes in its evidence: UNKNOWN, never PASS.

use std::collections::BTreeMap;

use lookback_query::audit::Verdict;
use lookback_query::diagnostics::parse_time;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::story::{Question, Tables, ask, asked_with, lake, lake_with, sheet, tables};
use crate::support::TestLake;

#[derive(Debug, Deserialize)]
struct Hole {
    name: String,
    as_of: String,
    from: String,
    to: String,
    remove: Vec<Remove>,
    add: Vec<Add>,
    unknown: BTreeMap<String, Vec<Entity>>,
}

#[derive(Debug, Deserialize)]
struct Remove {
    table: String,
    #[serde(rename = "where")]
    with: Map<String, Value>,
    column: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Add {
    table: String,
    row: Value,
}

#[derive(Debug, Deserialize)]
struct Entity {
    entity: String,
    name: String,
}

impl Remove {
    fn takes(&self, row: &Value) -> bool {
        let is_within = || {
            let Some(column) = &self.column else { return true };
            let Some(at) = row[column].as_str() else { return false };
            let at = parse_time(at).unwrap();
            let bound = |text: &Option<String>| parse_time(text.as_deref().unwrap()).unwrap();
            bound(&self.from) <= at && at < bound(&self.to)
        };
        self.with.iter().all(|(column, value)| row[column] == *value) && is_within()
    }
}

/// The tables that a hole changes, as they are then.
fn punched(hole: &Hole, all: &Tables) -> Tables {
    let changed = hole.remove.iter().map(|remove| &remove.table).chain(hole.add.iter().map(|add| &add.table));
    let mut changed: Tables = changed.map(|name| (name.clone(), all[name].clone())).collect();
    let mut taken = 0;
    for remove in &hole.remove {
        let rows = changed.get_mut(&remove.table).unwrap();
        let before = rows.len();
        rows.retain(|row| !remove.takes(row));
        taken += before - rows.len();
    }
    // A time without rows has none to take; a hole without any is none.
    assert!(taken + hole.add.len() > 0, "{}: nothing is taken", hole.name);
    for add in &hole.add {
        changed.get_mut(&add.table).unwrap().push(add.row.clone());
    }
    changed
}

async fn hole(hole: &Hole, whole: &(TestLake, Tables), questions: &[Question]) -> Vec<String> {
    let lake = lake_with(&whole.0, &punched(hole, &whole.1)).await;
    let session = lake.session().await;
    let mut wrong = Vec::new();
    let meant = |check: &String| questions.iter().find(|question| question.check == *check).unwrap();
    let params = asked_with(hole.unknown.keys().map(meant));
    let checks: Vec<&str> = hole.unknown.keys().map(String::as_str).collect();
    let audit = ask(&session, [&hole.as_of, &hole.from, &hole.to].map(String::as_str), &checks, &params).await;
    for (judged, (check, entities)) in audit.checks.iter().zip(&hole.unknown) {
        assert_eq!(judged.check.id, check);
        for entity in entities {
            let found = judged.findings.iter().find(|finding| finding.entity == entity.entity);
            let place = format!("{}: {check} {} {}", hole.name, entity.name, entity.entity);
            match found {
                None => wrong.push(format!("{place}: there is nothing")),
                Some(finding) if finding.verdict != Verdict::Unknown => {
                    wrong.push(format!("{place}: {}: {}", finding.verdict, finding.reason));
                }
                Some(finding) => assert!(!finding.reason.is_empty(), "{place}: no reason"),
            }
        }
    }
    wrong
}

async fn every_third(first: usize) {
    let (holes, questions): (Vec<Hole>, Vec<Question>) = (sheet("holes.json"), sheet("answers.json"));
    assert!(holes.len() >= 10);
    let all = tables();
    let whole = (lake(&all).await, all);
    let mut wrong = Vec::new();
    for one in holes.iter().skip(first).step_by(3) {
        wrong.extend(hole(one, &whole, &questions).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_hole_is_unknown_first_third() {
    every_third(0).await;
}

#[tokio::test]
async fn a_hole_is_unknown_second_third() {
    every_third(1).await;
}

#[tokio::test]
async fn a_hole_is_unknown_last_third() {
    every_third(2).await;
}
