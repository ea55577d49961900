//! AWS's control plane in memory: what it has, how it pages, and what it refuses.

mod plane;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use aws_sdk_config::types::ConfigurationItem;
use aws_sdk_kms::types::{AliasListEntry, KeyMetadata, RotationsListEntry};
use aws_sdk_redshift::types::{Cluster, Event, HsmConfiguration, Parameter, Snapshot, SnapshotCopyGrant};
use aws_sdk_redshiftserverless::types::{Namespace, RecoveryPoint, Workgroup};
use serde_json::Value;

use crate::clock::Clock;
use crate::record::plane::{Answer, CallError, Page, Refusal};
use crate::schedule::Pace;

/// A clock that goes on when somebody waits, and a little with every call.
#[derive(Default)]
pub(super) struct Time(AtomicI64);

impl Time {
    pub(super) fn at(now: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now)))
    }

    pub(super) fn set(&self, now: i64) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for Time {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Pace for Time {
    async fn until(&self, at: i64) {
        self.0.fetch_max(at, Ordering::SeqCst);
    }
}

/// What a call answers instead of the truth.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) call: &'static str,
    /// Calls that are let through first.
    pub(super) skip: usize,
    /// Calls that fail; `usize::MAX` for ever.
    pub(super) times: usize,
    pub(super) refusal: Refusal,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) clusters: Vec<Cluster>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) grants: Vec<SnapshotCopyGrant>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) namespaces: Vec<Namespace>,
    pub(super) workgroups: Vec<Workgroup>,
    pub(super) recovery_points: Vec<RecoveryPoint>,
    pub(super) modules: Vec<HsmConfiguration>,
    pub(super) certificates: Vec<String>,
    pub(super) notices: Vec<Event>,
    /// Records of CloudTrail, and from when on each can be found.
    pub(super) records: Vec<(i64, Value)>,
    pub(super) keys: BTreeMap<String, KeyMetadata>,
    pub(super) rotations: BTreeMap<String, Vec<RotationsListEntry>>,
    pub(super) aliases: Vec<AliasListEntry>,
    pub(super) items: Vec<ConfigurationItem>,
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) faults: Vec<Fault>,
    /// Items of a page, if not all.
    pub(super) page: Option<usize>,
    /// Whether a page repeats the last item of the one before, and its items are in another order.
    pub(super) untidy: bool,
    /// When each call was made.
    pub(super) calls: Vec<(&'static str, i64)>,
}

pub(super) struct World {
    pub(super) time: Arc<Time>,
    state: Mutex<State>,
}

impl World {
    pub(super) fn new(time: &Arc<Time>) -> Arc<Self> {
        Arc::new(Self { time: Arc::clone(time), state: Mutex::default() })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn fail(&self, call: &'static str, skip: usize, times: usize, refusal: Refusal) {
        self.state().faults.push(Fault { call, skip, times, refusal });
    }

    /// Counts a call, and fails it if that is due.
    fn asked(&self, call: &'static str) -> Answer<MutexGuard<'_, State>> {
        self.time.0.fetch_add(1_000, Ordering::SeqCst);
        let now = self.time.now();
        let mut state = self.state();
        state.calls.push((call, now));
        if let Some(fault) = state.faults.iter_mut().find(|fault| fault.call == call && fault.times > 0) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else {
                fault.times = if fault.times == usize::MAX { usize::MAX } else { fault.times - 1 };
                return Err(CallError::new(fault.refusal, call, format!("{:?}", fault.refusal), "as the test says"));
            }
        }
        Ok(state)
    }
}

fn page<T: Clone>(state: &State, items: &[T], token: Option<String>) -> Answer<Page<T>> {
    let start: usize = token.map_or(0, |token| token.parse().unwrap());
    let size = state.page.unwrap_or(items.len()).max(1);
    let end = (start + size).min(items.len());
    // Untidy pages begin with what the one before ended with, and run backwards.
    let from = if state.untidy { start.saturating_sub(1) } else { start };
    let mut found = items[from.min(end)..end].to_vec();
    if state.untidy {
        found.reverse();
    }
    Ok(Page { items: found, next: (end < items.len()).then(|| end.to_string()) })
}

fn not_found<T>(call: &'static str) -> Answer<T> {
    Err(CallError::new(Refusal::NotFound, call, "NotFound", ""))
}
