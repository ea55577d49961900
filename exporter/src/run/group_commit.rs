//! One commit per table and tick for all clusters that are ready: a commit per cluster would flood the log.
//!
//! Rows that arrive wait for those of the other clusters for as long as these keep coming: until all were heard, nothing came
//! for the linger, or the first has waited for a dozen of lingers. So a cluster that hangs delays the others by no more than the
//! linger, and all clusters of a tick that are well are in one commit, however many there are.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{Instrument, error_span};

use super::commits::CommitCounts;
use crate::error::{Error, ErrorKind, Result};
use crate::lake::{CommitOutcome, CommitUnit, LakeTable};

/// Lingers that rows wait for others at most.
const LONGEST_WAIT: u32 = 12;

/// A cluster's contribution.
struct Offer {
    unit: CommitUnit,
    /// Whether it has to be committed. One that does not rides along with others, or is dropped.
    needed: bool,
    reply: oneshot::Sender<Result<CommitOutcome, (ErrorKind, String)>>,
}

enum Message {
    Offer(Offer),
    Absent,
}

/// The answer to an offer.
pub(super) struct Ticket(oneshot::Receiver<Result<CommitOutcome, (ErrorKind, String)>>);

impl Ticket {
    /// Waits for the commit.
    pub(super) async fn outcome(self) -> Result<CommitOutcome> {
        match self.0.await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err((kind, message))) => Err(Error::new(kind, message)),
            Err(_) => Err(Error::new(ErrorKind::Cancelled, "stopped before the commit")),
        }
    }
}

/// Gathers the offers for one table.
#[derive(Clone)]
pub(super) struct GroupCommit {
    sender: mpsc::Sender<Message>,
}

impl GroupCommit {
    /// Gathers for `clusters` clusters. Ends when all handles are dropped.
    pub(super) fn start(table: Arc<LakeTable>, clusters: usize, linger: Duration, counts: Arc<CommitCounts>) -> Self {
        let (sender, receiver) = mpsc::channel(64);
        let span = error_span!("table", table = table.name());
        tokio::spawn(run(table, receiver, clusters, linger, counts).instrument(span));
        Self { sender }
    }

    /// Offers a unit.
    pub(super) async fn offer(&self, unit: CommitUnit, needed: bool) -> Ticket {
        let (reply, receiver) = oneshot::channel();
        // A failed send drops the reply, which the ticket reports.
        let _ = self.sender.send(Message::Offer(Offer { unit, needed, reply })).await;
        Ticket(receiver)
    }

    /// Says that a cluster will offer nothing.
    pub(super) async fn absent(&self) {
        let _ = self.sender.send(Message::Absent).await;
    }
}

async fn run(
    table: Arc<LakeTable>,
    mut receiver: mpsc::Receiver<Message>,
    clusters: usize,
    linger: Duration,
    counts: Arc<CommitCounts>,
) {
    let mut heard = 0;
    loop {
        let mut offers = Vec::new();
        let Some(first) = receiver.recv().await else { return };
        heard += 1;
        if let Message::Offer(offer) = first {
            offers.push(offer);
        }
        let last = Instant::now() + linger.saturating_mul(LONGEST_WAIT);
        while heard < clusters {
            let deadline = last.min(Instant::now() + linger);
            match tokio::time::timeout_at(deadline, receiver.recv()).await {
                Ok(Some(message)) => {
                    heard += 1;
                    if let Message::Offer(offer) = message {
                        offers.push(offer);
                    }
                }
                Ok(None) | Err(_) => break,
            }
        }
        while let Ok(message) = receiver.try_recv() {
            heard += 1;
            if let Message::Offer(offer) = message {
                offers.push(offer);
            }
        }
        commit(&table, offers, &counts).await;
    }
}

async fn commit(table: &LakeTable, offers: Vec<Offer>, counts: &CommitCounts) {
    if !offers.iter().any(|o| o.needed) {
        for offer in offers {
            let _ = offer.reply.send(Ok(CommitOutcome::Committed(offer.unit.based_on)));
        }
        return;
    }
    let units = offers.iter().map(|o| o.unit.clone()).collect();
    match counts.commit(table, units).await {
        Ok(outcomes) => {
            for (offer, outcome) in offers.into_iter().zip(outcomes) {
                let _ = offer.reply.send(Ok(outcome));
            }
        }
        Err(e) => {
            for offer in offers {
                let _ = offer.reply.send(Err((e.kind(), e.to_string())));
            }
        }
    }
}
