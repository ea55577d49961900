//! The files of a table's Delta log: what is listed, and what of it makes up the newest version.
//!
//! Only the plain form is followed here, which is the one that the exporter writes: commits as JSON, numbered without a gap, and
//! checkpoints of one Parquet file each. Whatever else a log may have is left to the Delta library.

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::Deserialize;

const LAST_CHECKPOINT: &str = "_last_checkpoint";
/// Digits of a version in a file's name.
const DIGITS: usize = 20;
/// Files of a log that are read at the same time.
const AT_ONCE: usize = 16;

/// The log of one table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log<'a> {
    pub(super) store: &'a dyn ObjectStore,
    /// The folder of the log.
    pub(super) folder: &'a Path,
}

/// What makes up the newest version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The newest checkpoint, which has everything up to its version.
    pub(super) checkpoint: Option<u64>,
    /// The commits after it, from the oldest on.
    pub(super) commits: Vec<u64>,
}

/// What is in a log from some version on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// Nothing: there is no table, or none any more.
    Nothing,
    Plain(Segment),
    /// A form that is left to the library.
    Other,
}

#[derive(Deserialize)]
struct LastCheckpoint {
    version: u64,
    parts: Option<u64>,
}

enum Name {
    Commit(u64),
    Checkpoint(u64),
    Irrelevant,
    Other,
}

impl Segment {
    /// The newest version; `None` if nothing is in it.
    pub(super) fn version(&self) -> Option<u64> {
        self.commits.last().copied().or(self.checkpoint)
    }
}

impl Log<'_> {
    /// What makes up the newest version.
    pub(super) async fn newest(&self) -> object_store::Result<Listed> {
        let hint: Option<LastCheckpoint> = match self.store.get(&self.folder.clone().join(LAST_CHECKPOINT)).await {
            // It only saves listing what is older: one that cannot be understood is not believed.
            Ok(found) => serde_json::from_slice(&found.bytes().await?).ok(),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(e) => return Err(e),
        };
        match hint {
            Some(hint) if hint.parts.is_some() => Ok(Listed::Other),
            Some(hint) => match self.listed(hint.version.checked_sub(1)).await? {
                Listed::Plain(segment) if segment.checkpoint.is_some() => Ok(Listed::Plain(segment)),
                // The checkpoint that the hint names is not there, or not alone.
                _ => self.listed(None).await,
            },
            None => self.listed(None).await,
        }
    }

    /// The commits after a version that was the newest one; `None` if they cannot simply be added to it.
    pub(super) async fn after(&self, version: u64) -> object_store::Result<Option<Vec<u64>>> {
        let names = self.names(version.checked_sub(1)).await?;
        let mut commits = Vec::new();
        for name in names {
            match name {
                Name::Commit(commit) => commits.push(commit),
                // Checkpoints say nothing that the commits do not.
                Name::Checkpoint(_) | Name::Irrelevant => {}
                Name::Other => return Ok(None),
            }
        }
        commits.sort_unstable();
        // The version itself has to be there still: otherwise this is another table, or its log was cleaned up.
        Ok((commits.first() == Some(&version) && is_gapless(&commits)).then(|| commits.split_off(1)))
    }

    async fn listed(&self, after: Option<u64>) -> object_store::Result<Listed> {
        let (mut commits, mut checkpoint) = (Vec::new(), None);
        for name in self.names(after).await? {
            match name {
                Name::Commit(version) => commits.push(version),
                Name::Checkpoint(version) => checkpoint = checkpoint.max(Some(version)),
                Name::Irrelevant => {}
                Name::Other => return Ok(Listed::Other),
            }
        }
        commits.sort_unstable();
        if let Some(checkpoint) = checkpoint {
            commits.retain(|&commit| commit > checkpoint);
        }
        if commits.is_empty() && checkpoint.is_none() {
            return Ok(Listed::Nothing);
        }
        let begins = commits.first().is_none_or(|&first| first == checkpoint.map_or(0, |version| version + 1));
        Ok(match begins && is_gapless(&commits) {
            true => Listed::Plain(Segment { checkpoint, commits }),
            false => Listed::Other,
        })
    }

    /// What is in the folder, of versions after this one.
    async fn names(&self, after: Option<u64>) -> object_store::Result<Vec<Name>> {
        // Names are ordered as the versions are, and none of a version is behind this.
        let from = after.map(|version| self.folder.clone().join(format!("{version:0DIGITS$}z")));
        let listed = match &from {
            Some(from) => self.store.list_with_offset(Some(self.folder), from),
            None => self.store.list(Some(self.folder)),
        };
        let names = listed.map_ok(|file| file.location.filename().map_or(Name::Irrelevant, kind));
        names.try_collect().await
    }

    /// The commits with these versions, in their order; `None` if one is not there any more.
    pub(super) async fn commits(&self, versions: &[u64]) -> object_store::Result<Option<Vec<Bytes>>> {
        let mut reading = Vec::with_capacity(versions.len());
        for version in versions {
            reading.push(self.read(format!("{version:0DIGITS$}.json")));
        }
        let read: Vec<Option<Bytes>> = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
        Ok(read.into_iter().collect())
    }

    /// A checkpoint; `None` if it is not there any more.
    pub(super) async fn checkpoint(&self, version: u64) -> object_store::Result<Option<Bytes>> {
        self.read(format!("{version:0DIGITS$}.checkpoint.parquet")).await
    }

    async fn read(&self, name: String) -> object_store::Result<Option<Bytes>> {
        match self.store.get(&self.folder.clone().join(name)).await {
            Ok(found) => found.bytes().await.map(Some),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

fn is_gapless(versions: &[u64]) -> bool {
    versions.windows(2).all(|pair| pair[0] + 1 == pair[1])
}

fn kind(name: &str) -> Name {
    let Some((number, rest)) = name.split_at_checked(DIGITS) else { return Name::Irrelevant };
    let Ok(version) = number.parse::<u64>() else { return Name::Irrelevant };
    match rest {
        ".json" => Name::Commit(version),
        ".checkpoint.parquet" => Name::Checkpoint(version),
        // A checksum of a version says nothing new.
        ".crc" => Name::Irrelevant,
        // Checkpoints in parts, or with a name of their own; commits that were merged.
        rest if rest.starts_with(".checkpoint.") || rest.ends_with(".compacted.json") => Name::Other,
        _ => Name::Irrelevant,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails shall say where")]

    use object_store::memory::InMemory;

    use super::*;

    async fn newest(names: &[&str]) -> Listed {
        let (store, folder) = log(names).await;
        Log { store: &store, folder: &folder }.newest().await.unwrap()
    }

    async fn log(names: &[&str]) -> (InMemory, Path) {
        let (store, folder) = (InMemory::new(), Path::from("lake/t/_delta_log"));
        for name in names {
            let (name, text) = name.split_once('=').unwrap_or((name, ""));
            let name = match name.split_once('.') {
                Some((version, rest)) => format!("{version:0>20}.{rest}"),
                None => name.to_owned(),
            };
            store.put(&folder.clone().join(name), text.to_owned().into()).await.unwrap();
        }
        (store, folder)
    }

    fn plain(checkpoint: Option<u64>, commits: &[u64]) -> Listed {
        Listed::Plain(Segment { checkpoint, commits: commits.to_vec() })
    }

    #[tokio::test]
    async fn the_newest_version_is_made_up_of_a_checkpoint_and_what_follows() {
        assert_eq!(newest(&[]).await, Listed::Nothing);
        assert_eq!(newest(&["0.json", "1.json", "1.crc", "notes"]).await, plain(None, &[0, 1]));
        let cut = ["3.json", "4.checkpoint.parquet", "4.json", "5.json"];
        assert_eq!(newest(&cut).await, plain(Some(4), &[5]));
        let hinted = [&cut[..], &["_last_checkpoint={\"version\":4,\"size\":9}"]].concat();
        assert_eq!(newest(&hinted).await, plain(Some(4), &[5]));
        assert_eq!(newest(&["4.checkpoint.parquet", "9.json"]).await, Listed::Other);
        assert_eq!(newest(&["1.json", "2.json"]).await, Listed::Other);
        assert_eq!(newest(&["0.json", "2.json"]).await, Listed::Other);
    }

    #[tokio::test]
    async fn a_hint_is_only_a_hint() {
        let without = ["0.json", "1.json", "_last_checkpoint={\"version\":1}"];
        assert_eq!(newest(&without).await, plain(None, &[0, 1]));
        assert_eq!(newest(&["0.json", "_last_checkpoint=damaged"]).await, plain(None, &[0]));
        let parts = ["0.json", "_last_checkpoint={\"version\":0,\"parts\":2}"];
        assert_eq!(newest(&parts).await, Listed::Other);
    }

    #[tokio::test]
    async fn other_forms_are_seen() {
        for name in
            ["2.checkpoint.0000000001.0000000002.parquet", "2.checkpoint.80a083e8.parquet", "2.3.compacted.json"]
        {
            assert_eq!(newest(&["0.json", "1.json", "2.json", name]).await, Listed::Other, "{name}");
        }
    }

    #[tokio::test]
    async fn what_was_committed_since() {
        let after = |names: &'static [&str], version| async move {
            let (store, folder) = log(names).await;
            Log { store: &store, folder: &folder }.after(version).await.unwrap()
        };
        assert_eq!(after(&["0.json", "1.json", "1.checkpoint.parquet"], 1).await, Some(vec![]));
        assert_eq!(after(&["0.json", "1.json", "2.json", "3.json"], 1).await, Some(vec![2, 3]));
        assert_eq!(after(&["0.json"], 0).await, Some(vec![]));
        assert_eq!(after(&["0.json", "1.json", "3.json"], 1).await, None);
        // Replaced by a younger table, or gone.
        assert_eq!(after(&["0.json"], 1).await, None);
        assert_eq!(after(&[], 1).await, None);
        // Cleaned up behind a checkpoint.
        assert_eq!(after(&["4.checkpoint.parquet", "4.json"], 1).await, None);
    }
}
