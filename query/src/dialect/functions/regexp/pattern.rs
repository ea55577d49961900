//! Patterns as Redshift reads them, for the engine used here.
//!
//! - A backslash gives the next letter its meaning or takes it. Scripts write two (`'\\d'`), because text literals take one away.
//! - `\d`, `\w`, `\s` and `\b` know ASCII only, as do the POSIX classes (`[[:alpha:]]`).
//! - POSIX takes the longest of several alternatives, this engine the first that fits. Alternatives that are plain words are
//!   therefore put in order of their length; of others (`a+|ab`), the first that fits is taken.
//! - In brackets, what POSIX takes literally is literal: `[`, `&&`, `--`, `~~`.

use std::iter::Peekable;
use std::str::Chars;

/// The pattern with the longest of plain words first, wherever a group or the whole pattern has nothing but such words.
pub(super) fn longest_first(pattern: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '-' | '/' | ',' | ':' | '|');
    let mut ordered = String::with_capacity(pattern.len());
    let mut rest = pattern;
    loop {
        let length = rest.find(|letter| !is_plain(letter)).unwrap_or(rest.len());
        let (words, behind) = rest.split_at(length);
        let opens =
            ordered.is_empty() || ordered.ends_with('(') && !ordered.ends_with("\\(") || ordered.ends_with("(?:");
        let closes = behind.is_empty() || behind.starts_with(')');
        if opens && closes && words.contains('|') {
            let mut words: Vec<&str> = words.split('|').collect();
            words.sort_by_key(|word| std::cmp::Reverse(word.len()));
            ordered.push_str(&words.join("|"));
        } else {
            ordered.push_str(words);
        }
        let Some(next) = behind.chars().next() else { return ordered };
        ordered.push(next);
        rest = &behind[next.len_utf8()..];
    }
}

/// The pattern for the engine, or why it cannot be one.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translated = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => escape(&mut rest, &mut translated, false)?,
            '[' => bracket(&mut rest, &mut translated)?,
            '(' => {
                let ahead: String = rest.clone().take(3).collect();
                if ["?=", "?!", "?<=", "?<!"].iter().any(|look| ahead.starts_with(look)) {
                    return Err(
                        "it looks ahead or behind ((?=, (?!, (?<=, (?<!), which this engine does not do".to_owned()
                    );
                }
                if ["?>", "?(", "?P>", "?R"].iter().any(|form| ahead.starts_with(form)) {
                    return Err(format!("it has a group of the form ({ahead}"));
                }
                translated.push('(');
            }
            other => translated.push(other),
        }
    }
    Ok(translated)
}

fn escape(rest: &mut Peekable<Chars>, translated: &mut String, in_bracket: bool) -> Result<(), String> {
    let Some(letter) = rest.next() else { return Err("it ends with a backslash".to_owned()) };
    let (open, close) = if in_bracket { ("", "") } else { ("[", "]") };
    match letter {
        'd' => translated.push_str(&format!("{open}0-9{close}")),
        'w' => translated.push_str(&format!("{open}0-9A-Za-z_{close}")),
        's' => translated.push_str(&format!("{open} \\t\\n\\v\\f\\r{close}")),
        'D' => translated.push_str("[^0-9]"),
        'W' => translated.push_str("[^0-9A-Za-z_]"),
        'S' => translated.push_str("[^ \\t\\n\\v\\f\\r]"),
        'b' | 'B' if !in_bracket => translated.push_str(&format!("(?-u:\\{letter})")),
        't' | 'n' | 'r' | 'f' | 'v' => translated.extend(['\\', letter]),
        '1'..='9' => return Err(format!("it refers back to a group (\\{letter}), which this engine does not do")),
        letter if letter.is_ascii_alphanumeric() => return Err(format!("\\{letter} is not an operator of Redshift")),
        letter => translated.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4]))),
    }
    Ok(())
}

/// A bracket expression, behind its `[`.
fn bracket(rest: &mut Peekable<Chars>, translated: &mut String) -> Result<(), String> {
    translated.push('[');
    if rest.next_if_eq(&'^').is_some() {
        translated.push('^');
    }
    let mut first = true;
    while let Some(letter) = rest.next() {
        match letter {
            ']' if !first => {
                translated.push(']');
                return Ok(());
            }
            '[' if rest.peek() == Some(&':') => {
                let name: String = rest.by_ref().skip(1).take_while(|letter| *letter != ':').collect();
                if rest.next() != Some(']') {
                    return Err(format!("the class [:{name} has no end"));
                }
                translated.push_str(&format!("[:{name}:]"));
            }
            '[' if matches!(rest.peek(), Some('.' | '=')) => {
                return Err("it has a collating element ([. or [=)".to_owned());
            }
            '\\' => escape(rest, translated, true)?,
            '-' if first || matches!(rest.peek(), Some(']' | '-')) => translated.push_str("\\-"),
            '[' | ']' | '&' | '~' => translated.extend(['\\', letter]),
            other => translated.push(other),
        }
        first = false;
    }
    Err("it has a [ without ]".to_owned())
}
