//! What happened, from sources that are read by windows.

use aws_sdk_config::types::ConfigurationItem;
use aws_sdk_redshift::types::Event;
use lookback_schemas::time::{DAY, SECOND};
use serde_json::Value;

use crate::record::calls::Calls;
use crate::record::plane::{CallError, ControlPlane, Refusal};
use crate::record::tally::Tally;
use crate::record::windows::{NOTICES, plan};
use crate::source::Window;

/// What a source of events gave.
#[derive(Debug, Clone)]
pub(crate) struct Read<T> {
    pub(crate) items: Vec<T>,
    /// What was read of the source, completely.
    pub(crate) window: Option<Window>,
    pub(crate) gap: Option<Window>,
    /// The coverage afterwards, if it moved.
    pub(crate) covered_until: Option<i64>,
    /// Where the source begins.
    pub(crate) oldest: Option<i64>,
    pub(crate) problems: Vec<String>,
    pub(crate) failure: Option<CallError>,
    pub(crate) tally: Tally,
}

impl<T> Default for Read<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            window: None,
            gap: None,
            covered_until: None,
            oldest: None,
            problems: Vec::new(),
            failure: None,
            tally: Tally::default(),
        }
    }
}

/// Redshift's events since the last read.
pub(crate) async fn notices(plane: &dyn ControlPlane, covered: Option<i64>, calls: &Calls) -> Read<Event> {
    let plan = plan(NOTICES, covered, calls.now());
    let mut read = Read { gap: plan.gap, oldest: Some(plan.oldest), ..Read::default() };
    let (from, to) = (plan.window.from, plan.window.to);
    match calls.all("redshift:DescribeEvents", |token| plane.notices(from, to, token)).await {
        Ok(events) => {
            read.items = events;
            read.window = Some(plan.window);
            read.covered_until = Some(plan.covered_until);
        }
        Err(e) => read.failure = Some(e),
    }
    read.tally = calls.tally();
    read
}

/// How often AWS Config is asked: it is for what was before, and changes since show elsewhere sooner.
const CONFIG_EVERY: i64 = DAY;
/// The longest that AWS Config keeps anything.
const CONFIG_RETENTION: i64 = 2_557 * DAY;

/// What AWS Config recorded of each resource, as (type, id there). `None` if it is not due.
pub(crate) async fn config(
    plane: &dyn ControlPlane,
    resources: &[(&'static str, String)],
    covered: Option<i64>,
    calls: &Calls,
) -> Option<Read<Vec<ConfigurationItem>>> {
    let now = calls.now();
    if covered.is_some_and(|covered| now - covered < CONFIG_EVERY) {
        return None;
    }
    // A resource that is new here has a past, too: all of it is asked for each time, and what is known is left out.
    let (from, to) = (now - CONFIG_RETENTION, now - SECOND);
    let mut read = Read { window: Some(Window { from, to }), covered_until: Some(now), ..Read::default() };
    for (kind, id) in resources {
        let name = "config:GetResourceConfigHistory";
        match calls.all(name, |token| plane.config_history(kind, id, from, to, token)).await {
            Ok(items) => read.items.push(items),
            // Not recorded.
            Err(e) if e.refusal == Refusal::NotFound => {}
            Err(e) => {
                read.window = None;
                read.covered_until = None;
                read.failure = Some(e);
                break;
            }
        }
    }
    read.tally = calls.tally();
    Some(read)
}

/// The records of a file or an answer, as JSON.
pub(crate) fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}
