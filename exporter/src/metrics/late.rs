//! Counters that are kept elsewhere, and read when they are asked for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use lookback_storage::RequestCounts;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

use super::labels::{Operation, Outcome};
use crate::run::CommitCounts;

/// What becomes known after the metrics were made.
#[derive(Debug, Default)]
pub(super) struct Late {
    commits: OnceLock<Arc<CommitCounts>>,
    requests: OnceLock<RequestCounts>,
}

impl Late {
    /// The first one stays.
    pub(super) fn watch(&self, commits: Arc<CommitCounts>) {
        let _ = self.commits.set(commits);
    }

    /// The first one stays; clones of a connection count together.
    pub(super) fn count_requests(&self, counts: RequestCounts) {
        let _ = self.requests.set(counts);
    }
}

impl Collector for Late {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(commits) = self.commits.get() {
            let counts = commits.all();
            let counts = counts.map(|(outcome, count)| (Outcome { outcome }, count));
            let help = "Commits of rows to lake tables: committed; conflict, where another writer was faster and rows were compared again; failed.";
            family(&mut encoder, "lookback_commits", help, counts)?;
        }
        if let Some(requests) = self.requests.get() {
            let counts = requests.all().into_iter();
            let counts = counts.map(|((service, operation), count)| (Operation { service, operation }, count));
            family(&mut encoder, "lookback_aws_requests", "Requests sent to AWS; each attempt counts.", counts)?;
        }
        Ok(())
    }
}

fn family<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    counts: impl IntoIterator<Item = (L, u64)>,
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in counts {
        ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
