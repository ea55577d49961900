//! Encryption's pages over the story that the audit's own tests tell: a year of eleven clusters.

use std::collections::BTreeMap;
use std::path::Path;

use lookback_query::audit::{Exceptions, Request, Verdict, run};
use lookback_query::diagnostics::parse_time;
use lookback_schemas::encryption;
use lookback_schemas::time::{DAY, rfc3339};
use serde_json::Value;

use super::*;

const AS_OF: &str = "2026-04-30T12:00:00Z";
const FROM: &str = "2025-11-01T00:00:00Z";

/// A row, and its daily repetitions, which the files only count.
fn repeated(mut row: Value) -> Vec<Value> {
    let Some(until) = row.as_object_mut().unwrap().remove("heartbeats_until") else { return vec![row] };
    let until = parse_time(until.as_str().unwrap()).unwrap();
    let seen = parse_time(row["observed_at"].as_str().unwrap()).unwrap();
    let mut rows = vec![row.clone()];
    let mut midnight = (seen.div_euclid(DAY) + 1) * DAY;
    while midnight < until {
        let mut again = row.clone();
        again["observed_at"] = rfc3339(midnight).into();
        again["obs_kind"] = encryption::obs_kind::HEARTBEAT.into();
        rows.push(again);
        midnight += DAY;
    }
    rows
}

async fn story() -> tempfile::TempDir {
    let lake = TestLake::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../query/tests/audit/story");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|extension| extension != "ndjson") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let part = if encryption::table(&name).is_some() { "account_id" } else { "cluster_id" };
        let mut parts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for row in text.lines().flat_map(|line| repeated(serde_json::from_str(line).unwrap())) {
            parts.entry(row[part].as_str().unwrap().to_owned()).or_default().push(row);
        }
        for (part, rows) in parts {
            let day = rows[0]["log_date"].as_str().unwrap().to_owned();
            match encryption::table(&name) {
                Some(table) => lake.add_record(table, &part, &day, &rows.into()).await,
                None if name == "lookback_export_runs" => lake.add_runs(&day, rows.into()).await,
                None => lake.add(&name, &part, &day, &[], rows.into()).await,
            }
        }
    }
    lake.dir
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verdicts_and_stories_are_those_of_the_audit() {
    let site = Site::over(story().await, Role::Auditor).await;
    let times = format!("from={FROM}&as_of={AS_OF}");
    let page = site.whole(&format!("/encryption?{times}")).await;
    assert!(!page.contains("class=\"trouble\""), "{page}");
    let (as_of, from) = (parse_time(AS_OF).unwrap(), parse_time(FROM).unwrap());
    let request = Request {
        as_of,
        from,
        to: as_of,
        checks: lookback_query::audit::list().iter().collect(),
        params: BTreeMap::new(),
        exceptions: Exceptions::default(),
    };
    let audit = run(&site.desk.session(), &request).await.unwrap();
    for (verdict, tone) in [(Verdict::Fail, "bad"), (Verdict::Unknown, "warn"), (Verdict::Pass, "ok")] {
        let count = format!("<b class=\"{tone}\">{}</b>", audit.count(verdict));
        assert!(audit.count(verdict) > 0 && page.contains(&count), "{count}");
    }
    for check in &audit.checks {
        assert!(page.contains(&format!("id=\"{}\"", check.check.id)), "{}", check.check.id);
    }
    // A row of the chart for each cluster that was seen, and its bars end where the next begins.
    let chart = page.split("data-chart=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#34;", "\"");
    let chart: Value = serde_json::from_str(&chart).unwrap();
    let rows: Vec<&str> = chart["rows"].as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
    assert!(rows.contains(&"legacy") && rows.len() >= 9, "{rows:?}");
    let spans = chart["spans"].as_array().unwrap();
    assert!(spans.iter().any(|span| span["tone"] == "bad") && spans.iter().any(|span| span["tone"] == "ok"));
    assert!(spans.iter().all(|span| span["from"].as_f64() <= span["to"].as_f64()));
    let (status, story) = site.get(&format!("/encryption/legacy?{times}")).await;
    assert!(
        status == 200 && story.contains("How it was encrypted") && story.contains("customer managed key"),
        "{story}"
    );
    let (status, unknown) = site.get(&format!("/encryption/legac?{times}")).await;
    assert!(status == 404 && unknown.contains("did you mean &#39;legacy&#39;"), "{unknown}");
    let (_, overview) = site.get(&format!("/panel/overview/verdicts?as_of={AS_OF}")).await;
    assert!(overview.contains("FAIL") && !overview.contains("class=\"trouble\""), "{overview}");
    // All of it is on record, each once.
    let asked = site.desk.questions(1_000);
    let lines = |begins: &str| asked.iter().filter(|one| one.statement.starts_with(begins)).count();
    assert_eq!((lines("audit of all checks as of"), lines("timeline of \"legacy\" as of")), (2, 1));
    assert!(asked.iter().any(|one| one.statement.starts_with("audit of") && one.rows > 10));
}
