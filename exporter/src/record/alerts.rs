//! What alerts have told, in the lake: rows of `alert_changes`, which are only added. What they mean is not known here.
//!
//! Whoever appends says which version the rows were worked out from, and is refused if anybody has appended since: so of several
//! that work out the same change, one owns it.

use lookback_schemas::encryption::{ALERT_CHANGES, ALERT_DAYS, Row};
use lookback_schemas::names::app_id;

use super::store::{discard, rows_of, write};
use crate::error::Result;
use crate::lake::{CommitOutcome, CommitUnit, Lake, LakeTable};

/// What all alerters share in the log, so that their commits exclude each other.
const ALERTS: &str = "alerts";

/// The table of alerts.
#[derive(Debug)]
pub struct AlertLog {
    table: Option<LakeTable>,
}

impl AlertLog {
    /// The table, created if it is not there.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`](crate::ErrorKind::Lake) if it cannot be read or created.
    pub async fn create(lake: &Lake) -> Result<Self> {
        let table = lake.ensure_table(ALERT_CHANGES.name, &ALERT_CHANGES.schema()).await?;
        Ok(Self { table: Some(table) })
    }

    /// The table as it is: without rows, if it is not there.
    ///
    /// # Errors
    /// As [`AlertLog::create`].
    pub async fn open(lake: &Lake) -> Result<Self> {
        Ok(Self { table: lake.table(ALERT_CHANGES.name).await? })
    }

    /// The rows of the newest version that say where every alert stands, those of the last [`ALERT_DAYS`], and the version.
    ///
    /// # Errors
    /// [`ErrorKind::Lake`](crate::ErrorKind::Lake) if they cannot be read.
    pub async fn read(&self) -> Result<(Vec<Row>, u64)> {
        let Some(table) = &self.table else { return Ok((Vec::new(), 0)) };
        let snapshot = table.refresh().await?;
        let columns: Vec<&str> = ALERT_CHANGES.columns.iter().map(|column| column.name).collect();
        let accounts = snapshot.clusters();
        let days = accounts.iter().flat_map(|account| snapshot.files(account)).map(|file| file.day);
        let first = days.max().map(|newest| newest.saturating_sub(ALERT_DAYS));
        let mut rows = Vec::new();
        for account in &accounts {
            for file in snapshot.files(account).iter().filter(|file| Some(file.day) >= first) {
                rows.extend(rows_of(table, &ALERT_CHANGES, account, file, &columns).await?);
            }
        }
        Ok((rows, snapshot.version))
    }

    /// Appends rows that were worked out from a version, if nobody has appended since; says whether. `now` is the time of
    /// writing (microseconds UTC).
    ///
    /// # Errors
    /// [`ErrorKind::Lake`](crate::ErrorKind::Lake) if they cannot be written, or a row is none of the table.
    pub async fn append(&self, rows: &[Row], based_on: u64, run_id: &str, now: i64) -> Result<bool> {
        let Some(table) = &self.table else { return Ok(false) };
        let actions = write(table, rows, run_id, now).await?;
        let unit = CommitUnit {
            transaction: Some((app_id(ALERTS, ALERT_CHANGES.name), now)),
            based_on,
            actions: actions.clone(),
            removes: Vec::new(),
            data_change: true,
        };
        match table.commit(vec![unit]).await?.first() {
            Some(CommitOutcome::Committed(_)) => Ok(true),
            _ => {
                discard(table, &actions).await;
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lookback_schemas::encryption::{ACCOUNT_ID, Kind, Row};
    use lookback_schemas::time::DAY;

    use super::*;

    fn row(number: i64, account: &str, day: i64) -> Row {
        let mut whole = Row::new(&ALERT_CHANGES);
        for column in ALERT_CHANGES.columns.iter().filter(|column| column.required) {
            match column.kind {
                Kind::Text => whole.text(column.name, Some("x")),
                Kind::Time => whole.time(column.name, Some(day * DAY)),
                _ => whole.long(column.name, Some(number)),
            };
        }
        whole.text(ACCOUNT_ID, Some(account));
        whole
    }

    fn numbers(rows: &[Row]) -> Vec<String> {
        let mut numbers: Vec<String> = rows.iter().map(|row| format!("{:?}", row.get("number"))).collect();
        numbers.sort();
        numbers
    }

    #[tokio::test]
    async fn of_two_alerters_one_is_refused_and_old_days_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open_or_create(folder.path().to_str().unwrap()).await.unwrap();
        let nothing = AlertLog::open(&lake).await.unwrap();
        assert_eq!(nothing.read().await.unwrap(), (Vec::new(), 0));
        assert!(!nothing.append(&[row(0, "-", 20_000)], 0, "r", 0).await.unwrap());

        let (one, two) = (AlertLog::create(&lake).await.unwrap(), AlertLog::create(&lake).await.unwrap());
        let (seen_by_one, seen_by_two) = (one.read().await.unwrap().1, two.read().await.unwrap().1);
        assert!(
            one.append(&[row(1, "111122223333", 20_000), row(2, "-", 20_000)], seen_by_one, "one", 1).await.unwrap()
        );
        assert!(!two.append(&[row(3, "-", 20_000)], seen_by_two, "two", 2).await.unwrap());
        let (rows, version) = two.read().await.unwrap();
        assert_eq!(numbers(&rows), ["Some(Long(1))", "Some(Long(2))"]);
        assert!(two.append(&[row(4, "-", 20_000 + i64::from(ALERT_DAYS) + 1)], version, "two", 3).await.unwrap());
        assert_eq!(numbers(&one.read().await.unwrap().0), ["Some(Long(4))"]);
    }
}
