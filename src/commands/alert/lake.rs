//! Where alerts are kept: the lake's table, through the exporter, because whoever asks only reads.

use async_trait::async_trait;
use lookback_alerts::ledger::{Ledger, Page};
use lookback_alerts::{AlertError, ErrorKind};
use lookback_exporter::lake::Lake;
use lookback_exporter::record::AlertLog;
use lookback_schemas::encryption::Row;

use crate::failure::Failure;

/// The table, for one run.
pub(super) struct LakeLedger {
    log: AlertLog,
    run_id: String,
}

impl LakeLedger {
    /// Opens it; it is created unless nothing is to be written.
    pub(super) async fn open(lake: &Lake, run_id: String, read_only: bool) -> Result<Self, Failure> {
        let log = if read_only { AlertLog::open(lake).await? } else { AlertLog::create(lake).await? };
        Ok(Self { log, run_id })
    }

    /// What the run is called.
    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }
}

fn failed(error: lookback_exporter::Error) -> AlertError {
    let made = AlertError::new(ErrorKind::Ledger, error.to_string());
    match error.advice() {
        Some(advice) => made.advise(advice),
        None => made,
    }
}

#[async_trait]
impl Ledger for LakeLedger {
    async fn read(&self) -> Result<Page, AlertError> {
        let (rows, version) = self.log.read().await.map_err(failed)?;
        Ok(Page { rows, version })
    }

    async fn append(&self, rows: &[Row], based_on: u64) -> Result<bool, AlertError> {
        let now = chrono::Utc::now().timestamp_micros();
        self.log.append(rows, based_on, &self.run_id, now).await.map_err(failed)
    }
}
