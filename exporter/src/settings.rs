//! Settings, as they are written in the configuration file. Unknown keys are errors, durations are texts such as `"15m"`, and
//! secrets are only referred to, never written down.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lookback_schemas::names::{MAX_CLUSTER_NAME, valid_cluster_name};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::error::{Error, ErrorKind, Result};
use crate::source::{Endpoint, TlsMode};
use crate::window::{Margins, micros};

/// Everything the exporter can be told.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the lake is.
    pub lake: LakeSettings,
    /// Where watermarks are.
    pub state: StateSettings,
    /// How to export.
    pub export: ExportSettings,
    /// How to look after the lake.
    pub maintain: MaintainSettings,
    /// Clusters by name.
    pub clusters: BTreeMap<String, ClusterSettings>,
}

/// `[lake]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeSettings {
    /// A folder.
    pub location: String,
}

impl Default for LakeSettings {
    fn default() -> Self {
        Self { location: "lake".to_owned() }
    }
}

/// `[state]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateSettings {
    /// The SQLite file with watermarks and leases.
    pub path: PathBuf,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self { path: PathBuf::from("lookback-state.sqlite") }
    }
}

/// `[export]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportSettings {
    /// Tables and groups, for clusters that name none.
    pub tables: Vec<String>,
    /// Rows younger than this may not all be visible yet.
    #[serde(deserialize_with = "duration")]
    pub settle: Duration,
    /// How far behind coverage each read starts again.
    #[serde(deserialize_with = "duration")]
    pub overlap: Duration,
    /// The same for tables whose only time is a start.
    #[serde(deserialize_with = "duration")]
    pub start_overlap: Duration,
    /// What the clusters are guaranteed to keep; AWS documents two to seven days.
    #[serde(deserialize_with = "duration")]
    pub retention: Duration,
    /// Longest window read in one piece, unless it is known to have few rows.
    #[serde(deserialize_with = "duration")]
    pub slice: Duration,
    /// Rows that are few: a first export is read in pieces of about this size, but not in shorter ones than `slice`.
    pub slice_rows: u64,
    /// Longest time for one table of one cluster.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Longest wait for a connection, and for an answer that takes no work.
    #[serde(deserialize_with = "duration")]
    pub connect_timeout: Duration,
    /// How often a failure that may pass is tried again.
    pub retries: u32,
    /// Wait before the first retry; it doubles, and half of it is chance.
    #[serde(deserialize_with = "duration")]
    pub retry_delay: Duration,
    /// Clusters worked on at once.
    pub max_clusters: usize,
    /// Longest wait of one cluster's rows for those of the others, so that they share a commit.
    #[serde(deserialize_with = "duration")]
    pub commit_linger: Duration,
    /// How long a lease holds without its holder.
    #[serde(deserialize_with = "duration")]
    pub lease: Duration,
    /// Largest difference between a cluster's clock and this machine's.
    #[serde(deserialize_with = "duration")]
    pub max_clock_skew: Duration,
    /// Whether `export` runs the sweeps that are due; `maintain` always does.
    pub sweep: bool,
}

impl Default for ExportSettings {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            tables: vec!["core".to_owned()],
            settle: minutes(2),
            overlap: minutes(30),
            start_overlap: minutes(120),
            retention: minutes(2 * 24 * 60),
            slice: minutes(24 * 60),
            slice_rows: 5_000_000,
            timeout: minutes(10),
            connect_timeout: Duration::from_secs(15),
            retries: 3,
            retry_delay: Duration::from_secs(1),
            max_clusters: 8,
            commit_linger: Duration::from_secs(5),
            lease: minutes(15),
            max_clock_skew: minutes(15),
            sweep: true,
        }
    }
}

impl ExportSettings {
    /// The margins of windows, for tables placed by an end time or by a start time only.
    #[must_use]
    pub fn margins(&self, placed_by_start: bool) -> Margins {
        let overlap = if placed_by_start { self.overlap.max(self.start_overlap) } else { self.overlap };
        Margins {
            settle: micros(self.settle),
            overlap: micros(overlap),
            slice: micros(self.slice).max(lookback_schemas::time::MINUTE),
            slice_rows: self.slice_rows,
            retention: micros(self.retention),
        }
    }
}

/// `[maintain]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaintainSettings {
    /// How long files stay that no version needs any more, or that were never committed. Longer than the longest query and
    /// the longest export.
    #[serde(deserialize_with = "duration")]
    pub grace: Duration,
}

impl Default for MaintainSettings {
    fn default() -> Self {
        Self { grace: Duration::from_secs(24 * 60 * 60) }
    }
}

/// `[clusters.<name>]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSettings {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Database.
    #[serde(default = "default_database")]
    pub database: String,
    /// User.
    pub user: String,
    /// Environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// File whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// `verify` (the default) or `plaintext`.
    #[serde(default)]
    pub tls: TlsSetting,
    /// PEM file of the authorities to trust in place of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Tables and groups of this cluster.
    #[serde(default)]
    pub tables: Option<Vec<String>>,
    /// What tells this cluster from an earlier one of the same name, where the server cannot say.
    #[serde(default)]
    pub incarnation: Option<String>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsSetting {
    /// TLS with a verified certificate.
    #[default]
    Verify,
    /// None.
    Plaintext,
}

fn default_port() -> u16 {
    5439
}

fn default_database() -> String {
    "dev".to_owned()
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|e| serde::de::Error::custom(format!("'{text}' is not a duration such as \"15m\": {e}")))
}

impl ClusterSettings {
    /// The endpoint of the cluster. Reads the password from where the settings say it is.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the name cannot be used or the password cannot be read.
    pub fn endpoint(&self, name: &str, export: &ExportSettings) -> Result<Endpoint> {
        let refuse = |message: String| Error::new(ErrorKind::Config, format!("cluster '{name}': {message}"));
        if !valid_cluster_name(name) {
            return Err(refuse("its name cannot be used".to_owned())
                .advise(format!("letters, digits, '-', '_' and '.', up to {MAX_CLUSTER_NAME} characters")));
        }
        let password = match (&self.password_env, &self.password_file) {
            (Some(_), Some(_)) => return Err(refuse("give password_env or password_file, not both".to_owned())),
            (Some(variable), None) => Some(std::env::var(variable).map_err(|_| {
                refuse(format!("the environment variable {variable} is not set"))
                    .advise("it holds the password of the export user")
            })?),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| refuse(format!("password_file {}", path.display())).because(e))?;
                Some(text.lines().next().unwrap_or_default().to_owned())
            }
            (None, None) => None,
        };
        let tls = match (self.tls, &self.ca_file) {
            (TlsSetting::Plaintext, Some(_)) => {
                return Err(refuse("ca_file has no use with tls = \"plaintext\"".to_owned()));
            }
            (TlsSetting::Plaintext, None) => TlsMode::Plaintext,
            (TlsSetting::Verify, Some(path)) => TlsMode::VerifyWith(path.clone()),
            (TlsSetting::Verify, None) => TlsMode::Verify,
        };
        Ok(Endpoint {
            cluster: name.to_owned(),
            host: self.host.clone(),
            port: self.port,
            database: self.database.clone(),
            user: self.user.clone(),
            password: password.map(SecretString::from),
            tls,
            connect_timeout: export.connect_timeout,
            statement_timeout: export.timeout,
            incarnation: self.incarnation.clone(),
        })
    }
}
