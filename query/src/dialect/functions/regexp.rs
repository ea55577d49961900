//! `REGEXP_SUBSTR`, `REGEXP_INSTR`, `REGEXP_COUNT` and `REGEXP_REPLACE`.
//!
//! A pattern is compiled once for all rows that have it, to a machine of bounded size; a search takes time in proportion to
//! the text. What such a machine cannot do, looking around and back references, is refused. Source: Amazon Redshift Database Developer Guide, one page per function, and "POSIX operators".

mod pattern;

use arrow::array::{ArrayRef, PrimitiveArray, StringArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::common::Result;
use regex::{Captures, Regex, RegexBuilder};
use std::cell::RefCell;
use std::rc::Rc;

use super::frame::{Arguments, Function, Kind, Values, is_text, wrong};

/// Bytes that a compiled pattern may take, and that its search may keep.
const PATTERN_BYTES: usize = 4 << 20;
/// Levels of nesting in a pattern.
const NESTING: u32 = 100;
/// Longest text that a replacement may make, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Int, IntOrText, Text};
    let (text, integer) = (DataType::Utf8, DataType::Int32);
    vec![
        Function::new(
            "regexp_substr",
            "regexp_substr(text, 'pattern' [, position [, occurrence [, 'parameters']]])",
            &[Text, Text, Int, Int, Text],
            text.clone(),
            substr,
        )
        .optional(3),
        Function::new(
            "regexp_instr",
            "regexp_instr(text, 'pattern' [, position [, occurrence [, option [, 'parameters']]]])",
            &[Text, Text, Int, Int, Int, Text],
            integer.clone(),
            instr,
        )
        .optional(4),
        Function::new(
            "regexp_count",
            "regexp_count(text, 'pattern' [, position [, 'parameters']])",
            &[Text, Text, Int, Text],
            integer,
            count,
        )
        .optional(2),
        Function::new(
            "regexp_replace",
            "regexp_replace(text, 'pattern' [, replacement [, position [, 'parameters']]])",
            &[Text, Text, Text, IntOrText, Text],
            text,
            replace,
        )
        .optional(3),
    ]
}

/// The text and pattern arguments, and those that say where and how to search.
struct Search<'a> {
    arguments: &'a Arguments,
    texts: Values<StringArray>,
    patterns: Values<StringArray>,
    positions: Option<Values<PrimitiveArray<Int64Type>>>,
    parameters: Option<Values<StringArray>>,
    /// The pattern and parameters that were compiled last.
    last: RefCell<Option<(String, String, Rc<Regex>)>>,
}

impl<'a> Search<'a> {
    fn new(arguments: &'a Arguments, position: usize, parameters: usize) -> Result<Self> {
        let given = |n: usize| n < arguments.len();
        Ok(Self {
            arguments,
            texts: arguments.texts(0)?,
            patterns: arguments.texts(1)?,
            positions: if given(position) { positions(arguments, position)? } else { None },
            parameters: if given(parameters) { Some(arguments.texts(parameters)?) } else { None },
            last: RefCell::new(None),
        })
    }

    fn parameters(&self, row: usize) -> &str {
        self.parameters.as_ref().map_or("", |parameters| parameters.get(row))
    }

    /// The compiled pattern of a row.
    fn regex(&self, row: usize) -> Result<Rc<Regex>> {
        let (pattern, parameters) = (self.patterns.get(row), self.parameters(row));
        if let Some((known, with, regex)) = &*self.last.borrow()
            && known == pattern
            && with == parameters
        {
            return Ok(Rc::clone(regex));
        }
        let regex = Rc::new(compile(self.arguments.name, pattern, parameters)?);
        *self.last.borrow_mut() = Some((pattern.to_owned(), parameters.to_owned(), Rc::clone(&regex)));
        Ok(regex)
    }

    /// The whole text, and the byte at which the search starts; `None` if that is behind the end.
    fn start(&self, row: usize) -> (&str, Option<usize>) {
        let text = self.texts.get(row);
        let position = self.positions.as_ref().map_or(1, |positions| positions.get(row)).max(1);
        let Some(skipped) = usize::try_from(position - 1).ok().filter(|skipped| *skipped > 0) else {
            return (text, Some(0));
        };
        (text, text.char_indices().nth(skipped).map(|(at, _)| at))
    }

    /// Where the match of that number lies, or its first group if parameter `e` asks for it.
    fn find(&self, row: usize, text: &str, occurrence: usize) -> Result<Option<(usize, usize)>> {
        let regex = self.regex(row)?;
        let group = usize::from(self.parameters(row).contains('e') && regex.captures_len() > 1);
        let found = regex.captures_iter(text).nth(occurrence - 1);
        Ok(found.and_then(|found| found.get(group)).map(|part| (part.start(), part.end())))
    }
}

/// In place of a position, PostgreSQL has flags: its `'g'` asks for what Redshift does anyway.
fn positions(arguments: &Arguments, n: usize) -> Result<Option<Values<PrimitiveArray<Int64Type>>>> {
    if !is_text(arguments.data_type(n)) {
        return arguments.ints(n).map(Some);
    }
    match arguments.texts(n)?.constant() {
        Some("g") => Ok(None),
        _ => wrong(format!("{}(): a number is expected where the search starts, not a text", arguments.name)),
    }
}

fn compile(function: &str, pattern: &str, parameters: &str) -> Result<Regex> {
    // Only what finds a place in a text can say that it means a group.
    let known = if matches!(function, "regexp_substr" | "regexp_instr") { "ceip" } else { "cip" };
    if let Some(unknown) = parameters.chars().find(|letter| !known.contains(*letter)) {
        return wrong(format!(
            "'{unknown}' is not a parameter of {function}(); its parameters are the letters {known}"
        ));
    }
    // In PCRE, the order of alternatives counts.
    let ordered = if parameters.contains('p') { pattern.to_owned() } else { pattern::longest_first(pattern) };
    let translated = match pattern::translate(&ordered) {
        Ok(translated) => translated,
        Err(why) => return wrong(format!("the pattern '{pattern}' of {function}() cannot be used here: {why}")),
    };
    let regex = RegexBuilder::new(&translated)
        .case_insensitive(parameters.contains('i'))
        .dot_matches_new_line(true)
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES)
        .nest_limit(NESTING)
        .build();
    regex.or_else(|error| {
        let text = error.to_string();
        let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        wrong(format!("the pattern '{pattern}' of {function}() cannot be used: {why}"))
    })
}

/// A number of a match that lies between 1 and the number of characters; anything else finds nothing.
fn occurrence(text: &str, number: i64) -> Option<usize> {
    usize::try_from(number).ok().filter(|number| *number >= 1 && (*number == 1 || *number <= text.chars().count()))
}

fn substr(a: &Arguments) -> Result<ArrayRef> {
    let search = Search::new(a, 2, 4)?;
    let occurrences = if a.len() > 3 { Some(a.ints(3)?) } else { None };
    a.strings(|row| {
        let (text, start) = search.start(row);
        let wanted = occurrences.as_ref().map_or(1, |occurrences| occurrences.get(row));
        let Some(wanted) = occurrence(text, wanted) else { return Ok(None) };
        let Some(start) = start else { return Ok(Some("")) };
        let rest = &text[start..];
        Ok(Some(search.find(row, rest, wanted)?.map_or("", |(from, to)| &rest[from..to])))
    })
}

fn instr(a: &Arguments) -> Result<ArrayRef> {
    let search = Search::new(a, 2, 5)?;
    let occurrences = if a.len() > 3 { Some(a.ints(3)?) } else { None };
    let options = if a.len() > 4 { Some(a.ints(4)?) } else { None };
    a.numbers::<Int32Type>(|row| {
        let (text, start) = search.start(row);
        let wanted = occurrences.as_ref().map_or(1, |occurrences| occurrences.get(row));
        let (Some(wanted), Some(start)) = (occurrence(text, wanted), start) else { return Ok(Some(0)) };
        let Some((from, to)) = search.find(row, &text[start..], wanted)? else { return Ok(Some(0)) };
        let after = options.as_ref().is_some_and(|options| options.get(row) != 0);
        let position = text[..start + if after { to } else { from }].chars().count() + 1;
        Ok(Some(i32::try_from(position).unwrap_or(i32::MAX)))
    })
}

fn count(a: &Arguments) -> Result<ArrayRef> {
    let search = Search::new(a, 2, 3)?;
    a.numbers::<Int32Type>(|row| {
        let (text, start) = search.start(row);
        let Some(start) = start else { return Ok(Some(0)) };
        let found = search.regex(row)?.find_iter(&text[start..]).count();
        Ok(Some(i32::try_from(found).unwrap_or(i32::MAX)))
    })
}

fn replace(a: &Arguments) -> Result<ArrayRef> {
    let search = Search::new(a, 3, 4)?;
    let replacements = if a.len() > 2 { Some(a.texts(2)?) } else { None };
    a.strings(|row| {
        let (text, start) = search.start(row);
        let Some(start) = start else { return Ok(Some(text.to_owned())) };
        let replacement = replacements.as_ref().map_or("", |replacements| replacements.get(row));
        let pieces = pieces(replacement)?;
        let regex = search.regex(row)?;
        let (mut changed, mut last) = (text[..start].to_owned(), start);
        for found in regex.captures_iter(&text[start..]) {
            let Some(whole) = found.get(0) else { continue };
            changed.push_str(&text[last..start + whole.start()]);
            pieces.iter().for_each(|piece| piece.push(&found, &mut changed));
            last = start + whole.end();
            if changed.len() > LONGEST {
                return wrong("regexp_replace() would make a text of more than 16 MB");
            }
        }
        changed.push_str(&text[last..]);
        Ok(Some(changed))
    })
}

/// A part of a replacement: text, or the number of a group.
enum Piece<'a> {
    Text(&'a str),
    Group(usize),
}

impl Piece<'_> {
    fn push(&self, found: &Captures, to: &mut String) {
        match self {
            Self::Text(text) => to.push_str(text),
            Self::Group(number) => to.push_str(found.get(*number).map_or("", |group| group.as_str())),
        }
    }
}

/// `$1` to `$9` stand for the groups of the pattern. Other signs that may be references are not guessed at.
fn pieces(replacement: &str) -> Result<Vec<Piece<'_>>> {
    let (mut pieces, mut rest) = (Vec::new(), replacement);
    while let Some(at) = rest.find(['$', '\\']) {
        let group = rest[at + 1..].chars().next();
        match (rest.as_bytes()[at], group.and_then(|letter| letter.to_digit(10))) {
            (b'$', Some(number)) if number > 0 => {
                pieces.extend([Piece::Text(&rest[..at]), Piece::Group(number as usize)]);
                rest = &rest[at + 2..];
            }
            (b'$', None) if !matches!(group, Some('&' | '{' | '`' | '\'' | '$')) => {
                pieces.push(Piece::Text(&rest[..=at]));
                rest = &rest[at + 1..];
            }
            _ => {
                return wrong(format!(
                    "the replacement '{replacement}' of regexp_replace() cannot be used: only $1 to $9 stand for groups here, \
                     and a backslash or another form of $ has no documented meaning"
                ));
            }
        }
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}
