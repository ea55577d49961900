#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use serde_json::Value;

use super::{Dashboard, all, of};
use crate::diagnostics;

fn panels(dashboard: &Dashboard) -> &Vec<Value> {
    dashboard.model["panels"].as_array().unwrap()
}

fn sql(panel: &Value) -> &str {
    panel["targets"][0]["rawSql"].as_str().unwrap()
}

/// The variables that a text names, as `${name}` or `${name:format}`; those of links are Grafana's own.
fn used(text: &str) -> BTreeSet<String> {
    let names = text.split("${").skip(1).filter_map(|rest| rest.split(['}', ':', '.']).next());
    names.filter(|name| !name.starts_with("__")).map(str::to_owned).collect()
}

#[test]
fn a_small_dashboard() {
    let dashboard = of(&["load_by_hour".to_owned()], Some("lake")).unwrap();
    insta::assert_snapshot!(dashboard.json());
}

#[test]
fn every_diagnostic_has_its_rows_on_one_dashboard_and_its_chart_beside_them() {
    let dashboards = all(None).unwrap();
    let mut shown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for dashboard in
        dashboards.iter().filter(|dashboard| !["overview", "encryption"].contains(&dashboard.name.as_str()))
    {
        for panel in panels(dashboard) {
            let title = panel["title"].as_str().unwrap();
            shown.entry(title.split(": ").next().unwrap()).or_default().push(panel["type"].as_str().unwrap());
        }
    }
    for diagnostic in diagnostics::list() {
        let key = diagnostic.title.split(": ").next().unwrap();
        let kinds = shown.get(key).unwrap_or_else(|| panic!("{} is on no dashboard", diagnostic.name));
        assert!(kinds.contains(&"table"), "{}", diagnostic.name);
        assert_eq!(kinds.len(), 1 + usize::from(diagnostic.chart.is_some()), "{}: {kinds:?}", diagnostic.name);
    }
}

#[test]
fn variables_are_defined_if_and_only_if_they_are_used() {
    for datasource in [None, Some("uid")] {
        for dashboard in all(datasource).unwrap() {
            let list = dashboard.model["templating"]["list"].as_array().unwrap();
            let defined: BTreeSet<String> = list.iter().map(|v| v["name"].as_str().unwrap().to_owned()).collect();
            assert_eq!(defined.len(), list.len(), "{}: a name twice", dashboard.name);
            let text = serde_json::to_string(&dashboard.model["panels"]).unwrap();
            assert_eq!(used(&text), defined, "{}", dashboard.name);
        }
    }
}

#[test]
fn no_placeholder_is_left_and_no_value_is_put_in_raw() {
    for dashboard in all(None).unwrap() {
        for panel in panels(&dashboard) {
            let sql = sql(panel);
            for (at, _) in sql.match_indices("${") {
                let rest = &sql[at..];
                let safe = rest.starts_with("${cluster:sqlstring}")
                    || (sql[..at].ends_with('\'') && rest.split_once(":percentencode}'").is_some());
                assert!(safe, "{}: {rest:.40}", dashboard.name);
            }
            let without = sql.replace("$__timeFrom()", "").replace("$__timeTo()", "").replace("${", "");
            assert!(!without.contains("$__"), "{}: {sql}", dashboard.name);
            for name in ["from", "to", "cluster", "top", "rows", "query"] {
                assert!(!sql.replace("::", "").contains(&format!(":{name}")), "{}: {sql}", dashboard.name);
            }
        }
    }
}

#[test]
fn panels_have_ids_of_their_own_and_do_not_overlap() {
    for dashboard in all(None).unwrap() {
        let mut taken = HashSet::new();
        let ids: HashSet<i64> = panels(&dashboard).iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
        assert_eq!(ids.len(), dashboard.panels());
        for panel in panels(&dashboard) {
            let of = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(of("x") + of("w") <= 24, "{}", panel["title"]);
            for x in of("x")..of("x") + of("w") {
                for y in of("y")..of("y") + of("h") {
                    assert!(taken.insert((x, y)), "{}: {} lies on another", dashboard.name, panel["title"]);
                }
            }
        }
    }
}

#[test]
fn names_that_are_wrong_are_answered_with_those_that_are_right() {
    let error = of(&["slowest".to_owned()], None).unwrap_err().to_string();
    assert!(error.contains("slowest_queries"), "{error}");
    let several = of(&["costs".to_owned(), "slowest_queries".to_owned()], None).unwrap();
    assert!(several.model["uid"].as_str().unwrap().len() <= 40);
    assert_eq!(several.panels(), 4);
}

/// The files of the repository are what this build makes.
#[test]
fn the_dashboards_in_deploy_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/grafana/dashboards");
    let advice = "make them anew: lookback catalog grafana --output deploy/grafana/dashboards";
    let dashboards = all(None).unwrap();
    let mut expected: Vec<String> = dashboards.iter().map(Dashboard::file_name).collect();
    for dashboard in &dashboards {
        let file = folder.join(dashboard.file_name());
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}; {advice}", file.display()));
        assert!(text == dashboard.json(), "{} is out of date; {advice}", file.display());
    }
    let mut there: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    expected.sort();
    there.sort();
    assert_eq!(there, expected, "{advice}");
}
