//! Pieces of a page that are rendered already.

use std::fmt;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};

/// Markup that a template wrote, so that another template takes it as it is. There is no way to make one from a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Html(String);

impl Html {
    /// Renders a template.
    pub(super) fn of(template: &impl Template) -> Self {
        // Writing into a string fails only if a value's own Display does, and none here does.
        Self(template.render().unwrap_or_default())
    }

    /// As an answer.
    pub(super) fn answer(self, status: StatusCode) -> Response {
        (status, [(CONTENT_TYPE, "text/html; charset=utf-8"), (VARY, "cookie, authorization")], self.0).into_response()
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// A name and a value, as hidden fields of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
}

/// A heading between panels.
#[derive(Template)]
#[template(path = "section.html")]
pub(super) struct Section<'a> {
    pub(super) title: &'a str,
    pub(super) hint: &'a str,
}

/// A number that stands alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Stat {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) unit: String,
    pub(super) more: String,
    pub(super) more_tone: &'static str,
    pub(super) tone: &'static str,
    pub(super) href: String,
    pub(super) line: String,
    pub(super) area: String,
}

/// Numbers side by side.
#[derive(Template)]
#[template(path = "stats.html")]
pub(super) struct Stats {
    pub(super) stats: Vec<Stat>,
}

/// What is known of one thing.
#[derive(Debug, Clone, Default)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) tone: &'static str,
    pub(super) href: String,
}

impl Fact {
    pub(super) fn new(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, text: text.into(), ..Self::default() }
    }
}

/// Facts side by side.
#[derive(Template)]
#[template(path = "facts.html")]
pub(super) struct Facts {
    pub(super) facts: Vec<Fact>,
}

/// A statement.
#[derive(Template)]
#[template(path = "text.html")]
pub(super) struct Text {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    pub(super) text: String,
    pub(super) note: String,
    pub(super) console: String,
}

/// What to do, piece by piece.
#[derive(Template)]
#[template(path = "advice.html")]
pub(super) struct Advice<'a> {
    pub(super) advice: &'a [&'static str],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_escaped_and_markup_of_a_template_is_not() {
        let facts = Html::of(&Facts { facts: vec![Fact::new("User", "<b onclick=\"x\">&'")] });
        assert!(facts.text().contains("&#60;b onclick=&#34;x&#34;&#62;&#38;&#39;"), "{facts}");
        assert_eq!(facts.text().matches("<dl class=\"facts\">").count(), 1);
    }
}
