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

/// The digests by which an account recognises a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallerDigests {
    /// The digest of the caller's source. None for a caller without an IP address.
    pub(crate) source: Option<Digest>,
    /// The digest of the device secret that the caller presented, if any.
    pub(crate) device: Option<Digest>,
}

/// The extent to which an account knows a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// True if the source is known: the account has signed in from it.
    pub(crate) source: bool,
    /// True if the device is known: the caller's device secret was issued at a sign-in of this
    /// account.
    pub(crate) device: bool,
    /// True if the account has any known device or source.
    pub(crate) any: bool,
    /// The customer or admin user who has signed in from these devices and sources. The account's
    /// name possibly belongs to somebody else now, for example because an e-mail address was given
    /// to a new account.
    pub(crate) owner: Option<Owner>,
}

/// The customer or admin user to whom an account's name belongs, as 64 bits of a digest of the id.
/// These bits are the rank in the index of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Owner(i64);

/// A sign-in whose device and source are stored as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) owner: Owner,
    /// The digest of the new device secret. None if the caller presented a known device secret.
    pub(crate) device: Option<Digest>,
}

/// The document with the known devices and sources of an account. A known device grants no access.
/// It changes the limits of an attempt: the budgets, the host's challenge, and the line in the
/// hashing queue. A sign-in from an unknown device and source also causes a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Devices {
    owner: Owner,
    /// The digests of device secrets, the latest last.
    devices: VecDeque<Seen>,
    /// The digests of sources, the latest last.
    sources: VecDeque<Seen>,
}

/// The digest of a device secret or a source, and the time of a sign-in with this device or source.
/// A later sign-in replaces this time only if the stored time is at least a day old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen(Digest, #[serde(with = "micros")] OffsetDateTime);

impl Stored for Devices {
    const FORMAT: u32 = 1;
}

impl Known {
    /// True if the account knows the device, and the device secret was issued to this owner.
    pub(crate) fn is_device_of(&self, owner: Owner) -> bool {
        self.owner == Some(owner) && self.device
    }

    /// True if this owner has known devices or sources, but the caller's device and source are not
    /// among them.
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
        // `before` subtracts one from the rank, so the rank of an owner must not be the lowest
        // number.
        Self(i64::from_be_bytes(*first).max(i64::MIN + 1))
    }

    /// Returns the position in [`index`] after which the documents of this owner begin.
    pub(crate) fn before(self) -> Position {
        let key = Devices::key();
        Position { rank: self.0 - 1, partition: Partition::from_bytes([0xff; 32]), key }
    }

    pub(crate) fn owns(self, position: &Position) -> bool {
        position.rank == self.0
    }
}

/// The shop-wide index of the documents of known devices, ordered by owner.
pub(crate) const fn index() -> Index {
    Index { partition: None, name: DEVICES }
}

impl Devices {
    /// The time for which a device or source stays known after a sign-in: 90 days.
    pub(super) const MEMORY: Duration = Duration::from_secs(90 * DAY);
    /// Maximum number of known devices of an account. Also the maximum number of its known sources.
    pub(super) const MAX: usize = 16;

    pub(super) const fn key() -> Key {
        Key { kind: DEVICES, id: DocumentId::ONLY }
    }

    pub(super) fn know(&self, caller: &CallerDigests, now: OffsetDateTime) -> Known {
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

    /// Returns the known devices and sources after a sign-in. The devices and sources of an earlier
    /// owner of the account's name are left out.
    pub(super) fn after_sign_in(
        present: Option<&Self>,
        caller: &CallerDigests,
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

    /// Encodes the document, which even a full store must create.
    pub(super) fn content(&self) -> Result<Content, DocumentError> {
        let times = self.devices.iter().chain(&self.sources).map(|seen| seen.1);
        let latest = times.max().unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let content = content(self, Some(after(latest, Self::MEMORY)), false)?;
        let entry = IndexEntry { shop_wide: true, name: DEVICES, rank: self.owner.0 };
        Ok(Content { index: vec![entry], ..content })
    }
}

impl Seen {
    /// True if the device or source is still known. If the clock of the node that wrote the time
    /// was ahead, the device or source stays known longer by the difference of the clocks. This
    /// does no harm.
    fn is_live(&self, now: OffsetDateTime) -> bool {
        now < after(self.1, Devices::MEMORY)
    }
}

/// Stores the time of a sign-in. If the stored time for the digest is less than a day old, nothing
/// changes. So most sign-ins do not write the document.
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
