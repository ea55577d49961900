//! Output to the terminal, through a pager once it is longer than the screen.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use crate::answer::ProgressLine;

/// The pager if the environment names none, with what makes tables readable: long lines are cut, colours pass, and the screen
/// is left as it was.
const PAGER: &str = "less";
const LESS: &str = "SFRX";

/// Columns and rows of the terminal.
pub(crate) type Size = (u16, u16);

/// Output that is kept back until it is longer than the screen, or complete.
pub(crate) struct Screen<'a> {
    // Without a size there is no pager.
    size: Option<Size>,
    line: Option<&'a ProgressLine>,
    state: State,
}

enum State {
    Kept { bytes: Vec<u8>, rows: usize, column: usize },
    Plain,
    Paged(Child),
}

impl<'a> Screen<'a> {
    /// Output to a terminal of that size; `None` for one without a pager.
    pub(crate) fn new(size: Option<Size>, line: Option<&'a ProgressLine>) -> Self {
        Self { size, line, state: State::Kept { bytes: Vec::new(), rows: 0, column: 0 } }
    }

    /// Shows what was kept back, and waits for the pager.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Plain) {
            State::Kept { bytes, .. } => self.show(&bytes),
            State::Plain => io::stdout().flush(),
            State::Paged(mut child) => {
                drop(child.stdin.take());
                child.wait().map(|_| ())
            }
        }
    }

    fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(line) = self.line.take() {
            line.clear();
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// The screen is full.
    fn overflow(&mut self) -> io::Result<()> {
        let State::Kept { bytes, .. } = std::mem::replace(&mut self.state, State::Plain) else { return Ok(()) };
        match self.size.and_then(|_| pager()) {
            Some(child) => {
                if let Some(line) = self.line.take() {
                    line.clear();
                }
                let mut to = child.stdin.as_ref();
                let written = to.as_mut().map_or(Ok(()), |to| to.write_all(&bytes));
                self.state = State::Paged(child);
                written
            }
            None => self.show(&bytes),
        }
    }
}

impl Write for Screen<'_> {
    fn write(&mut self, new: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Kept { bytes, rows, column } => {
                bytes.extend_from_slice(new);
                let full = match self.size {
                    Some((columns, height)) => {
                        measure(new, usize::from(columns), rows, column);
                        // The line under the answer and the prompt have to fit, too.
                        *rows + 2 >= usize::from(height)
                    }
                    None => true,
                };
                if full { self.overflow().map(|()| new.len()) } else { Ok(new.len()) }
            }
            State::Plain => io::stdout().write(new),
            State::Paged(child) => match &mut child.stdin {
                Some(to) => to.write(new),
                None => Ok(new.len()),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Kept { .. } => Ok(()),
            State::Plain => io::stdout().flush(),
            State::Paged(child) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
        }
    }
}

/// Counts the rows that a text takes on a screen, where long lines are broken.
fn measure(text: &[u8], columns: usize, rows: &mut usize, column: &mut usize) {
    for byte in text {
        match byte {
            b'\n' => (*rows, *column) = (*rows + 1, 0),
            // Not the first byte of a character.
            0x80..=0xbf => {}
            _ if *column == columns => (*rows, *column) = (*rows + 1, 1),
            _ => *column += 1,
        }
    }
}

/// Starts the pager; `None` if there is none, or it cannot be started.
fn pager() -> Option<Child> {
    let named = std::env::var("PAGER").ok();
    let mut command = match named.as_deref().map(str::trim) {
        Some("") => return None,
        Some(named) => {
            let mut command = Command::new("sh");
            command.args(["-c", named]);
            command
        }
        None => Command::new(PAGER),
    };
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    command.stdin(Stdio::piped()).spawn().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, columns: usize) -> (usize, usize) {
        let (mut rows, mut column) = (0, 0);
        measure(text.as_bytes(), columns, &mut rows, &mut column);
        (rows, column)
    }

    #[test]
    fn lines_that_are_broken_count_as_often_as_they_are() {
        assert_eq!(rows("a\nb\n", 10), (2, 0));
        assert_eq!(rows("0123456789\n", 10), (1, 0));
        assert_eq!(rows("0123456789a\n", 10), (2, 0));
        assert_eq!(rows("äöü", 3), (0, 3));
        assert_eq!(rows("äöüß", 3), (1, 1));
    }
}
