use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    clock::{after, micros},
    state::{
        Content, DocumentError,
        format::{Stored, content},
    },
    store::{DocumentId, Index, IndexEntry, Key, Name, Partition, Position},
    token::{Digest, Subject},
};

const DEVICES: Name = Name::of("devices");

/// What an attempt shows of its caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The digest of the caller's network.
    pub(crate) source: Option<Digest>,
    /// The digest of the device secret that was presented.
    pub(crate) device: Option<Digest>,
}

/// The part of a caller that an account knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// True if the account has signed in from this source.
    pub(crate) source: bool,
    /// True if the device secret was handed out at a sign-in of this account.
    pub(crate) device: bool,
    /// True if a sign-in of the account, from anywhere, is remembered.
    pub(crate) any: bool,
    /// The account's owner at those sign-ins. The name may be another's by now.
    pub(crate) owner: Option<Owner>,
}

/// The owner of an account, as the rank of the index in which its devices are found: 64 bits of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Owner(i64);

/// A sign-in to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) owner: Owner,
    /// The digest of the device secret that is handed out. None if the caller presented a known one.
    pub(crate) device: Option<Digest>,
}

/// The document of the devices and sources from which an account has signed in. It grants nothing: it only
/// chooses the budget of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Devices {
    owner: Owner,
    /// Those of device secrets, the latest last.
    devices: VecDeque<Seen>,
    /// Those of sources, the latest last.
    sources: VecDeque<Seen>,
}

/// A digest, and the time of the latest sign-in with it, to the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen(Digest, #[serde(with = "micros")] OffsetDateTime);

impl Stored for Devices {
    const FORMAT: u32 = 1;
}

impl Known {
    /// True if the device secret was handed out to this owner of the account.
    pub(crate) fn is_device_of(&self, owner: Owner) -> bool {
        self.owner == Some(owner) && self.device
    }

    /// True if this owner has signed in before, and neither with the caller's device secret nor from its source.
    pub(crate) fn is_new_to(&self, owner: Owner) -> bool {
        self.owner == Some(owner) && self.any && !self.device && !self.source
    }
}

impl Owner {
    pub(crate) fn of(subject: &Subject) -> Self {
        let digest = match subject {
            Subject::Customer(id) => Digest::of_parts(&[b"customer", id.to_string().as_bytes()]),
            Subject::Admin(id) => Digest::of_parts(&[b"admin", id.to_string().as_bytes()]),
        };
        let (first, _) = digest.as_bytes().split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        // The least rank has none below it, and `before` needs one.
        Self(i64::from_be_bytes(*first).max(i64::MIN + 1))
    }

    /// The place in [`index`] behind which the documents of this owner begin.
    pub(crate) fn before(self) -> Position {
        let key = Devices::key();
        Position { rank: self.0 - 1, partition: Partition::from_bytes([0xff; 32]), key }
    }

    pub(crate) fn owns(self, position: &Position) -> bool {
        position.rank == self.0
    }
}

/// The index of the shop in which the devices of an owner are found.
pub(crate) const fn index() -> Index {
    Index { partition: None, name: DEVICES }
}

impl Devices {
    /// The time for which a sign-in is remembered: 90 days.
    pub(super) const MEMORY: Duration = Duration::from_secs(90 * DAY);
    /// The most device secrets, and the most sources.
    pub(super) const MAX: usize = 16;

    pub(super) const fn key() -> Key {
        Key { kind: DEVICES, id: DocumentId::ONLY }
    }

    pub(super) fn know(&self, caller: &Caller, now: OffsetDateTime) -> Known {
        let seen = |list: &VecDeque<Seen>, digest: Option<Digest>| {
            list.iter().any(|seen| digest == Some(seen.0) && seen.is_live(now))
        };
        Known {
            source: seen(&self.sources, caller.source),
            device: seen(&self.devices, caller.device),
            any: self.devices.iter().chain(&self.sources).any(|seen| seen.is_live(now)),
            owner: Some(self.owner),
        }
    }

    /// The devices after a sign-in. Those of an earlier owner of the address are forgotten.
    pub(super) fn after_sign_in(
        present: Option<&Self>,
        caller: &Caller,
        remembered: &Remembered,
        now: OffsetDateTime,
    ) -> Self {
        let owner = remembered.owner;
        let present = present.filter(|present| present.owner == owner);
        let new = || Self { owner, devices: VecDeque::new(), sources: VecDeque::new() };
        let mut next = present.cloned().unwrap_or_else(new);
        let known = next.know(caller, now);
        let device = remembered.device.or(caller.device.filter(|_| known.device));
        for (list, digest) in [(&mut next.devices, device), (&mut next.sources, caller.source)] {
            if let Some(digest) = digest {
                see(list, digest, now);
            }
        }
        next
    }

    /// The document, which a full store must take, too.
    pub(super) fn content(&self) -> Result<Content, DocumentError> {
        let times = self.devices.iter().chain(&self.sources).map(|seen| seen.1);
        let latest = times.max().unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let content = content(self, Some(after(latest, Self::MEMORY)), false)?;
        let entry = IndexEntry { shop_wide: true, name: DEVICES, rank: self.owner.0 };
        Ok(Content { index: vec![entry], ..content })
    }
}

impl Seen {
    /// A time from a clock that was ahead does not outlast the memory by more than that clock's lead.
    fn is_live(&self, now: OffsetDateTime) -> bool {
        now < after(self.1, Devices::MEMORY)
    }
}

/// Notes a sign-in. A digest that was seen within a day stays as it is, so that a sign-in writes nothing.
fn see(list: &mut VecDeque<Seen>, digest: Digest, now: OffsetDateTime) {
    let place = list.iter().position(|seen| seen.0 == digest);
    if place.and_then(|place| list.get(place)).is_some_and(|seen| now < after(seen.1, ONE_DAY)) {
        return;
    }
    list.retain(|seen| seen.0 != digest && seen.is_live(now));
    if list.len() >= Devices::MAX {
        list.pop_front();
    }
    list.push_back(Seen(digest, now));
}

const DAY: u64 = 24 * 60 * 60;
const ONE_DAY: Duration = Duration::from_secs(DAY);
