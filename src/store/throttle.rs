use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{error::StoreError, token::Digest};

/// What a spent budget leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lock {
    /// Refusal for so long, then a new budget.
    For(Duration),
    /// Refusal until [`ThrottleStore::clear`].
    UntilCleared,
}

/// How many failed attempts are allowed.
///
/// If a host shortens `window` or `lock`, windows and locks that run already may be shortened to the new length from the next
/// attempt on. If it lengthens them, those that run keep their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // A host's configuration is written as a literal.
pub struct Budget {
    /// So many failures spend the budget.
    pub failures: u32,
    /// They are counted for so long, from the first of them.
    pub window: Duration,
    /// What follows once it is spent.
    pub lock: Lock,
}

/// Whom or what a budget belongs to, as a digest: a throttle table holds no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ThrottleKey(Digest);

impl ThrottleKey {
    /// The key of these parts, each counted with its length: two lists of parts never share a key.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        Self(Digest::of_parts(parts))
    }

    /// A key out of a store's column.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes))
    }

    /// The key for a store's column.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    pub(crate) const fn digest(self) -> Digest {
        self.0
    }
}

/// One budget that an attempt draws on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends read it, and their tests make it.
pub struct Charge {
    /// Which of the account's budgets.
    pub scope: ThrottleKey,
    /// Its size.
    pub budget: Budget,
}

/// The name of an attempt: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // Backends read it.
pub struct AttemptId(pub [u8; 16]);

/// An attempt at an account, which draws on one or more of the account's budgets at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends read it, and their tests make it.
pub struct Attempt {
    /// The attempt's own name.
    pub id: AttemptId,
    /// The account. All its budgets are kept together, so that they are charged and cleared together.
    pub account: ThrottleKey,
    /// The budgets it draws on.
    pub charges: Vec<Charge>,
    /// A reservation that is not settled by then counts as a failure. At most [`LONGEST_LEASE`](Self::LONGEST_LEASE)
    /// ahead.
    pub lease_until: OffsetDateTime,
}

impl Attempt {
    /// No lease lasts longer, 1 h: one that ends later was begun by a clock that was ahead.
    pub const LONGEST_LEASE: Duration = Duration::from_secs(60 * 60);
}

/// What became of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Reserve {
    /// Every budget is charged; the attempt must be settled.
    Reserved,
    /// Some budget has nothing left but what other attempts have reserved and not yet settled. Nothing was
    /// charged; ask again once one is settled.
    Busy,
    /// Some budget is spent. Nothing was charged.
    Spent,
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // Backends must handle each.
pub enum Outcome {
    /// It counts against every budget it drew on, and may lock them.
    Failed,
    /// Its budgets forget their earlier failures.
    Succeeded,
    /// It gives back only its own charge.
    Withdrawn,
}

/// Keeps budgets of failed attempts, and the locks that follow.
///
/// A node's clock may have been ahead and set right. So a window, a lock or a lease that ends more than 30 s further ahead
/// of `now` than its own longest life (the budget's [`window`](Budget::window) and [`Lock::For`], and
/// [`Attempt::LONGEST_LEASE`]) is shortened to end that long from `now` on, by [`reserve`](Self::reserve) and
/// [`settle`](Self::settle). The number of failures stays. A node whose clock is behind shortens what the others began in the
/// same way: its clock cannot be told from a right one.
#[async_trait]
pub trait ThrottleStore: Debug + Send + Sync + 'static {
    /// Charges all the attempt's budgets at once, or none. Failures and unsettled reservations together never
    /// exceed a budget, whatever the number of callers and nodes.
    ///
    /// # Security
    ///
    /// To reserve beyond a budget is a vulnerability: parallel guesses. To refuse too often locks people out.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the charge may be taken, and lapses with its lease.
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError>;

    /// Settles a reservation. An attempt that is not reserved, or no longer, counts nothing. Answers whether this
    /// failure spent a budget, so that a lock begins with it.
    ///
    /// # Security
    ///
    /// To lose a failure or to undo a lock is a vulnerability. A wrong answer only misleads the audit trail.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the reservation may be settled.
    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Forgets all failures and locks of an account, in all its scopes. Unsettled reservations stay.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; they may be forgotten.
    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError>;

    /// Removes at most `limit` accounts on which nothing is counted any more and answers how many.
    ///
    /// # Security
    ///
    /// To remove a live lock, a counted failure or a live reservation is a vulnerability.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}

#[async_trait]
impl<S: ThrottleStore + ?Sized> ThrottleStore for Arc<S> {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        (**self).reserve(attempt, now).await
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        (**self).settle(attempt, outcome, now).await
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        (**self).clear(account).await
    }

    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        (**self).purge_attempts(now, limit).await
    }
}
