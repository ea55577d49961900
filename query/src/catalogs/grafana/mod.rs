//! Dashboards for Grafana over its PostgreSQL data source, made from the diagnostics' own headers: each question is a panel, each
//! parameter a variable, each chart a drawing, and what the header says to do is behind the panel's `i`.
//!
//! The models are of schema version 39 (Grafana 11; 12 reads it as well). They are the same for the same build, so that they can
//! be kept in a repository: `deploy/grafana/dashboards` is what this makes.
//!
//! - `boards`: which dashboards there are; `panels/*.sql`: questions that only they ask
//! - `panels`, `charts`, `fields`: a question as a panel
//! - `variables`: what the questions of a dashboard take
//! - `substitute`: statements that Grafana completes

mod boards;
mod charts;
mod fields;
mod panels;
mod substitute;
mod variables;

use serde_json::{Value, json};

use super::json::pretty;
use crate::diagnostics::{self, Diagnostic};
use crate::error::{ErrorKind, QueryError};
use boards::{Board, WIDTH};
use panels::Setting;
use variables::Variables;

/// The data source's plugin, and how panels name it where the dashboard has a variable for it.
const DATASOURCE: (&str, &str) = ("grafana-postgresql-datasource", "${datasource}");

/// A dashboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    /// A word.
    pub name: String,
    /// What Grafana shows.
    pub title: String,
    /// Grafana's JSON model.
    pub model: Value,
}

impl Dashboard {
    /// The name of the file that it is kept in.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("lookback-{}.json", self.name)
    }

    /// The model as text that is the same for the same build: keys are sorted.
    #[must_use]
    pub fn json(&self) -> String {
        pretty(&self.model)
    }

    /// How many panels it has.
    #[must_use]
    pub fn panels(&self) -> usize {
        self.model.get("panels").and_then(Value::as_array).map_or(0, Vec::len)
    }
}

/// All dashboards. `datasource` is the uid of a data source of theirs; without it they have a variable for it.
///
/// # Errors
/// [`ErrorKind::Internal`] if a question of this build cannot be drawn.
pub fn all(datasource: Option<&str>) -> Result<Vec<Dashboard>, QueryError> {
    boards::all()?.iter().map(|board| draw(board, datasource)).collect()
}

/// One dashboard with some of the diagnostics.
///
/// # Errors
/// [`ErrorKind::Parameter`] for a name that no diagnostic has.
pub fn of(names: &[String], datasource: Option<&str>) -> Result<Dashboard, QueryError> {
    let questions: Vec<&'static Diagnostic> =
        names.iter().map(|name| diagnostics::get(name)).collect::<Result<_, _>>()?;
    let name = match questions.as_slice() {
        [one] => one.name.to_owned(),
        // Grafana takes 40 characters for a uid.
        several => {
            let joined = several.iter().map(|question| question.name).collect::<Vec<_>>().join(",");
            lookback_schemas::encryption::sha256_hex(joined.as_bytes()).chars().take(12).collect()
        }
    };
    draw(&boards::selection(name, &questions), datasource)
}

fn draw(board: &Board, datasource: Option<&str>) -> Result<Dashboard, QueryError> {
    model(board, datasource)
        .map(|model| Dashboard { name: board.name.clone(), title: board.title.clone(), model })
        .map_err(|why| QueryError::new(ErrorKind::Internal, format!("the dashboard '{}': {why}", board.name)))
}

fn model(board: &Board, datasource: Option<&str>) -> Result<Value, String> {
    let uid = format!("lookback-{}", board.name);
    let source = json!({ "type": DATASOURCE.0, "uid": datasource.unwrap_or(DATASOURCE.1) });
    let questions: Vec<&Diagnostic> = board.pieces.iter().map(|piece| piece.question).collect();
    let mut variables = Variables::default();
    let mut setting = Setting {
        uid: &uid,
        datasource: source.clone(),
        passed_on: if datasource.is_some() { "" } else { "&${datasource:queryparam}" },
        stands: Default::default(),
    };
    let mut drawn = Vec::with_capacity(board.pieces.len());
    let (mut x, mut y, mut row) = (0, 0, 0);
    for (number, (piece, stands)) in board.pieces.iter().zip(variables.of(&questions)?).enumerate() {
        setting.stands = stands;
        let mut panel = panels::panel(piece.question, piece.shape, &setting)
            .map_err(|e| format!("{}: {e}", piece.question.name))?;
        if x + piece.width > WIDTH {
            (x, y, row) = (0, y + row, 0);
        }
        panel["id"] = json!(number + 1);
        panel["gridPos"] = json!({ "x": x, "y": y, "w": piece.width, "h": piece.height });
        (x, row) = (x + piece.width, row.max(piece.height));
        drawn.push(panel);
    }
    let statements: Vec<&str> = drawn.iter().filter_map(|panel| panel["targets"][0]["rawSql"].as_str()).collect();
    let variables = variables.list(&source, &statements);
    Ok(json!({
        "__requires": requires(&drawn),
        "annotations": { "list": [] },
        "description": board.description,
        "editable": true,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": null,
        "links": [{
            "type": "dashboards", "title": "lookback", "tags": ["lookback"], "asDropdown": true, "icon": "external link",
            "includeVars": true, "keepTime": true, "targetBlank": false, "tooltip": "", "url": "",
        }],
        "panels": drawn,
        "refresh": "",
        "schemaVersion": 39,
        "tags": ["lookback", "redshift"],
        "templating": { "list": variables },
        "time": { "from": board.from, "to": "now" },
        "timepicker": {},
        // What the lake says is UTC, and days are UTC days.
        "timezone": "utc",
        "title": format!("lookback: {}", board.title),
        "uid": uid,
        "version": 1,
        "weekStart": "",
    }))
}

/// What Grafana checks before it imports.
fn requires(panels: &[Value]) -> Value {
    let mut kinds: Vec<&str> = panels.iter().filter_map(|panel| panel["type"].as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut list = vec![
        json!({ "type": "grafana", "id": "grafana", "name": "Grafana", "version": "11.0.0" }),
        json!({ "type": "datasource", "id": DATASOURCE.0, "name": "PostgreSQL", "version": "1.0.0" }),
    ];
    list.extend(kinds.into_iter().map(|kind| json!({ "type": "panel", "id": kind, "name": kind, "version": "" })));
    Value::Array(list)
}

#[cfg(test)]
mod tests;
