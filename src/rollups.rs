//! Rollups: what the query layer computes, the exporter stores. Only here do the two meet.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use lookback_exporter::maintain::{RollupDays, RollupEngine, RollupReport, Rows, roll_up};
use lookback_exporter::{Error, ErrorKind, Exporter, Settings};
use lookback_query::lake::Lake;
use lookback_query::{Limits, PinnedRollup, QueryError, Session};
use lookback_schemas::rollups::{Day, Key, Rollup};
use lookback_storage::Aws;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Longest time for one day of a cluster.
const DAY_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Brings rollups of the configured lake up to date.
pub(crate) async fn update(
    settings: &Settings,
    aws: Option<&Aws>,
    exporter: &Exporter,
    rollups: &[&'static Rollup],
    cancel: &CancellationToken,
) -> Result<Vec<RollupReport>, Failure> {
    let location = &settings.lake.location;
    let lake = match aws.filter(|_| location.starts_with("s3://")) {
        Some(aws) => Lake::in_bucket(aws, location).await?,
        None => Lake::open(location).await?,
    };
    let session = Session::over(lake, Limits { timeout: DAY_TIMEOUT, ..Limits::default() })?;
    Ok(roll_up(exporter, &Engine(session), rollups, cancel).await)
}

struct Engine(Session);

struct Pinned(PinnedRollup);

fn failed(e: QueryError) -> Error {
    let message = e.to_string();
    Error::new(ErrorKind::Lake, message).because(e)
}

#[async_trait]
impl RollupEngine for Engine {
    async fn pin(&self, rollup: &'static Rollup) -> Result<Box<dyn RollupDays>, Error> {
        let pinned = self.0.rollup(rollup).await.map_err(failed)?;
        Ok(Box::new(Pinned(pinned)))
    }
}

#[async_trait]
impl RollupDays for Pinned {
    fn days(&self) -> &BTreeMap<Key, Day> {
        self.0.days()
    }

    async fn compute(&self, cluster_id: &str, day: i32) -> Result<Rows, Error> {
        let rows = self.0.compute(cluster_id, day).await.map_err(failed)?;
        Ok(rows.map_err(|e| failed(e.into())).boxed())
    }
}
