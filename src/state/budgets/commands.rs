use std::time::Duration;

use time::OffsetDateTime;

use super::{Budgets, Draw, Epoch, Outcome, Reserve};
use crate::{
    clock::micros,
    state::{
        Content, DocumentError, Step, Transition, Write,
        format::{Stored, decode, encode},
    },
    store::{DocumentId, Key, Name},
};

const HEAD: Name = Name::of("budgets");
const SCOPE: Name = Name::of("budget-scope");

/// Charges the budgets of an attempt before any work is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserving<'a> {
    pub(crate) draw: &'a Draw,
    /// The time after which an unsettled reservation counts as a failure, at most [`Budgets::LEASE`].
    pub(crate) lease: Duration,
    /// The epoch that an account without one starts under: 64 random bits.
    pub(crate) epoch: Epoch,
    /// True if the store has no room for another scope: the account's overflow counter is charged in its place.
    pub(crate) crowded: bool,
    /// False for documents that a full store must take, too.
    pub(crate) expendable: bool,
}

/// Settles a reserved attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settling<'a> {
    pub(crate) draw: &'a Draw,
    pub(crate) outcome: Outcome,
    /// The time of the outcome. A settlement that has to be repeated counts from the first.
    pub(crate) at: OffsetDateTime,
    /// As in [`Reserving`].
    pub(crate) expendable: bool,
}

/// Forgets the failures and locks of an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clearing {
    /// The next epoch: 64 random bits.
    pub(crate) epoch: Epoch,
}

impl Transition for Reserving<'_> {
    type Answer = Reserve;

    fn keys(&self) -> Vec<Key> {
        keys(self.draw.narrow.map(|(scope, _)| scope))
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Reserve>, DocumentError> {
        step(documents, now, self.expendable, |budgets, now| {
            budgets.reserve(self.draw, self.lease, self.epoch, self.crowded, now)
        })
    }
}

impl Transition for Settling<'_> {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        keys(self.draw.narrow.map(|(scope, _)| scope))
    }

    fn apply(&self, documents: &[Option<&[u8]>], now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        let at = whole(self.at.min(now));
        step(documents, now, self.expendable, |budgets, now| budgets.settle(self.draw, self.outcome, at, now))
    }
}

impl Transition for Clearing {
    type Answer = ();

    fn keys(&self) -> Vec<Key> {
        keys(None)
    }

    fn apply(&self, documents: &[Option<&[u8]>], now: OffsetDateTime) -> Result<Step<()>, DocumentError> {
        step(documents, now, true, |budgets, now| (budgets.clear(self.epoch, now), ()))
    }
}

fn keys(scope: Option<DocumentId>) -> Vec<Key> {
    let head = Key { kind: HEAD, id: DocumentId::ONLY };
    [head].into_iter().chain(scope.map(|id| Key { kind: SCOPE, id })).collect()
}

/// Reads the documents, applies a command to them, and writes those that it changed.
fn step<A>(
    documents: &[Option<&[u8]>],
    now: OffsetDateTime,
    expendable: bool,
    apply: impl FnOnce(&Budgets, OffsetDateTime) -> (Budgets, A),
) -> Result<Step<A>, DocumentError> {
    let present = Budgets { head: read(documents.first())?, scope: read(documents.get(1))? };
    let (next, answer) = apply(&present, whole(now));
    let head = write(&present.head, &next.head, expendable, |head| head.keep_until())?;
    let scope = write(&present.scope, &next.scope, expendable, |scope| scope.counter.keep_until())?;
    Ok(Step { answer, writes: [head, scope].into_iter().take(documents.len()).collect() })
}

/// The time in whole microseconds.
fn whole(time: OffsetDateTime) -> OffsetDateTime {
    micros::to_time(micros::from_time(time))
}

fn read<T: Stored>(document: Option<&Option<&[u8]>>) -> Result<Option<T>, DocumentError> {
    document.copied().flatten().map(decode).transpose()
}

fn write<T: Stored + PartialEq>(
    present: &Option<T>,
    next: &Option<T>,
    expendable: bool,
    keep_until: impl Fn(&T) -> Option<OffsetDateTime>,
) -> Result<Write, DocumentError> {
    Ok(match next {
        _ if present == next => Write::Keep,
        Some(next) => {
            let (bytes, keep_until) = (encode(next)?, keep_until(next));
            Write::Put(Content { bytes, keep_until, expendable, index: Vec::new() })
        }
        None => Write::Delete,
    })
}
