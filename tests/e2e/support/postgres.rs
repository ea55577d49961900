//! A real PostgreSQL server for one test: own folder, own port, gone when dropped.
//!
//! The server belongs to a shell that waits on a pipe from this process. When the pipe closes, the shell stops the server by
//! its pid and removes the folder; so neither is left behind when a test is killed and no destructor runs.

use std::fs;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const USER: &str = "lookback";
const PASSWORD: &str = "not-a-secret";
const DATABASE: &str = "postgres";
/// Not UTC, so that code which takes the server's local time for UTC is four or five hours off.
const TIME_ZONE: &str = "America/New_York";
const START_LIMIT: Duration = Duration::from_secs(60);
/// Another process may take the port between the moment it is found free and the moment the server binds it.
const PORT_TRIES: u32 = 5;

/// $1 program, $2 data folder, $3 folder to remove; then the command that drops privileges, if any. Standard input is the pipe.
const KEEPER: &str = r#"
program=$1 data=$2 folder=$3
shift 3
"$@" "$program" -D "$data" >"$folder/log" 2>&1 </dev/null &
pid=$!
# The pipe says nothing; it ends.
read -r _
kill -INT "$pid" 2>/dev/null
wait "$pid"
rm -rf "$folder"
"#;

/// A running server. Its superuser logs in with a password (SCRAM), over TCP on the loopback address only, without TLS.
#[derive(Debug)]
pub(crate) struct Postgres {
    keeper: Child,
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    /// Starts a server.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start; the message says why.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self::try_start().unwrap_or_else(|message| panic!("{message}"))
    }

    fn try_start() -> Result<Self, String> {
        let bin = newest_bin()?;
        let account = Account::for_server()?;
        let mut last = String::new();
        for _ in 0..PORT_TRIES {
            match Self::start_once(&bin, &account) {
                Ok(server) => return Ok(server),
                Err(StartError::Exited(log)) => last = log,
                Err(StartError::Other(message)) => return Err(message),
            }
        }
        Err(format!("PostgreSQL from {} exits at once, {PORT_TRIES} times; its log:\n{last}", bin.display()))
    }

    fn start_once(bin: &Path, account: &Account) -> Result<Self, StartError> {
        let folder = tempfile::Builder::new()
            .prefix("lookback-postgres-")
            .tempdir()
            .map_err(|e| StartError::Other(format!("no temporary folder for PostgreSQL: {e}")))?;
        let port = free_port().map_err(|e| StartError::Other(format!("no free port on the loopback address: {e}")))?;
        init(bin, account, folder.path(), port).map_err(StartError::Other)?;

        // From here on the keeper removes the folder.
        let folder = folder.keep();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "lookback-postgres"])
            .arg(bin.join("postgres"))
            .args([&folder.join("data"), &folder])
            .args(account.prefix())
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .spawn();
        let keeper = match keeper {
            Ok(keeper) => keeper,
            Err(e) => {
                // Nothing else can be done about a folder that stays.
                let _ = fs::remove_dir_all(&folder);
                return Err(StartError::Other(format!("cannot run sh: {e}")));
            }
        };
        let server = Self { keeper, folder, port };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The server writes its state into its own pid file, so that no other server on the port can be taken for it.
    fn wait_until_ready(&self) -> Result<(), StartError> {
        let pid_file = self.folder.join("data/postmaster.pid");
        let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let deadline = Instant::now() + START_LIMIT;
        let mut seen = false;
        while Instant::now() < deadline {
            match fs::read_to_string(&pid_file) {
                Ok(text) if text.lines().nth(7).is_some_and(|state| state.trim() == "ready") => {
                    return Ok(());
                }
                Ok(_) => seen = true,
                // It removes the file when it exits, and never writes it if it fails before that.
                Err(_) if seen || log().contains("FATAL:") => {
                    return Err(StartError::Exited(log()));
                }
                Err(_) => {}
            }
            sleep(Duration::from_millis(20));
        }
        Err(StartError::Other(format!("PostgreSQL is not ready after {START_LIMIT:?}; its log:\n{}", log())))
    }

    /// The TCP port on 127.0.0.1.
    #[must_use]
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The superuser.
    #[must_use]
    pub(crate) fn user(&self) -> &'static str {
        USER
    }

    /// The superuser's password.
    #[must_use]
    pub(crate) fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The database.
    #[must_use]
    pub(crate) fn database(&self) -> &'static str {
        DATABASE
    }

    /// Everything a client needs, as `key=value` pairs.
    #[must_use]
    pub(crate) fn conn_string(&self) -> String {
        let (port, user, password, database) = (self.port(), self.user(), self.password(), self.database());
        format!("host=127.0.0.1 port={port} user={user} password={password} dbname={database} sslmode=disable")
    }

    /// A connected client. Its connection runs as a task of the current runtime and ends with the client.
    ///
    /// # Panics
    /// If the server refuses the connection.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.conn_string(), tokio_postgres::NoTls)
            .await
            .unwrap_or_else(|e| panic!("cannot connect to PostgreSQL on port {}: {e}", self.port));
        // A connection that breaks shows as an error of the next call on the client.
        tokio::spawn(connection);
        client
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Closes the pipe, then waits, so that port and folder are free when the test goes on.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

enum StartError {
    /// The server ended while starting; another port may help.
    Exited(String),
    Other(String),
}

/// Whom the server runs as. PostgreSQL refuses to run as root.
struct Account {
    /// User and group id of `postgres`, if this process is root.
    drop_to: Option<(u32, u32)>,
}

impl Account {
    fn for_server() -> Result<Self, String> {
        if id(&["-u"])? != 0 {
            return Ok(Self { drop_to: None });
        }
        let uid = id(&["-u", "postgres"])
            .map_err(|e| format!("the tests run as root, and PostgreSQL needs a user 'postgres': {e}"))?;
        Ok(Self { drop_to: Some((uid, id(&["-g", "postgres"])?)) })
    }

    /// The words in front of a command that the server's user is to run.
    fn prefix(&self) -> Vec<String> {
        self.drop_to.map_or_else(Vec::new, |(uid, gid)| {
            ["setpriv", &format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups", "--"]
                .map(str::to_owned)
                .to_vec()
        })
    }

    fn command(&self, program: &Path) -> Command {
        let mut words = self.prefix().into_iter();
        let Some(first) = words.next() else {
            return Command::new(program);
        };
        let mut command = Command::new(first);
        command.args(words).arg(program);
        command
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        self.drop_to.map_or(Ok(()), |(uid, gid)| chown(path, Some(uid), Some(gid)))
    }
}

fn id(args: &[&str]) -> Result<u32, String> {
    let output = run(Command::new("id").args(args))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| format!("id {} printed '{}'", args.join(" "), text.trim()))
}

/// The programs of the newest server version that Debian's packages installed.
fn newest_bin() -> Result<PathBuf, String> {
    let root = Path::new("/usr/lib/postgresql");
    fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("postgres").exists())
        .max()
        .map(|(_, bin)| bin)
        .ok_or_else(|| format!("no PostgreSQL server under {}: run tests/run, which installs it", root.display()))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn init(bin: &Path, account: &Account, folder: &Path, port: u16) -> Result<(), String> {
    let data = folder.join("data");
    let password_file = folder.join("password");
    let prepare = || -> io::Result<()> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        account.give(folder)?;
        fs::write(&password_file, PASSWORD)?;
        account.give(&password_file)
    };
    prepare().map_err(|e| format!("cannot prepare {}: {e}", folder.display()))?;

    run(account
        .command(&bin.join("initdb"))
        .args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--username", USER])
        .arg("--pwfile")
        .arg(&password_file)
        .arg("--pgdata")
        .arg(&data)
        .current_dir(folder))?;

    let settings = format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nmax_connections = 50\n\
         fsync = off\nsynchronous_commit = off\nfull_page_writes = off\njit = off\n\
         timezone = '{TIME_ZONE}'\nlog_timezone = '{TIME_ZONE}'\nssl = off\n"
    );
    fs::OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.conf"))
        .and_then(|mut file| file.write_all(settings.as_bytes()))
        .map_err(|e| format!("cannot configure PostgreSQL: {e}"))
}

/// Runs a command to its end.
fn run(command: &mut Command) -> Result<Output, String> {
    let output =
        command.output().map_err(|e| format!("cannot run {}: {e}", command.get_program().to_string_lossy()))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!(
        "{} failed ({}):\n{}{}",
        command.get_program().to_string_lossy(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}
