//! `lookback alert`, and alerts beside a scheduled export.

mod ask;
mod follow;
mod lake;
mod show;

use std::path::{Path, PathBuf};

use futures::future::join_all;
use lookback_alerts::pace::{Pace, SystemPace};
use lookback_alerts::rules::Destination;
use lookback_alerts::run::{Report, run_id};
use lookback_alerts::{AlertError, Alerter, ErrorKind, Rules, deliver};
use lookback_exporter::{Settings, places};
use lookback_query::audit::Exceptions;
use lookback_query::diagnostics::parse_time;
use serde::Deserialize;

use crate::cli::{Alert as Arguments, Global};
use crate::config;
use crate::failure::{FAILED, Failure};

pub(super) use follow::Follower;
use lake::LakeLedger;

/// `[alerts]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Section {
    /// The file of rules; a scheduled export tells what changed after each collection of the record.
    rules: Option<PathBuf>,
}

/// How a run is made.
#[derive(Debug, Clone, Copy, Default)]
struct Options {
    dry_run: bool,
    close_orphans: bool,
    /// The moment that is asked about (microseconds since 1970-01-01, UTC); now, if none is given.
    as_of: Option<i64>,
}

pub(crate) async fn run(global: &Global, arguments: &Arguments) -> Result<u8, Failure> {
    let configured = configured(global)?;
    let path = arguments.rules.clone().or(configured).ok_or_else(|| {
        Failure::usage("alert: which rules?")
            .advise("name a file with --rules, or in the configuration: [alerts] rules = \"alerts.toml\"")
    })?;
    let as_of = arguments.as_of.as_deref().map(parse_time).transpose()?;
    let options = Options { dry_run: arguments.dry_run, close_orphans: arguments.close_orphans, as_of };
    let settings = config::load_to_ask(global).await?;
    let (report, at) = Box::pin(tell(&settings, &path, options)).await?;
    show::show(&report, at, options.dry_run, arguments.format)?;
    Ok(if report.failed() { FAILED } else { 0 })
}

/// The file of rules that the configuration names.
fn configured(global: &Global) -> Result<Option<PathBuf>, Failure> {
    let (section, base) = config::section::<Section>(global, "alerts")?;
    Ok(section.rules.map(|rules| base.join(rules)))
}

/// One run with the rules of a file. Gives what it did, and the moment that was asked about.
async fn tell(settings: &Settings, path: &Path, options: Options) -> Result<(Report, i64), Failure> {
    let named = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("reading {named}: {e}")))?;
    let rules = Rules::parse(&named, &text).map_err(failure)?;
    let base = path.parent().unwrap_or(Path::new("")).to_owned();
    let exceptions = match &rules.exceptions {
        Some(file) => exceptions(&base.join(file))?,
        None => Exceptions::default(),
    };
    let questions = ask::resolve(&named, &rules)?;

    let aws = places::aws(settings).await;
    let aws = match aws {
        None if rules.need_aws() => Some(places::connect(settings).await),
        known => known,
    };
    let lake = places::lake(settings, aws.as_ref())?;
    lake.expect_lake().await?;
    let session = config::session(settings).await?;
    let pace = SystemPace;
    let at = options.as_of.unwrap_or_else(|| pace.now());
    let evaluations = ask::ask(&session, settings, &questions, &exceptions, at).await?;

    let (base, connection) = (&base, aws.as_ref());
    let open = |(name, destination): (&String, &Destination)| {
        let (name, destination) = (name.clone(), destination.clone());
        async move { (name, deliver::open(&destination, base, connection).await) }
    };
    let opened = join_all(rules.destinations.iter().map(open));
    let destinations = opened.await.into_iter().collect();
    let ledger = LakeLedger::open(&lake, run_id(), options.dry_run).await?;
    let run_id = ledger.run_id().to_owned();
    let close_orphans = options.close_orphans;
    let alerter = Alerter { ledger: &ledger, rules: &rules, destinations, pace: &pace, run_id, close_orphans };
    let report =
        if options.dry_run { alerter.dry_run(&evaluations, at).await } else { alerter.run(&evaluations, at).await };
    Ok((report.map_err(failure)?, at))
}

fn exceptions(path: &Path) -> Result<Exceptions, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("reading {shown}: {e}")))?;
    Exceptions::parse(&text).map_err(|e| Failure::from(e).within(shown))
}

fn failure(error: AlertError) -> Failure {
    let message = error.to_string();
    let failure = if error.kind() == ErrorKind::Rules { Failure::usage(message) } else { Failure::failed(message) };
    match error.advice() {
        Some(advice) => failure.advise(advice),
        None => failure,
    }
}
