//! The audit: checks over the encryption record, each with a verdict per entity and the rows that prove it.
//!
//! ```sql
//! -- id: LB-ENC-01
//! -- version: 1
//! -- title: Encrypted at rest now
//! -- severity: critical
//! -- question: Is every cluster encrypted at rest?
//! -- needs: cluster_encryption_state/clusters
//! -- window: now
//! -- param min_age_days int = 30: only clusters that are at least this old
//! -- do: Encrypt it with a customer managed key.
//! SELECT account_id, region, entity_type, entity, entity_name, verdict, reason, evidence, since FROM ...
//! ```
//!
//! A statement answers one row per entity. It is given `:as_of`, the moment of the audit, and `:from` and `:to`, its window,
//! besides its own parameters. What rows alone cannot know is added here, the same for every check:
//!
//! - **A hole in the evidence is UNKNOWN, never PASS.** The ledger `collection_runs` says which time was read completely. Where
//!   less than `min_coverage` of it was, or access was denied, a PASS becomes UNKNOWN with the hole in its reason ([`coverage`]).
//!   A FAIL stays one: it is proven.
//! - **One version of the lake** is seen by all checks of an audit ([`Session::pinned`](crate::Session::pinned)). The views and
//!   tables of the record that they stand on are computed once, and several checks are asked at once ([`run::run_keeping`]).
//! - **Exceptions** are dated and have an owner ([`exceptions`]). A FAIL that is accepted is still shown as FAIL.
//!
//! The parts: [`check`] reads the files, [`mod@run`] asks them, [`judge`] decides, [`finding`] is what comes out, [`mod@format`] writes
//! it for other programs, [`record`] says what the lake keeps of it, and [`timeline`] tells the story of one cluster.

mod asked;
pub mod check;
pub mod coverage;
pub mod exceptions;
pub mod finding;
pub mod format;
pub mod judge;
pub mod record;
mod rows;
pub mod run;
pub mod timeline;

pub use check::{Check, Need, Period, Severity, get, list};
pub use exceptions::Exceptions;
pub use finding::{Acceptance, Finding, Verdict};
pub use run::{Audit, Judged, Request, run};
