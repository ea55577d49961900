//! Where statements end, by the rules of the parser: a semicolon in a text, a quoted name, a comment or a dollar-quoted text
//! ends nothing.

/// A text cut into statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split<'a> {
    /// The statements that have their semicolon, without it. What is empty or only comment is left out.
    pub(crate) statements: Vec<&'a str>,
    /// What follows the last semicolon.
    pub(crate) rest: &'a str,
    /// What the rest is, at the text's end.
    pub(crate) end: End,
}

/// What a text is in when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Between two statements.
    Blank,
    /// In a statement.
    Statement,
    /// In a text, a quoted name, a comment or a dollar-quoted text that is not closed.
    Quoted,
}

/// One step through a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Blank,
    Semicolon,
    /// A name, a keyword, a text, a sign: something that makes a statement.
    Code,
    /// Up to the text's end, because its closing quote is missing.
    Open,
}

/// Cuts a text at the semicolons that end statements.
pub(crate) fn split(text: &str) -> Split<'_> {
    let (mut statements, mut start, mut at) = (Vec::new(), 0, 0);
    let mut end = End::Blank;
    while at < text.len() {
        let (piece, length) = piece(&text[at..]);
        match piece {
            Piece::Blank => {}
            Piece::Code => end = End::Statement,
            Piece::Open => end = End::Quoted,
            Piece::Semicolon => {
                if end != End::Blank {
                    statements.push(text[start..at].trim());
                }
                (start, end) = (at + length, End::Blank);
            }
        }
        at += length;
    }
    Split { statements, rest: &text[start..], end }
}

/// The piece that a text begins with, and its length in bytes.
fn piece(text: &str) -> (Piece, usize) {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return (Piece::Blank, 0) };
    let rest = chars.as_str();
    let one = first.len_utf8();
    match first {
        ';' => (Piece::Semicolon, one),
        '-' if rest.starts_with('-') => (Piece::Blank, text.find('\n').map_or(text.len(), |line| line + 1)),
        '/' if rest.starts_with('*') => comment(text),
        '\'' => quoted(text, 0, '\'', false),
        '"' => quoted(text, 0, '"', false),
        '$' => dollar(text),
        _ if first.is_whitespace() => (Piece::Blank, one),
        _ if is_name_start(first) => {
            let length = text.find(|c| !is_name_part(c)).unwrap_or(text.len());
            // E'...' has escapes; a quote directly after any other name begins a text of its own.
            let escapes = length == 1 && matches!(first, 'e' | 'E') && text[length..].starts_with('\'');
            if escapes { quoted(text, length, '\'', true) } else { (Piece::Code, length) }
        }
        _ => (Piece::Code, one),
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_name_part(c: char) -> bool {
    is_name_start(c) || c.is_ascii_digit() || c == '$'
}

/// A text whose opening quote is at `open`. A doubled quote stands for itself.
fn quoted(text: &str, open: usize, quote: char, escapes: bool) -> (Piece, usize) {
    let mut chars = text[open + 1..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && escapes {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return (Piece::Code, open + 1 + at + 1);
        }
    }
    (Piece::Open, text.len())
}

/// Comments nest.
fn comment(text: &str) -> (Piece, usize) {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let here = &text[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return (Piece::Blank, at);
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    (Piece::Open, text.len())
}

/// `$$...$$` or `$tag$...$tag$`; a dollar with nothing of the kind is a sign.
fn dollar(text: &str) -> (Piece, usize) {
    let tag = text[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(text.len(), |end| end + 1);
    if !text[tag..].starts_with('$') {
        return (Piece::Code, 1);
    }
    let (delimiter, body) = text.split_at(tag + 1);
    match body.find(delimiter) {
        Some(end) => (Piece::Code, delimiter.len() + end + delimiter.len()),
        None => (Piece::Open, text.len()),
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
