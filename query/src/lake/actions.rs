//! What the lines of a commit say, as far as it matters to whoever reads a table.

use std::borrow::Cow;
use std::collections::HashMap;

use deltalake::DeltaTableError;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// A line of a commit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub(super) add: Option<Add<'a>>,
    #[serde(borrow)]
    pub(super) remove: Option<Remove<'a>>,
    pub(super) meta_data: Option<MetaData>,
    pub(super) protocol: Option<Protocol>,
}

/// A data file that is there from now on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Add<'a> {
    #[serde(borrow)]
    pub(super) path: Cow<'a, str>,
    pub(super) size: u64,
    pub(super) partition_values: HashMap<String, Option<String>>,
    /// JSON.
    pub(super) stats: Option<String>,
    pub(super) deletion_vector: Option<IgnoredAny>,
}

/// A data file that is no longer there.
#[derive(Debug, Deserialize)]
pub(super) struct Remove<'a> {
    #[serde(borrow)]
    pub(super) path: Cow<'a, str>,
}

/// What a table is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetaData {
    /// JSON.
    pub(super) schema_string: String,
    pub(super) partition_columns: Vec<String>,
    #[serde(default)]
    pub(super) configuration: HashMap<String, Option<String>>,
}

/// What a reader has to know.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Protocol {
    pub(super) min_reader_version: u32,
}

/// The lines of a commit.
pub(super) fn lines(commit: &[u8]) -> impl DoubleEndedIterator<Item = Result<Line<'_>, DeltaTableError>> {
    let lines = commit.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(DeltaTableError::from))
}
