//! Panels: what every part of a page is. Each asks for itself, says for itself what went wrong, and can be fetched alone, so that
//! a slow one does not hold up the others and a broken one does not break the page.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use futures::future::{BoxFuture, join_all};
use tokio::time::Instant;

use super::ask::Trouble;
use super::chart::Chart;
use super::html::Html;
use super::request::Asked;
use super::table::Table;
use crate::people::Role;

/// How long a page waits for its panels; those that take longer come by themselves.
const PATIENCE: Duration = Duration::from_millis(220);

/// What a panel asks and shows.
pub(super) type Draw = fn(Arc<Asked>) -> BoxFuture<'static, Result<Content, Trouble>>;

/// A panel of a page.
pub(super) struct Def {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// Twelfths of the page's width: 3, 4, 5, 6, 7, 8 or 12.
    pub(super) width: u8,
    /// Without a frame.
    pub(super) bare: bool,
    /// Who may see it.
    pub(super) role: Role,
    pub(super) draw: Draw,
}

impl Def {
    /// A panel that everybody may see.
    pub(super) const fn new(id: &'static str, title: &'static str, width: u8, draw: Draw) -> Self {
        Self { id, title, width, bare: false, role: Role::Viewer, draw }
    }

    pub(super) const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    pub(super) const fn of(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

/// What a panel has to show.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    pub(super) hint: String,
    pub(super) chart: Option<Chart>,
    /// Besides a chart, the same in rows.
    pub(super) table: Option<Table>,
    /// Whether the rows are seen without being unfolded, although there is a chart.
    pub(super) open: bool,
    pub(super) custom: Option<Html>,
    /// Whether `custom` reaches to the edges.
    pub(super) flush: bool,
    /// The statement behind it.
    pub(super) sql: String,
    pub(super) link: String,
    pub(super) link_title: &'static str,
    pub(super) note: String,
    pub(super) empty: Option<Empty>,
    pub(super) pages: Option<Pages>,
}

/// That there is nothing, and what that means.
#[derive(Debug, Clone, Default)]
pub(super) struct Empty {
    pub(super) what: String,
    pub(super) advice: String,
    pub(super) href: String,
    pub(super) link: &'static str,
}

/// Where the other rows are.
#[derive(Debug, Clone, Default)]
pub(super) struct Pages {
    pub(super) text: String,
    pub(super) back: String,
    pub(super) more: String,
}

impl Content {
    /// Nothing to show, which is not wrong.
    pub(super) fn nothing(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { empty: Some(Empty { what: what.into(), advice: advice.into(), ..Empty::default() }), ..Self::default() }
    }

    pub(super) fn asked(mut self, sql: impl Into<String>) -> Self {
        self.sql = sql.into();
        self
    }

    pub(super) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

#[derive(Template, Default)]
#[template(path = "panel.html")]
struct Written {
    id: String,
    title: String,
    hint: String,
    width: u8,
    bare: bool,
    url: String,
    trigger: String,
    console: String,
    link: String,
    link_title: &'static str,
    loading: bool,
    trouble: String,
    advice: String,
    empty: String,
    empty_href: String,
    empty_link: &'static str,
    chart: String,
    chart_label: String,
    sql: String,
    size: &'static str,
    has_custom: bool,
    custom: Html,
    flush: bool,
    has_table: bool,
    /// Whether the table is below a chart, to be unfolded.
    folded: bool,
    table: Table,
    table_title: String,
    note: String,
    has_pages: bool,
    pages_text: String,
    back: String,
    more: String,
}

impl Written {
    fn new(def: &Def, width: u8, asked: &Asked, page: &str) -> Self {
        let again = asked.view.refresh.map(|rate| format!("every {rate}s, ")).unwrap_or_default();
        Self {
            id: def.id.to_owned(),
            title: def.title.to_owned(),
            width,
            bare: def.bare,
            url: asked.fragment(page, def.id),
            trigger: format!("{again}again"),
            ..Self::default()
        }
    }

    fn loading(mut self) -> Self {
        self.loading = true;
        self.trigger = format!("load, {}", self.trigger);
        self
    }

    fn drawn(mut self, result: Result<Content, Trouble>, asked: &Asked) -> Self {
        let content = match result {
            Ok(content) => content,
            Err(trouble) => {
                (self.trouble, self.advice, self.bare) = (trouble.what, trouble.advice, false);
                return self;
            }
        };
        self.hint = content.hint;
        (self.link, self.link_title, self.note) = (content.link, content.link_title, content.note);
        if !content.sql.is_empty() {
            self.console = asked.view.href("/console", &[("sql", &content.sql)]);
        }
        self.sql = content.sql;
        if let Some(empty) = content.empty {
            (self.empty, self.advice, self.bare) = (empty.what, empty.advice, false);
            (self.empty_href, self.empty_link) = (empty.href, empty.link);
            return self;
        }
        if let Some(chart) = content.chart {
            self.chart_label = format!("{}. The rows below the chart say the same.", chart.label);
            self.size = match chart.depth() {
                0..=8 => "",
                9..=16 => "tall",
                _ => "deep",
            };
            self.chart = serde_json::to_string(&chart).unwrap_or_default();
        }
        if let Some(table) = content.table {
            self.table_title = format!(
                "{} rows",
                super::format::count(f64::from(u32::try_from(table.rows.len()).unwrap_or(u32::MAX)))
            );
            (self.has_table, self.table) = (true, table);
            self.folded = !self.chart.is_empty() && !content.open;
            self.table.limit |= self.folded;
        }
        if let Some(custom) = content.custom {
            (self.has_custom, self.custom, self.flush) = (true, custom, content.flush);
        }
        if let Some(pages) = content.pages {
            (self.has_pages, self.pages_text, self.back, self.more) = (true, pages.text, pages.back, pages.more);
        }
        self
    }
}

/// The panels that a role may see, with their widths: what is left out gives its room to the one before it.
fn seen(defs: &'static [Def], role: Role) -> Vec<(&'static Def, u8)> {
    let mut seen: Vec<(&Def, u8)> = Vec::new();
    for def in defs {
        match seen.last_mut() {
            _ if role >= def.role => seen.push((def, def.width)),
            Some((_, width)) if *width + def.width <= 12 => *width += def.width,
            _ => {}
        }
    }
    seen
}

/// One panel, however long it takes; `None` if there is none of that name for whoever asks.
pub(super) async fn alone(page: &str, defs: &'static [Def], id: &str, asked: Arc<Asked>) -> Option<Html> {
    let (def, width) = seen(defs, asked.asker.role).into_iter().find(|(def, _)| def.id == id)?;
    let result = (def.draw)(Arc::clone(&asked)).await;
    Some(Html::of(&Written::new(def, width, &asked, page).drawn(result, &asked)))
}

/// All panels of a page that the asker may see. They are asked at once; one that is not there in time has a place that fetches
/// it, and what it began goes on.
pub(super) async fn together(page: &str, defs: &'static [Def], asked: &Arc<Asked>) -> Vec<Html> {
    let deadline = Instant::now() + PATIENCE;
    let panels = seen(defs, asked.asker.role).into_iter().map(|(def, width)| async move {
        // A task of its own: its answer is kept for whoever fetches it.
        let task = tokio::spawn((def.draw)(Arc::clone(asked)));
        let written = Written::new(def, width, asked, page);
        let written = match tokio::time::timeout_at(deadline, task).await {
            Ok(Ok(result)) => written.drawn(result, asked),
            Ok(Err(_)) => written.drawn(
                Err(Trouble::new(
                    "This panel could not be drawn.",
                    "This is a defect: please report it with the server's log.",
                )),
                asked,
            ),
            Err(_) => written.loading(),
        };
        Html::of(&written)
    });
    join_all(panels).await
}

/// A panel of what is known already.
pub(super) fn fixed(id: &str, title: &str, width: u8, content: Content, asked: &Asked) -> Html {
    let written = Written { id: id.to_owned(), title: title.to_owned(), width, ..Written::default() };
    Html::of(&written.drawn(Ok(content), asked))
}
