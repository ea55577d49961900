//! One request: who asks, what is looked at, what else the URL says.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::Response;
use chrono::Utc;
use lookback_schemas::time::DAY;

use super::ask::{Answered, Asking, Trouble};
use super::chart::Steps;
use super::sql::{Put, bucket, fill};
use super::view::{View, Window, link};
use super::{failure, shell};
use crate::people::{Asker, Door, Role};

/// Pairs of a URL that are read.
const MOST_PAIRS: usize = 400;

/// What a page or a panel is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) asking: Asking,
    pub(super) asker: Asker,
    pub(super) view: View,
    /// What of the URL did not fit, in words.
    pub(super) wrong: Vec<String>,
    /// The time range.
    pub(super) window: Window,
    /// The moment that counts as now.
    pub(super) now: i64,
    /// The path of the page.
    pub(super) path: String,
    /// What else the URL says: a page's own parameters.
    pub(super) own: BTreeMap<String, String>,
}

impl FromRequestParts<Asking> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, asking: &Asking) -> Result<Self, Response> {
        // Who asks was found out on the way in; without that, nobody is.
        let Some(asker) = parts.extensions.get::<Asker>().cloned() else { return Err(failure::nobody()) };
        let asker = Asker { door: Door::Page, ..asker };
        let Ok(Query(mut pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
            return Err(failure::bare("The address cannot be read."));
        };
        pairs.truncate(MOST_PAIRS);
        Ok(Self::new(asking.clone(), asker, parts.uri.path(), &pairs, Utc::now().timestamp_micros()))
    }
}

impl Asked {
    pub(super) fn new(asking: Asking, asker: Asker, path: &str, pairs: &[(String, String)], clock: i64) -> Self {
        let (view, wrong) = View::read(pairs);
        let own =
            |(name, _): &&(String, String)| !matches!(name.as_str(), "from" | "to" | "cluster" | "as_of" | "refresh");
        let own = pairs.iter().filter(own).cloned().collect();
        let (window, now) = (view.window(clock, DAY), view.now(clock));
        Self { asking, asker, view, wrong, window, now, path: path.to_owned(), own }
    }

    /// The same with a time range of that length, where the URL does not say one.
    pub(super) fn reaching(mut self, length: i64) -> Self {
        if self.view.from.is_none() {
            let to = self.window.to;
            self.window = Window { from: to - length, to };
        }
        self
    }

    /// A parameter of the page's own; empty if there is none.
    pub(super) fn own(&self, name: &str) -> &str {
        self.own.get(name).map_or("", String::as_str)
    }

    /// A link to another page.
    pub(super) fn href(&self, path: &str, more: &[(&str, &str)]) -> String {
        self.view.href(path, more)
    }

    /// A link to this page with other parameters of its own.
    pub(super) fn here(&self, more: &[(&str, &str)]) -> String {
        let own = self.own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let own = own.filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let all: Vec<(&str, &str)> = own.chain(more.iter().copied()).collect();
        self.view.href(&self.path, &all)
    }

    /// What a chart's links keep: without the time range, which they set themselves, and without a `?`.
    pub(super) fn kept(&self) -> String {
        let pairs = self.view.pairs();
        let kept = pairs.iter().filter(|(name, _)| !matches!(*name, "from" | "to"));
        link("", kept.map(|(name, value)| (*name, value.as_str()))).trim_start_matches('?').to_owned()
    }

    /// Where a panel of a page is fetched.
    pub(super) fn fragment(&self, page: &str, id: &str) -> String {
        let own = self.own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = own.chain([("at", self.path.as_str())]).collect();
        self.view.href(&format!("/panel/{page}/{id}"), &all)
    }

    /// The steps of a chart over the time range.
    pub(super) fn steps(&self) -> Steps {
        Steps::of(self.window)
    }

    /// A statement over the whole steps of the time range and the chosen clusters: `:from`, `:to`, `:first`, `:last` (days),
    /// `:clusters`, `:at` (the step that `column` falls in), and more.
    pub(super) fn over_steps(&self, template: &str, column: &str, more: &[(&str, Put<'_>)]) -> String {
        let steps = self.steps();
        let at = bucket(column, steps.hours);
        let mut values = vec![("at", Put::Sql(&at))];
        values.extend_from_slice(more);
        self.over(steps.window, template, &values)
    }

    /// The same over a window as it is.
    pub(super) fn over(&self, window: Window, template: &str, more: &[(&str, Put<'_>)]) -> String {
        let mut values = vec![
            ("from", Put::Time(window.from)),
            ("to", Put::Time(window.to)),
            ("first", Put::Day(window.from)),
            ("last", Put::Day(window.to - 1)),
            ("clusters", Put::Clusters(&self.view.clusters)),
        ];
        values.extend_from_slice(more);
        fill(template, &values)
    }

    /// Asks.
    pub(super) async fn rows(&self, sql: &str) -> Result<Arc<Answered>, Trouble> {
        self.asking.rows(&self.asker, self.view.as_of, sql).await
    }

    /// Whether the asker may see the record of encryption.
    pub(super) fn is_auditor(&self) -> bool {
        self.asker.role >= Role::Auditor
    }

    /// The frame of a page.
    pub(super) async fn shell(&self, page: shell::Page) -> shell::Shell {
        shell::Shell::of(self, page).await
    }
}
