//! Watermarks in an SQLite file: the embedded default, for one machine. Several processes may share the file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{Grant, Lease, Watermark, WatermarkStore};
use crate::error::{Error, ErrorKind, Result};

/// Layout version, in `PRAGMA user_version`.
const VERSION: i64 = 1;

/// A watermark store in an SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    connection: Arc<Mutex<Connection>>,
    path: String,
}

impl SqliteStore {
    /// Opens the file, and creates it if it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Watermarks`] if it cannot be opened, is no such store, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let refuse = |e: rusqlite::Error| broken(&shown, e);
        let mut connection = Connection::open(path).map_err(refuse)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(refuse)?;
        // WAL: readers and one writer at once. A power cut may take back the last watermarks, which only means reading again.
        connection.pragma_update(None, "journal_mode", "WAL").map_err(refuse)?;
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(refuse)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refuse)?;
        let version: i64 = transaction.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(refuse)?;
        if version > VERSION {
            return Err(Error::new(
                ErrorKind::Watermarks,
                format!("watermark file {shown} was written by a newer lookback (layout {version})"),
            )
            .advise("use that version, or another file"));
        }
        transaction
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS watermark (
                    cluster_id TEXT NOT NULL, table_name TEXT NOT NULL,
                    covered_from INTEGER NOT NULL, covered_until INTEGER NOT NULL,
                    swept_once INTEGER, swept_twice INTEGER,
                    PRIMARY KEY (cluster_id, table_name)) WITHOUT ROWID;
                 CREATE TABLE IF NOT EXISTS lease (
                    cluster_id TEXT NOT NULL, table_name TEXT NOT NULL,
                    holder TEXT, fence INTEGER NOT NULL, expires_at INTEGER NOT NULL,
                    PRIMARY KEY (cluster_id, table_name)) WITHOUT ROWID;",
            )
            .map_err(refuse)?;
        transaction.pragma_update(None, "user_version", VERSION).map_err(refuse)?;
        transaction.commit().map_err(refuse)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), path: shown })
    }

    /// Statements take microseconds, so they run where they are called from.
    fn with<T>(&self, run: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        run(&mut connection).map_err(|e| broken(&self.path, e))
    }
}

fn broken(path: &str, error: rusqlite::Error) -> Error {
    let advice = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            "the file is damaged: move it away and run again; coverage is rebuilt from the lake's own log, nothing is lost or doubled"
        }
        Some(
            rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::PermissionDenied,
        ) => "its folder must exist and be writable",
        Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure) => {
            "its disk must have space and work; free some space and run again: nothing is lost"
        }
        _ => "run again; if it stays, move the file away: coverage is rebuilt from the lake's own log",
    };
    Error::new(ErrorKind::Watermarks, format!("watermark file {path}")).because(error).advise(advice)
}

fn watermark(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Watermark> {
    Ok(Watermark {
        covered_from: row.get(at)?,
        covered_until: row.get(at + 1)?,
        swept_once: row.get(at + 2)?,
        swept_twice: row.get(at + 3)?,
    })
}

/// The watermark of one (cluster, table).
fn stored(connection: &Connection, cluster_id: &str, table: &str) -> rusqlite::Result<Option<Watermark>> {
    connection
        .prepare_cached("SELECT covered_from, covered_until, swept_once, swept_twice FROM watermark WHERE cluster_id = ? AND table_name = ?")?
        .query_row([cluster_id, table], |r| watermark(r, 0))
        .optional()
}

/// Stores `next` over `expected`; false if something else is stored.
fn replace(
    connection: &Connection,
    cluster_id: &str,
    table: &str,
    expected: Option<&Watermark>,
    next: &Watermark,
) -> rusqlite::Result<bool> {
    let changed = match expected {
        None => connection
            .prepare_cached("INSERT INTO watermark VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")?
            .execute(params![
                cluster_id,
                table,
                next.covered_from,
                next.covered_until,
                next.swept_once,
                next.swept_twice
            ])?,
        Some(e) => connection
            .prepare_cached(
                "UPDATE watermark SET covered_from = ?3, covered_until = ?4, swept_once = ?5, swept_twice = ?6
                 WHERE cluster_id = ?1 AND table_name = ?2 AND covered_from = ?7 AND covered_until = ?8
                   AND swept_once IS ?9 AND swept_twice IS ?10",
            )?
            .execute(params![
                cluster_id,
                table,
                next.covered_from,
                next.covered_until,
                next.swept_once,
                next.swept_twice,
                e.covered_from,
                e.covered_until,
                e.swept_once,
                e.swept_twice
            ])?,
    };
    Ok(changed == 1 || stored(connection, cluster_id, table)? == Some(*next))
}

/// Ends a lease that has not passed to somebody else. The row stays, so that the fence goes on growing.
fn end(connection: &Connection, cluster_id: &str, table: &str, lease: &Lease) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE lease SET holder = NULL WHERE cluster_id = ? AND table_name = ? AND fence = ?")?
        .execute(params![cluster_id, table, lease.fence])
        .map(|_| ())
}

#[async_trait]
impl WatermarkStore for SqliteStore {
    async fn get(&self, cluster_id: &str, table: &str) -> Result<Option<Watermark>> {
        self.with(|c| stored(c, cluster_id, table))
    }

    async fn advance(
        &self,
        cluster_id: &str,
        table: &str,
        expected: Option<&Watermark>,
        next: &Watermark,
        release: Option<&Lease>,
    ) -> Result<bool> {
        self.with(|c| {
            let transaction = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_next = replace(&transaction, cluster_id, table, expected, next)?;
            if let Some(lease) = release.filter(|_| is_next) {
                end(&transaction, cluster_id, table, lease)?;
            }
            transaction.commit()?;
            Ok(is_next)
        })
    }

    async fn acquire(
        &self,
        cluster_id: &str,
        table: &str,
        holder: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<Option<Grant>> {
        self.with(|c| {
            let transaction = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let fence: Option<i64> = transaction
                .prepare_cached(
                    "INSERT INTO lease (cluster_id, table_name, holder, fence, expires_at) VALUES (?1, ?2, ?3, max(1, ?4), ?5)
                     ON CONFLICT DO UPDATE SET holder = ?3, fence = max(fence + 1, ?4), expires_at = ?5
                     WHERE holder IS NULL OR holder = ?3 OR expires_at <= ?4
                     RETURNING fence",
                )?
                .query_row(params![cluster_id, table, holder, now, expires_at], |r| r.get(0))
                .optional()?;
            let Some(fence) = fence else { return Ok(None) };
            let watermark = stored(&transaction, cluster_id, table)?;
            transaction.commit()?;
            let lease = Lease { holder: holder.to_owned(), fence, expires_at };
            Ok(Some(Grant { lease, watermark }))
        })
    }

    async fn release(&self, cluster_id: &str, table: &str, lease: &Lease) -> Result<()> {
        self.with(|c| end(c, cluster_id, table, lease))
    }

    async fn list(&self) -> Result<Vec<(String, String, Watermark)>> {
        self.with(|c| {
            c.prepare_cached("SELECT cluster_id, table_name, covered_from, covered_until, swept_once, swept_twice FROM watermark ORDER BY 1, 2")?
                .query_map([], |r| Ok((r.get(0)?, r.get(1)?, watermark(r, 2)?)))?
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn conforms() {
        let folder = tempfile::tempdir().unwrap();
        let mut n = 0;
        super::super::conformance::suite(async || {
            n += 1;
            SqliteStore::open(&folder.path().join(format!("{n}.sqlite"))).unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn survives_reopening_and_is_shared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        let one = SqliteStore::open(&path).unwrap();
        let two = SqliteStore::open(&path).unwrap();
        let mark = Watermark { covered_from: 1, covered_until: 2, swept_once: Some(3), swept_twice: None };
        assert!(one.advance("c", "t", None, &mark, None).await.unwrap());
        assert_eq!(two.get("c", "t").await.unwrap(), Some(mark));
        drop((one, two));
        assert_eq!(SqliteStore::open(&path).unwrap().get("c", "t").await.unwrap(), Some(mark));
    }

    #[test]
    fn a_damaged_file_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        std::fs::write(&path, "this is not a database, and long enough to be looked at as one").unwrap();
        let error = SqliteStore::open(&path).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Watermarks);
        assert!(error.to_string().contains("state.sqlite"));
        assert!(error.advice().unwrap().contains("move it away"));
    }
}
