//! What statements about one moment have in common, computed once and kept as rows.
//!
//! The checks of an audit stand on a few views of the record, which stand on each other and name their tables many times: planned
//! anew for every statement, they are nearly all of an audit's work. Here they are asked once, in the order in which they stand on
//! each other, and every statement reads their rows.
//!
//! Nothing else changes. What is kept is what the name answers at one moment and one version of the lake, in a session that has no
//! views or temporary tables of anybody; and what is too large, or cannot be asked by itself, is not kept: a statement then expands
//! it as it always does.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::sql::parser::Statement as Parsed;
use futures::{StreamExt, TryStreamExt};
use lookback_schemas::encryption;

use super::{Limits, Session, Statement};
use crate::dialect::policy::TABLE_FUNCTIONS;
use crate::error::{ErrorKind, QueryError};
use crate::views;

/// Statements that are at work at once, at most.
const AT_ONCE: usize = 4;

/// A session of one moment that knows the rows of what its statements have in common. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    session: Session,
    // For statements over nothing but kept rows: few rows are read sooner in one part than they are divided.
    narrow: Session,
    names: Arc<Vec<String>>,
}

impl Session {
    /// The same session at one moment and one version of the lake, with the rows of the record's tables and views that the
    /// statements read, in `most_bytes` of memory together.
    ///
    /// # Errors
    /// If a statement cannot be read.
    pub(crate) async fn keeping(&self, statements: &[Statement], most_bytes: usize) -> Result<Kept, QueryError> {
        let pinned = if self.pins.is_some() { self.clone() } else { self.pinned(&[]).await? };
        let session = Self { as_of: Some(self.moment()), locals: Arc::default(), ..pinned };
        let mut narrow = session.clone();
        Arc::make_mut(&mut narrow.base).config_mut().options_mut().execution.target_partitions = 1;
        let most_bytes = most_bytes.min(self.limits.memory_bytes / 4);
        let mut levels = HashMap::new();
        if most_bytes > 0 {
            for statement in statements {
                self.level(&statement.parsed, &mut levels)?;
            }
        }
        let mut whole = true;
        for level in 0..=levels.values().copied().max().unwrap_or_default() {
            // Rows that statements share are no answer: only their bytes are limited.
            let by = if whole { &narrow } else { &session };
            let by = Self { limits: Limits { max_rows: None, ..by.limits }, ..by.clone() };
            let mut names: Vec<&String> = levels.iter().filter(|(_, of)| **of == level).map(|(name, _)| name).collect();
            names.sort_unstable();
            let asked = names.into_iter().map(|name| {
                let (by, name) = (by.clone(), name.clone());
                async move { (by.rows_within(&name, most_bytes).await, name) }
            });
            for rows in side_by_side(asked, self.at_once()).await {
                // What cannot be asked by itself fails the statements that need it, each with its own error.
                whole &= match rows {
                    Ok((Ok(Some(rows)), name)) => session.locals().keep_table(&name, rows, most_bytes).is_ok(),
                    _ => false,
                };
            }
        }
        let names = session.locals().tables().into_keys().collect();
        Ok(Kept { session, narrow, names: Arc::new(names) })
    }

    /// How many statements are asked at once, where there are several: by an audit, say.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.limits.target_partitions.clamp(1, AT_ONCE)
    }

    /// How many layers of the record a statement stands on; each name's own layer is put into `levels`.
    fn level(&self, statement: &Parsed, levels: &mut HashMap<String, usize>) -> Result<usize, QueryError> {
        let mut above = 0;
        for reference in self.base.resolve_table_references(statement)? {
            let name = reference.table();
            let known = levels.get(name).copied();
            let level = match (known, views::of_record().iter().find(|view| view.name == name)) {
                (Some(level), _) => level,
                (None, Some(view)) => {
                    let mut level = 0;
                    for inner in self.prepare(view.sql)? {
                        level = level.max(self.level(&inner.parsed, levels)?);
                    }
                    level
                }
                (None, None) if encryption::table(name).is_some() => 0,
                (None, None) => continue,
            };
            levels.insert(name.to_owned(), level);
            above = above.max(level + 1);
        }
        Ok(above)
    }

    /// All rows of a table or view; `None` if they have more bytes.
    async fn rows_within(&self, name: &str, most_bytes: usize) -> Result<Option<Vec<RecordBatch>>, QueryError> {
        let answer = self.query(&format!("SELECT * FROM {name}")).await?;
        let mut kept = vec![RecordBatch::new_empty(answer.schema())];
        let mut bytes = 0;
        let mut rows = answer.into_stream();
        while let Some(batch) = rows.try_next().await? {
            bytes += batch.get_array_memory_size();
            if bytes > most_bytes {
                return Ok(None);
            }
            kept.push(batch);
        }
        Ok(Some(kept))
    }
}

impl Kept {
    /// The session for a statement.
    ///
    /// # Errors
    /// If the statement cannot be read.
    pub(crate) fn session_for(&self, statement: &Statement) -> Result<&Session, QueryError> {
        let references = self.session.base.resolve_table_references(&statement.parsed)?;
        let is_kept = |name: &str| self.names.iter().any(|kept| kept == name) || TABLE_FUNCTIONS.contains(&name);
        let all_kept = references.iter().all(|reference| is_kept(reference.table()));
        Ok(if all_kept { &self.narrow } else { &self.session })
    }

    /// The session for any statement.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }
}

/// Does work on tasks of their own, so many at a time, and answers in its order. Dropped, it ends what it began.
pub(crate) async fn side_by_side<W>(
    work: impl IntoIterator<Item = W>,
    at_once: usize,
) -> Vec<Result<W::Output, QueryError>>
where
    W: Future + Send + 'static,
    W::Output: Send + 'static,
{
    let tasks = futures::stream::iter(work).map(SpawnedTask::spawn).buffered(at_once.max(1));
    let done = tasks.map(|done| done.map_err(|e| QueryError::new(ErrorKind::Internal, format!("work stopped: {e}"))));
    done.collect().await
}
