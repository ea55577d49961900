//! `lookback catalog`

mod grafana;
mod tables;

use std::io::Write;
use std::path::Path;

use crate::answer::NewFile;
use crate::cli::{Catalog, CatalogOf, Global, GlueFormat};
use crate::failure::Failure;

pub(crate) async fn run(global: &Global, arguments: &Catalog) -> Result<u8, Failure> {
    match &arguments.of {
        CatalogOf::Grafana(a) => grafana::run(a)?,
        CatalogOf::Athena(a) => tables::athena(global, &a.tables).await?,
        CatalogOf::Glue(a) => tables::glue(global, &a.tables, a.format).await?,
    }
    Ok(0)
}

/// Writes a text as it is: to a file, which appears once it is whole, or to standard output.
fn put(text: &str, file: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = file else {
        std::io::stdout().write_all(text.as_bytes())?;
        return Ok(());
    };
    let mut file = NewFile::create(path)?;
    file.write_all(text.as_bytes())?;
    file.finish()
}
