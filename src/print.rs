//! Results to stdout, logs to stderr.

use std::io::{IsTerminal, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::{Global, LogFormat};
use crate::failure::Failure;

/// Starts logging to stderr. `RUST_LOG` overrides the flags, but not what must not be seen.
pub(crate) fn start_logging(global: &Global) {
    // The table format's library warns about commits that lose a race, which is ordinary here and handled.
    let level = match global.verbose {
        // Nobody looks at the result of a service: its lines are shown without asking.
        0 => {
            "warn,lookback::service=info,lookback::requests=info,lookback::questions=info,deltalake_core=off,delta_kernel=off,buoyant_kernel=off"
        }
        1 => "info,deltalake_core=error,delta_kernel=error,buoyant_kernel=error",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let logs = tracing_subscriber::registry().with(filter).with(filter_fn(is_discreet));
    let format = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // Fails only if it was started before.
    let _ = match global.log_format {
        LogFormat::Text => logs.with(format.with_target(false).with_ansi(std::io::stderr().is_terminal())).try_init(),
        LogFormat::Json => logs.with(format.json()).try_init(),
    };
}

/// Whether a line may be logged, however much was asked for. The clients of AWS and HTTP show requests and answers whole, and
/// these hold passwords and the keys of sessions: parameters, secrets, temporary credentials.
fn is_discreet(line: &Metadata<'_>) -> bool {
    let is_of = |names: &[&str]| names.iter().any(|name| line.target().starts_with(name));
    // Warnings, too: one repeats what STS says about a wrong signature, and STS repeats the request. What failed is said by us.
    let most = if is_of(&["aws_"]) {
        Level::ERROR
    } else if is_of(&["h2", "hyper", "reqwest"]) {
        Level::INFO
    } else {
        Level::TRACE
    };
    *line.level() <= most
}

/// Prints a line of a result.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    writeln!(std::io::stdout().lock(), "{}", text.as_ref())?;
    Ok(())
}

/// Says something beside the result, to stderr.
#[cfg(feature = "query")]
pub(crate) fn note(text: impl AsRef<str>) {
    // Nobody is left to be told that it cannot be said.
    let _ = writeln!(std::io::stderr().lock(), "lookback: {}", text.as_ref());
}

/// Prints a JSON document.
pub(crate) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    line(format!("{value:#}"))
}

/// Prints a table. A column whose cells are all numbers is aligned to the right.
pub(crate) fn table(headers: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    line(render(headers, rows).trim_end())
}

/// The lines of a table.
pub(crate) fn render(headers: &[&str], rows: &[Vec<String>]) -> String {
    let numeric =
        |s: &str| s.is_empty() || s == "-" || s.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '%'));
    let columns: Vec<(usize, bool)> = headers
        .iter()
        .enumerate()
        .map(|(i, header)| {
            let cells = || rows.iter().filter_map(|r| r.get(i));
            let width = cells().map(|c| c.chars().count()).chain([header.chars().count()]).max().unwrap_or(0);
            (width, !rows.is_empty() && cells().all(|c| numeric(c)))
        })
        .collect();
    let mut text = String::new();
    let mut push = |cells: Vec<&str>| {
        let padded = cells
            .iter()
            .zip(&columns)
            .map(|(cell, (width, right))| if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") });
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    };
    push(headers.to_vec());
    let rules: Vec<String> = columns.iter().map(|(width, _)| "-".repeat(*width)).collect();
    push(rules.iter().map(String::as_str).collect());
    for row in rows {
        push(row.iter().map(String::as_str).collect());
    }
    text
}

/// A count with thousands separators.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the unit that fits.
pub(crate) fn bytes(n: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut tenths, mut unit) = (n.saturating_mul(10), 0);
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1_024;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{}.{} {}", tenths / 10, tenths % 10, units[unit]) }
}

/// A moment to the second, UTC; `-` if there is none.
pub(crate) fn moment(micros: Option<i64>) -> String {
    let text = micros.and_then(chrono::DateTime::from_timestamp_micros);
    text.map_or_else(|| "-".to_owned(), |t| t.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// A span of time, rounded to two units.
pub(crate) fn span(micros: i64) -> String {
    let seconds = u64::try_from(micros.abs() / 1_000_000).unwrap_or(0);
    let (d, h, m, s) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let text = if d > 0 {
        format!("{d}d {h}h")
    } else if h > 0 {
        format!("{h}h {m}m")
    } else if m > 0 {
        format!("{m}m {s}s")
    } else {
        format!("{s}s")
    };
    if micros < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = vec![vec!["etl".to_owned(), "1,200".to_owned()], vec!["dashboards".to_owned(), "7".to_owned()]];
        insta::assert_snapshot!(render(&["cluster", "rows"], &rows), @r"
        cluster      rows
        ----------  -----
        etl         1,200
        dashboards      7
        ");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(3 << 30), "3.0 GiB");
        assert_eq!(moment(None), "-");
    }

    #[test]
    fn spans_of_time() {
        assert_eq!(span(90_000_000), "1m 30s");
        assert_eq!(span(-3_600_000_000), "-1h 0m");
    }
}
