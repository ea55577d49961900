//! Doors to the lake: PostgreSQL's wire protocol, an HTTP API, and a page.
//!
//! Whatever the door, a question is asked at one [`Desk`]: it knows who may see what, how many statements run at once, how
//! often a user may ask, and writes down every question. The doors themselves only translate. Nothing here can write to the lake.
//!
//! - [`settings`]: the section `[serve]`.
//! - [`people`]: users, their roles, passwords (as SCRAM verifiers) and tokens (as hashes); log-ins that fail too often.
//! - [`desk`]: permits, limits, roles, the log of questions.
//! - [`metrics`]: what the server counts.
//! - [`tls`]: certificates; what cannot be read fails, rather than going without.
//! - [`pg`]: PostgreSQL's wire protocol.
//! - [`http`], [`page`]: the API and the page.
//! - [`server`]: listeners, what is refused at the start, and how it ends.

pub mod desk;
pub mod error;
pub mod http;
pub mod metrics;
pub mod page;
pub mod people;
pub mod pg;
pub mod server;
pub mod settings;
pub mod tls;

pub use desk::{AskError, Asked, Desk, Question};
pub use error::ServerError;
pub use metrics::Metrics;
pub use people::{Asker, Door, LoginError, People, Role};
pub use server::Server;
pub use settings::Settings;
