//! Progress bars, on a terminal only.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lookback_exporter::run::{Progress, Silent, TableReport};

/// One line per cluster, while it is at work.
struct Bars {
    all: MultiProgress,
    clusters: Mutex<HashMap<String, (ProgressBar, u64)>>,
}

/// Bars on a terminal, silence elsewhere.
pub(crate) fn reporter() -> Arc<dyn Progress> {
    if std::io::stderr().is_terminal() {
        Arc::new(Bars { all: MultiProgress::new(), clusters: Mutex::new(HashMap::new()) })
    } else {
        Arc::new(Silent)
    }
}

impl Bars {
    fn with(&self, cluster: &str, act: impl FnOnce(&mut (ProgressBar, u64))) {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = clusters.entry(cluster.to_owned()).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<20} {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(cluster.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            (bar, 0)
        });
        act(bar);
    }
}

impl Progress for Bars {
    fn started(&self, cluster: &str, table: &str) {
        self.with(cluster, |(bar, rows)| bar.set_message(format!("{table}  {} rows", crate::print::count(*rows))));
    }

    fn rows(&self, cluster: &str, table: &str, new: u64) {
        self.with(cluster, |(bar, rows)| {
            *rows += new;
            bar.set_message(format!("{table}  {} rows", crate::print::count(*rows)));
        });
    }

    fn ended(&self, report: &TableReport) {
        self.with(&report.cluster, |(bar, rows)| {
            bar.set_message(format!("committing  {} rows", crate::print::count(*rows)));
        });
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let _ = self.all.clear();
    }
}
