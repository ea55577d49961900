//! `lookback catalog grafana`: needs no lake, because the questions are those of this build.

use std::path::Path;

use lookback_query::catalogs::grafana::{Dashboard, all, of};

use super::put;
use crate::cli::CatalogGrafana;
use crate::failure::Failure;
use crate::print;

pub(super) fn run(arguments: &CatalogGrafana) -> Result<(), Failure> {
    let datasource = arguments.datasource.as_deref();
    let dashboards = match arguments.names.as_slice() {
        [] => chosen(all(datasource)?, &arguments.group)?,
        names => vec![of(names, datasource)?],
    };
    match (&arguments.output, dashboards.as_slice()) {
        (Some(folder), dashboards) => files(dashboards, folder),
        (None, [one]) => put(&one.json(), None),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|dashboard| dashboard.name.as_str()).collect();
            Err(Failure::usage(format!("there are {} dashboards: {}", several.len(), names.join(", ")))
                .advise("name a folder for them with --output, or one of them with --group"))
        }
    }
}

fn chosen(all: Vec<Dashboard>, wanted: &[String]) -> Result<Vec<Dashboard>, Failure> {
    if let Some(unknown) = wanted.iter().find(|name| all.iter().all(|dashboard| dashboard.name != **name)) {
        let names: Vec<&str> = all.iter().map(|dashboard| dashboard.name.as_str()).collect();
        return Err(Failure::usage(format!("no dashboard is named '{unknown}'; there are {}", names.join(", "))));
    }
    Ok(all.into_iter().filter(|dashboard| wanted.is_empty() || wanted.contains(&dashboard.name)).collect())
}

/// A file for each, and the list of them.
fn files(dashboards: &[Dashboard], folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|e| Failure::failed(format!("creating {}: {e}", folder.display())))?;
    let mut rows = Vec::with_capacity(dashboards.len());
    for dashboard in dashboards {
        let file = folder.join(dashboard.file_name());
        put(&dashboard.json(), Some(&file))?;
        rows.push(vec![dashboard.title.clone(), dashboard.panels().to_string(), file.display().to_string()]);
    }
    print::table(&["dashboard", "panels", "file"], &rows)
}
