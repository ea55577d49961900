//! Which clusters can be chosen.

use std::time::Duration;

use super::ledger::Ledger;
use super::request::Asked;

/// How long a page waits for the list: without it, only the chosen ones can be taken away.
const PATIENCE: Duration = Duration::from_millis(150);
/// Clusters in the list.
const MOST: usize = 500;

/// The names of the lake's clusters, sorted.
pub(super) async fn names(asked: &Asked) -> Vec<String> {
    let (asking, asker, as_of) = (asked.asking.clone(), asked.asker.clone(), asked.view.as_of);
    // On its own, so that an answer that comes late is there for the next page.
    let task = tokio::spawn(async move { Ledger::names(&asking, &asker, as_of).await });
    let answer = tokio::time::timeout(PATIENCE, task).await;
    let Ok(Ok(Ok(names))) = answer else { return Vec::new() };
    names.into_iter().filter(|name| super::view::valid_cluster(name)).take(MOST).collect()
}
