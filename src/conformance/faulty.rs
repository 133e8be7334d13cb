use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::Fault;
use crate::{
    account::CustomerId,
    audit::AuditSink,
    error::StoreError,
    keyring::Keyring,
    store::{
        Attempt, Generation, Insert, OneTimeCredential, OtcStore, Outcome, Presented, Reserve, Store, Take,
        ThrottleKey, ThrottleStore, TokenStore,
    },
    token::{Digest, Grant, Origin, Subject},
};

/// A store with one fault.
pub(super) struct Faulty<S> {
    inner: S,
    fault: Fault,
    memory: Mutex<Memory>,
    counter: AtomicU64,
}

/// What a faulty store remembers beside the store it wraps.
#[derive(Default)]
struct Memory {
    grants: HashMap<Digest, Grant>,
    /// How often a grant was found that the store no longer has.
    cached: HashMap<Digest, u32>,
    credentials: HashMap<Digest, OneTimeCredential>,
    taken: HashMap<Digest, OneTimeCredential>,
    marks: HashMap<Digest, Option<Digest>>,
    attempts: Vec<Attempt>,
    bars: HashMap<Digest, OffsetDateTime>,
    revoked_at: HashMap<Subject, OffsetDateTime>,
}

impl<S: Store> Faulty<S> {
    pub(super) fn new(inner: S, fault: Fault) -> Self {
        Self { inner, fault, memory: Mutex::default(), counter: AtomicU64::new(0) }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no other call got.
    fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }
}

const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

#[async_trait]
impl<S: Store> TokenStore for Faulty<S> {
    async fn generation(&self, subject: &Subject) -> Result<Generation, StoreError> {
        if self.is(Fault::SharesTheGeneration) {
            return Ok(Generation { subject: self.counter.load(Ordering::Relaxed), everything: 0 });
        }
        self.inner.generation(subject).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let mut grant = grant.clone();
        let mut origin = origin.clone();
        let mut generation = generation;
        self.memory().grants.insert(grant.digest, grant.clone());
        match self.fault {
            Fault::ForgetsTheGeneration | Fault::SharesTheGeneration => {
                generation = self.inner.generation(&grant.subject).await?;
            }
            Fault::RefusesTheSameInstant
                if self.memory().revoked_at.get(&grant.subject).is_some_and(|at| now <= *at) =>
            {
                return Ok(Insert::Revoked);
            }
            Fault::Overwrites => {
                self.inner.revoke(&grant.digest, now, START).await?;
            }
            Fault::ShortensBar if self.memory().bars.get(&grant.digest).is_some_and(|until| now < *until) => {
                return Ok(Insert::Barred);
            }
            Fault::LosesTheOrigin => origin = Origin::default(),
            Fault::LosesTheAssistance => grant.assistance = None,
            Fault::ExpiresLate => grant.expires_at += Duration::from_micros(1),
            _ => {}
        }
        self.inner.insert(&grant, &origin, generation, now).await
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let now = if self.is(Fault::FindsExpired) { START } else { now };
        let found = self.inner.find(digest, now).await?;
        // The cache answers for a while after the store no longer does: for longer than it takes a slow store to say that it
        // has revoked.
        if self.is(Fault::FindsFromACache) && found.is_none() {
            let mut memory = self.memory();
            let answered = memory.cached.entry(*digest).or_default();
            *answered += 1;
            return Ok(if *answered <= 100 { memory.grants.get(digest).cloned() } else { None });
        }
        Ok(found.map(|mut grant| {
            if self.is(Fault::ExpiresLate) {
                grant.expires_at -= Duration::from_micros(1);
            }
            grant
        }))
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        match self.fault {
            Fault::ForgetsRevoke => Ok(self.inner.find(digest, now).await?.is_some()),
            Fault::ForgetsBar => self.inner.revoke(digest, now, START).await,
            Fault::ShortensBar => {
                self.memory().bars.insert(*digest, bar_until);
                self.inner.revoke(digest, now, START).await
            }
            Fault::BarsForGood => {
                self.inner.revoke(digest, now, bar_until + Duration::from_secs(1 << 30)).await
            }
            _ => self.inner.revoke(digest, now, bar_until).await,
        }
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.memory().revoked_at.insert(subject.clone(), now);
        match self.fault {
            Fault::SharesTheGeneration => {
                self.number();
                self.inner.revoke_all(subject, keep, now).await
            }
            Fault::KeepsNone => self.inner.revoke_all(subject, None, now).await,
            Fault::KeepsAll if keep.is_some() => Ok(()),
            Fault::LeavesGrants => {
                let grants = self.inner.list(subject, now).await?;
                self.inner.revoke_all(subject, keep, now).await?;
                let generation = self.inner.generation(subject).await?;
                for (grant, origin) in grants {
                    let _ = self.inner.insert(&grant, &origin, generation, now).await?;
                }
                Ok(())
            }
            _ => self.inner.revoke_all(subject, keep, now).await,
        }
    }

    async fn revoke_everything(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        if self.is(Fault::ForgetsEverything) { Ok(()) } else { self.inner.revoke_everything(now).await }
    }

    async fn list(&self, subject: &Subject, now: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let now = if self.is(Fault::ListsExpired) { START } else { now };
        let mut listed = self.inner.list(subject, now).await?;
        if self.is(Fault::ListsUnsorted) {
            listed.sort_by_key(|(grant, _)| grant.digest);
        }
        Ok(listed)
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        match self.fault {
            Fault::PurgesLiveGrants => self.inner.purge_tokens(now + Duration::from_secs(60), limit).await,
            Fault::PurgesWithoutLimit => self.inner.purge_tokens(now, usize::MAX).await,
            _ => self.inner.purge_tokens(now, limit).await,
        }
    }
}

#[async_trait]
impl<S: Store> OtcStore for Faulty<S> {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let keep = match self.fault {
            Fault::KeepsTooMany => usize::MAX,
            Fault::KeepsTooFew => keep.saturating_sub(1),
            _ => keep,
        };
        let stored = self.inner.put(credential, keep, now).await?;
        let mut memory = self.memory();
        memory.credentials.insert(credential.digest, credential.clone());
        if self.is(Fault::Revives) && !stored {
            // What is put again can be taken again.
            memory.taken.remove(&credential.digest);
            memory.marks.insert(credential.digest, None);
        }
        Ok(stored)
    }

    async fn peek(
        &self,
        presented: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        match self.fault {
            Fault::PeeksAtNothing => Ok(None),
            Fault::PeeksAtTheSpent => Ok(self.memory().credentials.get(&presented.digest).cloned()),
            Fault::SpendsOnPeek => match self.inner.take(presented, None, now).await? {
                Take::Taken(credential) => Ok(Some(credential)),
                Take::Spent { .. } | Take::Nothing => Ok(None),
            },
            _ => self.inner.peek(presented, now).await,
        }
    }

    async fn take(
        &self,
        presented: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        let mut asked = presented.clone();
        let known = self.memory().credentials.get(&presented.digest).cloned();
        let mut now = now;
        match (self.fault, &known) {
            (Fault::WidensTheTuple, Some(known)) => {
                asked.website = known.website.clone();
                asked.customer = known.customer.clone();
            }
            (Fault::IgnoresThePurposes, _) => {
                asked.purposes.reset_token = true;
                asked.purposes.one_time_code = true;
            }
            (Fault::TakesExpired, _) => now = START,
            (Fault::SpendsOnAWrongTuple, Some(known)) if known.customer != presented.customer => {
                asked.customer = known.customer.clone();
                let _ = self.inner.take(&asked, buys, now).await?;
                return Ok(Take::Nothing);
            }
            _ => {}
        }
        let answer = self.inner.take(&asked, buys, now).await?;
        let mut memory = self.memory();
        match (self.fault, answer) {
            (_, Take::Taken(credential)) => {
                memory.taken.insert(credential.digest, credential.clone());
                Ok(Take::Taken(credential))
            }
            (Fault::TakesTwice, Take::Spent { .. }) => {
                Ok(memory.taken.remove(&presented.digest).map_or(Take::Nothing, Take::Taken))
            }
            (Fault::Revives, Take::Spent { purpose, bought }) => {
                Ok(match (memory.marks.remove(&presented.digest), known) {
                    (Some(None), Some(known)) => Take::Taken(known),
                    _ => Take::Spent { purpose, bought },
                })
            }
            (Fault::ForgetsTheMark, Take::Spent { .. }) => Ok(Take::Nothing),
            (Fault::MovesTheMark, Take::Spent { purpose, .. }) => {
                Ok(Take::Spent { purpose, bought: buys.copied() })
            }
            (Fault::PurgesMarks | Fault::DiscardsMarks, Take::Spent { .. })
                if self.counter.load(Ordering::Relaxed) > 0 =>
            {
                Ok(Take::Nothing)
            }
            (_, answer) => Ok(answer),
        }
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        match self.fault {
            Fault::ForgetsDiscard => Ok(()),
            Fault::DiscardsMarks => {
                self.number();
                self.inner.discard(customer).await
            }
            _ => self.inner.discard(customer).await,
        }
    }

    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.number();
        self.inner.purge_codes(now, limit).await
    }
}

impl<S: Store> Store for Faulty<S> {
    fn audit_sink(&self, keyring: Option<&Keyring>) -> Option<Arc<dyn AuditSink>> {
        self.inner.audit_sink(keyring)
    }
}

impl<S: Store> Faulty<S> {
    /// The attempt as the faulty store sees it.
    fn bent(&self, attempt: &Attempt) -> Attempt {
        let mut attempt = attempt.clone();
        let day = Duration::from_secs(24 * 60 * 60);
        for charge in &mut attempt.charges {
            match self.fault {
                Fault::EndsALastingLock => charge.budget.lock = crate::store::Lock::For(day),
                Fault::NeverForgets => charge.budget.window = 365 * day,
                Fault::SharesScopes => charge.scope = ThrottleKey::of(&[b"one scope"]),
                _ => {}
            }
        }
        match self.fault {
            Fault::KeepsUnsettled => attempt.lease_until += 365 * day,
            Fault::ChargesTheFirst | Fault::LosesTheSharedBudget => attempt.charges.truncate(1),
            Fault::SharesScopes => attempt.charges.truncate(1),
            _ => {}
        }
        attempt
    }
}

#[async_trait]
impl<S: Store> ThrottleStore for Faulty<S> {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        let attempt = self.bent(attempt);
        match self.fault {
            Fault::ReservesBeyondTheBudget => match self.inner.reserve(&attempt, now).await? {
                Reserve::Busy => Ok(Reserve::Reserved),
                answer => Ok(answer),
            },
            Fault::CallsBusySpent => match self.inner.reserve(&attempt, now).await? {
                Reserve::Busy => Ok(Reserve::Spent),
                answer => Ok(answer),
            },
            Fault::LosesALock => match self.inner.reserve(&attempt, now).await? {
                Reserve::Spent => {
                    self.inner.clear(&attempt.account).await?;
                    self.inner.reserve(&attempt, now).await
                }
                answer => Ok(answer),
            },
            Fault::ChargesSome => {
                let mut answer = Reserve::Reserved;
                for (number, charge) in attempt.charges.iter().rev().enumerate() {
                    let mut part = Attempt { charges: vec![*charge], ..attempt.clone() };
                    part.id.0.rotate_right(number);
                    answer = self.inner.reserve(&part, now).await?;
                    if answer != Reserve::Reserved {
                        break;
                    }
                }
                Ok(answer)
            }
            Fault::GivesBackUnsettled => {
                // Reservations of others whose lease has ended are withdrawn just before it.
                let lapsed: Vec<_> =
                    self.memory().attempts.extract_if(.., |other| other.lease_until <= now).collect();
                for other in lapsed {
                    let before = other.lease_until - Duration::from_micros(1);
                    self.inner.settle(&other, Outcome::Withdrawn, before).await?;
                }
                let answer = self.inner.reserve(&attempt, now).await?;
                if answer == Reserve::Reserved {
                    self.memory().attempts.push(attempt);
                }
                Ok(answer)
            }
            _ => self.inner.reserve(&attempt, now).await,
        }
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let attempt = self.bent(attempt);
        match (self.fault, outcome) {
            (Fault::IgnoresSuccess, Outcome::Succeeded) => {
                self.inner.settle(&attempt, Outcome::Withdrawn, now).await
            }
            (Fault::ClearsTheAccountOnSuccess, Outcome::Succeeded) => {
                let locked = self.inner.settle(&attempt, outcome, now).await?;
                self.inner.clear(&attempt.account).await?;
                Ok(locked)
            }
            (Fault::ClearsOnWithdrawal, Outcome::Withdrawn) => {
                self.inner.settle(&attempt, Outcome::Succeeded, now).await
            }
            (Fault::CountsTwice, Outcome::Failed) => {
                let mut again = attempt.clone();
                again.id.0 = u128::from(self.number()).wrapping_add(1 << 100).to_be_bytes();
                self.inner.settle(&attempt, outcome, now).await?;
                let _ = self.inner.reserve(&again, now).await?;
                self.inner.settle(&again, outcome, now).await
            }
            (Fault::ChargesSome, _) => {
                let mut locked = false;
                for (number, charge) in attempt.charges.iter().rev().enumerate() {
                    let mut part = Attempt { charges: vec![*charge], ..attempt.clone() };
                    part.id.0.rotate_right(number);
                    locked |= self.inner.settle(&part, outcome, now).await?;
                }
                Ok(locked)
            }
            (Fault::TellsNoLock, _) => {
                self.inner.settle(&attempt, outcome, now).await?;
                Ok(false)
            }
            (Fault::TellsEveryFailure, _) => {
                self.inner.settle(&attempt, outcome, now).await?;
                Ok(outcome == Outcome::Failed)
            }
            _ => self.inner.settle(&attempt, outcome, now).await,
        }
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        if self.is(Fault::ForgetsClear) { Ok(()) } else { self.inner.clear(account).await }
    }

    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let later = now + Duration::from_secs(60 * 60);
        let now = if self.is(Fault::PurgesLocks) { later } else { now };
        self.inner.purge_attempts(now, limit).await
    }
}

impl<S> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("fault", &self.fault).finish_non_exhaustive()
    }
}
