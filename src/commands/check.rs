//! `lookback check`

use lookback_exporter::check::{Finding, Level, check_account, check_cluster, check_lake};
use serde_json::json;

use crate::cli::{Check, Global, Output};
use crate::config::{Loaded, Missing};
use crate::failure::{FAILED, Failure};
use crate::{config, print, progress};

pub(crate) async fn run(global: &Global, arguments: &Check) -> Result<u8, Failure> {
    let Loaded { settings, aws, members } = config::load_all(global).await?;
    let jobs = config::jobs(&settings, &members, &arguments.scope)?;
    let exporter = config::exporter(&settings, aws.as_ref(), progress::reporter(), Missing::Accept).await?;
    let mut all: Vec<(String, Vec<Finding>)> = vec![(String::new(), check_lake(&exporter).await)];
    if let Some(aws) = &aws {
        let account = check_account(aws, exporter.lake(), settings.state.dynamodb_table.as_deref()).await;
        all.push(("AWS".to_owned(), account));
    }
    for job in &jobs {
        all.push((job.name.clone(), check_cluster(&exporter, job).await));
    }
    let word = |level| match level {
        Level::Good => "ok",
        Level::Notice => "note",
        Level::Problem => "PROBLEM",
    };
    match arguments.format {
        Output::Table => {
            for (cluster, findings) in &all {
                print::line(if cluster.is_empty() { "this machine".to_owned() } else { format!("\n{cluster}") })?;
                for finding in findings {
                    print::line(format!("  {:<8} {:<12} {}", word(finding.level), finding.what, finding.text))?;
                    if let Some(fix) = &finding.fix {
                        print::line(format!("           {:<12} -> {fix}", ""))?;
                    }
                }
            }
        }
        Output::Json => {
            let rows = all.iter().flat_map(|(cluster, findings)| {
                findings.iter().map(move |f| {
                    json!({ "cluster": cluster, "what": f.what, "level": word(f.level), "text": f.text, "fix": f.fix })
                })
            });
            print::json(&rows.collect())?;
        }
    }
    let problems = all.iter().flat_map(|(_, f)| f).any(|f| f.level == Level::Problem);
    Ok(if problems { FAILED } else { 0 })
}
