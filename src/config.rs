//! Configuration: the file, over it the environment, over it the flags.
//!
//! An environment variable `LOOKBACK_EXPORT__OVERLAP` stands for the key `overlap` of the section `[export]`. Relative paths are
//! relative to the folder of the configuration file, so that a command works from anywhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lookback_exporter::clock::SystemClock;
use lookback_exporter::fleet::{Fleet, Members};
use lookback_exporter::places;
use lookback_exporter::run::Progress;
use lookback_exporter::source::Broken;
use lookback_exporter::{ClusterJob, Exporter, Settings};
use lookback_schemas::registry;
use lookback_storage::Aws;
use toml::{Table, Value};

use crate::cli::{Global, Scope};
use crate::failure::Failure;

/// The file that is read if none is named and it exists.
pub(crate) const DEFAULT_FILE: &str = "lookback.toml";
/// Sections that the environment can reach into.
const SECTIONS: [&str; 13] = [
    "aws", "lake", "state", "ssm", "schedule", "export", "maintain", "record", "query", "live", "serve", "alerts",
    "clusters",
];

/// Loads the settings for a command.
pub(crate) fn load(global: &Global) -> Result<Settings, Failure> {
    let file = ConfigFile::find(global)?;
    let mut settings = parse(&file.named, &file.text, variables())?;
    anchor(&mut settings, &file.base());
    if let Some(lake) = &global.lake {
        settings.lake.location.clone_from(lake);
        settings.lake.given = true;
    }
    Ok(settings)
}

/// A section that is not the exporter's, for the part that it is for, and the folder that relative paths in it are relative to.
/// Where the section is missing it is empty.
#[cfg(feature = "query")]
pub(crate) fn section<T: serde::de::DeserializeOwned>(global: &Global, name: &str) -> Result<(T, PathBuf), Failure> {
    let file = ConfigFile::find(global)?;
    let mut table = merged(&file.named, &file.text, variables())?;
    let section = table.remove(name).unwrap_or_else(|| Value::Table(Table::new()));
    let section = section.try_into().map_err(|e: toml::de::Error| {
        Failure::usage(format!("{} or the environment, [{name}]: {}", file.named, e.message()))
    })?;
    Ok((section, file.base()))
}

/// The configuration file as it is written; empty if there is none.
struct ConfigFile {
    path: Option<PathBuf>,
    named: String,
    text: String,
}

impl ConfigFile {
    fn find(global: &Global) -> Result<Self, Failure> {
        let (path, text) = match &global.config {
            Some(path) => (Some(path.clone()), read(path)?),
            None if Path::new(DEFAULT_FILE).exists() => {
                (Some(PathBuf::from(DEFAULT_FILE)), read(Path::new(DEFAULT_FILE))?)
            }
            None => (None, String::new()),
        };
        let named = path.as_deref().map_or_else(|| "the environment".to_owned(), |f| f.display().to_string());
        Ok(Self { path, named, text })
    }

    fn base(&self) -> PathBuf {
        self.path.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned()
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|e| {
        Failure::usage(format!("configuration file {}: {e}", path.display()))
            .advise("`lookback init` writes one to start from; --config names another")
    })
}

fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

fn parse(named: &str, text: &str, variables: impl Iterator<Item = (String, String)>) -> Result<Settings, Failure> {
    // Once for the file alone, because its errors have line numbers.
    if !text.is_empty() {
        toml::from_str::<Settings>(text).map_err(|e| wrong(named, text, &e))?;
    }
    let table = merged(named, text, variables)?;
    let given = table.get("lake").and_then(|lake| lake.get("location")).is_some();
    let mut settings = Value::Table(table)
        .try_into::<Settings>()
        .map_err(|e| Failure::usage(format!("{named} or the environment: {}", e.message())))?;
    settings.lake.given = given;
    Ok(settings)
}

/// Only the place and the reason: the line itself may hold what nobody should see.
fn wrong(named: &str, text: &str, e: &toml::de::Error) -> Failure {
    let line = e.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    let place = line.map_or_else(|| named.to_owned(), |line| format!("{named}, line {line}"));
    Failure::usage(format!("{place}: {}", e.message()))
}

/// The file, and over it the environment.
fn merged(named: &str, text: &str, variables: impl Iterator<Item = (String, String)>) -> Result<Table, Failure> {
    let mut table: Table = toml::from_str(text).map_err(|e| wrong(named, text, &e))?;
    for (name, value) in variables {
        let Some(path) = name.strip_prefix("LOOKBACK_").filter(|p| p.contains("__")) else { continue };
        let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
        if keys.first().is_some_and(|k| SECTIONS.contains(&k.as_str())) {
            set(&mut table, &keys, value)
                .map_err(|why| Failure::usage(format!("environment variable {name}: {why}")))?;
        }
    }
    Ok(table)
}

/// Sets a nested key. A value that reads as TOML is that value, anything else is text.
fn set(table: &mut Table, keys: &[String], text: String) -> Result<(), String> {
    let Some((key, rest)) = keys.split_first() else { return Ok(()) };
    if rest.is_empty() {
        let parsed = toml::from_str::<Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v"));
        table.insert(key.clone(), parsed.unwrap_or(Value::String(text)));
        return Ok(());
    }
    match table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => set(inner, rest, text),
        _ => Err(format!("'{key}' is not a section")),
    }
}

/// Makes relative paths relative to the configuration file's folder.
fn anchor(settings: &mut Settings, base: &Path) {
    if base.as_os_str().is_empty() {
        return;
    }
    if !settings.lake.location.contains("://") {
        settings.lake.location = base.join(&settings.lake.location).display().to_string();
    }
    settings.state.path = base.join(&settings.state.path);
    for cluster in settings.clusters.values_mut() {
        for path in [&mut cluster.password_file, &mut cluster.ca_file].into_iter().flatten() {
            *path = base.join(&*path);
        }
    }
}

/// What a command works with.
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// The connection to AWS, if anything that is configured is there.
    pub(crate) aws: Option<Aws>,
    /// The clusters as they are now.
    pub(crate) members: Members,
}

/// Loads the settings, and finds out which clusters there are.
pub(crate) async fn load_all(global: &Global) -> Result<Loaded, Failure> {
    let mut settings = load(global)?;
    let aws = places::aws(&settings).await;
    let members = Fleet::new(&settings, aws.clone())?.members().await?;
    adopt_prefix(&mut settings, &members);
    Ok(Loaded { settings, aws, members })
}

/// Loads the settings for a command that only asks the lake. Parameter Store is read only if nothing else says where the lake is.
#[cfg(feature = "query")]
pub(crate) async fn load_to_ask(global: &Global) -> Result<Settings, Failure> {
    let settings = load(global)?;
    if settings.lake.given || settings.ssm.is_none() { Ok(settings) } else { Ok(load_all(global).await?.settings) }
}

/// Without a lake in the configuration, it is where Parameter Store says that the logs go.
pub(crate) fn adopt_prefix(settings: &mut Settings, members: &Members) {
    if let Some(prefix) = members.s3_prefix.as_deref().filter(|_| !settings.lake.given) {
        let bare = prefix.trim_start_matches("s3://").trim_end_matches('/');
        settings.lake.location = format!("s3://{bare}");
    }
}

/// The clusters and tables that a command is about. A cluster that is configured wrong in the file is an error; one that is
/// wrong in Parameter Store fails by itself.
pub(crate) fn jobs(settings: &Settings, members: &Members, scope: &Scope) -> Result<Vec<ClusterJob>, Failure> {
    let known: BTreeSet<&str> =
        members.members.iter().map(|m| m.name.as_str()).chain(members.problems.iter().map(|p| p.0.as_str())).collect();
    // The record of encryption is about accounts; it needs no cluster that is logged in to.
    if known.is_empty() && !settings.record.enabled {
        return Err(Failure::usage("no cluster is configured")
            .advise("add a section [clusters.<name>] to the configuration file; `lookback init` writes an example"));
    }
    if let Some(unknown) = scope.cluster.iter().find(|c| !known.contains(c.as_str())) {
        let known: Vec<&str> = known.into_iter().collect();
        return Err(Failure::usage(format!("no cluster is named '{unknown}'; configured are {}", known.join(", "))));
    }
    let wanted = |name: &String| scope.cluster.is_empty() || scope.cluster.contains(name);
    if settings.ssm.is_none()
        && let Some((_, error)) = members.problems.iter().find(|(name, _)| wanted(name))
    {
        return Err(error.repeated().into());
    }
    let tables = |own: Option<&Vec<String>>| {
        let names = if scope.table.is_empty() { own.unwrap_or(&settings.export.tables) } else { &scope.table };
        registry().select(names)
    };
    let mut jobs = Vec::new();
    for member in members.members.iter().filter(|m| wanted(&m.name)) {
        let (name, source) = (member.name.clone(), Arc::clone(&member.source));
        jobs.push(ClusterJob { name, source, tables: tables(member.tables.as_ref())? });
    }
    // It fails like one that cannot be reached: beside the others, in the report, the record and the exit code.
    for (name, error) in members.problems.iter().filter(|(name, _)| wanted(name)) {
        let source = Arc::new(Broken::new(error.repeated()));
        jobs.push(ClusterJob { name: name.clone(), source, tables: tables(None)? });
    }
    Ok(jobs)
}

/// What a command does if there is no lake yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Creates it, and the file for watermarks.
    Create,
    /// Says so and ends.
    Refuse,
    /// Goes on, and creates nothing.
    Accept,
}

/// An exporter over the configured lake and watermark store.
pub(crate) async fn exporter(
    settings: &Settings,
    aws: Option<&Aws>,
    progress: Arc<dyn Progress>,
    missing: Missing,
) -> Result<Arc<Exporter>, Failure> {
    let lake = places::lake(settings, aws)?;
    match missing {
        Missing::Create => lake.create().await?,
        Missing::Refuse => lake.expect_lake().await?,
        Missing::Accept => {}
    }
    let watermarks = places::watermarks(settings, aws, missing != Missing::Accept)?;
    Ok(Arc::new(Exporter::new(lake, watermarks, Arc::new(SystemClock), settings.export.clone(), progress)))
}

/// A session over the configured lake.
#[cfg(feature = "query")]
pub(crate) async fn session(settings: &Settings) -> Result<lookback_query::session::Session, Failure> {
    use lookback_query::lake::Lake;
    use lookback_query::session::{Limits, Session};
    let location = &settings.lake.location;
    let lake = if location.starts_with("s3://") {
        Lake::in_bucket(&places::connect(settings).await, location).await?
    } else {
        Lake::open(location).await?
    };
    let limits = &settings.query;
    let usual = Limits::default();
    Ok(Session::over(
        lake,
        Limits {
            memory_bytes: mebibytes(limits.memory_mb, "memory_mb")?.unwrap_or(usual.memory_bytes),
            columns_bytes: mebibytes(limits.columns_mb, "columns_mb")?.unwrap_or(usual.columns_bytes),
            spill_bytes: limits.spill_mb.saturating_mul(1 << 20),
            timeout: limits.timeout,
            ..usual
        },
    )?)
}

/// A number of MiB of `[query]`, if it is given, in bytes.
#[cfg(feature = "query")]
fn mebibytes(number: Option<usize>, key: &str) -> Result<Option<usize>, Failure> {
    let in_bytes = |number: usize| {
        let bytes = number.checked_mul(1 << 20);
        bytes.ok_or_else(|| Failure::usage(format!("[query] {key} = {number} is more than a process can have")))
    };
    number.map(in_bytes).transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn with(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        parse("lookback.toml", text, variables).map_err(|f| format!("{f:?}"))
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let settings = with(
            "[export]\noverlap = \"10m\"\nretries = 1\n[clusters.a]\nhost = \"h\"\nuser = \"u\"",
            &[
                ("LOOKBACK_EXPORT__OVERLAP", "1h"),
                ("LOOKBACK_CLUSTERS__A__PORT", "5440"),
                ("LOOKBACK_EXPORT__TABLES", "[\"all\"]"),
            ],
        )
        .unwrap();
        assert_eq!(settings.export.overlap.as_secs(), 3_600);
        assert_eq!(settings.export.retries, 1);
        assert_eq!(settings.export.tables, ["all"]);
        assert_eq!(settings.clusters["a"].port, Some(5_440));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        for (text, variables, names) in [
            ("[export]\noverlapp = \"1h\"", vec![], "overlapp"),
            ("[lakes]\nlocation = \"x\"", vec![], "lakes"),
            ("", vec![("LOOKBACK_EXPORT__OVERLAPP", "1h")], "overlapp"),
            ("[clusters.a]\nhost = \"h\"\nuser = \"u\"\npassword = \"secret\"", vec![], "password"),
        ] {
            let error = with(text, &variables).unwrap_err();
            assert!(error.contains(names), "{error}");
        }
    }

    #[test]
    fn a_duration_that_is_none_is_an_error() {
        let error = with("[export]\nsettle = \"soon\"", &[]).unwrap_err();
        assert!(error.contains("'soon' is not a duration"), "{error}");
    }

    #[test]
    fn limits_of_questions_have_a_section() {
        let settings =
            with("[query]\nmemory_mb = 4096\ntimeout = \"1h\"", &[("LOOKBACK_QUERY__COLUMNS_MB", "0")]).unwrap();
        assert_eq!((settings.query.memory_mb, settings.query.columns_mb), (Some(4_096), Some(0)));
        assert_eq!(settings.query.timeout.as_secs(), 3_600);
        assert!(with("[query]\nmemory = 1", &[]).unwrap_err().contains("memory"));
    }

    #[test]
    fn other_variables_are_left_alone() {
        assert!(with("", &[("LOOKBACK_DEMO_PASSWORD", "x"), ("LOOKBACK_X__Y", "z"), ("HOME", "/")]).is_ok());
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let mut settings =
            with("[lake]\nlocation = \"lake\"\n[clusters.a]\nhost = \"h\"\nuser = \"u\"\npassword_file = \"pw\"\nca_file = \"/ca\"", &[])
                .unwrap();
        anchor(&mut settings, Path::new("/etc/lookback"));
        assert_eq!(settings.lake.location, "/etc/lookback/lake");
        assert_eq!(settings.state.path, Path::new("/etc/lookback/lookback-state.sqlite"));
        assert_eq!(settings.clusters["a"].password_file.as_deref(), Some(Path::new("/etc/lookback/pw")));
        assert_eq!(settings.clusters["a"].ca_file.as_deref(), Some(Path::new("/ca")));
    }
}
