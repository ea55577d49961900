//! The binary in a folder of its own, with a fake AWS around it.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::moto::environment;

/// No command may take longer.
const LIMIT: Duration = Duration::from_secs(120);

/// A folder with `lookback.toml`, and the environment of the commands that run in it.
#[derive(Debug)]
pub(crate) struct Binary {
    pub(crate) folder: TempDir,
    environment: BTreeMap<String, String>,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The arguments, as every user of the machine can see them.
    pub(crate) cmdline: Vec<u8>,
}

/// A command that runs.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: Stream,
    stderr: Stream,
    pub(crate) cmdline: Vec<u8>,
}

#[derive(Debug)]
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Binary {
    /// A folder with a configuration file, for an AWS at `endpoint`.
    pub(crate) fn new(endpoint: &str, region: &str, configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lookback.toml"), configuration).unwrap();
        let environment = environment(endpoint, region).map(|(name, value)| (name.to_owned(), value)).into();
        Self { folder, environment }
    }

    /// Sets a variable for what is started from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Starts a command.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lookback"));
        command.args(args).current_dir(self.folder.path()).kill_on_drop(true).env_remove("LOOKBACK_CONFIG");
        command.env_remove("RUST_LOG").envs(&self.environment);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The program is there when spawn returns, which waits for exec, but for a moment without its arguments.
        let arguments = format!("/proc/{}/cmdline", child.id().unwrap());
        let mut cmdline = Vec::new();
        for _ in 0..1_000 {
            cmdline = std::fs::read(&arguments).unwrap();
            if !cmdline.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let stdout = Stream::of(child.stdout.take().unwrap());
        let stderr = Stream::of(child.stderr.take().unwrap());
        Running { child, stdout, stderr, cmdline }
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Ran {
        self.start(args).finish().await
    }
}

impl Stream {
    fn of(mut from: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&bytes);
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(n @ 1..) = from.read(&mut buffer).await {
                into.lock().unwrap().extend_from_slice(&buffer[..n]);
            }
        });
        Self { bytes, task }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }
}

impl Running {
    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        self.stderr.text()
    }

    /// What a service answers at a path, once its log says where.
    pub(crate) async fn get(&self, path: &str) -> Option<String> {
        let log = self.log();
        // A talkative log names the endpoint of AWS as well.
        let (_, rest) = log.split_once("/metrics on http://127.0.0.1:")?;
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }

    /// Asks it to stop, as systemd and Kubernetes do.
    pub(crate) async fn terminate(&self) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn finish(mut self) -> Ran {
        let ended = tokio::time::timeout(LIMIT, self.child.wait()).await;
        let status: ExitStatus = ended.unwrap_or_else(|_| panic!("it never ended:\n{}", self.log())).unwrap();
        let (stdout, stderr) = (self.stdout, self.stderr);
        let (out, err) = (Arc::clone(&stdout.bytes), Arc::clone(&stderr.bytes));
        stdout.task.await.unwrap();
        stderr.task.await.unwrap();
        let text = |bytes: &Mutex<Vec<u8>>| String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned();
        Ran { code: status.code(), stdout: text(&out), stderr: text(&err), cmdline: self.cmdline }
    }
}

impl Ran {
    /// The same, if it ended with that code and without a panic.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// The same, if all of these are in what it printed.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        let whole = format!("{}\n{}", self.stdout, self.stderr);
        for text in texts {
            assert!(whole.contains(text), "'{text}' is not in:\n{whole}");
        }
        self
    }
}
