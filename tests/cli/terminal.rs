//! A person at a terminal: the binary on a pseudo-terminal, which `terminal.py` holds.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{LOOKBACK, Place};

/// What one does at a terminal.
pub(crate) enum Step {
    /// Waits until this was shown, after what was waited for before.
    Expect(&'static str),
    /// Presses keys.
    Type(String),
    Sleep(f64),
}

pub(crate) fn expect(text: &'static str) -> Step {
    Step::Expect(text)
}

/// A line and Enter.
pub(crate) fn enter(text: &str) -> Step {
    Step::Type(format!("{text}\r"))
}

/// Keys, without Enter.
pub(crate) fn keys(text: &str) -> Step {
    Step::Type(text.to_owned())
}

pub(crate) const CTRL_C: &str = "\u{3}";
pub(crate) const CTRL_D: &str = "\u{4}";
pub(crate) const TAB: &str = "\t";
pub(crate) const UP: &str = "\u{1b}[A";

/// What was seen.
pub(crate) struct Seen {
    /// Everything that was shown, without control sequences; what was typed is repeated as it was edited.
    pub(crate) shown: String,
    pub(crate) code: Option<i64>,
    /// How long each step took.
    pub(crate) took: Vec<Duration>,
}

/// A terminal in a folder.
pub(crate) struct Terminal<'a> {
    pub(crate) place: &'a Place,
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) env: BTreeMap<&'static str, String>,
}

impl<'a> Terminal<'a> {
    pub(crate) fn new(place: &'a Place) -> Self {
        let mut env = BTreeMap::from([
            ("TERM", "xterm".to_owned()),
            ("PW", "lookback".to_owned()),
            ("HOME", place.path("home").display().to_string()),
        ]);
        if let Ok(path) = std::env::var("PATH") {
            env.insert("PATH", path);
        }
        Self { place, rows: 24, columns: 120, env }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.env.insert(name, value.to_owned());
        self
    }

    /// Runs the binary with these arguments, and does these steps.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str], steps: Vec<Step>) -> impl Future<Output = Seen> {
        let argv: Vec<&str> = std::iter::once(LOOKBACK).chain(args.iter().copied()).collect();
        let steps: Vec<Value> = steps
            .into_iter()
            .map(|step| match step {
                Step::Expect(text) => json!(["expect", text]),
                Step::Type(text) => json!(["type", text]),
                Step::Sleep(seconds) => json!(["sleep", seconds.to_string()]),
            })
            .collect();
        let job = json!({ "argv": argv, "env": self.env, "rows": self.rows, "columns": self.columns, "steps": steps });
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/terminal.py");
        let mut command = self.place.command("python3");
        command.arg(driver).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        async move {
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(job.to_string().as_bytes()).await.unwrap();
            drop(stdin);
            let output = tokio::time::timeout(Duration::from_secs(90), child.wait_with_output()).await;
            let output = output.expect("the script must end").unwrap();
            let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
            let shown = seen["shown"].as_str().unwrap().to_owned();
            assert!(seen["failed"].is_null(), "{}\n{shown}", seen["failed"]);
            assert!(!shown.contains("panicked"), "{shown}");
            let took =
                (0..steps.len()).map(|n| Duration::from_secs_f64(seen["seconds"][n.to_string()].as_f64().unwrap()));
            Seen { code: seen["code"].as_i64(), took: took.collect(), shown }
        }
    }
}
