//! `LEN` and its other names, and `OCTET_LENGTH`. Blanks at the end count, as they do for VARCHAR.

use arrow::datatypes::{DataType, Int32Type};

use crate::dialect::functions::frame::{Function, Kind, wrong};

pub(super) fn functions() -> Vec<Function> {
    let count = |count: usize| i32::try_from(count).map_or_else(|_| wrong("a text of more than 2 GB"), |n| Ok(Some(n)));
    vec![
        Function::new("character_length", "len(text)", &[Kind::Text], DataType::Int32, move |a| {
            let texts = a.texts(0)?;
            a.numbers::<Int32Type>(|row| count(texts.get(row).chars().count()))
        })
        .aliases(&["len", "length", "char_length", "textlen"]),
        Function::new("octet_length", "octet_length(text)", &[Kind::Text], DataType::Int32, move |a| {
            let texts = a.texts(0)?;
            a.numbers::<Int32Type>(|row| count(texts.get(row).len()))
        }),
    ]
}
