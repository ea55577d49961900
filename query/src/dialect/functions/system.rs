//! Functions about the session and the server. Nobody is logged in to a cluster here, and a lake is the history of many: what
//! can be said truthfully is answered, the rest is refused by [`missing`](super::missing).
//!
//! `PG_LAST_QUERY_ID()` and its kin answer -1, as Redshift does in a session that has run nothing. `PG_BACKEND_PID()` answers
//! -1, too: no process of any cluster is this session's. So `query = pg_last_query_id()` finds no row, and
//! `pid <> pg_backend_pid()` leaves none out. Source: Amazon Redshift Database Developer Guide, "System information functions".

use datafusion::common::ScalarValue;

use super::frame::Constant;

/// What `VERSION()` answers.
const VERSION: &str = concat!("lookback ", env!("CARGO_PKG_VERSION"), ", answers Redshift SQL over a lake");

/// The schema that unqualified names are looked up in.
const SCHEMA: &str = "public";

pub(super) fn constants() -> Vec<Constant> {
    let nothing = || ScalarValue::Int32(Some(-1));
    vec![
        Constant::new("version", &[], ScalarValue::from(VERSION)),
        Constant::new("current_schema", &[], ScalarValue::from(SCHEMA)),
        Constant::new("pg_backend_pid", &[], nothing()),
        Constant::new("pg_last_query_id", &[], nothing()),
        Constant::new("pg_last_copy_id", &[], nothing()),
        Constant::new("pg_last_unload_id", &[], nothing()),
    ]
}
