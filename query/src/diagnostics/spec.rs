//! What a header can say about a diagnostic, beside its parameters.

use std::fmt;

/// What a diagnostic is about; lists and reports are in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What runs, what it says, how long it takes.
    Queries,
    /// Workload management, load, commits.
    Queues,
    /// Sort and distribution keys, statistics, vacuum, steps of queries.
    Tables,
    /// COPY, UNLOAD, S3, changed rows.
    Loading,
    /// Connections, users, rights.
    Security,
    /// Transactions, restarts, limits.
    Cluster,
}

impl Group {
    const ALL: [Self; 6] = [Self::Queries, Self::Queues, Self::Tables, Self::Loading, Self::Security, Self::Cluster];

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// Its name in a header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queries => "queries",
            Self::Queues => "queues",
            Self::Tables => "tables",
            Self::Loading => "loading",
            Self::Security => "security",
            Self::Cluster => "cluster",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Queries => "Queries",
            Self::Queues => "Queues and load",
            Self::Tables => "Tables and plans",
            Self::Loading => "Loading and unloading",
            Self::Security => "Security",
            Self::Cluster => "Transactions and cluster",
        }
    }
}

/// What it means that a diagnostic has rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is an overview: rows mean nothing by themselves.
    Info,
    /// Each row is worth a look.
    Warning,
    /// Each row is a risk or a loss.
    Critical,
}

impl Severity {
    pub(super) fn of(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Critical].into_iter().find(|severity| severity.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// The name of something.
    Name,
    /// The number of something, or a fingerprint.
    Id,
    /// Text to read.
    Text,
    /// A moment, UTC.
    Time,
    /// A day, UTC.
    Date,
    /// How many.
    Count,
    /// Part of 100.
    Percent,
    /// How many times as much.
    Factor,
    /// Seconds.
    Seconds,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// 1,048,576 bytes, which is also Redshift's block.
    Megabytes,
    /// [`Megabytes`](Self::Megabytes) each second.
    MegabytesPerSecond,
}

impl Unit {
    const ALL: [(Self, &str); 13] = [
        (Self::Name, "name"),
        (Self::Id, "id"),
        (Self::Text, "text"),
        (Self::Time, "time"),
        (Self::Date, "date"),
        (Self::Count, "count"),
        (Self::Percent, "percent"),
        (Self::Factor, "factor"),
        (Self::Seconds, "seconds"),
        (Self::Hours, "hours"),
        (Self::Days, "days"),
        (Self::Megabytes, "MB"),
        (Self::MegabytesPerSecond, "MB/s"),
    ];

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, own)| *own == name).map(|(unit, _)| unit)
    }

    /// Whether values can be compared by their size, so that a chart can show them.
    #[must_use]
    pub fn is_amount(self) -> bool {
        !matches!(self, Self::Name | Self::Id | Self::Text | Self::Time | Self::Date)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::ALL.iter().find(|(unit, _)| unit == self).map_or("", |(_, name)| *name))
    }
}

/// A column of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub unit: Unit,
    /// What it says.
    pub meaning: &'static str,
}

/// How rows are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChartKind {
    /// A bar for each x.
    Bars,
    /// A line over x for each series.
    Lines,
    /// A field for each x and series, the darker the more.
    Heat,
}

/// What a chart shows. Several columns in one place are read as one name; amounts of the same place are added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// How it is drawn.
    pub kind: ChartKind,
    /// What goes from left to right (of bars: from top to bottom).
    pub x: Vec<&'static str>,
    /// The amount.
    pub y: &'static str,
    /// What tells lines or rows apart; empty if there is one.
    pub series: Vec<&'static str>,
}
