//! `QUOTE_IDENT` and `QUOTE_LITERAL`: texts as they are written in SQL.

use arrow::datatypes::DataType;

use crate::dialect::functions::frame::{Function, Kind};

/// Amazon Redshift Database Developer Guide, "Reserved words".
const RESERVED_WORDS: &str = include_str!("reserved_words.txt");

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new("quote_ident", "quote_ident(text)", &[Kind::Text], DataType::Utf8, |a| {
            let texts = a.texts(0)?;
            a.strings(|row| Ok(Some(identifier(texts.get(row)))))
        }),
        Function::new("quote_literal", "quote_literal(text)", &[Kind::Text], DataType::Utf8, |a| {
            let texts = a.texts(0)?;
            a.strings(|row| Ok(Some(format!("'{}'", texts.get(row).replace('\\', r"\\").replace('\'', "''")))))
        }),
    ]
}

/// In quotation marks only where it would be another name without them.
fn identifier(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if starts && plain && !RESERVED_WORDS.split_whitespace().any(|word| word == text) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}
