//! Alerts: what changed about checks and diagnostics, told to each destination once, and once more when it is over.
//!
//! Whoever uses this crate asks the checks and diagnostics, and hands over what they answered. Here it is decided what that
//! changes, remembered in the lake, and sent.
//!
//! Invariants:
//! - a change is committed to the lake before it is sent (`pending`) and after (`sent`), so that a crash loses none;
//! - of several alerters, the one whose commit succeeds owns a change; the others find it in the lake and leave it alone, until
//!   its owner has said nothing for `resend_after`;
//! - a change has one id for ever: it is sent again under the same one, so that a receiver can tell;
//! - evidence that goes missing ends nothing: only what is known to be right again is over;
//! - a destination that is down delays no other, and every loop, retry and text has a limit;
//! - addresses of webhooks and secrets come from references, and are in no message, log or error.
//!
//! The parts:
//! - [`rules`]: the file that says what is told to whom. Pure.
//! - [`observe`]: what checks and diagnostics answered, in the form that the rest needs.
//! - [`changes`]: state and answers to changes. Pure.
//! - [`message`]: what is sent. Pure.
//! - [`ledger`]: changes as rows of the lake, and where they are kept, as a seam.
//! - [`deliver`]: webhooks, SNS and Security Hub.
//! - [`secrets`]: references to secrets, resolved.
//! - [`run`]: one run from beginning to end.
//! - [`pace`]: time and waiting, injected.

pub mod changes;
pub mod deliver;
pub mod error;
pub mod ledger;
pub mod message;
pub mod observe;
pub mod pace;
pub mod pattern;
pub mod rules;
pub mod run;
pub mod secrets;

pub use error::{AlertError, ErrorKind};
pub use observe::{Asked, Entity, Evaluation, Observation, Severity, Source, SourceKind, Verdict};
pub use rules::Rules;
pub use run::{Alerter, Report};
