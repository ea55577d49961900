//! Texts for people, in which nothing that a log or a tag holds is markup, a control character or a line of its own.

use super::{Event, Kind, cut};

/// Characters of a name or a reason in a line.
const MAX_PART: usize = 300;
/// Bytes of the subject of an SNS message (Publish, `Subject`: fewer than 100 characters, ASCII, no line breaks).
const MAX_SUBJECT: usize = 99;

/// A text without characters that are not seen, or that change how others are seen.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text in which chats find no markup: no tags or entities (Slack), no links, images or code (Markdown), no address that is
/// made a link, nobody who is called.
fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    let seen = visible(&cut(text, MAX_PART));
    let mut rest = seen.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '[' => safe.push('('),
            ']' => safe.push(')'),
            '`' => safe.push('\''),
            '/' if before == ':' => safe.push_str(" /"),
            '@' if rest.peek().is_some_and(|next| next.is_alphabetic()) => safe.push_str("@ "),
            other => safe.push(other),
        }
        before = c;
    }
    safe
}

fn whats(event: &Event) -> &'static str {
    match event.change {
        Kind::Fail => "FAIL",
        Kind::Unknown => "UNKNOWN",
        Kind::Over => "OVER",
    }
}

/// A line for chats.
pub(super) fn line(event: &Event) -> String {
    let source = harmless(&event.source.name);
    let title =
        if event.source.title.is_empty() { String::new() } else { format!(" {}", harmless(&event.source.title)) };
    let (what, severity, label) = (whats(event), event.severity.name(), harmless(event.label()));
    let account = if event.entity.account_id.is_empty() {
        String::new()
    } else {
        format!(" (account {})", harmless(&event.entity.account_id))
    };
    let reason = harmless(&event.reason);
    format!("{what} {source}{title}, {severity}: {label}{account}. {reason}").trim_end().to_owned()
}

/// A subject for SNS: printable ASCII only.
#[must_use]
pub fn subject(event: &Event) -> String {
    let whole = format!("lookback: {} {} {}", whats(event), event.source.name, event.label());
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    whole.chars().map(plain).take(MAX_SUBJECT).collect()
}

/// Lines for e-mail and short messages.
#[must_use]
pub fn lines(event: &Event) -> String {
    let seen = |text: &str| visible(&cut(text, MAX_PART));
    let mut lines = vec![
        format!("{} {} {} ({})", whats(event), event.source.name, seen(&event.source.title), event.severity.name()),
        format!("{} {}", seen(&event.entity.kind), seen(event.label())),
    ];
    if event.entity.id != event.label() {
        lines.push(seen(&event.entity.id));
    }
    let place: Vec<&str> = [&event.entity.account_id, &event.entity.region]
        .into_iter()
        .map(String::as_str)
        .filter(|t| !t.is_empty())
        .collect();
    if !place.is_empty() {
        lines.push(seen(&place.join(", ")));
    }
    lines.push(String::new());
    lines.push(visible(&cut(&event.reason, 3 * MAX_PART)));
    if let Some(since) = &event.since {
        lines.push(format!("Since {}", seen(since)));
    }
    if event.change != Kind::Over && !event.advice.is_empty() {
        lines.push(String::new());
        lines.push("What to do:".to_owned());
        lines.extend(event.advice.iter().map(|advice| format!("- {}", visible(advice))));
    }
    lines.push(String::new());
    lines.push(format!("Rule {}, at {}, change {}", event.rule, event.at, event.id));
    lines.join("\n")
}
