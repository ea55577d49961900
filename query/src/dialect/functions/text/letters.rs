//! Texts with other letters: `UPPER`, `LOWER`, `INITCAP`, `REVERSE`, `REPLACE`, `TRANSLATE`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;

use crate::dialect::functions::frame::{Arguments, Function, Kind, wrong};

/// Longest text that a replacement may make, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

pub(super) fn functions() -> Vec<Function> {
    use Kind::Text;
    let text = DataType::Utf8;
    vec![
        map("upper", "upper(text)", |text| text.chars().map(upper).collect()),
        map("lower", "lower(text)", |text| text.chars().map(lower).collect()),
        map("initcap", "initcap(text)", initcap),
        map("reverse", "reverse(text)", |text| text.chars().rev().collect()),
        Function::new("replace", "replace(text, old, new)", &[Text, Text, Text], text.clone(), replace),
        Function::new("translate", "translate(text, characters, substitutes)", &[Text, Text, Text], text, translate),
    ]
}

fn map(name: &'static str, usage: &'static str, change: fn(&str) -> String) -> Function {
    Function::new(name, usage, &[Kind::Text], DataType::Utf8, move |a| {
        let texts = a.texts(0)?;
        a.strings(|row| Ok(Some(change(texts.get(row)))))
    })
}

/// A letter stays one letter: one whose other case has several (`ß`) is kept.
fn upper(letter: char) -> char {
    let mut all = letter.to_uppercase();
    if all.len() == 1 { all.next().unwrap_or(letter) } else { letter }
}

fn lower(letter: char) -> char {
    let mut all = letter.to_lowercase();
    if all.len() == 1 { all.next().unwrap_or(letter) } else { letter }
}

/// Whatever is neither letter nor digit ends a word.
fn initcap(text: &str) -> String {
    let mut in_word = false;
    let change = |letter: char| {
        let changed = if in_word { lower(letter) } else { upper(letter) };
        in_word = letter.is_alphanumeric();
        changed
    };
    text.chars().map(change).collect()
}

fn replace(a: &Arguments) -> Result<ArrayRef> {
    let (texts, old, new) = (a.texts(0)?, a.texts(1)?, a.texts(2)?);
    a.strings(|row| {
        let (text, old, new) = (texts.get(row), old.get(row), new.get(row));
        if old.is_empty() {
            return Ok(Some(text.to_owned()));
        }
        let grown = text.len().saturating_add(text.matches(old).count().saturating_mul(new.len()));
        if grown > LONGEST {
            return wrong("replace() would make a text of more than 16 MB");
        }
        Ok(Some(text.replace(old, new)))
    })
}

/// A character without a substitute is left out; of a character that is named twice, the first counts.
fn translate(a: &Arguments) -> Result<ArrayRef> {
    let (texts, from, to) = (a.texts(0)?, a.texts(1)?, a.texts(2)?);
    a.strings(|row| {
        let (from, to) = (from.get(row), to.get(row));
        let change = |letter: char| match from.chars().position(|known| known == letter) {
            Some(at) => to.chars().nth(at),
            None => Some(letter),
        };
        Ok(Some(texts.get(row).chars().filter_map(change).collect::<String>()))
    })
}
