//! Where a text stands in another, and which of two texts comes first.

use std::cmp::Ordering;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::Result;

use crate::dialect::functions::frame::{Arguments, Function, Kind, Values};

pub(super) fn functions() -> Vec<Function> {
    use Kind::Text;
    let integer = DataType::Int32;
    vec![
        Function::new("strpos", "strpos(text, part)", &[Text, Text], integer.clone(), |a| {
            positions(a, &a.texts(0)?, &a.texts(1)?, |before| before.chars().count())
        })
        .aliases(&["instr"]),
        Function::new("charindex", "charindex(part, text)", &[Text, Text], integer.clone(), |a| {
            positions(a, &a.texts(1)?, &a.texts(0)?, |before| before.chars().count())
        }),
        Function::new("octetindex", "octetindex(part, text)", &[Text, Text], integer.clone(), |a| {
            positions(a, &a.texts(1)?, &a.texts(0)?, str::len)
        }),
        Function::new("bpcharcmp", "bpcharcmp(text, text)", &[Text, Text], integer, |a| {
            let (first, second) = (a.texts(0)?, a.texts(1)?);
            a.numbers::<Int32Type>(|row| Ok(Some(compare(first.get(row), second.get(row)) as i32)))
        })
        .aliases(&["bttext_pattern_cmp"]),
    ]
}

/// The first position of a part, from 1; 0 if it is not there.
fn positions(
    a: &Arguments,
    texts: &Values<arrow::array::StringArray>,
    parts: &Values<arrow::array::StringArray>,
    length: fn(&str) -> usize,
) -> Result<ArrayRef> {
    a.numbers::<Int32Type>(|row| {
        let text = texts.get(row);
        let found = text.find(parts.get(row)).map_or(0, |at| length(&text[..at]) + 1);
        Ok(Some(i32::try_from(found).unwrap_or(i32::MAX)))
    })
}

/// By bytes; blanks at the end do not count.
fn compare(first: &str, second: &str) -> Ordering {
    first.trim_end_matches(' ').as_bytes().cmp(second.trim_end_matches(' ').as_bytes())
}
