//! Lists the files of folders of SQL, so that a question, a check or a view is added by adding a file.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

/// The folders, and the lists that are made of them.
const LISTS: [(&str, &str); 3] =
    [("diagnostics", "diagnostics.rs"), ("audit/checks", "checks.rs"), ("audit/views", "record_views.rs")];

fn main() -> io::Result<()> {
    for (folder, list) in LISTS {
        println!("cargo::rerun-if-changed={folder}");
        let list = Path::new(&variable("OUT_DIR")?).join(list);
        fs::write(list, files(&Path::new(&variable("CARGO_MANIFEST_DIR")?).join(folder), folder)?)?;
    }
    Ok(())
}

/// The SQL files of a folder as a slice of (name, text).
fn files(path: &Path, folder: &str) -> io::Result<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    files.sort();
    let mut list = String::from("&[\n");
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // Debug output of a string is a literal of Rust. The folder is left to the compiler: clones may share what this writes.
        let file = format!("/{folder}/{name}.sql");
        let _ = writeln!(list, "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {file:?}))),");
    }
    list.push_str("]\n");
    Ok(list)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
