//! A line on stderr that says how far a statement is, while a person waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lookback_query::session::Read;

use crate::print;

/// Answers that come sooner need no line.
const PATIENCE: Duration = Duration::from_millis(500);

/// The line. It is drawn on a terminal only, and at most until the first row is shown there.
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    drawn: AtomicBool,
    over: AtomicBool,
}

impl ProgressLine {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self { bar, drawn: AtomicBool::new(false), over: AtomicBool::new(false) }
    }

    /// Draws it anew, if it is time.
    pub(super) fn draw(&self, waited: Duration, read: Read) {
        if waited < PATIENCE || self.over.load(Ordering::Relaxed) {
            return;
        }
        if !self.drawn.swap(true, Ordering::Relaxed) {
            // Draws nothing if stderr is not a terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_message(format!("{} s{}; Ctrl-C cancels", waited.as_secs(), of_lake(read)));
        self.bar.tick();
    }

    /// Takes it away for good.
    pub(crate) fn clear(&self) {
        if !self.over.swap(true, Ordering::Relaxed) && self.drawn.load(Ordering::Relaxed) {
            self.bar.finish_and_clear();
        }
    }
}

/// `, 1,234 rows and 1.2 MiB read, 3 of 40 files`; nothing if nothing was read.
pub(crate) fn of_lake(read: Read) -> String {
    if read.files == 0 && read.bytes == 0 {
        return String::new();
    }
    let files = match read.planned {
        planned if planned > read.files => format!("{} of {} files", print::count(read.files), print::count(planned)),
        _ if read.files == 1 => "1 file".to_owned(),
        _ => format!("{} files", print::count(read.files)),
    };
    format!(", read {} rows and {} from {files}", print::count(read.rows), print::bytes(read.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_said_if_anything_was() {
        assert_eq!(of_lake(Read::default()), "");
        let read = Read { rows: 1_234, bytes: 1_536, files: 1, planned: 1 };
        assert_eq!(of_lake(read), ", read 1,234 rows and 1.5 KiB from 1 file");
        assert_eq!(of_lake(Read { files: 3, planned: 40, ..read }), ", read 1,234 rows and 1.5 KiB from 3 of 40 files");
        assert_eq!(of_lake(Read { files: 2, planned: 0, ..read }), ", read 1,234 rows and 1.5 KiB from 2 files");
    }
}
