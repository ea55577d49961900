//! `lookback timeline`

use lookback_query::audit::timeline::{Incarnation, timeline};
use lookback_query::diagnostics::parse_time;

use crate::cli::{Global, Timeline, TimelineFormat};
use crate::failure::Failure;
use crate::report::visible;
use crate::{config, print, report};

pub(crate) async fn run(global: &Global, arguments: &Timeline) -> Result<u8, Failure> {
    let time = |text: &Option<String>| text.as_deref().map(parse_time).transpose();
    let as_of = chrono::Utc::now().timestamp_micros();
    let window = (time(&arguments.from)?.unwrap_or(0), time(&arguments.to)?.unwrap_or(as_of));
    if window.0 >= window.1 {
        return Err(Failure::usage("--from must be before --to"));
    }
    let session = config::session(&config::load_to_ask(global).await?).await?;
    let story = timeline(&session, &arguments.cluster, as_of, window).await?;
    match arguments.format {
        TimelineFormat::Table => story.incarnations.iter().try_for_each(table)?,
        TimelineFormat::Json => print::json(&story.json())?,
        TimelineFormat::Html => print::line(report::timeline::page(&story)?.trim_end())?,
    }
    Ok(0)
}

fn table(one: &Incarnation) -> Result<(), Failure> {
    let names: Vec<String> = one.names.iter().map(|(name, _)| visible(name)).collect();
    print::line(format!("{} ({}, {})", names.join(", then "), one.account_id, one.region))?;
    print::line(visible(&one.namespace_arn))?;
    print::line(format!("created {}\n", print::moment(one.created)))?;
    let segments: Vec<Vec<String>> = one.segments.iter().map(report::timeline::segment).collect();
    print::table(&["from", "to", "encryption", "queries", "connections", "without TLS"], &segments)?;
    print::line("")?;
    let entries: Vec<Vec<String>> = one.entries.iter().map(report::timeline::entry).collect();
    print::table(&["time", "what", "who"], &entries)?;
    print::line("")
}
