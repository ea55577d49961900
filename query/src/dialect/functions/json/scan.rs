//! The outermost level of a JSON text. `serde_json` says whether the text is JSON; where its parts begin and end is found
//! here, because they are answered as they are written.

use serde::de::IgnoredAny;

/// A JSON value. Its parts are texts that are JSON themselves.
pub(super) struct Json<'a> {
    text: &'a str,
}

impl<'a> Json<'a> {
    /// The text, if it is one JSON value. Nesting deeper than 127 levels is not read.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        Some(Self { text: trim(text) })
    }

    pub(super) fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    /// The elements, if it is an array.
    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        self.text.starts_with('[').then(|| self.parts().into_iter().map(|text| Self { text }).collect())
    }

    /// The first member of that name, if it is an object that has one.
    pub(super) fn member(&self, name: &str) -> Option<Self> {
        if !self.is_object() {
            return None;
        }
        self.parts().into_iter().find_map(|part| {
            let colon = end_of_string(part)?;
            let known: String = serde_json::from_str(&part[..colon]).ok()?;
            let value = trim(trim(&part[colon..]).strip_prefix(':')?);
            (known == name).then_some(Self { text: value })
        })
    }

    /// The value as text: a string without its quotation marks, nothing for `null`.
    pub(super) fn to_text(&self) -> Option<String> {
        match self.text {
            "null" => None,
            text if text.starts_with('"') => serde_json::from_str(text).ok(),
            text => Some(text.to_owned()),
        }
    }

    /// What stands between the commas of the outermost level.
    fn parts(&self) -> Vec<&'a str> {
        let inner = trim(&self.text[1..self.text.len() - 1]);
        let (mut parts, mut start, mut depth, mut at) = (Vec::new(), 0, 0_usize, 0);
        let bytes = inner.as_bytes();
        while at < bytes.len() {
            match bytes[at] {
                b'"' => at += end_of_string(&inner[at..]).map_or(0, |end| end - 1),
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => {
                    parts.push(trim(&inner[start..at]));
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        if !inner.is_empty() {
            parts.push(trim(&inner[start..]));
        }
        parts
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// The byte after the string that a text begins with.
fn end_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
