//! The section `[serve]` of the configuration file. Unknown keys are errors, durations are texts such as `"30s"`.
//!
//! Nothing in it is a secret as such: passwords are SCRAM verifiers, tokens are hashes. Both are kept away from logs all the same.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

use crate::people::Role;

/// Everything that `lookback serve` can be told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the PostgreSQL protocol is spoken.
    pub pg: Listen,
    /// Where the API and the page are.
    pub http: Listen,
    /// The certificate, with those between it and the root, as PEM. With it, nobody gets in without TLS.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, as PEM.
    pub tls_key: Option<PathBuf>,
    /// Who may ask, by name. Without any, everybody on this machine may ask everything.
    pub users: BTreeMap<String, UserSettings>,
    /// What all of them together, and each of them, may use.
    pub limits: LimitSettings,
    /// Where every question is written down.
    pub questions: QuestionSettings,
    /// For how long Redshift keeps the rows of its logs, as the exporter is told: what was not read by then may be purged. Not of
    /// the file.
    #[serde(skip)]
    pub retention: Duration,
    /// Values for parameters of an audit's checks that the program knows from the rest of its configuration: they are used where
    /// nobody says otherwise. Not of the file.
    #[serde(skip)]
    pub audit_defaults: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pg: Listen::At(SocketAddr::from(([127, 0, 0, 1], 5439))),
            http: Listen::At(SocketAddr::from(([127, 0, 0, 1], 8080))),
            tls_cert: None,
            tls_key: None,
            users: BTreeMap::new(),
            limits: LimitSettings::default(),
            questions: QuestionSettings::default(),
            retention: Duration::from_secs(2 * 24 * 3600),
            audit_defaults: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Makes relative paths relative to the folder of the configuration file.
    pub fn anchor(&mut self, base: &Path) {
        for path in [&mut self.tls_cert, &mut self.tls_key, &mut self.questions.file].into_iter().flatten() {
            *path = base.join(&*path);
        }
    }
}

/// An address to listen on, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// An IP address and a port; port 0 is any free one.
    At(SocketAddr),
    /// This door stays shut.
    Off,
}

impl Listen {
    /// The address, if there is one.
    #[must_use]
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::At(address) => Some(address),
            Self::Off => None,
        }
    }
}

impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        // A name would have to be looked up, and what it means can change.
        let address =
            text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
        address.parse().map(Self::At).map_err(|_| {
            format!("'{text}' is not an address; write an IP address and a port such as 127.0.0.1:5439, or off")
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// `[serve.users.<name>]`: one user.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSettings {
    /// What the user may see.
    #[serde(default)]
    pub role: Role,
    /// A SCRAM verifier as `lookback serve --hash-password` prints it. Without one, there is no log-in by password.
    pub password: Option<SecretString>,
    /// SHA-256 of each token, in hexadecimal, as `lookback serve --new-token` prints it.
    #[serde(default)]
    pub tokens: Vec<SecretString>,
}

/// `[serve.limits]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Connections that may be open at a time, for each of the two addresses; 1 or more.
    pub connections: usize,
    /// Statements that run at once, whoever asks; 1 or more. If it is not given, two for each processor, but 4 to 8: more of them
    /// would only take memory from each other.
    pub statements: usize,
    /// Statements that may wait for their turn.
    pub waiting: usize,
    /// How long a statement waits for its turn.
    #[serde(deserialize_with = "duration")]
    pub wait: Duration,
    /// Time from the start of a statement to its last row. A client can ask for less.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Rows that an answer may have.
    pub max_rows: u64,
    /// Statements that a user may start a second, on average; 0 sets no limit.
    pub per_second: u32,
    /// Statements that a user may start at once after a pause; 1 or more.
    pub burst: u32,
    /// Time for a log-in, from the connection to the first statement.
    #[serde(deserialize_with = "duration")]
    pub login: Duration,
    /// Time after which a connection that asks nothing is closed.
    #[serde(deserialize_with = "duration")]
    pub idle: Duration,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            connections: 250,
            statements: (2 * processors).clamp(4, 8),
            waiting: 400,
            wait: Duration::from_secs(30),
            timeout: Duration::from_secs(120),
            max_rows: 5_000_000,
            per_second: 50,
            burst: 400,
            login: Duration::from_secs(15),
            idle: Duration::from_secs(3600),
        }
    }
}

/// `[serve.questions]`: the log of every question that was asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuestionSettings {
    /// A file of JSON lines, readable by its owner only. Without one, questions are in the program's log, as `lookback::questions`.
    pub file: Option<PathBuf>,
    /// Size at which the file is put aside and a new one begun, in MiB; 1 or more.
    pub max_mb: u64,
    /// Files that are kept beside the newest.
    pub keep: usize,
    /// Bytes of a statement that are written down.
    pub statement_bytes: usize,
}

impl Default for QuestionSettings {
    fn default() -> Self {
        Self { file: None, max_mb: 64, keep: 9, statement_bytes: 8192 }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|e| de::Error::custom(format!("'{text}' is not a duration such as 30s: {e}")))
}
