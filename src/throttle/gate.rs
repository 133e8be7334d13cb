use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use event_listener::{Event, EventListener};
use futures_timer::Delay;

use super::Attempted;
use crate::{
    clock::{Clock, after},
    error::{Error, StoreError},
    random::SecureRandom,
    store::{Attempt, AttemptId, Outcome, Reserve, ThrottleKey, ThrottleStore},
};

/// Reserves a charge before any work is done, and sees that it is settled.
#[derive(Debug)]
pub(crate) struct Gate {
    store: Arc<dyn ThrottleStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    /// Told whenever an attempt at one of its accounts is settled in this process.
    settled: [Event; 64],
    /// Charges whose callers went away. There is no runtime to settle them on: the next attempt does.
    abandoned: Mutex<Vec<(Attempt, Outcome)>>,
}

impl Gate {
    /// After so long an unsettled reservation counts as a failure; and so long a caller waits for its turn at
    /// most. Longer than any queue of hashes, shorter than a person's patience.
    pub(crate) const LEASE: Duration = Duration::from_secs(60);
    /// More charges than this are left to lapse.
    const MAX_ABANDONED: usize = 4096;

    pub(crate) fn new(
        store: Arc<dyn ThrottleStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let settled = std::array::from_fn(|_| Event::new());
        Self { store, clock, random, settled, abandoned: Mutex::default() }
    }

    /// Reserves a charge, after waiting for one's turn if others have reserved what is left. None once a
    /// budget is spent.
    pub(crate) async fn reserve(&self, attempted: Attempted) -> Result<Option<Charged<'_>>, Error> {
        let mut id = [0; 16];
        self.random.fill(&mut id)?;
        let Attempted { account, charges } = attempted;
        let mut pause = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        loop {
            // Listening begins before the store is asked: what is settled in between is not missed.
            let turn = self.settled(&account).listen();
            self.settle_abandoned().await?;
            let now = self.clock.now();
            let lease_until = after(now, Self::LEASE);
            let attempt = Attempt { id: AttemptId(id), account, charges: charges.clone(), lease_until };
            let mut charged =
                Charged { gate: self, attempt, begun: Arc::default(), outcome: None, settled: false };
            match self.store.reserve(&charged.attempt, now).await {
                Ok(Reserve::Reserved) => return Ok(Some(charged)),
                Ok(Reserve::Spent) => {
                    charged.settled = true;
                    return Ok(None);
                }
                Ok(Reserve::Busy) => charged.settled = true,
                Err(error) => return Err(error.into()),
            }
            if waited >= Self::LEASE {
                return Err(Error::Overloaded);
            }
            // Attempts on other nodes are settled without a word: look again by the clock, too.
            if let Woken::ByTheClock = first_of(turn, Delay::new(pause)).await {
                waited += pause;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }

    async fn settle_abandoned(&self) -> Result<(), StoreError> {
        loop {
            let Some((attempt, outcome)) = self.abandoned().last().cloned() else { return Ok(()) };
            self.store.settle(&attempt, outcome, self.clock.now()).await?;
            self.abandoned().retain(|(other, _)| other.id != attempt.id);
            self.settled(&attempt.account).notify(usize::MAX);
        }
    }

    fn abandoned(&self) -> MutexGuard<'_, Vec<(Attempt, Outcome)>> {
        self.abandoned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::indexing_slicing, reason = "six bits cannot leave an array of 64")]
    fn settled(&self, account: &ThrottleKey) -> &Event {
        &self.settled[usize::from(account.as_bytes()[0] & 63)]
    }
}

/// A reserved charge. It is settled, or, if its caller goes away, counted as a failure if the hash had begun
/// and given back if it had not.
#[derive(Debug)]
pub(crate) struct Charged<'gate> {
    gate: &'gate Gate,
    attempt: Attempt,
    begun: Arc<AtomicBool>,
    outcome: Option<Outcome>,
    settled: bool,
}

impl Charged<'_> {
    /// Set once the hash begins.
    pub(crate) const fn begun(&self) -> &Arc<AtomicBool> {
        &self.begun
    }

    /// How an attempt counts whose outcome is not known.
    pub(crate) fn unknown_outcome(&self) -> Outcome {
        if self.begun.load(Ordering::Acquire) { Outcome::Failed } else { Outcome::Withdrawn }
    }

    pub(crate) async fn settle(mut self, outcome: Outcome) -> Result<(), StoreError> {
        self.outcome = Some(outcome);
        self.gate.store.settle(&self.attempt, outcome, self.gate.clock.now()).await?;
        self.settled = true;
        self.gate.settled(&self.attempt.account).notify(usize::MAX);
        Ok(())
    }
}

impl Drop for Charged<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let outcome = self.outcome.unwrap_or_else(|| self.unknown_outcome());
        let mut abandoned = self.gate.abandoned();
        if abandoned.len() < Gate::MAX_ABANDONED {
            abandoned.push((self.attempt.clone(), outcome));
        }
        drop(abandoned);
        // Whoever waits for this account settles it.
        self.gate.settled(&self.attempt.account).notify(usize::MAX);
    }
}

enum Woken {
    ByASettlement,
    ByTheClock,
}

async fn first_of(mut turn: EventListener, mut pause: Delay) -> Woken {
    poll_fn(|context| {
        if Pin::new(&mut turn).poll(context).is_ready() {
            return Poll::Ready(Woken::ByASettlement);
        }
        Pin::new(&mut pause).poll(context).map(|()| Woken::ByTheClock)
    })
    .await
}
