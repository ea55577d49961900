//! `[live]`: questions to the clusters themselves, beside the exports.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// `[live]`: whether questions (`sql`, `serve`) may read the clusters, and how much of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveSettings {
    /// Whether there are tables `live.<table>` and `all.<table>`.
    pub enabled: bool,
    /// Connections to clusters at once, over all questions.
    pub connections: usize,
    /// Rows of one table that a question may read from one cluster.
    pub max_rows: u64,
    /// Longest time that a cluster may spend on one statement.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Longest wait for a connection, and for an answer that takes no work.
    #[serde(deserialize_with = "duration")]
    pub connect_timeout: Duration,
    /// Longest wait of a question for one of the connections that others have.
    #[serde(deserialize_with = "duration")]
    pub wait: Duration,
}

impl Default for LiveSettings {
    /// Off; 4 connections, a million rows, 60 s for a statement, 10 s for a connection, 30 s of waiting.
    fn default() -> Self {
        Self {
            enabled: false,
            connections: 4,
            max_rows: 1_000_000,
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            wait: Duration::from_secs(30),
        }
    }
}
