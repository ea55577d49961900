//! `lookback tables`

mod own;

use lookback_schemas::{Group, TableSpec, registry};
use serde_json::json;

use crate::cli::{Output, Tables};
use crate::failure::Failure;
use crate::print;

pub(crate) fn run(arguments: &Tables) -> Result<u8, Failure> {
    let name = arguments.name.as_ref().map(|n| n.to_lowercase());
    if let Some(spec) = name.as_deref().and_then(|n| registry().table(n)) {
        return one(spec, arguments.format);
    }
    if let Some(own) = name.as_deref().and_then(own::get) {
        return match arguments.format {
            Output::Table => own.show(),
            Output::Json => print::json(&own.json()),
        }
        .map(|()| 0);
    }
    let group = name.as_deref().filter(|name| own::GROUPS.contains(name));
    let tables: Vec<&TableSpec> = match &name {
        Some(_) if group.is_some() => Vec::new(),
        Some(name) => registry().select(&[name])?,
        None => registry().tables().iter().filter(|t| arguments.all || t.exportable()).collect(),
    };
    let own = if name.is_none() || group.is_some() { own::list(group) } else { Vec::new() };
    match arguments.format {
        Output::Table => {
            let logs = tables.iter().map(|t| {
                let export = if t.exportable() { groups(t) } else { "(declared only)".to_owned() };
                vec![
                    t.name.clone(),
                    t.class.to_string(),
                    time(t),
                    t.columns.len().to_string(),
                    export,
                    t.purpose.clone(),
                ]
            });
            let rows: Vec<Vec<String>> = logs.chain(own.iter().map(|own| own.row())).collect();
            print::table(&["table", "class", "time", "columns", "groups", "what a row says"], &rows)?;
        }
        Output::Json => {
            print::json(&tables.iter().map(|t| json_of(t)).chain(own.iter().map(|own| own.json())).collect())?;
        }
    }
    Ok(0)
}

fn one(spec: &TableSpec, format: Output) -> Result<u8, Failure> {
    match format {
        Output::Json => print::json(&json_of(spec))?,
        Output::Table => {
            print::line(format!("{}: {}", spec.name, spec.purpose))?;
            print::line(format!("class {}, time {}, groups: {}\n", spec.class, time(spec), groups(spec)))?;
            let rows: Vec<Vec<String>> = spec
                .columns
                .iter()
                .map(|c| {
                    let lake = c.lake_type().map_or_else(|| "-".to_owned(), |t| t.arrow().to_string());
                    vec![c.name.clone(), c.redshift_type.clone(), lake]
                })
                .collect();
            print::table(&["column", "Redshift type", "type in the lake"], &rows)?;
        }
    }
    Ok(0)
}

fn time(spec: &TableSpec) -> String {
    match (&spec.cursor, &spec.parent) {
        (Some(cursor), _) => cursor.clone(),
        (None, Some(parent)) => format!("from {}", parent.table),
        (None, None) => "-".to_owned(),
    }
}

fn groups(spec: &TableSpec) -> String {
    let named = [("core", Group::Core), ("performance", Group::Performance), ("security", Group::Security)];
    let mut list: Vec<&str> = named.iter().filter(|(_, g)| spec.in_group(*g)).map(|(n, _)| *n).collect();
    list.push("all");
    list.join(" ")
}

fn json_of(spec: &TableSpec) -> serde_json::Value {
    json!({
        "name": spec.name, "family": spec.family, "purpose": spec.purpose, "class": spec.class.to_string(),
        "exportable": spec.exportable(), "cursor": spec.cursor, "parent": spec.parent.as_ref().map(|p| &p.table),
        "groups": groups(spec).split(' ').collect::<Vec<_>>(),
        "columns": spec.columns.iter().map(|c| json!({ "name": c.name, "type": c.redshift_type })).collect::<Vec<_>>(),
    })
}
