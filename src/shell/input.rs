//! Lines as they are entered become commands and statements.

use super::split::{End, split};

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// A line that begins with a backslash.
    Command(String),
    /// A statement, without its semicolon.
    Statement(String),
}

/// The part of a statement that was entered so far.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pending: String,
}

impl Input {
    /// Takes a line, or several that were entered at once, and gives what is complete.
    pub(crate) fn push(&mut self, line: &str) -> Vec<Item> {
        if self.is_empty() && line.trim_start().starts_with('\\') {
            return vec![Item::Command(line.trim().to_owned())];
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        let cut = split(&self.pending);
        let items = cut.statements.iter().map(|s| Item::Statement((*s).to_owned())).collect();
        self.pending = if cut.end == End::Blank { String::new() } else { cut.rest.trim_start().to_owned() };
        items
    }

    /// No more lines come: what is left is a statement, too.
    pub(crate) fn end(&mut self) -> Option<Item> {
        let rest = std::mem::take(&mut self.pending);
        (!rest.trim().is_empty()).then(|| Item::Statement(rest.trim().to_owned()))
    }

    /// Forgets what was entered.
    pub(crate) fn clear(&mut self) {
        self.pending.clear();
    }

    /// Whether a statement was begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// What was entered of the statement.
    pub(crate) fn pending(&self) -> &str {
        &self.pending
    }
}

/// Whether a text that was entered at once, behind what is pending, could be taken as it is.
pub(crate) fn is_complete(pending: &str, text: &str) -> bool {
    (pending.is_empty() && text.trim_start().starts_with('\\')) || split(&format!("{pending}{text}")).end == End::Blank
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(lines: &[&str]) -> (Vec<Item>, Option<Item>) {
        let mut input = Input::default();
        let found = lines.iter().flat_map(|line| input.push(line)).collect();
        (found, input.end())
    }

    fn statement(text: &str) -> Item {
        Item::Statement(text.to_owned())
    }

    #[test]
    fn a_statement_spans_lines_up_to_its_semicolon() {
        let (found, rest) = items(&["select 1,", "", "  2 as b; select", "3;"]);
        assert_eq!(found, [statement("select 1,\n\n  2 as b"), statement("select\n3")]);
        assert_eq!(rest, None);
    }

    #[test]
    fn a_command_is_a_line_between_statements() {
        let (found, rest) = items(&["  \\d stl_query", "select", "\\d", ";", "\\q"]);
        let command = |text: &str| Item::Command(text.to_owned());
        assert_eq!(found, [command("\\d stl_query"), statement("select\n\\d"), command("\\q")]);
        assert_eq!(rest, None);
    }

    #[test]
    fn what_is_left_at_the_end_is_a_statement() {
        assert_eq!(
            items(&["select 1; -- done", "-- a", "select 2"]),
            (vec![statement("select 1")], Some(statement("select 2")))
        );
        assert_eq!(items(&["select 1;", "-- nothing", " "]).1, None);
        assert_eq!(items(&["select 'open", ";"]), (vec![], Some(statement("select 'open\n;"))));
    }

    #[test]
    fn pasted_lines_wait_for_their_semicolon() {
        assert!(is_complete("", "select 1\n;"));
        assert!(!is_complete("", "select 1\nfrom"));
        assert!(is_complete("select '", "';"));
        assert!(is_complete("", "\\d stl_query"));
    }
}
