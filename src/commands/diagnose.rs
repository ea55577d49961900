//! `lookback diagnose`

use std::collections::BTreeMap;

use lookback_query::diagnostics;
use lookback_query::output::Format;

use super::sql::{emit, open};
use crate::cli::{Diagnose, Global};
use crate::failure::Failure;
use crate::print;

pub(crate) async fn run(global: &Global, arguments: &Diagnose) -> Result<u8, Failure> {
    let format: Format = arguments.format.parse().map_err(|e| Failure::usage(format!("{e}")))?;
    let Some(name) = &arguments.name else { return list() };
    let question = diagnostics::get(name).map_err(|e| Failure::usage(e.to_string()))?;
    let mut given = BTreeMap::new();
    for param in &arguments.params {
        let (key, value) = param
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("'{param}' is not a parameter")).advise("write it as name=value"))?;
        given.insert(key.to_owned(), value.to_owned());
    }
    let session = open(global, arguments.as_of.as_deref()).await?;
    let answer = diagnostics::run(&session, question.name, &given).await?;
    emit(answer, format, std::io::stdout()).await?;
    Ok(0)
}

fn list() -> Result<u8, Failure> {
    let rows: Vec<Vec<String>> = diagnostics::list()
        .iter()
        .map(|d| {
            let params = d.params.iter().map(|p| match p.default {
                Some(default) => format!("{}={default}", p.name),
                None => p.name.to_owned(),
            });
            vec![d.name.to_owned(), d.question.to_owned(), params.collect::<Vec<_>>().join(" ")]
        })
        .collect();
    print::table(&["name", "question", "parameters"], &rows)?;
    Ok(0)
}
