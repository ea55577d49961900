//! The shape of a statement: its text without what differs from one run to the next.
//!
//! - constants (numbers, texts, `$1`) become `?`, a sign before a number is part of it;
//! - `IN (?, ?, ?)` becomes `in (?)`, and equal rows of `VALUES` become one;
//! - comments and trailing semicolons go, any run of white space is one blank or none;
//! - everything outside of double quotes is lower case.
//!
//! The log cuts statements at 4,000 characters and writes `\n` for a line end: a text that ends within a constant, a list or a
//! comment has the shape of its whole as far as it goes, and the two characters count as white space. A backslash in a text
//! escapes what follows, as in Redshift. The shape of a shape is itself.

/// One word or sign of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A keyword or a name, in lower case.
    Word(String),
    /// A name in double quotes, with them.
    Quoted(String),
    /// A number, a text, or a place for one.
    Constant,
    /// Anything else.
    Symbol(String),
}

use Token::{Constant, Quoted, Symbol, Word};

/// Words after which a value begins, so that a sign is not an operation, and before whose bracket a blank is kept.
const KEYWORDS: [&str; 44] = [
    "all",
    "and",
    "any",
    "as",
    "between",
    "by",
    "case",
    "check",
    "delete",
    "distinct",
    "else",
    "except",
    "exists",
    "from",
    "full",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "intersect",
    "into",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "not",
    "offset",
    "on",
    "or",
    "order",
    "over",
    "partition",
    "return",
    "select",
    "set",
    "some",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
];

/// Signs that are read as one.
const PAIRS: [&str; 8] = ["::", "||", "<=", ">=", "<>", "!=", ":=", "=>"];

/// The shape of a statement.
pub(super) fn shape(statement: &str) -> String {
    let mut tokens = Lexer { rest: statement }.tokens();
    while tokens.last().is_some_and(|token| is(token, ";")) {
        tokens.pop();
    }
    written(&one_row(&short_lists(tokens)))
}

struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    fn tokens(mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(first) = self.rest.chars().next() {
            if let Some(blank) = blank(self.rest) {
                self.skip(blank);
            } else if self.rest.starts_with("--") {
                self.line_comment();
            } else if self.rest.starts_with("/*") {
                self.block_comment();
            } else if first == '\'' {
                self.text();
                push_constant(&mut tokens);
            } else if first == '"' {
                let name = self.quoted();
                tokens.push(Quoted(name));
            } else if first == '?' {
                self.skip(1);
                push_constant(&mut tokens);
            } else if self.dollar_text() || self.number(first, tokens.last()) {
                push_constant(&mut tokens);
            } else if first.is_alphabetic() || first == '_' || (first == '#' && is_name(self.rest[1..].chars().next()))
            {
                let word = self.skip(self.word_end(first)).to_ascii_lowercase();
                // E'...', B'...', X'...' and N'...' are one constant.
                if matches!(word.as_str(), "e" | "b" | "x" | "n") && self.rest.starts_with('\'') {
                    self.text();
                    push_constant(&mut tokens);
                } else {
                    tokens.push(Word(word));
                }
            } else {
                let pair = PAIRS.iter().find(|pair| self.rest.starts_with(**pair));
                let symbol = self.skip(pair.map_or(first.len_utf8(), |pair| pair.len()));
                tokens.push(Symbol(symbol.to_owned()));
            }
        }
        tokens
    }

    fn skip(&mut self, bytes: usize) -> &'a str {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        skipped
    }

    fn word_end(&self, first: char) -> usize {
        let after = first.len_utf8();
        self.rest[after..].find(|c| !is_name(Some(c))).map_or(self.rest.len(), |end| after + end)
    }

    fn line_comment(&mut self) {
        let ends = [self.rest.find('\n'), self.rest.find("\\n")];
        self.skip(ends.into_iter().flatten().min().unwrap_or(self.rest.len()));
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while !self.rest.is_empty() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.skip(2);
                if depth == 0 {
                    return;
                }
            } else {
                self.skip(self.rest.chars().next().map_or(0, char::len_utf8));
            }
        }
    }

    fn text(&mut self) {
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => {
                    chars.next();
                }
                '\'' if self.rest[at + 1..].starts_with('\'') => {
                    chars.next();
                }
                '\'' => {
                    self.skip(at + 1);
                    return;
                }
                _ => {}
            }
        }
        self.skip(self.rest.len());
    }

    fn quoted(&mut self) -> String {
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c != '"' {
                continue;
            }
            if self.rest[at + 1..].starts_with('"') {
                chars.next();
            } else {
                return self.skip(at + 1).to_owned();
            }
        }
        let whole = self.skip(self.rest.len());
        format!("{whole}\"")
    }

    /// `$$...$$`, `$name$...$name$` or `$1`.
    fn dollar_text(&mut self) -> bool {
        let Some(after) = self.rest.strip_prefix('$') else { return false };
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            self.skip(1 + digits);
            return true;
        }
        let name = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
        if !after[name..].starts_with('$') {
            return false;
        }
        let mark = &self.rest[..name + 2];
        let body = &self.rest[mark.len()..];
        let end = body.find(mark).map_or(self.rest.len(), |at| mark.len() + at + mark.len());
        self.skip(end);
        true
    }

    /// `12`, `1.5`, `.5`, `1e-6`.
    fn number(&mut self, first: char, before: Option<&Token>) -> bool {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let fraction_only = first == '.' && digits(&self.rest[1..]) > 0 && !before.is_some_and(ends_value);
        if !first.is_ascii_digit() && !fraction_only {
            return false;
        }
        let mut end = digits(self.rest);
        if self.rest[end..].starts_with('.') {
            end += 1 + digits(&self.rest[end + 1..]);
        }
        let exponent = &self.rest[end..];
        if exponent.starts_with(['e', 'E']) {
            let sign = usize::from(exponent[1..].starts_with(['+', '-']));
            let size = digits(&exponent[1 + sign..]);
            if size > 0 {
                end += 1 + sign + size;
            }
        }
        self.skip(end);
        true
    }
}

/// The length of the white space at the beginning of a text: one character, or the two that stand for a line end.
fn blank(text: &str) -> Option<usize> {
    if ["\\n", "\\r", "\\t"].iter().any(|pair| text.starts_with(pair)) {
        return Some(2);
    }
    text.chars().next().filter(|c| c.is_whitespace() || c.is_control()).map(char::len_utf8)
}

fn is_name(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

fn is(token: &Token, symbol: &str) -> bool {
    matches!(token, Symbol(own) if own == symbol)
}

fn is_keyword(token: &Token) -> bool {
    matches!(token, Word(word) if KEYWORDS.contains(&word.as_str()))
}

/// Whether a value ends here, so that a sign that follows is an operation.
fn ends_value(token: &Token) -> bool {
    match token {
        Word(_) => !is_keyword(token),
        Quoted(_) | Constant => true,
        Symbol(symbol) => symbol == ")" || symbol == "]",
    }
}

fn push_constant(tokens: &mut Vec<Token>) {
    while let [before @ .., sign] = tokens.as_slice()
        && (is(sign, "-") || is(sign, "+"))
        && !before.last().is_some_and(ends_value)
    {
        tokens.pop();
    }
    tokens.push(Constant);
}

/// `in (?, ?)` as `in (?)`.
fn short_lists(mut tokens: Vec<Token>) -> Vec<Token> {
    let mut at = 0;
    while at < tokens.len() {
        if let [Word(word), bracket, Constant, rest @ ..] = &tokens[at..]
            && word == "in"
            && is(bracket, "(")
        {
            let more = rest.iter().take_while(|token| **token == Constant || is(token, ",")).count();
            // A list that holds something else is no list of constants; one that was cut has no end.
            if rest.get(more).is_none_or(|token| is(token, ")")) {
                tokens.drain(at + 3..at + 3 + more);
            }
        }
        at += 1;
    }
    tokens
}

/// Rows of `VALUES` that are equal to the one before go.
fn one_row(tokens: &[Token]) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        kept.push(tokens[at].clone());
        let is_values = matches!(&tokens[at], Word(word) if word == "values");
        at += 1;
        if !is_values {
            continue;
        }
        let mut row = group(&tokens[at..]);
        kept.extend_from_slice(row);
        at += row.len();
        while let [comma, rest @ ..] = &tokens[at..]
            && !row.is_empty()
            && is(comma, ",")
        {
            let next = group(rest);
            // The last row of a statement that was cut is the beginning of one.
            let is_same = next == row || (next.len() == rest.len() && row.starts_with(next));
            if next.is_empty() && !rest.is_empty() {
                break;
            }
            if !is_same {
                kept.push(comma.clone());
                kept.extend_from_slice(next);
                row = next;
            }
            at += 1 + next.len();
        }
    }
    kept
}

/// The bracket at the beginning, to its end.
fn group(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if is(token, "(") {
            depth += 1;
        } else if is(token, ")") && depth > 0 {
            depth -= 1;
        }
        if depth == 0 {
            return if is(token, ")") { &tokens[..=at] } else { &[] };
        }
    }
    tokens
}

fn written(tokens: &[Token]) -> String {
    let mut text = String::new();
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 && !joins(&tokens[at - 1], token) {
            text.push(' ');
        }
        text.push_str(match token {
            Word(own) | Quoted(own) | Symbol(own) => own,
            Constant => "?",
        });
    }
    text
}

/// Whether two tokens are written without a blank between them.
fn joins(before: &Token, after: &Token) -> bool {
    if let Symbol(symbol) = before
        && matches!(symbol.as_str(), "(" | "." | "::" | "[")
    {
        return true;
    }
    match after {
        Symbol(symbol) => match symbol.as_str() {
            ")" | "," | "." | "]" => true,
            "::" => !is(before, ":"),
            "(" | "[" => matches!(before, Word(_) | Quoted(_)) && !is_keyword(before),
            _ => false,
        },
        _ => false,
    }
}
