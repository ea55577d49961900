//! Texts of logs, made harmless for a document.

/// Characters that a reader would not see, or that turn the order of others around, are replaced by a sign that is seen.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            // Marks of direction and their isolates: with them, a text reads as another one.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
                out.push('\u{fffd}');
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The same for Markdown: nothing in it is markup, a link, HTML, or the end of a cell.
pub(super) fn markdown(text: &str) -> String {
    let visible = visible(text);
    let mut out = String::with_capacity(visible.len());
    for c in visible.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' | '@' | ':' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // A host that is written without a scheme becomes a link as well.
    out.replace("www.", "www\\.").replace("WWW.", "WWW\\.")
}

/// The first characters of a text, with a sign if there are more.
pub(crate) fn cut(text: &str, length: usize) -> String {
    let mut cut: String = text.chars().take(length).collect();
    if text.chars().nth(length).is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}

/// An amount as a label: two decimals at most, none beyond a thousand.
pub(super) fn amount(value: f64) -> String {
    if value.abs() >= 1_000.0 {
        let whole = format!("{:.0}", value.abs());
        let mut text = String::from(if value < 0.0 { "-" } else { "" });
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        return text;
    }
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_is_markup() {
        let hostile =
            "<script>alert(1)</script> [x](javascript:1) `a|b` **c** https://evil.example www.evil.example\n# d";
        assert_eq!(
            markdown(hostile),
            "&lt;script&gt;alert(1)&lt;/script&gt; \\[x\\](javascript\\:1) \\`a\\|b\\` \\*\\*c\\*\\* \
             https\\://evil.example www\\.evil.example \\# d"
        );
        assert_eq!(visible("a\u{202e}b\u{7}c\0"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }

    #[test]
    fn labels() {
        assert_eq!(cut("select 1", 8), "select 1");
        assert_eq!(cut("select 12", 8), "select …");
        assert_eq!(amount(1234567.8), "1,234,568");
        assert_eq!(amount(-1000.0), "-1,000");
        assert_eq!(amount(0.126), "0.13");
        assert_eq!(amount(600.0), "600");
        assert_eq!(amount(0.0), "0");
    }
}
