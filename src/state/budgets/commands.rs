use std::time::Duration;

use time::OffsetDateTime;

use super::{
    AccountBudgets, AttemptOutcome, CallerDigests, Draw, Epoch, Known, Locks, Owner, Remembered, Reserved,
    devices::Devices, head::Scope,
};
use crate::{
    clock::micros,
    state::{
        Content, DocumentError, Step, Transition, Write,
        format::{content, read},
    },
    store::{DocumentId, Key, Name},
    token::Digest,
};

const HEAD: Name = Name::of("budgets");
const SCOPE: Name = Name::of("budget-scope");

/// Charges the budgets of an attempt, before its costly work begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserving<'a> {
    pub(crate) draw: &'a Draw,
    /// The time after which an unsettled reservation counts as a failure: at most
    /// [`AccountBudgets::LEASE`].
    pub(crate) lease: Duration,
    /// The epoch that an account without an epoch gets: 64 random bits.
    pub(crate) epoch: Epoch,
    /// True if the store has no room for the document of one more scope. The overflow counter in
    /// the account's head is then charged in place of the scope's counter.
    pub(crate) crowded: bool,
    /// True if a full store may refuse to create the documents.
    pub(crate) expendable: bool,
}

/// Settles a reserved attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settling<'a> {
    pub(crate) draw: &'a Draw,
    pub(crate) outcome: AttemptOutcome,
    /// The time of the outcome. If the settlement is repeated, the caller passes the same time
    /// again.
    pub(crate) at: OffsetDateTime,
    /// The device to store as known, if the attempt is a successful sign-in.
    pub(crate) remembered: Option<Remembered>,
    /// True if a full store may refuse to create the documents.
    pub(crate) expendable: bool,
}

/// Stores the device and the source of a sign-in as known. If the account did not know the
/// presented device secret, stores the digest `new` of a new device secret. The answer tells if the
/// account already knew the device or the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remembering {
    pub(crate) caller: CallerDigests,
    pub(crate) owner: Owner,
    /// The digest of the new device secret.
    pub(crate) new: Digest,
}

/// Removes the known devices and sources of an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forgetting;

/// Clears the counted failures and the locks of an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clearing {
    /// The new epoch of the account: 64 random bits.
    pub(crate) epoch: Epoch,
}

impl Transition for Reserving<'_> {
    type Answer = Reserved;

    fn keys(&self) -> Vec<Key> {
        keys(self.draw)
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Reserved>, DocumentError> {
        step(documents, now, self.expendable, |budgets, now| {
            budgets.reserve(self.draw, self.lease, self.epoch, self.crowded, now)
        })
    }
}

impl Transition for Settling<'_> {
    type Answer = Locks;

    fn keys(&self) -> Vec<Key> {
        keys(self.draw)
    }

    fn apply(&self, documents: &[Option<&[u8]>], now: OffsetDateTime) -> Result<Step<Locks>, DocumentError> {
        let at = whole(self.at.min(now));
        step(documents, now, self.expendable, |budgets, now| {
            let (settled, locks) = budgets.settle(self.draw, self.outcome, at, now);
            match self.draw.caller.as_ref().zip(self.remembered.as_ref()) {
                Some((caller, remembered)) => (settled.remember(caller, remembered, now), locks),
                None => (settled, locks),
            }
        })
    }
}

impl Transition for Remembering {
    type Answer = Known;

    fn keys(&self) -> Vec<Key> {
        vec![Devices::key()]
    }

    fn apply(&self, documents: &[Option<&[u8]>], now: OffsetDateTime) -> Result<Step<Known>, DocumentError> {
        let present: Option<Devices> = read(documents, 0)?;
        let (Self { caller, owner, new }, now) = (*self, whole(now));
        let known = present.as_ref().map_or_else(Known::default, |devices| devices.know(&caller, now));
        let remembered = Remembered { owner, device: (!known.is_device_of(owner)).then_some(new) };
        let next = Some(Devices::after_sign_in(present.as_ref(), &caller, &remembered, now));
        Ok(Step { answer: known, writes: vec![write(&present, &next, Devices::content)?] })
    }
}

impl Transition for Forgetting {
    type Answer = ();

    fn keys(&self) -> Vec<Key> {
        vec![Devices::key()]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<()>, DocumentError> {
        let write = if documents.iter().any(Option::is_some) { Write::Delete } else { Write::Keep };
        Ok(Step { answer: (), writes: vec![write] })
    }
}

impl Transition for Clearing {
    type Answer = ();

    fn keys(&self) -> Vec<Key> {
        vec![head_key()]
    }

    fn apply(&self, documents: &[Option<&[u8]>], now: OffsetDateTime) -> Result<Step<()>, DocumentError> {
        step(documents, now, true, |budgets, now| (budgets.clear(self.epoch, now), ()))
    }
}

const fn head_key() -> Key {
    Key { kind: HEAD, id: DocumentId::ONLY }
}

fn keys(draw: &Draw) -> Vec<Key> {
    let scope = draw.narrow.map(|(scope, _)| Key { kind: SCOPE, id: scope });
    [Some(head_key()), scope, draw.caller.map(|_| Devices::key())].into_iter().flatten().collect()
}

/// Decodes the account's documents, applies a command to them, and returns writes for the documents
/// that the command changed.
fn step<A>(
    documents: &[Option<&[u8]>],
    now: OffsetDateTime,
    expendable: bool,
    apply: impl FnOnce(&AccountBudgets, OffsetDateTime) -> (AccountBudgets, A),
) -> Result<Step<A>, DocumentError> {
    let present = AccountBudgets {
        head: read(documents, 0)?,
        scope: read(documents, 1)?,
        devices: read(documents, 2)?,
    };
    let (next, answer) = apply(&present, whole(now));
    let head = write(&present.head, &next.head, |head| content(head, head.keep_until(), expendable))?;
    let until = |scope: &Scope| scope.counter.keep_until();
    let scope = write(&present.scope, &next.scope, |scope| content(scope, until(scope), expendable))?;
    let devices = write(&present.devices, &next.devices, Devices::content)?;
    Ok(Step { answer, writes: [head, scope, devices].into_iter().take(documents.len()).collect() })
}

/// Truncates the time to whole microseconds.
pub(super) fn whole(time: OffsetDateTime) -> OffsetDateTime {
    micros::to_time(micros::from_time(time))
}

fn write<T: PartialEq>(
    present: &Option<T>,
    next: &Option<T>,
    content: impl Fn(&T) -> Result<Content, DocumentError>,
) -> Result<Write, DocumentError> {
    Ok(match next {
        _ if present == next => Write::Keep,
        Some(next) => Write::Put(content(next)?),
        None => Write::Delete,
    })
}
