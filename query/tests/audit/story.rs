//! The files of the story as a lake, and its answer sheets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lookback_query::Session;
use lookback_query::audit::{Audit, Exceptions, Finding, Request, get, run};
use lookback_query::diagnostics::parse_time;
use lookback_schemas::encryption::{self, obs_kind};
use lookback_schemas::time::{DAY, rfc3339};
use serde::Deserialize;
use serde_json::Value;

use crate::support::TestLake;

/// Rows of every table, by its name.
pub type Tables = BTreeMap<String, Vec<Value>>;

/// A question of the answer sheet.
#[derive(Debug, Clone, Deserialize)]
pub struct Question {
    pub date: String,
    pub as_of: String,
    pub from: String,
    pub to: String,
    pub check: String,
    pub params: BTreeMap<String, String>,
    pub entities: Vec<Expected>,
}

/// What it has to say about an entity.
#[derive(Debug, Clone, Deserialize)]
pub struct Expected {
    pub entity: String,
    pub name: String,
    pub verdict: String,
    pub evidence: Vec<Value>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/audit/story")
}

/// A JSON file of the story.
pub fn sheet<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(folder().join(name)).unwrap()).unwrap()
}

/// All tables, with the heartbeats that the files only count.
pub fn tables() -> Tables {
    let mut tables = Tables::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ndjson") {
            let text = std::fs::read_to_string(&path).unwrap();
            let rows = text.lines().flat_map(|line| with_heartbeats(serde_json::from_str(line).unwrap()));
            tables.insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), rows.collect());
        }
    }
    assert_eq!(tables.len(), 9);
    tables
}

fn with_heartbeats(mut row: Value) -> Vec<Value> {
    let Some(until) = row.as_object_mut().unwrap().remove("heartbeats_until") else { return vec![row] };
    let until = parse_time(until.as_str().unwrap()).unwrap();
    let seen = parse_time(row["observed_at"].as_str().unwrap()).unwrap();
    let mut rows = vec![row.clone()];
    let mut midnight = (seen.div_euclid(DAY) + 1) * DAY;
    while midnight < until {
        let mut heartbeat = row.clone();
        heartbeat["observed_at"] = rfc3339(midnight).into();
        heartbeat["log_date"] = rfc3339(midnight)[..10].into();
        heartbeat["obs_kind"] = obs_kind::HEARTBEAT.into();
        rows.push(heartbeat);
        midnight += DAY;
    }
    rows
}

/// A lake with these rows.
pub async fn lake(tables: &Tables) -> TestLake {
    let lake = TestLake::new();
    fill(&lake, tables).await;
    lake
}

/// The same lake with these tables in place of its own.
pub async fn lake_with(base: &TestLake, changed: &Tables) -> TestLake {
    let lake = TestLake::new();
    for entry in std::fs::read_dir(base.dir.path()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() && !changed.contains_key(&name) {
            copy(&entry.path(), &lake.dir.path().join(name));
        }
    }
    fill(&lake, changed).await;
    lake
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir(to).unwrap();
        std::fs::read_dir(from)
            .unwrap()
            .map(Result::unwrap)
            .for_each(|one| copy(&one.path(), &to.join(one.file_name())));
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

/// An account's rows of a table are one file, under the day of the first of them: no check looks at the partition, and a file a
/// day would take the tests minutes.
async fn fill(lake: &TestLake, tables: &Tables) {
    for (name, rows) in tables {
        let part = if encryption::table(name).is_some() { "account_id" } else { "cluster_id" };
        let mut parts: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for row in rows {
            parts.entry(row[part].as_str().unwrap()).or_default().push(row);
        }
        for (part, rows) in parts {
            let day = rows[0]["log_date"].as_str().unwrap();
            let rows: Value = rows.into_iter().cloned().collect();
            match encryption::table(name) {
                Some(table) => lake.add_record(table, part, day, &rows).await,
                None if name == "lookback_export_runs" => lake.add_runs(day, rows).await,
                None => lake.add(name, part, day, &[], rows).await,
            }
        }
    }
}

/// A request for these checks at a moment, over a window.
pub fn request(times: [&str; 3], checks: &[&str], params: &BTreeMap<String, String>) -> Request {
    let [as_of, from, to] = times.map(|time| parse_time(time).unwrap());
    let checks = checks.iter().map(|id| get(id).unwrap()).collect();
    Request { as_of, from, to, checks, params: params.clone(), exceptions: Exceptions::default() }
}

/// One audit with one set of parameters.
pub async fn ask(session: &Session, times: [&str; 3], checks: &[&str], params: &BTreeMap<String, String>) -> Audit {
    let audit = run(session, &request(times, checks, params)).await.unwrap();
    let errors: Vec<_> = audit.errors().map(|judged| (judged.check.id, judged.error.clone())).collect();
    assert!(errors.is_empty(), "{errors:?}");
    audit
}

/// The parameters of several questions, for one audit of all of them.
pub fn asked_with<'a>(questions: impl IntoIterator<Item = &'a Question>) -> BTreeMap<String, String> {
    let questions: Vec<&Question> = questions.into_iter().collect();
    let mut all = BTreeMap::new();
    for (name, value) in questions.iter().flat_map(|question| &question.params) {
        assert_eq!(all.entry(name.clone()).or_insert_with(|| value.clone()), value, "{name} has one value");
    }
    // A question without a parameter is asked with its default.
    for question in questions {
        let own = get(&question.check).unwrap().params.iter().map(|param| param.name);
        let more: Vec<&str> =
            own.filter(|name| all.contains_key(*name) && !question.params.contains_key(*name)).collect();
        assert!(more.is_empty(), "{}: {more:?}", question.check);
    }
    all
}

/// Whether a finding has a row among its evidence, with the columns of the key that are named.
pub fn cites(finding: &Finding, wanted: &Value) -> bool {
    finding.evidence.iter().any(|row| {
        let key = wanted["key"].as_object().unwrap();
        row["table"] == wanted["table"] && key.iter().all(|(column, value)| row["key"][column] == *value)
    })
}
