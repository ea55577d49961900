//! `lookback catalog athena` and `glue`: the tables of a lake, for AWS.

use lookback_query::QueryError;
use lookback_query::catalogs::{Place, TableShape, athena as statements, glue as definitions, shape};

use super::{GlueFormat, put};
use crate::cli::{CatalogTables, Global};
use crate::config;
use crate::failure::Failure;

pub(super) async fn athena(global: &Global, arguments: &CatalogTables) -> Result<(), Failure> {
    let (place, tables) = found(global, arguments).await?;
    put(&statements::ddl(&place, &tables), arguments.output.as_deref())
}

pub(super) async fn glue(global: &Global, arguments: &CatalogTables, format: GlueFormat) -> Result<(), Failure> {
    let (place, tables) = found(global, arguments).await?;
    let written: fn(&Place, &[TableShape]) -> Result<String, QueryError> = match format {
        GlueFormat::Json => definitions::document,
        GlueFormat::Cloudformation => definitions::template,
        GlueFormat::Cli => definitions::commands,
    };
    put(&written(&place, &tables)?, arguments.output.as_deref())
}

/// The tables, and where they are for AWS. The lake is opened only if it has to say which tables it has.
async fn found(global: &Global, arguments: &CatalogTables) -> Result<(Place, Vec<TableShape>), Failure> {
    let settings = match (&arguments.location, arguments.all) {
        (Some(_), true) => None,
        _ => Some(config::load_to_ask(global).await?),
    };
    let location = match (&arguments.location, &settings) {
        (Some(location), _) => location.as_str(),
        (None, Some(settings)) => settings.lake.location.as_str(),
        (None, None) => "",
    };
    let place = Place::new(&arguments.database, location).map_err(|e| {
        let failure = Failure::from(e);
        if arguments.location.is_some() { failure } else { failure.advise("--location says where AWS finds the lake") }
    })?;
    let all = match settings {
        Some(settings) if !arguments.all => shape::of_lake(config::session(&settings).await?.lake()).await?,
        _ => shape::declared(),
    };
    let tables = shape::select(all, &arguments.tables)?;
    if tables.is_empty() {
        return Err(Failure::failed("the lake has no tables yet")
            .advise("export first, or take every table that a lake can have: --all"));
    }
    Ok((place, tables))
}
