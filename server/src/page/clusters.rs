//! Which clusters can be chosen.

use std::time::Duration;

use super::request::Asked;
use super::sql::fill;

/// How long a page waits for the list: without it, only the chosen ones can be taken away.
const PATIENCE: Duration = Duration::from_millis(150);
/// Clusters in the list.
const MOST: usize = 500;

/// The names of the lake's clusters, sorted.
pub(super) async fn names(asked: &Asked) -> Vec<String> {
    let sql = fill(include_str!("sql/names.sql"), &[]);
    let (asking, asker) = (asked.asking.clone(), asked.asker.clone());
    // On its own, so that an answer that comes late is there for the next page.
    let task = tokio::spawn(async move { asking.rows(&asker, None, &sql).await });
    let answer = tokio::time::timeout(PATIENCE, task).await;
    let Ok(Ok(Ok(answer))) = answer else { return Vec::new() };
    let names = answer.rows.iter().filter_map(|row| row.first()).map(|cell| cell.text.clone());
    names.filter(|name| super::view::valid_cluster(name)).take(MOST).collect()
}
