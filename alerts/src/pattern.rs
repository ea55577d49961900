//! Patterns of names: `*` stands for any text, every other character for itself, whatever its case.

/// Whether a text fits a pattern. It takes at most as many steps as the product of their lengths.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let lower = |text: &str| text.to_lowercase();
    let (pattern, text) = (lower(pattern), lower(text));
    let parts: Vec<&str> = pattern.split('*').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, expected) in [
            ("prod-*", "prod-etl", true),
            ("prod-*", "Prod-", true),
            ("prod-*", "pre-prod-etl", false),
            ("*etl*", "prod-etl-2", true),
            ("a*a", "a", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("etl", "ETL", true),
            ("etl", "etl2", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn what_a_star_replaces_does_not_matter(a in "[a-c*]{0,6}", b in "[a-c]{0,6}", c in "[a-c]{0,6}") {
            let plain = a.replace('*', "");
            let (pattern, text) = (format!("{plain}*{c}"), format!("{plain}{b}{c}"));
            prop_assert!(fits(&pattern, &text));
            let _ = fits(&a, &b);
        }
    }
}
