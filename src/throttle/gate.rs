use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use event_listener::{Event, EventListener};
use futures_timer::Delay;
use time::OffsetDateTime;

use super::Attempted;
use crate::{
    clock::{Clock, after},
    error::{Error, StoreError},
    random::SecureRandom,
    store::{Attempt, AttemptId, Outcome, Reserve, ThrottleKey, ThrottleStore},
};

/// How long a caller waits before it looks again by the clock; each time twice as long, up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Reserves a charge before any work is done, and sees that it is settled.
#[derive(Debug)]
pub(crate) struct Gate {
    store: Arc<dyn ThrottleStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    /// Told whenever an attempt at one of its accounts is settled in this process.
    settled: [Event; 64],
    /// Charges whose callers went away. There is no runtime to settle them on: later attempts do.
    abandoned: Mutex<Vec<Abandoned>>,
}

/// A charge that is yet to be settled, and as what.
#[derive(Clone, Debug)]
struct Abandoned {
    attempt: Attempt,
    outcome: Outcome,
    at: OffsetDateTime,
}

impl Gate {
    /// After so long an unsettled reservation counts as a failure; and so long a caller waits for its turn at most.
    /// Longer than any queue of hashes, shorter than a person's patience.
    const LEASE: Duration = Duration::from_secs(60);
    /// More charges than this are left to lapse.
    const MAX_ABANDONED: usize = 4096;
    /// So many of them one attempt settles at most, for itself and for those who went away.
    const SETTLED_AT_ONCE: usize = 16;
    /// So many waiting callers a settlement wakes: more than it can free room for, fewer than all, or every one of
    /// N callers would ask the store N times.
    const WOKEN_AT_ONCE: usize = 8;

    pub(crate) fn new(
        store: Arc<dyn ThrottleStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let settled = std::array::from_fn(|_| Event::new());
        Self { store, clock, random, settled, abandoned: Mutex::default() }
    }

    /// Reserves a charge, after waiting for one's turn if others have reserved what is left. None once a budget is
    /// spent.
    pub(crate) async fn reserve(&self, attempted: Attempted) -> Result<Option<Charged<'_>>, Error> {
        let mut id = [0; 16];
        self.random.fill(&mut id)?;
        let Attempted { account, charges, locks } = attempted;
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            // Listening begins before the store is asked: what is settled in between is not missed.
            let turn = self.settled(&account).listen();
            self.settle_abandoned().await;
            let now = self.clock.now();
            let lease_until = after(now, Self::LEASE);
            let attempt = Attempt { id: AttemptId(id), account, charges: charges.clone(), lease_until };
            let mut charged = Charged::new(self, attempt, locks);
            match self.store.reserve(&charged.attempt, now).await? {
                Reserve::Reserved => return Ok(Some(charged)),
                Reserve::Spent => {
                    charged.settled = true;
                    if pause > FIRST_PAUSE {
                        // Whoever waits with this caller is refused, too, and need not wait any longer.
                        self.settled(&account).notify_additional(usize::MAX);
                    }
                    return Ok(None);
                }
                Reserve::Busy => charged.settled = true,
            }
            if began.elapsed() >= Self::LEASE {
                return Err(Error::Overloaded);
            }
            // Attempts on other nodes are settled without a word: look again by the clock, too.
            first_of(turn, Delay::new(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Settles some of what was left behind. What cannot be settled now is left for later.
    async fn settle_abandoned(&self) {
        for _ in 0..Self::SETTLED_AT_ONCE {
            let Some(Abandoned { attempt, outcome, at }) = self.abandoned().pop() else { return };
            // Its drop puts it back, should this caller go away, too, or the store fail.
            let mut charged = Charged::new(self, attempt, false);
            charged.decided = Some((outcome, at));
            if charged.settle(outcome).await.is_err() {
                return;
            }
        }
    }

    fn abandoned(&self) -> MutexGuard<'_, Vec<Abandoned>> {
        self.abandoned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::indexing_slicing, reason = "six bits cannot leave an array of 64")]
    fn settled(&self, account: &ThrottleKey) -> &Event {
        &self.settled[usize::from(account.as_bytes()[0] & 63)]
    }
}

/// A reserved charge. It is settled, or, if its caller goes away, counted as a failure if the hash had begun and given
/// back if it had not.
#[derive(Debug)]
pub(crate) struct Charged<'gate> {
    gate: &'gate Gate,
    attempt: Attempt,
    begun: Arc<AtomicBool>,
    /// Its outcome, and the time of it: a settlement that has to be repeated counts from the first.
    decided: Option<(Outcome, OffsetDateTime)>,
    locks: bool,
    settled: bool,
}

impl<'gate> Charged<'gate> {
    fn new(gate: &'gate Gate, attempt: Attempt, locks: bool) -> Self {
        let begun = Arc::default();
        Self { gate, attempt, begun, decided: None, locks, settled: false }
    }

    /// Set once the hash begins.
    pub(crate) const fn begun(&self) -> &Arc<AtomicBool> {
        &self.begun
    }

    /// How an attempt counts whose outcome is not known.
    pub(crate) fn unknown_outcome(&self) -> Outcome {
        if self.begun.load(Ordering::Acquire) { Outcome::Failed } else { Outcome::Withdrawn }
    }

    /// Answers whether a lock on the account's password begins with this failure.
    pub(crate) async fn settle(mut self, outcome: Outcome) -> Result<bool, StoreError> {
        let (outcome, at) = *self.decided.get_or_insert_with(|| (outcome, self.gate.clock.now()));
        let locked = self.gate.store.settle(&self.attempt, outcome, at).await?;
        self.settled = true;
        self.wake();
        Ok(locked && self.locks)
    }

    fn wake(&self) {
        self.gate.settled(&self.attempt.account).notify_additional(Gate::WOKEN_AT_ONCE);
    }
}

impl Drop for Charged<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let (outcome, at) = self.decided.unwrap_or_else(|| (self.unknown_outcome(), self.gate.clock.now()));
        let mut abandoned = self.gate.abandoned();
        if abandoned.len() < Gate::MAX_ABANDONED {
            abandoned.push(Abandoned { attempt: self.attempt.clone(), outcome, at });
        }
        drop(abandoned);
        // Whoever waits for this account settles it.
        self.wake();
    }
}

async fn first_of(mut turn: EventListener, mut pause: Delay) {
    poll_fn(|context| {
        let woken = Pin::new(&mut turn).poll(context).is_ready();
        if woken { Poll::Ready(()) } else { Pin::new(&mut pause).poll(context) }
    })
    .await;
}
