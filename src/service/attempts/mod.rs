//! The budgets of failed attempts: which budgets an attempt is charged to, the wait for room in
//! these budgets, and the settlement of the charge.

mod attempted;
mod charge;
mod scopes;
mod tallies;

use std::{
    collections::VecDeque,
    future::poll_fn,
    hash::RandomState,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

pub(crate) use attempted::{Attempted, caller};
use charge::{Abandoned, Charge};
pub(crate) use charge::{Charged, Settled, SignedInDevice};
use event_listener::{Event, EventListener};
use futures_lite::future;
use futures_timer::Delay;
pub(crate) use scopes::{
    account_partition, admin_partition, recovery_code_partition, second_factor_partition,
};
pub(crate) use tallies::Tallies;
use tallies::too_many;
use time::OffsetDateTime;

use super::{
    documents::{Changed, Documents, Held},
    stop::Stop,
    watch::{Ended, Watch},
};
use crate::{
    clock::Clock,
    credential::UnlockToken,
    error::{Error, StoreError},
    random::{RandomError, SecureRandom},
    state::{
        Step,
        budgets::{
            AccountBudgets, AttemptId, CallerDigests, Clearing, Epoch, Forgetting, Owner, Remembering,
            Reserve, Reserved, devices_index,
        },
        unlock::{Offering, Spending},
    },
    store::Partition,
    token::{DeviceSecret, Digest, Subject},
};

/// The service of attempt budgets. A flow reserves a charge before it does costly work such as
/// hashing, and settles the charge afterwards. If the flow cannot settle the charge, a later
/// attempt settles it, or the charge counts as a failure at the end of its lease.
#[derive(Debug)]
pub(crate) struct Attempts {
    documents: Arc<Documents>,
    watch: Watch,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    /// The events for which callers wait. The accounts are divided into 64 groups, and each group
    /// has an event. An event is notified when this process settles an attempt at an account of its
    /// group.
    settled: [Event; 64],
    /// Charges that are not settled, because their callers disconnected or the store failed. Later
    /// attempts settle them, because the library has no background task.
    abandoned: Mutex<VecDeque<Abandoned>>,
    /// Selects the slot of an account if the store is full.
    slots: RandomState,
}

/// An attempt whose budgets were checked and are not spent. The charge is not reserved yet.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    attempts: &'a Attempts,
    charge: Charge,
    locks: bool,
    held: Held,
    step: Step<Reserved>,
    /// True if a tally of the source is suspicious, or the whole shop is under attack.
    suspicious: bool,
    /// False if the account's tally of failures is spent. Failures are then no longer counted.
    counts: bool,
    /// Notified when this process settles a charge of the account. The listener is registered
    /// before the documents are loaded, so that no settlement is missed.
    room: EventListener,
}

impl Attempts {
    /// Maximum number of charges that wait for settlement. If there are more, a further charge is
    /// not settled, so it counts as a failure when its lease ends.
    const MAX_ABANDONED: usize = 4096;
    /// Maximum number of unsettled charges that one attempt settles.
    const SETTLED_AT_ONCE: usize = 8;
    /// Maximum number of waiting callers that one settlement wakes. A settlement usually makes room
    /// for only one caller. If it woke all N waiting callers, each settlement would cost N store
    /// calls.
    const WOKEN_AT_ONCE: usize = 8;
    /// The first pause after which a waiting caller checks the budgets again. Pauses are needed
    /// because settlements on other nodes do not notify this node. The pause doubles each time, up
    /// to [`LONGEST_PAUSE`](Self::LONGEST_PAUSE).
    const FIRST_PAUSE: Duration = Duration::from_millis(50);
    const LONGEST_PAUSE: Duration = Duration::from_secs(1);
    /// Maximum number of waiting callers that pause for no longer than
    /// [`FIRST_PAUSE`](Self::FIRST_PAUSE) and [`LONGEST_PAUSE`](Self::LONGEST_PAUSE) say. With
    /// twice as many waiting callers, the pauses are twice as long, so that the store gets the same
    /// number of calls.
    const UNHURRIED: usize = 8;
    /// Maximum number of names of one account whose known devices one call removes.
    const NAMES_AT_MOST: usize = 100;

    pub(crate) fn new(
        documents: Arc<Documents>,
        watch: Watch,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let settled = std::array::from_fn(|_| Event::new());
        let (abandoned, slots) = (Mutex::default(), RandomState::new());
        Self { documents, watch, clock, random, settled, abandoned, slots }
    }

    /// Checks the budgets of an attempt, without charging them yet. Returns none if one of the
    /// account's budgets is spent.
    ///
    /// # Errors
    ///
    /// If the budget of the source is spent and the account does not know the device. Also if the
    /// store request or the random source failed.
    pub(crate) async fn open(&self, attempted: Attempted) -> Result<Option<Opened<'_>>, Stop> {
        let (locks, watched) = (attempted.locks, attempted.watched);
        let mut charge = Charge::new(AttemptId(self.draw()?), attempted);
        let room = self.settled(&charge.partition).listen();
        self.settle_abandoned().await;
        let reserving = charge.reserving(Epoch(self.draw()?));
        let [source, tally] = charge.tallies();
        let looks = future::zip(self.look(source), self.look(tally));
        let loads = future::zip(self.documents.load(&charge.partition, &reserving), looks);
        let ((held, (source, tally)), ()) = future::zip(loads, self.watch.exchange()).await;
        let (held, source, tally) = (held?, source?, tally?);
        let step = self.documents.propose(&held, &reserving)?;
        // An attempt from a known device of this account must not be refused because of other
        // callers from the same source. So a spent budget of the source does not apply to it.
        let known = step.answer.known;
        if known.device || known.source {
            charge.wait_with_known();
        }
        let source_is_spent = source.spent && !known.device;
        let refused = step.answer.room == Reserve::Spent && step.writes_nothing();
        // A suspicious source causes an alarm and challenges for this source alone. It must not
        // cause the alarm for the whole shop, so the watch over the shop does not count its
        // attempts.
        let watched = watched && !source.suspicious && !source.spent;
        charge.watch(watched);
        if watched && refused && step.answer.wide_is_spent {
            self.watch.note(Ended::Failed { unknown: false, network: charge.network() });
        }
        if source_is_spent {
            return Err(too_many());
        }
        let (suspicious, counts) = (source.suspicious || self.watch.is_attacked(), !tally.spent);
        let opened = Opened { attempts: self, locks, charge, held, step, suspicious, counts, room };
        Ok((!refused).then_some(opened))
    }

    /// Reserves a charge: calls [`open`](Self::open) and then [`Opened::reserve`].
    ///
    /// # Errors
    ///
    /// The errors of [`open`](Self::open) and [`Opened::reserve`].
    pub(crate) async fn reserve(&self, attempted: Attempted) -> Result<Option<Charged<'_>>, Stop> {
        match self.open(attempted).await? {
            Some(opened) => Ok(opened.reserve().await?),
            None => Ok(None),
        }
    }

    /// Clears the counted failures and the locks of an account.
    ///
    /// # Errors
    ///
    /// If the store request or the random source failed.
    pub(crate) async fn clear(&self, account: &Partition) -> Result<(), StoreError> {
        let clearing = Clearing { epoch: Epoch(self.draw().map_err(StoreError::new)?) };
        self.documents.change(account, &clearing).await.map(drop)
    }

    /// Removes the known devices and sources of a customer or admin user. They are stored under the
    /// account's name. So this method removes them under each name that the account has had, up to
    /// 100 names.
    ///
    /// # Errors
    ///
    /// If the store request failed. Some devices and sources are then possibly removed.
    pub(crate) async fn forget_devices(&self, subject: &Subject) -> Result<(), StoreError> {
        let owner = Owner::of(subject);
        let found = self.documents.list(&devices_index(), Some(&owner.before()), Self::NAMES_AT_MOST).await?;
        for listed in found.iter().filter(|listed| owner.owns(&listed.position)) {
            self.documents.change(&listed.position.partition, &Forgetting).await?;
        }
        Ok(())
    }

    /// Stores the device and the source of a sign-in as known. The attempt of the sign-in is
    /// already settled.
    ///
    /// # Errors
    ///
    /// If the store request or the random source failed.
    pub(crate) async fn remember(
        &self,
        account: &Partition,
        caller: CallerDigests,
        subject: &Subject,
    ) -> Result<SignedInDevice, StoreError> {
        let (owner, new) = (Owner::of(subject), DeviceSecret::draw(&*self.random).map_err(StoreError::new)?);
        let remembering = Remembering { caller, owner, new: new.digest() };
        let known = self.documents.change(account, &remembering).await?.kept()?;
        let secret = (!known.is_device_of(owner)).then_some(new);
        Ok(SignedInDevice { secret, is_new: known.is_new_to(owner) })
    }

    /// Draws and stores the token of a link that unlocks an account. An earlier link of the account
    /// stops working.
    ///
    /// # Errors
    ///
    /// If the store request or the random source failed.
    pub(crate) async fn offer_unlock(
        &self,
        account: &Partition,
        expires_at: OffsetDateTime,
    ) -> Result<UnlockToken, StoreError> {
        let token = UnlockToken::generate(&*self.random).map_err(StoreError::new)?;
        let offering = Offering { digest: token.digest(), expires_at };
        self.documents.change(account, &offering).await?.kept()?;
        Ok(token)
    }

    /// Returns true if the token of an unlock link belongs to the account and has not expired. The
    /// token is not spent.
    ///
    /// # Errors
    ///
    /// If the store request or the random source failed.
    pub(crate) async fn takes_unlock(&self, account: &Partition, digest: Digest) -> Result<bool, StoreError> {
        let spending = self.spending(digest)?;
        let held = self.documents.load(account, &spending).await?;
        Ok(self.documents.propose(&held, &spending)?.answer)
    }

    /// Spends the token of an unlock link and [clears](Self::clear) the account, in one commit.
    /// Returns true if the token belonged to the account and had not expired.
    ///
    /// # Errors
    ///
    /// If the store request or the random source failed. The account is then possibly cleared
    /// nevertheless.
    pub(crate) async fn spend_unlock(&self, account: &Partition, digest: Digest) -> Result<bool, StoreError> {
        self.documents.change(account, &self.spending(digest)?).await?.kept()
    }

    fn spending(&self, digest: Digest) -> Result<Spending, StoreError> {
        let epoch = Epoch(self.draw().map_err(StoreError::new)?);
        Ok(Spending { digest, clearing: Clearing { epoch } })
    }

    /// True if this node assumes an attack on the whole shop.
    pub(crate) fn is_attacked(&self) -> bool {
        self.watch.is_attacked()
    }

    fn draw(&self) -> Result<u64, RandomError> {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Settles some of the charges that earlier callers left unsettled. A charge that cannot be
    /// settled now goes to the back of the queue. A charge whose outcome is more than an hour old
    /// is dropped.
    async fn settle_abandoned(&self) {
        for _ in 0..Self::SETTLED_AT_ONCE {
            let Some(abandoned) = self.abandoned().pop_front() else { return };
            if abandoned.is_old(self.clock.now()) {
                continue;
            }
            // If this caller disconnects or the store request fails, the drop of the `Charged`
            // value puts the charge back into the queue.
            if Charged::abandoned(self, abandoned).settle_as_decided().await.is_err() {
                return;
            }
        }
    }

    /// Lengthens a pause in proportion to the number of callers that wait for the same account.
    fn stretched(&self, pause: Duration, account: &Partition) -> Duration {
        let waiting = self.settled(account).total_listeners() / Self::UNHURRIED;
        pause.saturating_mul(u32::try_from(waiting).unwrap_or(u32::MAX).max(1)).min(AccountBudgets::LEASE)
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
    /// True if the source is suspicious or the whole shop is under attack.
    pub(crate) const fn is_suspicious(&self) -> bool {
        self.suspicious
    }

    /// True if the attempt presented the device secret of a known device of this account.
    pub(crate) const fn has_device(&self) -> bool {
        self.step.answer.known.device
    }

    /// Reserves the charge. If attempts in progress have reserved the rest of a budget, this method
    /// waits for room. Returns none if a budget is spent.
    ///
    /// # Errors
    ///
    /// - [`Error::Overloaded`] if there was no room in the budgets for 60 s, the duration of a
    ///   lease. Also if a full store refuses the documents of a slot, which it should accept.
    /// - [`Error::Unavailable`] if the store request failed. If the store has reserved the charge
    ///   nevertheless, a later attempt gives the charge back.
    pub(crate) async fn reserve(self) -> Result<Option<Charged<'a>>, Error> {
        let Self { attempts, mut charge, locks, mut held, mut step, mut room, counts, .. } = self;
        if !counts {
            return Ok(Some(Charged::uncounted(attempts, charge)));
        }
        let began = Instant::now();
        let mut pause = Attempts::FIRST_PAUSE;
        let mut waited = false;
        loop {
            let reserving = charge.reserving(Epoch(attempts.draw()?));
            let mut charged = Charged::new(attempts, charge.clone(), locks, waited);
            match attempts.documents.commit(&mut held, &reserving, step).await? {
                Changed::Answer(Reserved { room: Reserve::Reserved, known, .. }) => {
                    charged.hold(held, known);
                    return Ok(Some(charged));
                }
                Changed::Answer(Reserved { room: Reserve::Spent, .. }) => {
                    charged.disregard();
                    if waited {
                        // The budget is now spent. The callers that still wait for room in it are
                        // woken, so that they are refused without a delay.
                        attempts.settled(&charge.partition).notify_additional(usize::MAX);
                    }
                    return Ok(None);
                }
                Changed::Answer(Reserved { room: Reserve::Busy, .. }) => {
                    charged.disregard();
                    if began.elapsed() >= AccountBudgets::LEASE {
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
