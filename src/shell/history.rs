//! Where the statements of earlier shells are kept: in the user's folder for state, readable by the user only, because a
//! statement can name what is nobody else's business.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

/// Statements kept; the oldest go first.
pub(crate) const MOST: usize = 10_000;

/// The file, as <https://specifications.freedesktop.org/basedir-spec/latest/> places it; `None` without a home folder.
pub(crate) fn path() -> Option<PathBuf> {
    place(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME"))
}

fn place(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    // A relative path is to be ignored, says the specification.
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let state = state.and_then(absolute).or_else(|| home.and_then(absolute).map(|home| home.join(".local/state")))?;
    Some(state.join("lookback").join("history"))
}

/// Makes the file if it is not there.
pub(crate) fn prepare(path: &std::path::Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(|_| ())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_folder_for_state_is_the_named_one_or_the_usual_one() {
        let place = |state: Option<&str>, home: Option<&str>| place(state.map(Into::into), home.map(Into::into));
        assert_eq!(place(Some("/s"), Some("/h")).unwrap(), PathBuf::from("/s/lookback/history"));
        assert_eq!(place(None, Some("/h")).unwrap(), PathBuf::from("/h/.local/state/lookback/history"));
        assert_eq!(place(Some("s"), Some("/h")).unwrap(), PathBuf::from("/h/.local/state/lookback/history"));
        assert_eq!(place(None, None), None);
    }

    #[test]
    fn nobody_else_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/history");
        prepare(&path).unwrap();
        prepare(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
