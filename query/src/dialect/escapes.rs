//! Backslashes in plain literals. Redshift reads them as PostgreSQL 8.0 did, before literals were standard: `'\\d'` is `\d`,
//! `'it\'s'` is `it's`, `'\t'` is a tab. Saved scripts rely on it, most of all those with regular expressions.
//!
//! Source: PostgreSQL 8.0 documentation, 4.1.2.1 "String Constants", which Redshift's parser descends from; the examples of
//! the Amazon Redshift Database Developer Guide write `'\\_'` for `LIKE` and `'\\.'` for regular expressions.

/// The value of a literal, from what stands between its quotes.
pub(super) fn value(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // The tokenizer keeps both of a doubled quote.
            '\'' => {
                chars.next_if_eq(&'\'');
                value.push('\'');
            }
            '\\' => match chars.next() {
                Some('b') => value.push('\u{8}'),
                Some('f') => value.push('\u{c}'),
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(digit @ '0'..='7') => {
                    let mut code = u32::from(digit) - u32::from('0');
                    for _ in 0..2 {
                        let Some(next) = chars.next_if(|c| matches!(c, '0'..='7')) else { break };
                        code = code * 8 + u32::from(next) - u32::from('0');
                    }
                    // An octal code is a byte; those of UTF-8's longer forms mean nothing alone.
                    value.push(char::from_u32(code & 0x7f).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Some(other) => value.push(other),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_backslash_takes_the_next_character_with_it() {
        for (raw, want) in [
            ("plain", "plain"),
            ("it''s", "it's"),
            (r"it\'s", "it's"),
            (r"\\d+", r"\d+"),
            (r"\d+", "d+"),
            (r"a\tb\n\r\b\f", "a\tb\n\r\u{8}\u{c}"),
            (r"\101\60x", "A0x"),
            (r"\\\\", r"\\"),
            (r"start\\_", r"start\_"),
            (r"\é", "é"),
        ] {
            assert_eq!(value(raw), want, "{raw}");
        }
    }
}
