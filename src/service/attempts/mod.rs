//! Budgets of failed attempts: which of them an attempt draws on, the wait for room in them, and the
//! settlement.

mod attempted;
mod charge;

use std::{
    collections::VecDeque,
    future::poll_fn,
    hash::RandomState,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

pub(crate) use attempted::{
    Attempted, account_partition, admin_partition, recovery_code_partition, second_factor_partition,
};
pub(crate) use charge::Charged;
use charge::{Abandoned, Charge};
use event_listener::{Event, EventListener};
use futures_timer::Delay;

use super::documents::{Changed, Documents, Held};
use crate::{
    clock::Clock,
    error::{Error, StoreError},
    random::{RandomError, SecureRandom},
    state::{
        Step,
        budgets::{AttemptId, Budgets, Clearing, Epoch, Reserve},
    },
    store::Partition,
};

/// Reserves a charge before any work is done, and sees that it is settled.
#[derive(Debug)]
pub(crate) struct Attempts {
    documents: Arc<Documents>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    /// Notified whenever an attempt at one of its accounts is settled in this process.
    settled: [Event; 64],
    /// Charges whose callers went away, or that could not be settled. There is no runtime to settle them on:
    /// later attempts do.
    abandoned: Mutex<VecDeque<Abandoned>>,
    /// Chooses the slot of an account that finds the store full.
    slots: RandomState,
}

/// An attempt that was not refused by a look at its budgets.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    attempts: &'a Attempts,
    charge: Charge,
    locks: bool,
    held: Held,
    step: Step<Reserve>,
    /// Listens since before the documents were loaded: no settlement in between is missed.
    room: EventListener,
}

impl Attempts {
    /// The most charges that wait to be settled. The lease of any further one ends by itself.
    const MAX_ABANDONED: usize = 4096;
    /// The most of them that one attempt settles, for itself and for callers that went away.
    const SETTLED_AT_ONCE: usize = 8;
    /// The number of waiting callers that a settlement wakes: more than it can free room for, fewer than all,
    /// or every one of N callers would ask the store N times.
    const WOKEN_AT_ONCE: usize = 8;
    /// The time after which a waiting caller looks again by the clock; twice as long each time, up to
    /// [`LONGEST_PAUSE`](Self::LONGEST_PAUSE). Attempts on other nodes are settled without a notice.
    const FIRST_PAUSE: Duration = Duration::from_millis(50);
    const LONGEST_PAUSE: Duration = Duration::from_secs(1);
    /// The number of waiting callers for which these pauses hold. Twice as many look half as often each, so
    /// that the store is asked no more often.
    const UNHURRIED: usize = 8;

    pub(crate) fn new(
        documents: Arc<Documents>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let settled = std::array::from_fn(|_| Event::new());
        Self { documents, clock, random, settled, abandoned: Mutex::default(), slots: RandomState::new() }
    }

    /// Looks at the budgets of an attempt. Returns none if one is spent: then nothing is written.
    ///
    /// # Errors
    ///
    /// The store failed, or the random source.
    pub(crate) async fn open(&self, attempted: Attempted) -> Result<Option<Opened<'_>>, Error> {
        let charge = Charge::new(AttemptId(self.draw()?), &attempted);
        let room = self.settled(&charge.partition).listen();
        self.settle_abandoned().await;
        let reserving = charge.reserving(Epoch(self.draw()?));
        let held = self.documents.load(&charge.partition, &reserving).await?;
        let step = self.documents.propose(&held, &reserving)?;
        let refused = step.answer == Reserve::Spent && step.writes_nothing();
        let opened = Opened { attempts: self, locks: attempted.locks, charge, held, step, room };
        Ok((!refused).then_some(opened))
    }

    /// Reserves a charge: [`open`](Self::open) and [`Opened::reserve`] in one.
    ///
    /// # Errors
    ///
    /// As theirs.
    pub(crate) async fn reserve(&self, attempted: Attempted) -> Result<Option<Charged<'_>>, Error> {
        match self.open(attempted).await? {
            Some(opened) => opened.reserve().await,
            None => Ok(None),
        }
    }

    /// Forgets the failures and locks of an account.
    ///
    /// # Errors
    ///
    /// The store failed, or the random source.
    pub(crate) async fn clear(&self, account: &Partition) -> Result<(), StoreError> {
        let clearing = Clearing { epoch: Epoch(self.draw().map_err(StoreError::new)?) };
        self.documents.change(account, &clearing).await.map(drop)
    }

    fn draw(&self) -> Result<u64, RandomError> {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Settles some of the charges that were left behind. What cannot be settled now is left for later, behind
    /// the others, for an hour.
    async fn settle_abandoned(&self) {
        for _ in 0..Self::SETTLED_AT_ONCE {
            let Some(abandoned) = self.abandoned().pop_front() else { return };
            if abandoned.is_old(self.clock.now()) {
                continue;
            }
            // Its drop puts it back, should this caller go away, too, or the store fail.
            if Charged::abandoned(self, abandoned).settle_as_decided().await.is_err() {
                return;
            }
        }
    }

    /// A pause, longer by the number of callers that wait for the same account.
    fn stretched(&self, pause: Duration, account: &Partition) -> Duration {
        let waiting = self.settled(account).total_listeners() / Self::UNHURRIED;
        pause.saturating_mul(u32::try_from(waiting).unwrap_or(u32::MAX).max(1)).min(Budgets::LEASE)
    }

    fn abandoned(&self) -> MutexGuard<'_, VecDeque<Abandoned>> {
        self.abandoned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::indexing_slicing, reason = "six bits cannot leave an array of 64")]
    fn settled(&self, account: &Partition) -> &Event {
        &self.settled[usize::from(account.as_bytes()[0] & 63)]
    }
}

impl<'a> Opened<'a> {
    /// Reserves the charge, after a wait for room if other attempts have reserved what is left. Returns none
    /// once a budget is spent.
    ///
    /// # Errors
    ///
    /// - [`Error::Overloaded`] if there was no room for the length of a lease.
    /// - The store failed; the charge may be taken, and is given back later.
    pub(crate) async fn reserve(self) -> Result<Option<Charged<'a>>, Error> {
        let Self { attempts, mut charge, locks, mut held, mut step, mut room } = self;
        let began = Instant::now();
        let mut pause = Attempts::FIRST_PAUSE;
        let mut waited = false;
        loop {
            let reserving = charge.reserving(Epoch(attempts.draw()?));
            let mut charged = Charged::new(attempts, charge.clone(), locks, waited);
            match attempts.documents.commit(&mut held, &reserving, step).await? {
                Changed::Answer(Reserve::Reserved) => {
                    charged.hold(held);
                    return Ok(Some(charged));
                }
                Changed::Answer(Reserve::Spent) => {
                    charged.disregard();
                    if waited {
                        // Callers that wait with this one are refused, too, and need not wait any longer.
                        attempts.settled(&charge.partition).notify_additional(usize::MAX);
                    }
                    return Ok(None);
                }
                Changed::Answer(Reserve::Busy) => {
                    charged.disregard();
                    if began.elapsed() >= Budgets::LEASE {
                        return Err(Error::Overloaded);
                    }
                    first_of(room, Delay::new(attempts.stretched(pause, &charge.partition))).await;
                    pause = (pause * 2).min(Attempts::LONGEST_PAUSE);
                    waited = true;
                }
                Changed::Full => {
                    charged.disregard();
                    charge = charge.elsewhere(&attempts.slots).ok_or(Error::Overloaded)?;
                }
            }
            room = attempts.settled(&charge.partition).listen();
            attempts.settle_abandoned().await;
            let reserving = charge.reserving(Epoch(attempts.draw()?));
            held = attempts.documents.load(&charge.partition, &reserving).await?;
            step = attempts.documents.propose(&held, &reserving)?;
        }
    }
}

async fn first_of(mut room: EventListener, mut pause: Delay) {
    poll_fn(|context| {
        let woken = Pin::new(&mut room).poll(context).is_ready();
        if woken { Poll::Ready(()) } else { Pin::new(&mut pause).poll(context) }
    })
    .await;
}
