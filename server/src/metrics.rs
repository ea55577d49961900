//! What the server counts, as Prometheus reads it. All names begin with `lookback_serve_`.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::desk::{Outcome, Question};
use crate::people::Door;

/// Upper bounds of the buckets of times, in seconds.
const SECONDS: [f64; 11] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    door: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    door: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Login {
    door: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Renewal {
    outcome: &'static str,
}

/// The counters of a server.
pub struct Metrics {
    registry: Registry,
    questions: Family<Asked, Counter>,
    seconds: Family<At, Histogram, fn() -> Histogram>,
    rows: Family<At, Counter>,
    bytes: Counter,
    connections: Family<At, Gauge>,
    refused: Family<At, Counter>,
    logins: Family<Login, Counter>,
    renewals: Family<Renewal, Counter>,
    broken_certificate: Gauge,
    started: Gauge<f64, AtomicU64>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Counters of a server that nobody has asked yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        let mut r = Registry::default();
        let mut metrics = Self {
            registry: Registry::default(),
            questions: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            rows: Family::default(),
            bytes: Counter::default(),
            connections: Family::default(),
            refused: Family::default(),
            logins: Family::default(),
            renewals: Family::default(),
            broken_certificate: Gauge::default(),
            started: Gauge::default(),
        };
        r.register("lookback_serve_questions", "Questions, by how they ended", metrics.questions.clone());
        r.register("lookback_serve_question_seconds", "Time until a question had ended", metrics.seconds.clone());
        r.register("lookback_serve_rows", "Rows given out", metrics.rows.clone());
        r.register("lookback_serve_read_bytes", "Bytes asked of the lake", metrics.bytes.clone());
        r.register("lookback_serve_connections", "Connections that are open", metrics.connections.clone());
        r.register(
            "lookback_serve_connections_refused",
            "Connections refused, there were too many",
            metrics.refused.clone(),
        );
        r.register("lookback_serve_logins", "Log-ins, by how they ended", metrics.logins.clone());
        r.register(
            "lookback_serve_certificate_renewals",
            "New certificates found, by whether they could be used",
            metrics.renewals.clone(),
        );
        r.register(
            "lookback_serve_certificate_broken",
            "1 while the certificate that was found cannot be used and the one before is served",
            metrics.broken_certificate.clone(),
        );
        r.register("lookback_serve_start_timestamp_seconds", "When the server started", metrics.started.clone());
        metrics.registry = r;
        for door in [Door::Pg, Door::Http, Door::Page] {
            for outcome in Outcome::ALL {
                let _ = metrics.questions.get_or_create(&Asked { door: door.name(), outcome: outcome.name() });
            }
        }
        for door in [Door::Pg, Door::Http] {
            let _ = metrics.connections.get_or_create(&At { door: door.name() });
        }
        #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float")]
        metrics.started.set(chrono::Utc::now().timestamp() as f64);
        metrics
    }

    /// A question has ended.
    pub(crate) fn answered(&self, question: &Question) {
        let (door, outcome) = (question.door.name(), question.outcome.name());
        self.questions.get_or_create(&Asked { door, outcome }).inc();
        self.seconds.get_or_create(&At { door }).observe(question.seconds);
        self.rows.get_or_create(&At { door }).inc_by(question.rows);
        self.bytes.inc_by(question.bytes);
    }

    /// A connection is open as long as this lives.
    pub(crate) fn connected(&self, door: Door) -> Connected {
        let gauge = self.connections.get_or_create(&At { door: door.name() }).clone();
        gauge.inc();
        Connected(gauge)
    }

    /// A connection was refused because there are too many.
    pub(crate) fn refused(&self, door: Door) {
        self.refused.get_or_create(&At { door: door.name() }).inc();
    }

    /// Somebody has logged in, or tried to.
    pub fn login(&self, door: Door, right: bool) {
        self.logins.get_or_create(&Login { door: door.name(), outcome: if right { "ok" } else { "failed" } }).inc();
    }

    /// A new certificate was found.
    pub(crate) fn certificate(&self, usable: bool) {
        self.renewals.get_or_create(&Renewal { outcome: if usable { "ok" } else { "failed" } }).inc();
        self.broken_certificate.set(i64::from(!usable));
    }

    /// Everything in Prometheus' text format.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut page = String::new();
        // Writing to a text does not fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}
