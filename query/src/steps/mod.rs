//! Steps of a plan that the engine does not have, and the rules that put them where they fit.
//!
//! Both rest on how a lake is kept: a data file holds rows of one cluster and one day, and a query, a session or a transaction is
//! one of its cluster. [`by_cluster`] joins each cluster with itself; [`grouped`] makes groups out of what columns have few values.

mod by_cluster;
mod codes;
mod grouped;
mod scans;

use std::sync::Arc;

use datafusion::physical_optimizer::PhysicalOptimizerRule;

/// The rules, in the order in which they have to run: after all of the engine's.
pub(crate) fn rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    vec![Arc::new(by_cluster::JoinByCluster), Arc::new(grouped::GroupInScan)]
}
