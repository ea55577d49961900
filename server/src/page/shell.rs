//! The frame of every page: where one can go, who one is, what is looked at and how to change that. Every link keeps it.

use askama::Template;

use super::html::{Html, Pair};
use super::request::Asked;
use super::view::{RATES, View, When, link};
use super::{assets, format};
use crate::people::Role;
use lookback_schemas::time::{DAY, HOUR};

/// A page, as the frame knows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// The path of the entry in the navigation.
    pub(super) place: &'static str,
    /// Whether there is anything to choose: clusters, time range, refresh.
    pub(super) controls: bool,
    /// A few words on what it is about.
    pub(super) lead: &'static str,
}

struct Place {
    path: &'static str,
    title: &'static str,
    icon: &'static str,
    key: &'static str,
    role: Role,
}

const fn place(path: &'static str, title: &'static str, icon: &'static str, key: &'static str, role: Role) -> Place {
    Place { path, title, icon, key, role }
}

const PLACES: [Place; 7] = [
    place("/", "Overview", "overview", "o", Role::Viewer),
    place("/performance", "Performance", "performance", "p", Role::Viewer),
    place("/queries", "Queries", "queries", "q", Role::Viewer),
    place("/encryption", "Encryption", "encryption", "e", Role::Auditor),
    place("/coverage", "Coverage", "coverage", "v", Role::Viewer),
    place("/diagnostics", "Diagnostics", "diagnostics", "d", Role::Viewer),
    place("/console", "SQL console", "console", "s", Role::Viewer),
];

const RANGES: [(i64, &str); 8] = [
    (HOUR, "Last hour"),
    (6 * HOUR, "Last 6 hours"),
    (12 * HOUR, "Last 12 hours"),
    (DAY, "Last 24 hours"),
    (3 * DAY, "Last 3 days"),
    (7 * DAY, "Last 7 days"),
    (30 * DAY, "Last 30 days"),
    (90 * DAY, "Last 90 days"),
];

/// An entry of a menu.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) title: String,
    pub(super) href: String,
    pub(super) icon: &'static str,
    pub(super) key: &'static str,
    pub(super) here: bool,
}

/// A cluster that can be chosen.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) name: String,
    pub(super) on: bool,
}

/// Something that is said above all panels.
#[derive(Debug, Clone, Default)]
pub(super) struct Banner {
    pub(super) tone: &'static str,
    pub(super) text: String,
    pub(super) href: String,
    pub(super) link: &'static str,
}

/// The frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Shell {
    pub(super) title: String,
    pub(super) heading: String,
    pub(super) assets: String,
    pub(super) home: String,
    pub(super) path: String,
    pub(super) nav: Vec<Entry>,
    pub(super) user: String,
    pub(super) role: String,
    pub(super) can_leave: bool,
    pub(super) crumb: &'static str,
    pub(super) crumb_href: String,
    pub(super) controls: bool,
    pub(super) clusters: Vec<Choice>,
    pub(super) clusters_label: String,
    pub(super) some_clusters: bool,
    pub(super) all_clusters: String,
    pub(super) keep_clusters: Vec<Pair>,
    pub(super) ranges: Vec<Entry>,
    pub(super) range_label: String,
    pub(super) keep_range: Vec<Pair>,
    pub(super) from_text: String,
    pub(super) to_text: String,
    pub(super) as_of_text: String,
    pub(super) no_as_of: String,
    pub(super) refreshing: bool,
    pub(super) refresh_label: String,
    pub(super) rates: Vec<Entry>,
    pub(super) lead: String,
    pub(super) banners: Vec<Banner>,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

/// A page of panels.
#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Panels {
    pub(super) shell: Shell,
    pub(super) parts: Vec<Html>,
}

impl Shell {
    pub(super) async fn of(asked: &Asked, page: Page) -> Self {
        let view = &asked.view;
        let own: Vec<(&str, &str)> = asked.own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // A change of what is looked at begins at the first page of rows.
        let own: Vec<(&str, &str)> = own.into_iter().filter(|(name, _)| !matches!(*name, "page" | "of")).collect();
        let here = |view: &View| view.href(&asked.path, &own);
        let title = PLACES.iter().find(|place| place.path == page.place).map_or("lookback", |place| place.title);
        let nav = PLACES.iter().filter(|place| asked.asker.role >= place.role).map(|place| Entry {
            title: place.title.to_owned(),
            href: view.href(place.path, &[]),
            icon: place.icon,
            key: place.key,
            here: place.path == page.place,
        });
        let keep = |without: &[&str]| {
            let pairs = view.pairs();
            let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str())).chain(own.iter().copied());
            let kept = pairs.filter(|(name, _)| !without.contains(name));
            kept.map(|(name, value)| Pair { name: name.to_owned(), value: value.to_owned() }).collect::<Vec<_>>()
        };
        let rates = [None].into_iter().chain(RATES.map(Some)).map(|rate| Entry {
            title: rate.map_or_else(|| "Off".to_owned(), |seconds| format!("Every {}", every(seconds))),
            href: here(&View { refresh: rate, ..view.clone() }),
            icon: "",
            key: "",
            here: rate == view.refresh,
        });
        let ranges = RANGES.iter().map(|(length, title)| Entry {
            title: (*title).to_owned(),
            href: here(&View { from: Some(When::Before(*length)), to: None, ..view.clone() }),
            icon: "",
            key: "",
            here: asked.window.length() == *length && asked.window.to == asked.now,
        });
        let ranges: Vec<Entry> = ranges.collect();
        let wrong = asked.wrong.iter().map(|text| Banner {
            tone: "warn",
            text: format!("{} It was left out.", sentence(text)),
            ..Banner::default()
        });
        let clusters = if page.controls { super::clusters::names(asked).await } else { Vec::new() };
        Self {
            title: title.to_owned(),
            heading: title.to_owned(),
            assets: assets::prefix().to_owned(),
            home: view.href("/", &[]),
            path: asked.path.clone(),
            nav: nav.collect(),
            user: format::visible(&asked.asker.user),
            role: asked.asker.role.to_string(),
            can_leave: !asked.asking.desk().people().is_empty(),
            crumb: "",
            crumb_href: String::new(),
            controls: page.controls,
            clusters: choices(clusters, &view.clusters),
            clusters_label: match view.clusters.as_slice() {
                [] => "All clusters".to_owned(),
                [one] => format::cut(one, 24),
                many => format!("{} clusters", many.len()),
            },
            some_clusters: !view.clusters.is_empty(),
            all_clusters: here(&View { clusters: Vec::new(), ..view.clone() }),
            keep_clusters: keep(&["cluster"]),
            range_label: range_label(asked, &ranges),
            ranges,
            keep_range: keep(&["from", "to", "as_of"]),
            from_text: view.from.map_or_else(String::new, |when| when.to_string()),
            to_text: view.to.map_or_else(String::new, |when| when.to_string()),
            as_of_text: view.as_of.map(format::minute).unwrap_or_default(),
            no_as_of: here(&View { as_of: None, ..view.clone() }),
            refreshing: view.refresh.is_some(),
            refresh_label: view.refresh.map_or_else(|| "off".to_owned(), every),
            rates: rates.collect(),
            lead: page.lead.to_owned(),
            banners: wrong.collect(),
            from_ms: asked.window.from / 1_000,
            to_ms: asked.window.to / 1_000,
        }
    }

    /// Another heading, and the page that it belongs to.
    pub(super) fn about(mut self, heading: impl Into<String>, crumb: &'static str, crumb_href: String) -> Self {
        self.heading = heading.into();
        self.title = self.heading.clone();
        (self.crumb, self.crumb_href) = (crumb, crumb_href);
        self
    }

    /// The frame around panels.
    pub(super) fn around(self, parts: Vec<Html>) -> Html {
        Html::of(&Panels { shell: self, parts })
    }

    /// A frame without anybody in it.
    pub(super) fn bare(title: &str) -> Self {
        let assets = assets::prefix().to_owned();
        Self {
            title: title.to_owned(),
            heading: title.to_owned(),
            assets,
            home: "/".to_owned(),
            user: "-".to_owned(),
            ..Self::default()
        }
    }
}

fn choices(mut known: Vec<String>, chosen: &[String]) -> Vec<Choice> {
    for name in chosen {
        if !known.contains(name) {
            known.push(name.clone());
        }
    }
    known.into_iter().map(|name| Choice { on: chosen.contains(&name), name }).collect()
}

fn range_label(asked: &Asked, ranges: &[Entry]) -> String {
    if let Some(range) = ranges.iter().find(|range| range.here) {
        return range.title.clone();
    }
    let (from, to) = (format::minute(asked.window.from), format::minute(asked.window.to));
    match (from.split_once(' '), to.split_once(' ')) {
        (Some((day, begin)), Some((other, end))) if day == other => format!("{day} {begin} – {end}"),
        _ => format!("{from} – {to}"),
    }
}

fn every(seconds: u32) -> String {
    if seconds >= 60 { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}

fn sentence(text: &str) -> String {
    let text = format::cut(&format::visible(text), 300);
    if text.ends_with('.') { text } else { format!("{text}.") }
}

/// Where a log-in leads back to.
pub(super) fn login(next: &str) -> String {
    link("/login", [("next", next)])
}
