//! `lookback timeline`

use lookback_query::audit::timeline::{Between, Entry, Incarnation, Segment, Timeline as Story, timeline};
use lookback_query::diagnostics::parse_time;
use lookback_schemas::time::rfc3339;
use serde_json::{Value, json};

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
        TimelineFormat::Json => print::json(&document(&story))?,
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

fn between(time: Between) -> Value {
    json!({ "after": time.after.map(rfc3339), "by": time.by.map(rfc3339) })
}

fn document(story: &Story) -> Value {
    let segment = |segment: &Segment| {
        json!({
            "encrypted": segment.encrypted, "encryption_type": segment.encryption_type,
            "kms_key_arn": segment.kms_key_arn, "began": between(segment.began), "ended": between(segment.ended),
            "queries": segment.work.map(|work| work.queries), "connections": segment.work.map(|work| work.connections),
            "plaintext_connections": segment.work.map(|work| work.plaintext),
        })
    };
    let entry = |entry: &Entry| {
        json!({
            "time": rfc3339(entry.time), "after": entry.after.map(rfc3339), "class": entry.class, "what": entry.what,
            "who": entry.who, "failed": entry.failed, "times": entry.times,
        })
    };
    let incarnation = |one: &Incarnation| {
        let name = |(name, since): &(String, Between)| json!({ "name": name, "since": between(*since) });
        json!({
            "namespace_arn": one.namespace_arn, "account_id": one.account_id, "region": one.region,
            "created": one.created.map(rfc3339), "gone": one.gone.map(between),
            "names": one.names.iter().map(name).collect::<Vec<_>>(),
            "segments": one.segments.iter().map(segment).collect::<Vec<_>>(),
            "entries": one.entries.iter().map(entry).collect::<Vec<_>>(),
        })
    };
    json!({
        "cluster": story.cluster, "as_of": rfc3339(story.as_of),
        "incarnations": story.incarnations.iter().map(incarnation).collect::<Vec<_>>(),
    })
}
