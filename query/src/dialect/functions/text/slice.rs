//! Parts of a text: `SUBSTRING`, `LEFT`, `RIGHT`, `SPLIT_PART` and the trimming functions.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;

use crate::dialect::functions::frame::{Arguments, Function, Kind, wrong};

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Int, Text};
    let text = DataType::Utf8;
    vec![
        Function::new("substring", "substring(text, start [, length])", &[Text, Int, Int], text.clone(), substring)
            .optional(1)
            .aliases(&["substr"]),
        Function::new("left", "left(text, length)", &[Text, Int], text.clone(), |a| {
            let (texts, counts) = (a.texts(0)?, a.ints(1)?);
            a.strings(|row| {
                let text = texts.get(row);
                Ok(Some(&text[..offset(text, not_negative(a.name, counts.get(row))?)]))
            })
        }),
        Function::new("right", "right(text, length)", &[Text, Int], text.clone(), |a| {
            let (texts, counts) = (a.texts(0)?, a.ints(1)?);
            a.strings(|row| {
                let (text, count) = (texts.get(row), not_negative(a.name, counts.get(row))?);
                let from = count.checked_sub(1).map(|last| text.char_indices().rev().nth(last).map_or(0, |(at, _)| at));
                Ok(Some(&text[from.unwrap_or(text.len())..]))
            })
        }),
        Function::new("split_part", "split_part(text, delimiter, part)", &[Text, Text, Int], text.clone(), split_part),
        trim("btrim", "btrim(text [, characters])", &["trim"], |text, set| text.trim_matches(|c| set.contains(c))),
        trim("ltrim", "ltrim(text [, characters])", &[], |text, set| text.trim_start_matches(|c| set.contains(c))),
        trim("rtrim", "rtrim(text [, characters])", &[], |text, set| text.trim_end_matches(|c| set.contains(c))),
    ]
}

fn not_negative(function: &str, count: i64) -> Result<usize> {
    usize::try_from(count).or_else(|_| wrong(format!("{function}(text, {count}): the length must not be negative")))
}

/// Where the character of that number starts, in bytes.
fn offset(text: &str, number: usize) -> usize {
    text.char_indices().nth(number).map_or(text.len(), |(at, _)| at)
}

/// A start before the text counts: the characters that are not there are part of the length.
fn substring(a: &Arguments) -> Result<ArrayRef> {
    let (texts, starts) = (a.texts(0)?, a.ints(1)?);
    let lengths = if a.len() == 3 { Some(a.ints(2)?) } else { None };
    a.strings(|row| {
        let (text, start) = (texts.get(row), starts.get(row));
        let skipped = usize::try_from(start.saturating_sub(1)).unwrap_or(0);
        let rest = &text[offset(text, skipped)..];
        let Some(lengths) = &lengths else { return Ok(Some(rest)) };
        let length = lengths.get(row);
        if length < 0 {
            return wrong(format!("{}(text, {start}, {length}): the length must not be negative", a.name));
        }
        let before = start.saturating_sub(1).min(0);
        let kept = usize::try_from(length.saturating_add(before)).unwrap_or(0);
        Ok(Some(&rest[..offset(rest, kept)]))
    })
}

fn split_part(a: &Arguments) -> Result<ArrayRef> {
    let (texts, delimiters, parts) = (a.texts(0)?, a.texts(1)?, a.ints(2)?);
    a.strings(|row| {
        let (text, delimiter) = (texts.get(row), delimiters.get(row));
        let Some(skipped) = parts.get(row).checked_sub(1).and_then(|n| usize::try_from(n).ok()) else {
            return wrong(format!("split_part(..., {}): parts are counted from 1", parts.get(row)));
        };
        if delimiter.is_empty() {
            return Ok(Some(if skipped == 0 { text } else { "" }));
        }
        Ok(Some(text.split(delimiter).nth(skipped).unwrap_or("")))
    })
}

/// Without a second argument, blanks are trimmed.
fn trim(
    name: &'static str,
    usage: &'static str,
    aliases: &[&str],
    cut: for<'a> fn(&'a str, &str) -> &'a str,
) -> Function {
    Function::new(name, usage, &[Kind::Text, Kind::Text], DataType::Utf8, move |a| {
        let texts = a.texts(0)?;
        let sets = if a.len() == 2 { Some(a.texts(1)?) } else { None };
        a.strings(|row| Ok(Some(cut(texts.get(row), sets.as_ref().map_or(" ", |sets| sets.get(row))))))
    })
    .optional(1)
    .aliases(aliases)
}
