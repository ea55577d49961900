//! What an export would read, without touching the lake, the watermarks or anything on the cluster.

use std::sync::Arc;

use lookback_schemas::TableSpec;
use lookback_schemas::names::{CLUSTERS_TABLE, app_id};
use lookback_storage::Aws;

use crate::error::Result;
use crate::incarnations::{self, Incarnations};
use crate::lake::Lake;
use crate::places;
use crate::run::{ClusterJob, check_access};
use crate::settings::Settings;
use crate::source::{Session, Window};
use crate::watermarks::WatermarkStore;
use crate::window::{Known, plan as plan_windows};

/// What would be read from one table of one cluster.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The cluster's configured name.
    pub cluster: String,
    /// The incarnation, if the lake knows it.
    pub cluster_id: Option<String>,
    /// The table; empty if the cluster cannot be reached.
    pub table: String,
    /// Coverage so far.
    pub covered_until: Option<i64>,
    /// The windows, one after the other.
    pub windows: Vec<Window>,
    /// Why it would fail.
    pub problem: Option<String>,
}

/// Plans an export.
///
/// # Errors
/// If the lake or the watermark store exists but cannot be read.
pub async fn plan(settings: &Settings, aws: Option<&Aws>, jobs: &[ClusterJob]) -> Result<Vec<Plan>> {
    let lake = places::lake(settings, aws)?;
    let lake = if lake.exists().await? { Some(lake) } else { None };
    let list = match &lake {
        Some(lake) => lake.table(CLUSTERS_TABLE).await?.map(|table| Incarnations::new(Arc::new(table))),
        None => None,
    };
    let watermarks = places::watermarks(settings, aws, false)?;
    let mut plans = Vec::new();
    for job in jobs {
        let planner =
            Planner { settings, lake: lake.as_ref(), list: list.as_ref(), watermarks: watermarks.as_ref(), job };
        match planner.cluster().await {
            Ok(of_cluster) => plans.extend(of_cluster),
            Err(e) => plans.push(Plan {
                cluster: job.name.clone(),
                cluster_id: None,
                table: String::new(),
                covered_until: None,
                windows: Vec::new(),
                problem: Some(e.to_string()),
            }),
        }
    }
    Ok(plans)
}

struct Planner<'a> {
    settings: &'a Settings,
    lake: Option<&'a Lake>,
    list: Option<&'a Incarnations>,
    watermarks: &'a dyn WatermarkStore,
    job: &'a ClusterJob,
}

impl Planner<'_> {
    async fn cluster(&self) -> Result<Vec<Plan>> {
        let mut session = self.job.source.connect().await?;
        let facts = session.facts().await?;
        check_access(&self.job.name, &facts.access)?;
        let cluster_id = match (self.list, facts.incarnation.as_deref()) {
            (Some(list), Some(incarnation)) => match list.known(&self.job.name, incarnation).await? {
                incarnations::Known::As(id) => Some(id),
                incarnations::Known::After(_) => None,
            },
            (_, None) => Some(self.job.name.clone()),
            (None, _) => None,
        };
        let mut plans = Vec::new();
        for spec in &self.job.tables {
            let (covered_until, windows, problem) =
                match self.table(session.as_mut(), cluster_id.as_deref(), spec).await {
                    Ok((covered, Ok(windows))) => (covered, windows, None),
                    Ok((covered, Err(problem))) => (covered, Vec::new(), Some(problem)),
                    Err(e) => (None, Vec::new(), Some(e.to_string())),
                };
            let (cluster, table) = (self.job.name.clone(), spec.name.clone());
            plans.push(Plan { cluster, cluster_id: cluster_id.clone(), table, covered_until, windows, problem });
        }
        Ok(plans)
    }

    async fn table(
        &self,
        session: &mut dyn Session,
        cluster_id: Option<&str>,
        spec: &TableSpec,
    ) -> Result<(Option<i64>, std::result::Result<Vec<Window>, String>)> {
        let columns = session.columns(spec).await?;
        let now = session.clock().await?;
        let mut known = Known { watermark: None, committed: None };
        if let Some(id) = cluster_id {
            known.watermark = self.watermarks.get(id, &spec.name).await?.map(|w| w.covered_until);
            if let Some(lake) = self.lake
                && let Some(table) = lake.table(&spec.name).await?
            {
                known.committed = table.transaction_version(&app_id(id, &spec.name)).await?;
            }
        }
        let oldest = if known.covered_until().is_none() { session.oldest(spec, &columns).await? } else { None };
        let windows = plan_windows(now, &self.settings.export.margins(spec.placed_by_start()), known, oldest);
        let windows = windows.map_err(|_| "the server's clock is behind what is already covered".to_owned());
        Ok((known.covered_until(), windows))
    }
}
