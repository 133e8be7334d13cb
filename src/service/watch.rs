//! The watch over the sign-ins of the whole shop, which detects attacks. Each node counts its
//! sign-ins in memory. If there are enough failures, the node adds its counts to the shop's
//! document, at most once in 5 s. So sign-ins do not compete for this document.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;

use super::documents::{Changed, Documents};
use crate::{
    audit::{Action, Draft, Outcome, Trail},
    clock::after,
    state::watch::{Networks, Numbers, Reading, Reporting, Watched, partition},
    token::Origin,
};

/// The result of a sign-in, as the watch counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Succeeded,
    /// `network` is 32 bits of the digest of the caller's network. If the caller has no IP address,
    /// `network` is 32 bits of the account's digest.
    Failed {
        unknown: bool,
        network: u32,
    },
}

#[derive(Debug)]
pub(crate) struct Watch {
    documents: Arc<Documents>,
    trail: Arc<Trail>,
    own: Mutex<Own>,
}

/// The state of this node.
#[derive(Debug)]
struct Own {
    /// The counts that this node has not added to the shop's document yet.
    numbers: Numbers,
    networks: Networks,
    attacked: bool,
    /// The time of the latest exchange with the store.
    exchanged_at: OffsetDateTime,
}

impl Watch {
    /// Time between two exchanges with the store: 5 s.
    const PAUSE: Duration = Duration::from_secs(5);
    /// Minimum number of failures for a write to the shop's document. A node keeps fewer failures
    /// in memory until the next exchange, so that a shop without an attack rarely writes the
    /// document.
    const WORTH_A_WRITE: u32 = 10;
    const TRIES: u32 = 3;

    pub(crate) fn new(documents: Arc<Documents>, trail: Arc<Trail>) -> Self {
        let own = Own {
            numbers: Numbers::default(),
            networks: Networks::default(),
            attacked: false,
            exchanged_at: documents.now(),
        };
        Self { documents, trail, own: Mutex::new(own) }
    }

    /// True if the shop is under attack, as far as this node knows.
    pub(crate) fn is_attacked(&self) -> bool {
        self.own().attacked
    }

    pub(crate) fn note(&self, ended: Ended) {
        let mut own = self.own();
        match ended {
            Ended::Succeeded => own.numbers.succeeded = own.numbers.succeeded.saturating_add(1),
            Ended::Failed { unknown, network } => {
                own.numbers.failed = own.numbers.failed.saturating_add(1);
                own.numbers.unknown = own.numbers.unknown.saturating_add(unknown.into());
                own.networks.add(network);
            }
        }
    }

    /// Exchanges counts with the shop's document, if the last exchange was at least 5 s ago. The
    /// node reads from the document if the shop is under attack. If there are enough failures, it
    /// also adds its counts to the document. The audit trail records a new alarm.
    ///
    /// If the store request fails, the counts that the node wanted to add are lost.
    pub(crate) async fn exchange(&self) {
        let now = self.documents.now();
        let Some((numbers, networks)) = self.due(now) else { return };
        let watched = if numbers.failed >= Self::WORTH_A_WRITE {
            self.documents
                .change_within(&partition(), &Reporting { numbers, networks: &networks }, Self::TRIES)
                .await
        } else {
            self.documents.change(&partition(), &Reading).await
        };
        let Ok(Changed::Answer(Watched { attacked, alarm })) = watched else { return };
        self.own().attacked = attacked;
        if let Some(Numbers { succeeded, failed, unknown }) = alarm {
            let numbers = format!("{failed} failures, {unknown} at unknown names, {succeeded} sign-ins");
            let event = Draft::queued(Action::AttackSuspected, &Origin::default()).because(numbers);
            self.trail.note(&event, Outcome::Succeeded);
        }
    }

    /// Returns the counts for an exchange. Returns none if no exchange is due. If the counts will
    /// be added to the shop's document, because the failures reach
    /// [`WORTH_A_WRITE`](Self::WORTH_A_WRITE), they are removed from the node's memory.
    fn due(&self, now: OffsetDateTime) -> Option<(Numbers, Networks)> {
        let mut own = self.own();
        let next = after(own.exchanged_at, Self::PAUSE);
        // An exchange is also due if the clock went back. Otherwise the node would make no exchange
        // until the clock reaches the earlier time.
        if now < next && own.exchanged_at <= now {
            return None;
        }
        own.exchanged_at = now;
        if own.numbers.failed < Self::WORTH_A_WRITE {
            return Some((own.numbers, Networks::default()));
        }
        Some((std::mem::take(&mut own.numbers), std::mem::take(&mut own.networks)))
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
