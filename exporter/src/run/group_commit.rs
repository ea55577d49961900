//! One commit per table and tick for all clusters that are ready: a commit per cluster would flood the log.
//!
//! Rows that arrive wait for those of the other clusters: until all were heard, those that were not have given no sign of life
//! for the linger, or the first has waited for a dozen of lingers. So a cluster that hangs delays the others by no more than the
//! linger, once, and all clusters of a tick that are well are in one commit, however many there are and however slow the lake.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{Instrument, error_span};

use super::commits::CommitCounts;
use super::liveness::Liveness;
use crate::error::{Error, ErrorKind, Result};
use crate::lake::{CommitOutcome, CommitUnit, LakeTable};

/// Lingers that rows wait for others at most.
pub(super) const LONGEST_WAIT: u32 = 12;

/// A cluster's contribution.
struct Offer {
    cluster: usize,
    unit: CommitUnit,
    /// Whether it has to be committed. One that does not rides along with others, or is dropped.
    needed: bool,
    reply: oneshot::Sender<Result<CommitOutcome, (ErrorKind, String)>>,
}

enum Message {
    Offer(Offer),
    /// This cluster will offer nothing.
    Absent(usize),
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
    /// Gathers for these clusters, by their numbers in the run. Ends when all handles are dropped.
    pub(super) fn start(
        table: Arc<LakeTable>,
        clusters: HashSet<usize>,
        liveness: Arc<Liveness>,
        longest_wait: Duration,
        counts: Arc<CommitCounts>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(64);
        let span = error_span!("table", table = table.name());
        let waiting = Waiting { receiver, unheard: clusters, liveness, longest_wait };
        tokio::spawn(run(table, waiting, counts).instrument(span));
        Self { sender }
    }

    /// Offers a unit.
    pub(super) async fn offer(&self, cluster: usize, unit: CommitUnit, needed: bool) -> Ticket {
        let (reply, receiver) = oneshot::channel();
        // A failed send drops the reply, which the ticket reports.
        let _ = self.sender.send(Message::Offer(Offer { cluster, unit, needed, reply })).await;
        Ticket(receiver)
    }

    /// Says that a cluster will offer nothing.
    pub(super) async fn absent(&self, cluster: usize) {
        let _ = self.sender.send(Message::Absent(cluster)).await;
    }
}

/// What is still to come.
struct Waiting {
    receiver: mpsc::Receiver<Message>,
    unheard: HashSet<usize>,
    liveness: Arc<Liveness>,
    /// How long the first offer waits at most.
    longest_wait: Duration,
}

impl Waiting {
    /// What goes into the next commit; `None` when nobody is left who could offer anything.
    async fn next(&mut self) -> Option<Vec<Offer>> {
        let mut offers = Vec::new();
        while offers.is_empty() {
            let message = self.receiver.recv().await?;
            self.hear(message, &mut offers);
        }
        let last = Instant::now() + self.longest_wait;
        let until = |waiting: &Self| Some(waiting.liveness.worth_waiting_until(&waiting.unheard)?.min(last));
        while let Some(until) = until(self).filter(|until| *until > Instant::now()) {
            match tokio::time::timeout_at(until, self.receiver.recv()).await {
                Ok(Some(message)) => self.hear(message, &mut offers),
                Ok(None) => break,
                // Meanwhile somebody may have given a sign of life.
                Err(_) => {}
            }
        }
        while let Ok(message) = self.receiver.try_recv() {
            self.hear(message, &mut offers);
        }
        Some(offers)
    }

    fn hear(&mut self, message: Message, offers: &mut Vec<Offer>) {
        match message {
            Message::Offer(offer) => {
                self.unheard.remove(&offer.cluster);
                offers.push(offer);
            }
            Message::Absent(cluster) => {
                self.unheard.remove(&cluster);
            }
        }
    }
}

async fn run(table: Arc<LakeTable>, mut waiting: Waiting, counts: Arc<CommitCounts>) {
    while let Some(offers) = waiting.next().await {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn offer(cluster: usize) -> Message {
        let unit =
            CommitUnit { transaction: None, based_on: 0, actions: Vec::new(), removes: Vec::new(), data_change: true };
        Message::Offer(Offer { cluster, unit, needed: true, reply: oneshot::channel().0 })
    }

    /// What goes into each commit of a table of three clusters that said this before anybody waited.
    async fn gathered(said: Vec<Message>, reached: [bool; 3], patience: Duration) -> Vec<Vec<usize>> {
        let liveness = Arc::new(Liveness::new(reached, patience, Instant::now()));
        let (sender, receiver) = mpsc::channel(64);
        let mut waiting = Waiting { receiver, unheard: (0..3).collect(), liveness, longest_wait: HOUR };
        for message in said {
            sender.send(message).await.unwrap();
        }
        // One that waits for what does not come would wait for an hour.
        let first = tokio::time::timeout(Duration::from_secs(30), waiting.next()).await.unwrap();
        drop(sender);
        let mut commits: Vec<Vec<Offer>> = first.into_iter().collect();
        while let Some(offers) = waiting.next().await {
            commits.push(offers);
        }
        commits.iter().map(|offers| offers.iter().map(|offer| offer.cluster).collect()).collect()
    }

    #[tokio::test]
    async fn all_that_were_heard_are_in_one_commit() {
        assert_eq!(gathered(vec![offer(2), offer(0), offer(1)], [true; 3], HOUR).await, [[2, 0, 1]]);
        assert_eq!(gathered(vec![Message::Absent(1), offer(0), offer(2)], [true; 3], HOUR).await, [[0, 2]]);
    }

    #[tokio::test]
    async fn nobody_waits_for_one_that_is_silent_or_was_not_reached() {
        assert_eq!(gathered(vec![offer(0), offer(1)], [true; 3], Duration::ZERO).await, [[0, 1]]);
        assert_eq!(gathered(vec![offer(0), offer(1)], [true, true, false], HOUR).await, [[0, 1]]);
    }
}
