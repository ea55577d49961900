//! `COPY (query) TO STDOUT`, as text or CSV.

use bytes::{BufMut, BytesMut};

use super::command::CopyFormat;
use super::encode::message;

/// Says that rows follow, as text.
pub(super) fn begin(columns: usize, to: &mut BytesMut) {
    let count = u16::try_from(columns).unwrap_or(u16::MAX);
    message(to, b'H', |to| {
        to.put_u8(0);
        to.put_u16(count);
        to.put_bytes(0, usize::from(count) * 2);
    });
}

/// Adds a line.
pub(super) fn line(text: &str, to: &mut BytesMut) {
    message(to, b'd', |to| {
        to.put_slice(text.as_bytes());
        to.put_u8(b'\n');
    });
}

/// Says that no row follows.
pub(super) fn end(to: &mut BytesMut) {
    message(to, b'c', |_| {});
}

impl CopyFormat {
    /// Adds a value to a line.
    pub(super) fn value(&self, at: usize, value: Option<&str>, alone: bool, line: &mut String) {
        if at > 0 {
            line.push(self.delimiter);
        }
        match value {
            None => line.push_str(&self.null),
            Some(value) if self.csv => self.csv(value, alone, line),
            Some(value) => self.text(value, line),
        }
    }

    fn text(&self, value: &str, line: &mut String) {
        for letter in value.chars() {
            match letter {
                '\\' => line.push_str("\\\\"),
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                '\t' => line.push_str("\\t"),
                '\u{8}' => line.push_str("\\b"),
                '\u{b}' => line.push_str("\\v"),
                '\u{c}' => line.push_str("\\f"),
                other if other == self.delimiter => {
                    line.push('\\');
                    line.push(other);
                }
                other => line.push(other),
            }
        }
    }

    fn csv(&self, value: &str, alone: bool, line: &mut String) {
        let special =
            |letter: char| letter == self.delimiter || letter == self.quote || letter == '\n' || letter == '\r';
        // What looks like NULL, or like the end of all rows, is quoted.
        if value == self.null || value.contains(special) || (alone && value == "\\.") {
            line.push(self.quote);
            for letter in value.chars() {
                if letter == self.quote {
                    line.push(self.quote);
                }
                line.push(letter);
            }
            line.push(self.quote);
        } else {
            line.push_str(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_postgresql_does() {
        let csv = CopyFormat { csv: true, header: false, delimiter: ',', null: String::new(), quote: '"' };
        let text = CopyFormat { csv: false, delimiter: '\t', null: "\\N".to_owned(), ..csv.clone() };
        let line = |format: &CopyFormat, values: &[Option<&str>]| {
            let mut line = String::new();
            for (at, value) in values.iter().enumerate() {
                format.value(at, *value, values.len() == 1, &mut line);
            }
            line
        };
        let values = [Some("a,b"), None, Some(""), Some("say \"x\""), Some("two\nlines"), Some("tab\t\\")];
        assert_eq!(line(&csv, &values), "\"a,b\",,\"\",\"say \"\"x\"\"\",\"two\nlines\",tab\t\\");
        assert_eq!(line(&text, &values), "a,b\t\\N\t\tsay \"x\"\ttwo\\nlines\ttab\\t\\\\");
        assert_eq!(line(&csv, &[Some("\\.")]), "\"\\.\"");
    }
}
