//! A file for an answer: it appears under its name once it is whole, and not at all if the statement fails.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A file that is being written.
pub(crate) struct NewFile {
    shown: String,
    writer: BufWriter<File>,
    // None once it has its name, and for what is not a file: a device or a pipe takes its bytes at once.
    pending: Option<Pending>,
}

struct Pending {
    temporary: PathBuf,
    target: PathBuf,
}

impl NewFile {
    /// Opens a file beside the one that will be replaced.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let failed = |e: io::Error| Failure::failed(format!("writing {shown}: {e}"));
        let present = fs::metadata(path).ok();
        if present.as_ref().is_some_and(|present| !present.is_file()) {
            let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
            return Ok(Self { writer: BufWriter::new(file), shown, pending: None });
        }
        // A link stays a link: what it leads to is replaced.
        let target = if present.is_some() { fs::canonicalize(path).map_err(failed)? } else { path.to_owned() };
        let name = target
            .file_name()
            .ok_or_else(|| Failure::failed(format!("writing {shown}: this is not the name of a file")))?;
        let temporary = target.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        let file = File::create(&temporary).map_err(failed)?;
        let new = Self { writer: BufWriter::new(file), pending: Some(Pending { temporary, target }), shown };
        if let Some(present) = present {
            new.writer.get_ref().set_permissions(present.permissions()).map_err(|e| new.failed(e))?;
        }
        Ok(new)
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|e| self.failed(e))?;
        if let Some(pending) = &self.pending {
            fs::rename(&pending.temporary, &pending.target).map_err(|e| self.failed(e))?;
        }
        self.pending = None;
        Ok(())
    }

    fn failed(&self, e: io::Error) -> Failure {
        Failure::failed(format!("writing {}: {e}", self.shown))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(pending) = &self.pending {
            let _ = fs::remove_file(&pending.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(folder.path()), ["out.csv"]);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = NewFile::create(&folder.path().join("out.csv")).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (link, real) = (folder.path().join("link"), folder.path().join("real"));
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        let mut file = NewFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        let mut null = NewFile::create(Path::new("/dev/null")).unwrap();
        null.write_all(b"gone").unwrap();
        null.finish().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
