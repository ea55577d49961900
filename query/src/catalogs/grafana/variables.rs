//! Variables of a dashboard: what its questions take, each once.
//!
//! - The time range is Grafana's own, and clusters are one list with "All".
//! - `top`, how many rows a table shows, is one number for the whole dashboard.
//! - Any other parameter that several questions take with one default is one variable; where defaults differ, it means something
//!   else in each question, and is a variable of each, named after it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::DATASOURCE;
use super::substitute::{ALL, Stand};
use crate::diagnostics::{Diagnostic, Param, ParamType};

/// The parameter for how many rows are shown, and its default on a dashboard.
const TOP: (&str, &str) = ("top", "20");

/// The variables that the questions of a dashboard need.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// By name.
    typed: BTreeMap<String, Typed>,
}

/// A variable that people type into.
#[derive(Debug)]
struct Typed {
    label: String,
    description: String,
    default: String,
}

impl Variables {
    /// What stands for the parameters of each question, in their order.
    ///
    /// # Errors
    /// The parameter that no variable can stand for.
    pub(super) fn of<'a>(&mut self, questions: &[&'a Diagnostic]) -> Result<Vec<BTreeMap<&'a str, Stand>>, String> {
        let defaults = |name: &str| {
            let mut all: Vec<_> =
                questions.iter().flat_map(|q| &q.params).filter(|p| p.name == name).map(default).collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        let mut stands = Vec::with_capacity(questions.len());
        for question in questions {
            let mut of_question = BTreeMap::new();
            for param in &question.params {
                let name = match defaults(param.name) {
                    _ if param.name == TOP.0 => TOP.0.to_owned(),
                    0 | 1 => param.name.to_owned(),
                    _ => format!("{}_{}", question.name, param.name),
                };
                of_question.insert(param.name, self.stand(param, name).map_err(|e| format!("{}: {e}", question.name))?);
            }
            stands.push(of_question);
        }
        Ok(stands)
    }

    fn stand(&mut self, param: &Param, name: String) -> Result<Stand, String> {
        match (param.name, param.param_type) {
            ("from", ParamType::Timestamp) => return Ok(Stand::From),
            ("to", ParamType::Timestamp) => return Ok(Stand::To),
            ("cluster", ParamType::Text) => return Ok(Stand::Clusters),
            _ => {}
        }
        let default = default(param).ok_or_else(|| format!("'{}' has no default that could be shown", param.name))?;
        let typed = match name.as_str() {
            "top" => Typed {
                label: "Rows".to_owned(),
                description: "How many rows a table shows at most".to_owned(),
                default: TOP.1.to_owned(),
            },
            other => Typed {
                label: other.replace('_', " "),
                description: param.description.to_owned(),
                default: default.to_owned(),
            },
        };
        self.typed.entry(name.clone()).or_insert(typed);
        match param.param_type {
            ParamType::Int => Ok(Stand::Number(name)),
            ParamType::Text => Ok(Stand::Text(name)),
            ParamType::Timestamp => Err(format!("'{}' is a time; only the time range has those", param.name)),
        }
    }

    /// The variables that statements use, as a dashboard has them.
    pub(super) fn list(&self, datasource: &Value, statements: &[&str]) -> Vec<Value> {
        let used = |name: &str| statements.iter().any(|sql| sql.contains(&format!("${{{name}:")));
        let mut list = Vec::new();
        if datasource.get("uid").and_then(Value::as_str) == Some(DATASOURCE.1) {
            list.push(json!({
                "name": "datasource", "label": "Lake", "type": "datasource", "query": DATASOURCE.0, "refresh": 1, "regex": "",
                "hide": 0, "multi": false, "includeAll": false, "current": {}, "options": [], "skipUrlSync": false,
            }));
        }
        if used("cluster") {
            let sql = "SELECT DISTINCT cluster_id FROM lookback_clusters ORDER BY 1";
            list.push(json!({
                "name": "cluster", "label": "Cluster", "type": "query", "datasource": datasource, "query": sql, "definition": sql,
                "refresh": 1, "regex": "", "sort": 1, "hide": 0, "multi": true, "includeAll": true, "skipUrlSync": false,
                // Goes into statements as it is written here.
                "allValue": format!("'{ALL}'"), "allowCustomValue": false, "options": [],
                "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
            }));
        }
        list.extend(self.typed.iter().filter(|(name, _)| used(name)).map(|(name, typed)| {
            let current = json!({ "selected": true, "text": typed.default, "value": typed.default });
            json!({
                "name": name, "label": typed.label, "description": typed.description, "type": "textbox",
                "query": typed.default, "current": current, "options": [current], "hide": 0, "skipUrlSync": false,
            })
        }));
        list
    }
}

/// The value that a text box begins with. A number that has to be given begins with 0, which is no query's.
fn default(param: &Param) -> Option<&'static str> {
    param.default.or((param.required && param.param_type == ParamType::Int).then_some("0"))
}
