//! Tables as the templates write them: what a cell says, where it leads, how it is marked.

use lookback_query::diagnostics::{Diagnostic, Unit};

use super::ask::Answered;
use super::format::{count, cut, decimals, seconds, visible};

/// Rows of a table that stands for a chart, or answers a diagnostic.
const MOST: usize = 1_000;
/// Characters of a cell.
const CELL: usize = 2_000;

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    /// What it is about, for whoever does not see it.
    pub(super) label: String,
    pub(super) columns: Vec<Heading>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Whether a narrow screen shows each row as a card.
    pub(super) stack: bool,
    pub(super) sortable: bool,
    /// Whether it scrolls within a height.
    pub(super) limit: bool,
}

/// The head of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Heading {
    pub(super) title: String,
    pub(super) class: &'static str,
    pub(super) meaning: String,
}

/// A cell; what is empty is not written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) class: &'static str,
    pub(super) href: String,
    /// `ok`, `warn`, `bad`, `info` or `none`: the text is marked as such.
    pub(super) tone: &'static str,
    /// Small text below.
    pub(super) sub: String,
    pub(super) title: String,
    /// The column's name, where a row is a card.
    pub(super) label: String,
    /// The amount, for sorting.
    pub(super) value: String,
    pub(super) line: String,
    pub(super) area: String,
    pub(super) line_label: String,
    /// Percent of a meter.
    pub(super) meter: String,
    pub(super) meter_tone: &'static str,
}

impl Heading {
    pub(super) fn new(title: &str, class: &'static str) -> Self {
        Self { title: title.to_owned(), class, meaning: String::new() }
    }
}

impl Cell {
    /// A text of a log.
    pub(super) fn text(text: &str) -> Self {
        Self { text: cut(&visible(text), CELL), ..Self::default() }
    }

    /// An amount, as it is written and as it is sorted by.
    pub(super) fn amount(text: impl Into<String>, value: f64) -> Self {
        Self { text: text.into(), class: "amount", value: value.to_string(), ..Self::default() }
    }

    pub(super) fn classed(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    pub(super) fn linked(mut self, href: String) -> Self {
        self.href = href;
        self
    }

    pub(super) fn toned(mut self, tone: &'static str) -> Self {
        self.tone = tone;
        self
    }

    pub(super) fn below(mut self, sub: impl Into<String>) -> Self {
        self.sub = sub.into();
        self
    }

    pub(super) fn worth(mut self, value: f64) -> Self {
        self.value = value.to_string();
        self
    }
}

impl Table {
    /// A table with the heads of its columns: title and class of each.
    pub(super) fn new(label: &str, columns: &[(&str, &'static str)]) -> Self {
        let columns = columns.iter().map(|(title, class)| Heading::new(title, class)).collect();
        Self { label: label.to_owned(), columns, sortable: true, ..Self::default() }
    }

    /// Adds a row. Its cells learn the names of their columns.
    pub(super) fn push(&mut self, mut row: Vec<Cell>) {
        for (cell, column) in row.iter_mut().zip(&self.columns) {
            cell.label = column.title.clone();
            if cell.class.is_empty() {
                cell.class = column.class;
            }
        }
        self.rows.push(row);
    }

    /// Rows as cards on narrow screens.
    pub(super) fn stacked(mut self) -> Self {
        self.stack = true;
        self
    }

    /// The rows of an answer as they are, and how many are left out.
    pub(super) fn of(label: &str, answer: &Answered) -> (Self, usize) {
        let columns = answer.columns.iter().enumerate().map(|(at, name)| {
            let numbers = answer
                .rows
                .iter()
                .take(50)
                .all(|row| row.get(at).is_some_and(|cell| cell.number.is_some() || cell.text.is_empty()));
            let looks_like_time = answer
                .rows
                .first()
                .and_then(|row| row.get(at))
                .is_some_and(|cell| cell.text.contains('-') && cell.text.contains(':'));
            let class = if numbers && !looks_like_time { "amount" } else { "" };
            Heading::new(name, class)
        });
        let mut table = Self {
            label: label.to_owned(),
            columns: columns.collect(),
            limit: true,
            sortable: true,
            ..Self::default()
        };
        for row in answer.rows.iter().take(MOST) {
            let cells = row.iter().map(|cell| Cell {
                value: cell.number.map(|n| n.to_string()).unwrap_or_default(),
                ..Cell::text(&cell.text)
            });
            table.push(cells.collect());
        }
        (table, answer.rows.len().saturating_sub(MOST) + answer.left_out)
    }

    /// The rows of a diagnostic, written by their columns' units.
    pub(super) fn of_diagnostic(
        diagnostic: &Diagnostic,
        answer: &Answered,
        link: impl Fn(&[lookback_query::diagnostics::Cell], &str) -> String,
    ) -> (Self, usize) {
        let unit = |name: &str| diagnostic.columns.iter().find(|column| column.name == name);
        let columns = answer.columns.iter().map(|name| match unit(name) {
            Some(column) => Heading {
                title: heading(name, column.unit),
                class: class(column.unit),
                meaning: column.meaning.to_owned(),
            },
            None => Heading::new(name, ""),
        });
        let mut table = Self {
            label: diagnostic.title.to_owned(),
            columns: columns.collect(),
            limit: false,
            sortable: true,
            ..Self::default()
        };
        for row in answer.rows.iter().take(MOST) {
            let cells = row.iter().zip(&answer.columns).map(|(cell, name)| {
                let unit = unit(name).map(|column| column.unit);
                let text = match (unit, cell.number) {
                    (Some(unit), Some(number)) if unit.is_amount() => amount(unit, number),
                    _ => cell.text.clone(),
                };
                Cell {
                    value: cell.number.map(|n| n.to_string()).unwrap_or_default(),
                    href: link(row, name),
                    ..Cell::text(&text)
                }
            });
            table.push(cells.collect());
        }
        (table, answer.rows.len().saturating_sub(MOST) + answer.left_out)
    }
}

/// A column's name for people: units that each value says itself are left out.
fn heading(name: &str, unit: Unit) -> String {
    let name = match unit {
        Unit::Seconds => name.strip_suffix("_s").unwrap_or(name),
        Unit::Percent => name.strip_suffix("_pct").unwrap_or(name),
        _ => name,
    };
    name.replace('_', " ")
}

fn class(unit: Unit) -> &'static str {
    match unit {
        Unit::Text => "code",
        Unit::Time | Unit::Date => "time",
        unit if unit.is_amount() => "amount",
        _ => "",
    }
}

/// An amount with its unit.
pub(super) fn amount(unit: Unit, number: f64) -> String {
    match unit {
        Unit::Count => count(number),
        Unit::Seconds => seconds(number),
        Unit::Percent => format!("{} %", decimals(number)),
        Unit::Factor => format!("{}×", decimals(number)),
        Unit::Hours => format!("{} h", decimals(number)),
        Unit::Days => format!("{} d", decimals(number)),
        Unit::Megabytes => format!("{} MB", if number.abs() >= 100.0 { count(number) } else { decimals(number) }),
        Unit::MegabytesPerSecond => format!("{} MB/s", decimals(number)),
        _ => decimals(number),
    }
}

/// A line of amounts for a drawing of 100 by 24: the line, and the area below it. Empty if there are fewer than two.
pub(super) fn spark(values: &[f64]) -> (String, String) {
    let most = values.iter().copied().fold(0.0, f64::max);
    if values.len() < 2 {
        return (String::new(), String::new());
    }
    let place = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let last = place(values.len() - 1);
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(at, value)| {
            let height = if most > 0.0 { 21.0 * value.max(0.0) / most } else { 0.0 };
            format!("{:.1} {:.1}", 100.0 * place(at) / last, 23.0 - height)
        })
        .collect();
    let line = format!("M{}", points.join("L"));
    let area = format!("{line}L100 24L0 24Z");
    (line, area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparks_fit_their_field() {
        assert_eq!(spark(&[0.0, 4.0, 2.0]).0, "M0.0 23.0L50.0 2.0L100.0 12.5");
        assert_eq!(spark(&[0.0, 0.0]).1, "M0.0 23.0L100.0 23.0L100 24L0 24Z");
        assert_eq!(spark(&[1.0]), (String::new(), String::new()));
    }

    #[test]
    fn amounts_say_their_unit_once() {
        assert_eq!(heading("queue_s", Unit::Seconds), "queue");
        assert_eq!(heading("last_day", Unit::Date), "last day");
        assert_eq!(amount(Unit::Seconds, 90.0), "90 s");
        assert_eq!(amount(Unit::Percent, 12.345), "12.3 %");
        assert_eq!(amount(Unit::Megabytes, 12_345.6), "12,346 MB");
    }
}
