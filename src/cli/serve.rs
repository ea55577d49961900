//! The arguments of `serve`.

use clap::Args;

/// `serve`
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where PostgreSQL's protocol is spoken: an IP address and a port, or off [default: `pg` of the section `[serve]`, or 127.0.0.1:5439]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) pg: Option<String>,
    /// Where the API and the page are: an IP address and a port, or off [default: `http` of the section `[serve]`, or 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) http: Option<String>,
    /// Also offer `live.TABLE`, which reads the clusters themselves, and `all.TABLE`, which adds history [default: `enabled` of
    /// the section `[live]`]
    #[arg(long)]
    pub(crate) live: bool,
    /// Read a password from stdin, print what goes into `[serve.users.<name>]` for it, and end
    #[arg(long, conflicts_with_all = ["pg", "http", "new_token"])]
    pub(crate) hash_password: bool,
    /// Print a new token and what goes into `[serve.users.<name>]` for it, and end
    #[arg(long, conflicts_with_all = ["pg", "http"])]
    pub(crate) new_token: bool,
}
