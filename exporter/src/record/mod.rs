//! The record of encryption: how clusters, snapshots and keys are encrypted, and who changed it, collected from AWS's control
//! plane into the lake.
//!
//! No interface of AWS tells the whole story, so several are read, each by a collector of its own, account by account and region
//! by region. `lookback_schemas::encryption` says what is stored.
//!
//! Invariants:
//! - a fact is stored once, by its natural key, whatever overlaps, repeats or runs side by side;
//! - coverage passes only what was read completely, and what its source lost before it was read is a recorded gap;
//! - a refusal costs the fact that was asked for; it is recorded with the permission that is missing, so that "not known" is never
//!   taken for "fine";
//! - no password, certificate, key material or plaintext is stored; of a record that held one, its hash is;
//! - every loop, retry and listing has a limit, and a collection ends in time: it delays no export.
//!
//! The parts:
//! - [`plane`]: what is asked of AWS, as one seam; `aws`: as the SDK asks it.
//! - `calls`, `bucket`, `tally`: calls that are counted, paced, tried again, and end in time; what was refused.
//! - `windows`: what to read of a source of events, and what of it is lost. Pure.
//! - `collect`: which calls are made. `rows`: what their answers are in the record. Pure.
//! - `store`: the tables in the lake; [`append_results`]: what an audit concluded, into them; [`AlertLog`]: what alerts told.
//! - `run`: a collection from beginning to end; [`RecordReport`]: what came of it; [`Keeper`]: when.

mod alerts;
mod aws;
mod bucket;
mod calls;
mod collect;
mod keep;
pub mod plane;
mod report;
mod results;
mod rows;
mod run;
mod store;
mod tally;
mod windows;

pub use alerts::AlertLog;
pub use aws::{AwsPlane, Place, identify};
pub use keep::Keeper;
pub use report::{CollectorReport, RecordReport};
pub use results::append_results;
pub use run::Recorder;
pub use tally::{Denial, Tally};

#[cfg(test)]
mod tests;
