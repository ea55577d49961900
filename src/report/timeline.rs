//! The story of a cluster as a page, and its lines for a terminal.

use askama::Template;
use lookback_query::audit::timeline::{Entry, Incarnation, Segment, Timeline};

use super::text::visible;
use crate::failure::Failure;
use crate::print::{count, moment};

#[derive(Template)]
#[template(path = "timeline.html")]
struct Page {
    cluster: String,
    as_of: String,
    stories: Vec<Story>,
}

struct Story {
    names: String,
    namespace_arn: String,
    account_id: String,
    region: String,
    created: String,
    segments: Vec<Vec<String>>,
    entries: Vec<(bool, Vec<String>)>,
}

/// The page.
pub(crate) fn page(timeline: &Timeline) -> Result<String, Failure> {
    let page = Page {
        cluster: visible(&timeline.cluster),
        as_of: moment(Some(timeline.as_of)),
        stories: timeline.incarnations.iter().map(story).collect(),
    };
    page.render().map_err(|e| Failure::failed(format!("writing the page: {e}")))
}

fn story(one: &Incarnation) -> Story {
    let names: Vec<String> = one.names.iter().map(|(name, _)| visible(name)).collect();
    Story {
        names: names.join(", then "),
        namespace_arn: visible(&one.namespace_arn),
        account_id: visible(&one.account_id),
        region: visible(&one.region),
        created: moment(one.created),
        segments: one.segments.iter().map(segment).collect(),
        entries: one.entries.iter().map(|one| (one.failed, entry(one))).collect(),
    }
}

/// From, to, how, and what ran.
pub(crate) fn segment(segment: &Segment) -> Vec<String> {
    let amount = |n: i64| count(u64::try_from(n).unwrap_or_default());
    let work = |of: fn(&lookback_query::audit::timeline::Work) -> i64| {
        segment.work.as_ref().map_or_else(|| "-".to_owned(), |work| amount(of(work)))
    };
    vec![
        between(segment.began.after, segment.began.by),
        segment.ended.by.map_or_else(|| "now".to_owned(), |_| between(segment.ended.after, segment.ended.by)),
        visible(&segment.how()),
        work(|work| work.queries),
        work(|work| work.connections),
        work(|work| work.plaintext),
    ]
}

/// When, what and who.
pub(crate) fn entry(entry: &Entry) -> Vec<String> {
    let times = if entry.times > 1 { format!(" ({} times)", entry.times) } else { String::new() };
    vec![between(entry.after, Some(entry.time)), format!("{}{times}", visible(&entry.what)), visible(&entry.who)]
}

/// A moment to the minute; of what lies between two looks, both.
fn between(after: Option<i64>, by: Option<i64>) -> String {
    let (after, by) = (after.map(|at| moment(Some(at))), moment(by));
    match after {
        Some(after) if after != by && after[..10] == by[..10.min(by.len())] => {
            format!("{} {} to {}", &by[..10], &after[11..16], &by[11..16])
        }
        Some(after) if after != by && by.len() > 16 => format!("{} to {}", &after[..16], &by[..16]),
        _ => by,
    }
}

#[cfg(test)]
mod tests;
