use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{AccountBudgets, Budget, Reserve, Standing, commands::whole, counter::Counter};
use crate::{
    state::{
        DocumentError, Step, Transition, Write,
        format::{Stored, content, read},
    },
    store::{DocumentId, Key, Name},
};

const TALLY: Name = Name::of("tally");

/// A tally: the document that counts the failures of a source over all accounts, or of an account
/// over all sources. A failure is counted after the attempt, so attempts in progress do not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tally {
    counter: Counter,
    /// The accounts at which attempts failed, each as 32 bits of a digest. Once there are enough
    /// accounts to make the tally suspicious, no further accounts are added.
    accounts: Vec<u32>,
    /// The number of failures at names without an account. This number appears only in the audit
    /// trail. It has no effect on attempts, because the result of an attempt must not reveal if an
    /// account exists.
    unknown: u32,
}

/// The document id of a tally in a partition, and the budget of the tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tallied {
    pub(crate) id: DocumentId,
    pub(crate) budget: Budget,
}

/// A failure to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CountedFailure {
    /// The account, as 32 bits of a digest.
    pub(crate) account: u32,
    /// True if no account has the name.
    pub(crate) unknown: bool,
}

/// The combined state of the tallies of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// True if the budget of a tally is spent.
    pub(crate) spent: bool,
    /// True if a tally has failures at suspiciously many accounts.
    pub(crate) suspicious: bool,
}

/// The counts of a tally that has just become suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suspected {
    pub(crate) accounts: usize,
    pub(crate) failures: u32,
    pub(crate) unknown: u32,
}

/// Reads the tallies of a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadingTallies<'a> {
    pub(crate) tallied: &'a [Tallied],
}

/// Counts a failure at the time `at` in the tallies of a partition. The answer has the counts of
/// the first tally that becomes suspicious by this failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counting<'a> {
    pub(crate) tallied: &'a [Tallied],
    pub(crate) failure: CountedFailure,
    pub(crate) at: OffsetDateTime,
}

impl Stored for Tally {
    const FORMAT: u32 = 1;
}

impl Tallied {
    /// Returns the number of accounts with failures from which on a tally is suspicious. It is a
    /// tenth of the failures that the tally's budget allows, but at least two.
    const fn suspicious_accounts(&self) -> usize {
        let accounts = self.budget.failures / 10;
        if accounts < 2 { 2 } else { accounts as usize }
    }
}

impl Tally {
    /// Maximum number of accounts in the document of a tally.
    const MAX_ACCOUNTS: usize = 2_000;

    const fn new(budget: Budget) -> Self {
        Self { counter: Counter::new(budget), accounts: Vec::new(), unknown: 0 }
    }

    /// Returns the tally at this time, without expired failures. None if all its failures have
    /// expired.
    fn live(self, now: OffsetDateTime) -> Option<Self> {
        let mut live = self;
        live.counter.clamp(AccountBudgets::LEASE, now);
        (!live.counter.is_idle(now)).then_some(live)
    }

    fn look(&mut self, tallied: &Tallied, now: OffsetDateTime) -> Looked {
        let room = self.counter.available(tallied.budget, Standing::Unknown, now);
        Looked {
            spent: room == Reserve::Spent,
            suspicious: self.accounts.len() >= tallied.suspicious_accounts(),
        }
    }

    /// Counts a failure. Returns true if this failure makes the tally suspicious.
    fn count(&mut self, tallied: &Tallied, failure: CountedFailure, at: OffsetDateTime) -> bool {
        self.counter.count(tallied.budget, at);
        self.unknown = self.unknown.saturating_add(failure.unknown.into());
        let limit = tallied.suspicious_accounts().min(Self::MAX_ACCOUNTS);
        if self.accounts.len() >= limit || self.accounts.contains(&failure.account) {
            return false;
        }
        self.accounts.push(failure.account);
        self.accounts.len() >= limit
    }
}

impl Transition for ReadingTallies<'_> {
    type Answer = Looked;

    fn keys(&self) -> Vec<Key> {
        keys(self.tallied)
    }

    fn apply(&self, documents: &[Option<&[u8]>], now: OffsetDateTime) -> Result<Step<Looked>, DocumentError> {
        let mut answer = Looked::default();
        for (place, tallied) in self.tallied.iter().enumerate() {
            if let Some(mut tally) = read::<Tally>(documents, place)?.and_then(|tally| tally.live(now)) {
                let looked = tally.look(tallied, now);
                answer.spent |= looked.spent;
                answer.suspicious |= looked.suspicious;
            }
        }
        Ok(Step { answer, writes: self.tallied.iter().map(|_| Write::Keep).collect() })
    }
}

impl Transition for Counting<'_> {
    type Answer = Option<Suspected>;

    fn keys(&self) -> Vec<Key> {
        keys(self.tallied)
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Option<Suspected>>, DocumentError> {
        let (mut answer, mut writes) = (None, Vec::with_capacity(self.tallied.len()));
        let at = whole(self.at.min(now));
        for (place, tallied) in self.tallied.iter().enumerate() {
            let present = read::<Tally>(documents, place)?.and_then(|tally| tally.live(now));
            let mut tally = present.unwrap_or_else(|| Tally::new(tallied.budget));
            if tally.count(tallied, self.failure, at) {
                let (accounts, failures) = (tally.accounts.len(), tally.counter.failures());
                answer = answer.or(Some(Suspected { accounts, failures, unknown: tally.unknown }));
            }
            writes.push(Write::Put(content(&tally, tally.counter.keep_until(), true)?));
        }
        Ok(Step { answer, writes })
    }
}

fn keys(tallied: &[Tallied]) -> Vec<Key> {
    tallied.iter().map(|tallied| Key { kind: TALLY, id: tallied.id }).collect()
}
