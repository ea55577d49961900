//! `lookback export --schedule`: the exporter as a process that stays.

mod http;
mod roster;

use std::sync::Arc;
use std::time::Duration;

use lookback_exporter::Settings;
use lookback_exporter::metrics::Metrics;
use lookback_exporter::record::Keeper;
use lookback_exporter::run::Silent;
use lookback_exporter::schedule::{Exports, LOG_TARGET, Pulse, Service, SystemPace, Timetable, by_chance};
use lookback_exporter::window::micros;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use roster::Present;

#[cfg(feature = "query")]
use super::alert::Follower;
use crate::cli::{Export, Global};
use crate::config::{self, Missing};
use crate::failure::{FAILED, Failure};
use crate::stop::{UNCOMMITTED, asked_to_stop};

/// Where a service answers if nobody says where: for this machine only.
const LISTEN: &str = "127.0.0.1:9187";
/// Longest wait for the answers under way when everything else has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

pub(super) async fn run(global: &Global, arguments: &Export, cron: &str) -> Result<u8, Failure> {
    let roster = Present::new(global.clone(), arguments.scope.clone());
    let settings = config::load(global)?;
    let cron = Some(cron).filter(|text| !text.is_empty()).or(settings.schedule.cron.as_deref());
    let timetable = Timetable::parse(cron.ok_or_else(|| {
        Failure::usage("--schedule: when?").advise(
            "give a cron expression, such as --schedule '0 */15 * * * *' for every 15 minutes, or set schedule.cron",
        )
    })?)?;
    // What is wrong from the beginning is said at once; later, the last list that was right is used.
    let (settings, aws) = roster.open(settings).await?;
    let alerts = followers(global, &settings)?;
    let listen = arguments.listen.as_ref().or(settings.schedule.listen.as_ref()).map_or(LISTEN, String::as_str);
    let failed = |e: std::io::Error| {
        Failure::failed(format!("listening on {listen}: {e}"))
            .advise("--listen or schedule.listen names another address and port")
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;

    let stop = asked_to_stop(UNCOMMITTED);
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), micros(settings.export.retention)));
    let pulse = Arc::new(Pulse::default());
    let silent = CancellationToken::new();
    let answers = tokio::spawn(http::serve(listener, Arc::clone(&pulse), Arc::clone(&metrics), silent.clone()));
    info!(target: LOG_TARGET, "answering /healthz, /readyz and /metrics on http://{address}");

    let exporter = config::exporter(&settings, aws.as_ref(), Arc::new(Silent), Missing::Create).await?;
    roster.follow(exporter.lake());
    if let Some(aws) = &aws {
        metrics.count_requests(aws.requests().clone());
    }
    metrics.watch(&exporter);
    metrics.recall(&exporter.list_watermarks().await?);
    pulse.opened();
    let sweep = settings.export.sweep && !arguments.no_sweep;
    let record = Keeper::new(&settings, aws.as_ref(), &exporter);
    let collected = Arc::new(Notify::new());
    let keep = |record: Keeper| tokio::spawn(record.keep(timetable.clone(), stop.clone(), Arc::clone(&collected)));
    let recording = record.map(keep);
    let alerting = alerts.map(|alerts| tokio::spawn(alerts.follow(collected, stop.clone())));
    let service = Service {
        timetable,
        roster: Arc::new(roster),
        worker: Arc::new(Exports { exporter, sweep }),
        pace: Arc::new(SystemPace),
        settings: settings.schedule,
        metrics,
        pulse,
        chance: by_chance,
    };
    let stop_within = service.settings.stop_within;
    let stopped = service.run(&stop).await;
    if let Some(recording) = recording
        && tokio::time::timeout(stop_within, recording).await.is_err()
    {
        info!(target: LOG_TARGET, "the record was still being collected: it is read again next time");
    }
    if let Some(alerting) = alerting
        && tokio::time::timeout(stop_within, alerting).await.is_err()
    {
        info!(target: LOG_TARGET, "alerts were still being sent: what was not is sent by the next run");
    }
    silent.cancel();
    if tokio::time::timeout(LAST_ANSWERS, answers).await.is_err() {
        info!(target: LOG_TARGET, "an answer was still under way");
    }
    if stopped.abandoned.is_empty() {
        info!(target: LOG_TARGET, "stopped");
        return Ok(0);
    }
    let names = stopped.abandoned.join(", ");
    warn!(target: LOG_TARGET, "stopped while at work on {names}: what was not committed will be read again next time");
    Ok(FAILED)
}

/// Alerts after each collection of the record, where the configuration names rules.
#[cfg(feature = "query")]
fn followers(global: &Global, settings: &Settings) -> Result<Option<Follower>, Failure> {
    Follower::new(global, settings)
}

/// A build without questions has no alerts either.
#[cfg(not(feature = "query"))]
fn followers(_global: &Global, settings: &Settings) -> Result<Option<Follower>, Failure> {
    match settings.alerts {
        Some(_) => {
            Err(Failure::usage("this build has no alerts").advise("take [alerts] out, or use the whole lookback"))
        }
        None => Ok(None),
    }
}

/// Never made.
#[cfg(not(feature = "query"))]
enum Follower {}

#[cfg(not(feature = "query"))]
impl Follower {
    async fn follow(self, _collected: Arc<Notify>, _stop: CancellationToken) {
        match self {}
    }
}
