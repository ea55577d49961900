//! Metrics of a command that ends, in a file for the textfile collector of the node exporter.
//!
//! - The file appears whole or not at all: it is written beside its place and renamed.
//! - Counters go on from the file before, so that they never fall; what this command did not renew, such as the last success of
//!   a table that failed, stays.
//! - Commands that end at the same moment write one after the other: the folder is locked meanwhile.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind as IoKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::labels::Pair;
use super::plain::{Family, carry_over, parse, render};
use super::{Known, Metrics};
use crate::error::{Error, ErrorKind, Result};

/// Everybody may read it: the collector runs as another user.
const MODE: u32 = 0o644;

/// Writes the metrics to a file, as of `now` (microseconds UTC).
///
/// # Errors
/// [`ErrorKind::Config`] if the file cannot be written; the one before stays then.
pub fn write_file(path: &Path, metrics: &Metrics, now: i64) -> Result<()> {
    let shown = path.display();
    let failed = |e: std::io::Error| {
        Error::new(ErrorKind::Config, format!("writing the metrics file {shown}"))
            .because(e)
            .advise("its folder must exist and be writable")
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name() else {
        return Err(Error::new(ErrorKind::Config, format!("the metrics file {shown} has no name")));
    };
    let lock = File::open(folder).map_err(failed)?;
    // A file system without locks is no reason to write nothing.
    let _ = lock.lock();
    let past = match std::fs::read_to_string(path) {
        Ok(text) => parse(&text).unwrap_or_else(|e| {
            tracing::warn!("{shown} is not a metrics file, and is replaced: {e}");
            Vec::new()
        }),
        Err(e) if e.kind() == IoKind::NotFound => Vec::new(),
        Err(e) => return Err(failed(e)),
    };
    metrics.remember(&past);
    let present = parse(&metrics.openmetrics(now)).unwrap_or_default();
    let text = render(&carry_over(past, present));
    let beside = folder.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    let written = write_whole(&beside, &text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|e| {
        let _ = std::fs::remove_file(&beside);
        failed(e)
    })
}

fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(path)?;
    // Whatever the process may take away from new files.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

impl Metrics {
    /// Takes over what an earlier command knew and this one does not, so that lag and headroom are as of now.
    fn remember(&self, past: &[Family]) {
        let fill = |name: &str, slot: fn(&mut Known) -> &mut Option<i64>| {
            let samples = past.iter().filter(|family| family.name == name).flat_map(|family| &family.samples);
            for sample in samples {
                if let (Some(cluster), Some(table)) = (sample.label("cluster"), sample.label("table")) {
                    self.with(|facts| {
                        let known = facts.tables.entry(Pair::new(cluster, table)).or_default();
                        slot(known).get_or_insert(micros(sample.value));
                    });
                }
            }
        };
        fill("lookback_covered_until_timestamp_seconds", |known| &mut known.covered_until);
        fill("lookback_last_success_timestamp_seconds", |known| &mut known.last_success);
    }
}

/// Microseconds of seconds.
#[expect(clippy::cast_possible_truncation, reason = "a cast from float saturates, and moments are far from the ends")]
fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}
