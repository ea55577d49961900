//! The commands of the shell: what begins with a backslash.

use std::path::PathBuf;
use std::time::Duration;

use lookback_query::names;
use lookback_query::output::Format;

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// `\d`, `\d NAME`
    Describe(Option<String>),
    /// `\dt`
    Tables,
    /// `\diag`
    Diagnostics,
    /// `\diag NAME key=value ...`
    Diagnose {
        name: String,
        given: Vec<(String, String)>,
    },
    Format(Option<Format>),
    /// `None` changes it to the other state.
    Expanded(Option<bool>),
    Timing(Option<bool>),
    Pager(Option<bool>),
    /// `None` goes back to the screen.
    Output(Option<PathBuf>),
    /// `None` is the present.
    AsOf(Option<String>),
    Edit,
    Include(PathBuf),
    Watch(Duration),
    Help,
    Quit,
}

/// A command's name, what follows it, and what it does.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
}

const fn known(name: &'static str, arguments: &'static str, help: &'static str) -> Known {
    Known { name, arguments, help }
}

/// All commands, in the order of the help.
pub(crate) const ALL: [Known; 16] = [
    known("\\d", "[NAME]", "tables that hold rows, and views; or the columns of one"),
    known("\\dt", "", "all tables, also those that are empty in this lake"),
    known("\\diag", "[NAME [KEY=VALUE ...]]", "ready questions; or ask one"),
    known("\\i", "FILE", "run the statements and commands of a file"),
    known("\\e", "", "edit the last statement in $EDITOR"),
    known("\\watch", "[SECONDS]", "repeat the last statement, every 2 seconds if not said, until Ctrl-C"),
    known("\\format", "[FORMAT]", "how answers are written: table, expanded, csv, json, ndjson, parquet, arrow"),
    known("\\x", "[on|off]", "a line for every column, for rows wider than the screen"),
    known("\\o", "[FILE]", "write answers to a file; without one, to the screen again"),
    known("\\as-of", "[TIME]", "the moment that getdate() answers, in UTC; without one, the present"),
    known("\\timing", "[on|off]", "a line after each answer: time, and what was read"),
    known("\\pager", "[on|off]", "show answers longer than the screen with $PAGER"),
    known("\\?", "", "this list"),
    known("\\h", "", "this list"),
    known("\\q", "", "end; so does Ctrl-D"),
    known("\\quit", "", "end"),
];

/// Reads a command line, which begins with a backslash.
pub(crate) fn parse(line: &str) -> Result<Command, String> {
    let mut words = words(line)?.into_iter();
    let name = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    let one = || match words.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err(format!("{name} takes one word: {}", usage(&name))),
    };
    // A semicolon out of habit ends nothing here.
    match name.trim_end_matches(';') {
        "\\d" => Ok(Command::Describe(one()?.map(|n| n.trim_end_matches(';').to_owned()))),
        "\\dt" => none(&name, &words, Command::Tables),
        "\\diag" => diagnose(&words),
        "\\i" => match one()? {
            Some(path) => Ok(Command::Include(PathBuf::from(path))),
            None => Err(format!("which file? {}", usage(&name))),
        },
        "\\e" => none(&name, &words, Command::Edit),
        "\\watch" => match one()? {
            None => Ok(Command::Watch(Duration::from_secs(2))),
            Some(text) => seconds(&text).map(Command::Watch),
        },
        "\\format" => match one()? {
            None => Ok(Command::Format(None)),
            Some(format) => format.parse().map(|f| Command::Format(Some(f))).map_err(|e| format!("{e}")),
        },
        "\\x" => Ok(Command::Expanded(one()?.map(|word| switch(&name, &word)).transpose()?)),
        "\\timing" => Ok(Command::Timing(one()?.map(|word| switch(&name, &word)).transpose()?)),
        "\\pager" => Ok(Command::Pager(one()?.map(|word| switch(&name, &word)).transpose()?)),
        "\\o" => Ok(Command::Output(one()?.map(PathBuf::from))),
        // A time may hold a blank.
        "\\as-of" => Ok(Command::AsOf((!words.is_empty()).then(|| words.join(" ")))),
        "\\?" | "\\h" => Ok(Command::Help),
        "\\q" | "\\quit" => none(&name, &words, Command::Quit),
        unknown => Err(unknown_command(unknown)),
    }
}

fn usage(name: &str) -> String {
    let known = ALL.iter().find(|known| known.name == name);
    known.map_or_else(|| name.to_owned(), |known| format!("{} {}", known.name, known.arguments).trim_end().to_owned())
}

fn none(name: &str, words: &[String], command: Command) -> Result<Command, String> {
    if words.is_empty() { Ok(command) } else { Err(format!("{name} takes nothing, not '{}'", words.join(" "))) }
}

fn switch(name: &str, word: &str) -> Result<bool, String> {
    match word.trim_end_matches(';').to_lowercase().as_str() {
        "on" | "true" | "1" => Ok(true),
        "off" | "false" | "0" => Ok(false),
        _ => Err(format!("'{word}' is neither on nor off: {}", usage(name))),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a number of seconds: {}", usage("\\watch"));
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if !(0.1..=86_400.0).contains(&seconds) {
        return Err("between two looks may be a tenth of a second to a day".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn diagnose(words: &[String]) -> Result<Command, String> {
    let Some((name, rest)) = words.split_first() else { return Ok(Command::Diagnostics) };
    let given = rest.iter().map(|word| match word.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(format!("'{word}' is not a parameter; write it as name=value")),
    });
    Ok(Command::Diagnose { name: name.clone(), given: given.collect::<Result<_, String>>()? })
}

fn unknown_command(name: &str) -> String {
    let near = names::nearest(name, ALL.iter().map(|known| known.name), 2);
    // Of a short name, anything is near.
    let near: Vec<String> = near.into_iter().filter(|_| name.len() > 2).collect();
    if near.is_empty() {
        format!("there is no command {name}; \\? lists them")
    } else {
        format!("there is no command {name}; did you mean {}?", near.join(" or "))
    }
}

/// Words between blanks; quotes hold a word together.
fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    for c in line.trim().chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '\'' || c == '"' => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quote is not closed".to_owned()) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

    use super::*;

    #[test]
    fn commands_are_understood() {
        let text = |s: &str| s.to_owned();
        for (line, command) in [
            ("\\d", Command::Describe(None)),
            ("\\d stl_query;", Command::Describe(Some(text("stl_query")))),
            ("  \\dt ", Command::Tables),
            ("\\diag", Command::Diagnostics),
            (
                "\\diag slowest_queries top=3 from='2026-01-01 08:00'",
                Command::Diagnose {
                    name: text("slowest_queries"),
                    given: vec![(text("top"), text("3")), (text("from"), text("2026-01-01 08:00"))],
                },
            ),
            ("\\format CSV", Command::Format(Some(Format::Csv))),
            ("\\x", Command::Expanded(None)),
            ("\\x on", Command::Expanded(Some(true))),
            ("\\timing off", Command::Timing(Some(false))),
            ("\\o 'my answers.csv'", Command::Output(Some(PathBuf::from("my answers.csv")))),
            ("\\o", Command::Output(None)),
            ("\\as-of 2026-01-31 08:00", Command::AsOf(Some(text("2026-01-31 08:00")))),
            ("\\watch 0.5", Command::Watch(Duration::from_millis(500))),
            ("\\q;", Command::Quit),
            ("\\?", Command::Help),
        ] {
            assert_eq!(parse(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let errors: Vec<String> = [
            "\\diagg",
            "\\formt csv",
            "\\z",
            "\\connect other",
            "\\format xml",
            "\\d a b",
            "\\dt stl_query",
            "\\x maybe",
            "\\watch never",
            "\\watch 0",
            "\\i",
            "\\diag alerts top",
            "\\o 'open",
        ]
        .into_iter()
        .map(|line| parse(line).unwrap_err())
        .collect();
        insta::assert_snapshot!(errors.join("\n"), @r"
        there is no command \diagg; did you mean \diag?
        there is no command \formt; did you mean \format?
        there is no command \z; \? lists them
        there is no command \connect; \? lists them
        'xml' is not a format; formats are table, expanded, csv, json, ndjson, parquet, arrow
        \d takes one word: \d [NAME]
        \dt takes nothing, not 'stl_query'
        'maybe' is neither on nor off: \x [on|off]
        'never' is not a number of seconds: \watch [SECONDS]
        between two looks may be a tenth of a second to a day
        which file? \i FILE
        'top' is not a parameter; write it as name=value
        a quote is not closed
        ");
    }

    #[test]
    fn every_command_of_the_list_exists() {
        for known in ALL {
            let argument = if known.name == "\\i" { " file" } else { "" };
            assert!(parse(&format!("{}{argument}", known.name)).is_ok(), "{}", known.name);
        }
    }
}
