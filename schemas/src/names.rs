//! Every name that lookback itself stores. A name here is a format: changing one breaks existing lakes.

/// Partition column: which cluster a row comes from, one value per incarnation (see [`incarnation_id`]).
pub const CLUSTER_ID: &str = "cluster_id";
/// Partition column: the UTC date of the row's time column.
pub const LOG_DATE: &str = "log_date";
/// The time of a row of a driven table, taken from its parent (timestamp, UTC).
pub const LOG_TIME: &str = "log_time";

/// Partition columns of every table, in path order.
pub const PARTITION_COLUMNS: [&str; 2] = [CLUSTER_ID, LOG_DATE];

/// Integer columns that get a bloom filter in data files and minimum and maximum in the log, where a table has them.
pub const LOOKUP_COLUMNS: [&str; 4] = ["query", "xid", "pid", "userid"];

/// The lake table with one row per run of one (cluster, table): coverage as data.
pub const LEDGER_TABLE: &str = "lookback_export_runs";
/// The lake table with one row per incarnation of a cluster.
pub const CLUSTERS_TABLE: &str = "lookback_clusters";
/// The lake table with one row per cluster, hour, user and queue: see [`rollups`](crate::rollups).
pub const HOURLY_TABLE: &str = "lookback_hourly";
/// The lake table with one row per cluster, day and fingerprint of a query: see [`rollups`](crate::rollups).
pub const FINGERPRINTS_TABLE: &str = "lookback_fingerprints";
/// What a rollup's name ends with where its missing and outdated days are computed from the logs while one asks.
pub const CURRENT_SUFFIX: &str = "_current";
/// What says of each rollup, cluster and day whether its stored rows are those of the logs. Computed, never stored.
pub const ROLLUP_STATE_TABLE: &str = "lookback_rollup_state";
/// Tables of lookback itself start with this; no Redshift table does.
pub const OWN_PREFIX: &str = "lookback_";

/// Parquet footer key: comma-separated source columns that the rows of the file were read with. They are the columns over
/// which identity is compared, so that a column that AWS adds later does not change rows already stored.
pub const FOOTER_COLUMNS: &str = "lookback.source_columns";
/// Parquet footer key: the run that wrote the file.
pub const FOOTER_RUN: &str = "lookback.run_id";

/// Marker object at the root of a lake.
pub const LAKE_MARKER: &str = "lookback.json";
/// The lake format that this build reads and writes.
pub const LAKE_FORMAT: u32 = 1;

/// Version of the identity's canonical form; part of what is hashed.
pub const IDENTITY_VERSION: u32 = 1;

/// Longest cluster name accepted, in bytes: Redshift's own limit is 63, a Serverless workgroup's 64.
pub const MAX_CLUSTER_NAME: usize = 64;

/// The application id of the Delta `txn` action for one cluster's rows in one table.
#[must_use]
pub fn app_id(cluster_id: &str, table: &str) -> String {
    format!("lookback/{cluster_id}/{table}")
}

/// Whether a name can be a cluster's name: letters, digits, `-`, `_` and `.`, starting with a letter or digit.
#[must_use]
pub fn valid_cluster_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_CLUSTER_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// The `cluster_id` of the n-th incarnation (from 1) of a cluster. Query ids start again after a restore or re-create under
/// the same name, so an incarnation is a cluster of its own: the first has the cluster's name, later ones `name@2`, `name@3`.
#[must_use]
pub fn incarnation_id(name: &str, ordinal: u32) -> String {
    if ordinal <= 1 { name.to_owned() } else { format!("{name}@{ordinal}") }
}

/// The cluster's name in a `cluster_id`.
#[must_use]
pub fn cluster_name(cluster_id: &str) -> &str {
    cluster_id.split_once('@').map_or(cluster_id, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incarnations_keep_the_name() {
        assert_eq!(incarnation_id("etl", 1), "etl");
        assert_eq!(incarnation_id("etl", 3), "etl@3");
        assert_eq!(cluster_name("etl@3"), "etl");
        assert_eq!(cluster_name("etl"), "etl");
    }

    #[test]
    fn names_that_would_break_a_path_are_refused() {
        for bad in ["", "a b", "a/b", "../x", "a=b", "etl@2", "é", ".hidden", &"x".repeat(65)] {
            assert!(!valid_cluster_name(bad), "{bad}");
        }
        for good in ["prod-etl-1", "Sales_2", "9lives", "a.b"] {
            assert!(valid_cluster_name(good), "{good}");
        }
    }
}
