//! Which dashboards there are, and what is where on them.

use std::sync::OnceLock;

use super::panels::Shape;
use crate::diagnostics::{self, Diagnostic, Group};
use crate::error::{ErrorKind, QueryError};

macro_rules! questions {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("panels/", $name, ".sql")))),*]
    };
}

/// Questions that only dashboards ask, with the header of diagnostics.
const OWN: [(&str, &str); 17] = questions![
    "collectors",
    "connections_by_tls",
    "coverage",
    "encryption_events",
    "encryption_events_by_day",
    "encryption_now",
    "encryption_states",
    "encryption_types",
    "findings",
    "hourly_queries",
    "hourly_queue",
    "hourly_running",
    "keys",
    "record_whole",
    "rotations",
    "verdicts",
    "what_ran",
];

/// Width of Grafana's grid.
pub(super) const WIDTH: u32 = 24;

/// A dashboard before it is drawn.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) description: String,
    /// How far back it begins, as Grafana writes it.
    pub(super) from: &'static str,
    pub(super) pieces: Vec<Piece>,
}

/// A question on a dashboard.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) question: &'static Diagnostic,
    pub(super) shape: Shape,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// All dashboards: the overview first, then the groups, then encryption and the one about one query.
///
/// # Errors
/// [`ErrorKind::Internal`] if a question of this build has no readable header.
pub(super) fn all() -> Result<Vec<Board>, QueryError> {
    let mut boards = vec![overview()?];
    let mut groups: Vec<Group> = diagnostics::list().iter().map(|question| question.group).collect();
    groups.dedup();
    boards.extend(groups.into_iter().map(group));
    boards.extend([encryption()?, one_query()?]);
    Ok(boards)
}

/// A dashboard of some questions.
pub(super) fn selection(name: String, questions: &[&'static Diagnostic]) -> Board {
    let titles: Vec<&str> = questions.iter().map(|question| question.title).collect();
    Board {
        name,
        title: titles.join(", "),
        description: "Questions of `lookback diagnose`.".to_owned(),
        from: "now-7d",
        pieces: questions.iter().flat_map(|question| both(question)).collect(),
    }
}

fn group(group: Group) -> Board {
    let questions: Vec<&'static Diagnostic> =
        diagnostics::list().iter().filter(|question| question.group == group && question.runs_alone()).collect();
    Board {
        name: group.name().to_owned(),
        title: group.title().to_owned(),
        description: format!("The questions of `lookback diagnose` about: {}.", group.title().to_lowercase()),
        ..selection(String::new(), &questions)
    }
}

/// Chart and rows, side by side.
fn both(question: &'static Diagnostic) -> Vec<Piece> {
    let height = 10;
    let piece = |shape, width| Piece { question, shape, width, height };
    match question.chart {
        Some(_) => vec![piece(Shape::Chart, 9), piece(Shape::Table, WIDTH - 9)],
        None => vec![piece(Shape::Table, WIDTH)],
    }
}

fn overview() -> Result<Board, QueryError> {
    use Shape::{Chart, Numbers, Table};
    Ok(Board {
        name: "overview".to_owned(),
        title: "Overview".to_owned(),
        description: "What runs on the fleet, where it waits, and whether the record of it is whole.".to_owned(),
        from: "now-24h",
        pieces: vec![
            own("what_ran", Numbers, 16, 4)?,
            own("record_whole", Numbers, 8, 4)?,
            own("hourly_queries", Chart, 12, 8)?,
            own("hourly_queue", Chart, 12, 8)?,
            own("hourly_running", Chart, 12, 8)?,
            listed("hourly_alerts", Chart, 12, 8)?,
            listed("slowest_queries", Table, 24, 9)?,
            listed("slower_queries", Table, 24, 9)?,
            listed("disk_spill", Chart, 12, 9)?,
            listed("alerts", Chart, 12, 9)?,
            own("coverage", Table, 24, 10)?,
        ],
    })
}

fn encryption() -> Result<Board, QueryError> {
    use Shape::{Chart, States, Table};
    Ok(Board {
        name: "encryption".to_owned(),
        title: "Encryption and keys".to_owned(),
        description: "How clusters, snapshots and keys are encrypted, what changed, and what the last audit says."
            .to_owned(),
        from: "now-90d",
        pieces: vec![
            own("encryption_types", Chart, 8, 8)?,
            own("verdicts", Chart, 8, 8)?,
            own("connections_by_tls", Chart, 8, 8)?,
            own("findings", Table, 24, 9)?,
            own("encryption_states", States, 24, 9)?,
            own("encryption_now", Table, 24, 9)?,
            own("encryption_events_by_day", Chart, 9, 10)?,
            own("encryption_events", Table, 15, 10)?,
            own("keys", Table, 14, 9)?,
            own("rotations", Table, 10, 9)?,
            own("collectors", Table, 24, 8)?,
        ],
    })
}

fn one_query() -> Result<Board, QueryError> {
    Ok(Board {
        name: "query".to_owned(),
        title: "One query".to_owned(),
        description: "The text of one query, and what each of its steps did. Query ids are those of one cluster."
            .to_owned(),
        from: "now-7d",
        pieces: vec![
            listed("query_text", Shape::Table, 24, 10)?,
            listed("query_timeline", Shape::Chart, 9, 14)?,
            listed("query_timeline", Shape::Table, 15, 14)?,
        ],
    })
}

fn own(name: &str, shape: Shape, width: u32, height: u32) -> Result<Piece, QueryError> {
    static ALL: OnceLock<Vec<Diagnostic>> = OnceLock::new();
    // A test parses every file; one that does not parse would not ship.
    let all = ALL.get_or_init(|| OWN.iter().filter_map(|(name, text)| diagnostics::parse(name, text).ok()).collect());
    let question = all.iter().find(|question| question.name == name).ok_or_else(|| {
        QueryError::new(ErrorKind::Internal, format!("the dashboards' question '{name}' has no readable header"))
    })?;
    Ok(Piece { question, shape, width, height })
}

fn listed(name: &str, shape: Shape, width: u32, height: u32) -> Result<Piece, QueryError> {
    Ok(Piece { question: diagnostics::get(name)?, shape, width, height })
}
