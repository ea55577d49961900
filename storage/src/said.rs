//! What may be passed on of a message of AWS.

/// The first line of a message. What several services say about a wrong signature goes on with the request that should have been
/// signed, and one of its headers is the session's token.
pub fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sentence_is_passed_on() {
        let said = "The request signature does not match.\n\nThe Canonical String is\nx-amz-security-token:SECRET";
        assert_eq!(first_line(said), "The request signature does not match.");
        assert_eq!(first_line(""), "");
    }
}
