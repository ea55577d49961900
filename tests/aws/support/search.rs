//! Where a secret may be found: as it is, and in the forms that logs and protocols give to bytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Something that must not be seen.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) name: String,
    /// Each is ASCII.
    forms: Vec<(&'static str, String)>,
}

impl Secret {
    /// A secret and its forms. Short ones would be found by chance.
    pub(crate) fn new(name: &str, value: &str) -> Self {
        let bytes = value.as_bytes();
        assert!(bytes.len() >= 12, "{name} is too short to be looked for");
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let percent: String = bytes
            .iter()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(*b).to_string() } else { format!("%{b:02X}") })
            .collect();
        let mut forms = vec![
            ("as it is", value.to_owned()),
            ("percent-encoded", percent),
            ("escaped in JSON", serde_json::to_string(value).unwrap().trim_matches('"').to_owned()),
            ("in hexadecimal", hex.to_uppercase()),
            ("in hexadecimal", hex),
            ("as a list of bytes", list.join(", ")),
        ];
        forms.extend((0..3).map(|offset| ("in base64", base64_within(bytes, offset))));
        let url = |form: &str| form.replace('+', "-").replace('/', "_");
        let other: Vec<_> = forms.iter().filter(|(form, _)| *form == "in base64").map(|(f, b)| (*f, url(b))).collect();
        forms.extend(other);
        Self { name: name.to_owned(), forms }
    }

    /// A secret that is looked for only as text has it: for those that are many.
    pub(crate) fn as_text(name: &str, value: &str) -> Self {
        let mut secret = Self::new(name, value);
        secret.forms.truncate(3);
        secret
    }

    /// The form in which it is in a text.
    pub(crate) fn found_in(&self, text: &str) -> Option<&'static str> {
        self.forms.iter().find(|(_, form)| text.contains(form)).map(|(name, _)| *name)
    }
}

/// What of base64 depends on these bytes alone, if they begin `offset` bytes after a boundary: characters that they share with
/// what stands before or after them are left out.
fn base64_within(bytes: &[u8], offset: usize) -> String {
    let bits: Vec<bool> = bytes.iter().flat_map(|b| (0..8).rev().map(move |n| b >> n & 1 == 1)).collect();
    let skipped = (6 - offset * 8 % 6) % 6;
    bits[skipped..]
        .chunks_exact(6)
        .map(|six| char::from(ALPHABET[six.iter().fold(0, |n, bit| n << 1 | usize::from(*bit))]))
        .collect()
}

#[test]
fn every_form_of_a_secret_is_found() {
    let secret = Secret::new("s", "Pw-0123/abcdXYZ+");
    for (text, form) in [
        ("password=Pw-0123/abcdXYZ+;", "as it is"),
        ("a?p=Pw%2D0123%2FabcdXYZ%2B", "percent-encoded"),
        // printf 'Pw-0123/abcdXYZ+' | base64, and the same with x: and xy: before it.
        ("UHctMDEyMy9hYmNkWFlaKw==", "in base64"),
        ("eDpQdy0wMTIzL2FiY2RYWVor", "in base64"),
        ("eHk6UHctMDEyMy9hYmNkWFlaKw==", "in base64"),
        ("[1, 80, 119, 45, 48, 49, 50, 51, 47, 97, 98, 99, 100, 88, 89, 90, 43]", "as a list of bytes"),
        ("50772d303132332f6162636458595a2b", "in hexadecimal"),
    ] {
        assert_eq!(secret.found_in(text), Some(form), "{text}");
    }
    assert_eq!(secret.found_in("Pw-0123/abcdXYZ and UHctMDEyMy9hYmNkWF"), None);
}
