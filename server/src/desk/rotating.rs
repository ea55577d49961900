//! A file of lines that is put aside when it is full, and that only its owner can read.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that begins anew when it is full: `name` is the newest, `name.1` the one before.
#[derive(Debug)]
pub(super) struct Rotating {
    pub(super) path: PathBuf,
    most: u64,
    keep: usize,
    pub(super) file: File,
    size: u64,
}

impl Rotating {
    /// Opens it, or makes it.
    pub(super) fn open(path: &Path, most: u64, keep: usize) -> Result<Self, io::Error> {
        let file = private(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), most, keep, file, size })
    }

    /// Appends a line.
    pub(super) fn write(&mut self, line: &[u8]) -> Result<(), io::Error> {
        if self.size > 0 && self.size + line.len() as u64 > self.most {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.size += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), io::Error> {
        let numbered = |n: usize| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{n}"));
            PathBuf::from(name)
        };
        for n in (1..self.keep).rev() {
            match std::fs::rename(numbered(n), numbered(n + 1)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        if self.keep > 0 {
            std::fs::rename(&self.path, numbered(1))?;
        } else {
            std::fs::remove_file(&self.path)?;
        }
        (self.file, self.size) = (private(&self.path)?, 0);
        Ok(())
    }
}

/// A file to append to that only its owner can read.
fn private(path: &Path) -> Result<File, io::Error> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
