//! What is passed on of what others said: of AWS's messages what may be, of errors what they come from.

use std::error::Error;

/// The first line of a message. What several services say about a wrong signature goes on with the request that should have been
/// signed, and one of its headers is the session's token.
pub fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

/// An error and what it comes from, joined by `: `, without what is only said again.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for said in std::iter::successors(Some(error), |&e| e.source()).map(ToString::to_string) {
        if !text.contains(&said) {
            text = if text.is_empty() { said } else { format!("{text}: {said}") };
        }
    }
    text
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

    #[test]
    fn causes_follow_and_what_repeats_them_does_not() {
        #[derive(Debug)]
        struct Said(&'static str, Option<Box<Said>>);
        impl std::fmt::Display for Said {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
        impl Error for Said {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                self.1.as_deref().map(|e| e as _)
            }
        }
        let wrapped =
            Said("sending failed: refused", Some(Box::new(Said("refused", Some(Box::new(Said("port 1", None)))))));
        assert_eq!(chain(&wrapped), "sending failed: refused: port 1");
        assert_eq!(chain(&Said("", Some(Box::new(Said("why", None))))), "why");
    }
}
