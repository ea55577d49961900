//! The exporter: what is new on the clusters, into the lake, exactly once.
//!
//! AWS's system tables keep a few days, have no keys, show rows late and out of order, and change their columns. This crate
//! turns that into a record: every row that was visible before its day's last sweep is in the lake, once for each time the
//! source had it, whatever crashed or ran twice in between. `ARCHITECTURE.md` has the invariants by number (I1 to I10).
//!
//! The parts, in the direction of the data:
//! - [`fleet`]: which clusters there are, and how each is reached.
//! - [`source`]: clusters, over the wire, as Arrow batches.
//! - [`window`]: which window to read, and whether something is missing in front of it (pure).
//! - [`lake`]: Delta tables: what is already there, new files, commits.
//! - [`run`]: one pass over clusters and tables.
//! - [`places`]: the connection to AWS, the lake and the watermark store that the settings name.
//! - [`schedule`]: one pass after the other, in a process that stays.
//! - [`metrics`]: what was done, as numbers for Prometheus.
//! - [`watermarks`]: what was covered, and who is at work.
//! - [`ledger`]: the record of runs, in the lake itself; [`incarnations`]: what each cluster is called there.
//! - [`record`]: how clusters, snapshots and keys are encrypted, and who changed it, from AWS's control plane.
//! - [`maintain`]: compaction of closed days, rollups, vacuum.
//! - [`live`]: what a cluster holds now, for a question.
//! - [`verify`], [`check`] and [`dry_run`]: the source recounted against the lake; what would stop an export; what it would read.

pub mod check;
pub mod clock;
pub mod dry_run;
pub mod error;
pub mod fleet;
pub mod incarnations;
pub mod lake;
pub mod ledger;
pub mod live;
pub mod maintain;
pub mod metrics;
pub mod placement;
pub mod places;
pub mod record;
pub mod run;
pub mod schedule;
pub mod settings;
pub mod source;
pub mod verify;
pub mod watermarks;
pub mod window;

pub use error::{Error, ErrorKind, Result};
pub use run::{ClusterJob, Exporter, Report, Work};
pub use settings::Settings;
