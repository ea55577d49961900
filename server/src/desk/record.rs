//! Audits, stories and coverage, as all doors ask for them.

use lookback_query::Session;
use lookback_query::audit::timeline::{Timeline, timeline};
use lookback_query::audit::{self, Audit, Request};
use lookback_query::collectors::{Collector, collectors};
use lookback_query::coverage::{Coverage, coverage};
use lookback_schemas::encryption::CLUSTER_ENCRYPTION_STATE;
use lookback_schemas::time::rfc3339;

use super::work::{Done, Task};
use super::{AskError, Asker, Desk, RECORD, Role};

/// Checks and parameters that the line of an audit names; of more, it says how many there are.
const MOST_NAMED: usize = 40;

/// What the ledgers say.
#[derive(Debug)]
pub struct Covered {
    /// Every table of every cluster.
    pub tables: Vec<Coverage>,
    /// The collectors of the record of encryption; `None` for who may not see it.
    pub collectors: Option<Vec<Collector>>,
}

impl Desk {
    /// Runs an audit for an auditor. A check that asks for what the settings know ([`crate::Settings::audit_defaults`]), and was not
    /// told otherwise, is told that.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn audit(&self, asker: &Asker, mut request: Request) -> Result<Audit, AskError> {
        for (name, value) in &self.settings().audit_defaults {
            let is_asked = request.checks.iter().any(|check| check.params.iter().any(|param| param.name == name));
            if is_asked && !request.params.contains_key(name) {
                request.params.insert(name.clone(), value.clone());
            }
        }
        let task = Task { line: of_audit(&request), about: RECORD, needs: Role::Auditor };
        self.work(asker, task, move |session| async move {
            let audit = audit::run(&session, &request).await?;
            Ok(Done { rows: audit.findings().count(), value: audit })
        })
        .await
    }

    /// Tells an auditor the story of a cluster's encryption; `None` if nothing was ever collected about clusters.
    ///
    /// # Errors
    /// [`AskError`], of the kind [`Parameter`](lookback_query::ErrorKind::Parameter) if no cluster ever had that name.
    pub async fn story(
        &self,
        asker: &Asker,
        cluster: &str,
        as_of: i64,
        window: (i64, i64),
    ) -> Result<Option<Timeline>, AskError> {
        let line = format!("timeline of {cluster:?} as of {}, {}", rfc3339(as_of), over(window));
        let task = Task { line, about: RECORD, needs: Role::Auditor };
        let cluster = cluster.to_owned();
        self.work(asker, task, move |session| async move {
            if session.contents(CLUSTER_ENCRYPTION_STATE.name).await?.is_none() {
                return Ok(Done { value: None, rows: 0 });
            }
            let told = timeline(&session, &cluster, as_of, window).await?;
            let rows = told.incarnations.iter().map(|one| one.segments.len() + one.entries.len()).sum();
            Ok(Done { value: Some(told), rows })
        })
        .await
    }

    /// What the ledgers say now.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn covered(&self, asker: &Asker) -> Result<Covered, AskError> {
        let may = asker.role >= Role::Auditor;
        let line = if may { "status of tables and collectors" } else { "status of tables" };
        let task = Task { line: line.to_owned(), about: "the coverage", needs: Role::Viewer };
        self.work(asker, task, move |session: Session| async move {
            let tables = coverage(&session).await?;
            let collectors = if may { Some(collectors(&session).await?) } else { None };
            let rows = tables.len() + collectors.as_ref().map_or(0, Vec::len);
            Ok(Done { value: Covered { tables, collectors }, rows })
        })
        .await
    }
}

fn over((from, to): (i64, i64)) -> String {
    format!("from {} to {}", rfc3339(from), rfc3339(to))
}

/// What an audit asks, in a line.
fn of_audit(request: &Request) -> String {
    let checks = if request.checks.len() == audit::list().len() {
        "all checks".to_owned()
    } else {
        some(request.checks.iter().map(|check| check.id.to_owned()))
    };
    let mut line = format!("audit of {checks} as of {}, {}", rfc3339(request.as_of), over((request.from, request.to)));
    if !request.params.is_empty() {
        let params = request.params.iter().map(|(name, value)| format!("{name} = {value:?}"));
        line.push_str(&format!(", with {}", some(params)));
    }
    if !request.exceptions.is_empty() {
        line.push_str(", with exceptions");
    }
    line
}

fn some(texts: impl ExactSizeIterator<Item = String>) -> String {
    let left_out = texts.len().saturating_sub(MOST_NAMED);
    let named = texts.take(MOST_NAMED).collect::<Vec<_>>().join(", ");
    if left_out > 0 { format!("{named} and {left_out} more") } else { named }
}
