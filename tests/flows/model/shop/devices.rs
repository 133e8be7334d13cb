//! The devices and sources from which accounts have signed in, and the links that unlock admin
//! users.

use commerce_auth::{
    Error,
    audit::{Action, Refusal},
    error::SignInError,
};
use time::{Duration, OffsetDateTime as Time};

use super::{Answer, Counted, Shop, Told, Who, trail::refused};

/// The origin of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) source: u32,
    /// The device whose secret is presented.
    pub(crate) device: Option<usize>,
}

/// The parts of a caller that an account knows.
#[derive(Clone, Copy, Default)]
pub(super) struct Known {
    pub(super) source: bool,
    pub(super) device: bool,
}

/// The sources and devices from which the owner of an account has signed in, with the times, the
/// latest last.
pub(crate) struct Memory {
    owner: Who,
    devices: Vec<(usize, Time)>,
    sources: Vec<(u32, Time)>,
}

/// The link that is mailed to an admin user whose account is locked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Link {
    pub(crate) name: usize,
    pub(crate) expires: Time,
    /// True if it is spent, or another link replaced it.
    pub(crate) gone: bool,
}

const REMEMBERED_FOR: Duration = Duration::days(90);
const REMEMBERED: usize = 16;

impl Memory {
    const fn of(owner: Who) -> Self {
        Self { owner, devices: Vec::new(), sources: Vec::new() }
    }
}

impl Shop {
    /// The owner of the account is not compared here.
    pub(super) fn knows(&self, counted: Counted, Caller { source, device }: Caller) -> Known {
        let Some(memory) = self.memories.get(&counted) else { return Known::default() };
        Known {
            source: is_among(&memory.sources, &source, self.now),
            device: device.is_some_and(|device| is_among(&memory.devices, &device, self.now)),
        }
    }

    /// Remembers a sign-in, in place of those of an earlier owner. Returns the device that is
    /// handed out.
    pub(super) fn remember(&mut self, counted: Counted, owner: Who, caller: Caller) -> Option<usize> {
        let now = self.now;
        let is_owners = self.memories.get(&counted).is_some_and(|memory| memory.owner == owner);
        let is_known = is_owners && self.knows(counted, caller).device;
        let new = (!is_known).then_some(self.devices);
        self.devices += usize::from(!is_known);
        let memory = self.memories.entry(counted).or_insert(Memory::of(owner));
        if memory.owner != owner {
            *memory = Memory::of(owner);
        }
        let own = caller.device.filter(|device| is_among(&memory.devices, device, now));
        if let Some(device) = new.or(own) {
            see(&mut memory.devices, device, now);
        }
        if caller.source != super::NOWHERE {
            see(&mut memory.sources, caller.source, now);
        }
        new
    }

    /// True if the owner is remembered and the caller is not.
    pub(super) fn is_new(&self, counted: Counted, owner: Who, caller: Caller) -> bool {
        let Some(memory) = self.memories.get(&counted).filter(|memory| memory.owner == owner) else {
            return false;
        };
        let times = memory.devices.iter().map(|seen| seen.1).chain(memory.sources.iter().map(|seen| seen.1));
        let known = self.knows(counted, caller);
        !known.device && !known.source && times.into_iter().any(|time| self.now < time + REMEMBERED_FOR)
    }

    pub(super) fn forget_devices(&mut self, of: Who) {
        self.memories.retain(|_, memory| memory.owner != of);
    }

    /// Returns the time at which the latest sign-in at an account is forgotten.
    pub(crate) fn forgets(&self, counted: Counted) -> Option<Time> {
        let memory = self.memories.get(&counted)?;
        let times = memory.devices.iter().map(|seen| seen.1).chain(memory.sources.iter().map(|seen| seen.1));
        times.max().map(|latest| latest + REMEMBERED_FOR)
    }

    /// Adds a link, in place of an earlier one.
    pub(super) fn offer_link(&mut self, name: usize) -> usize {
        self.links.iter_mut().filter(|link| link.name == name).for_each(|link| link.gone = true);
        self.links.push(Link { name, expires: self.now + Duration::HOUR, gone: false });
        self.links.len() - 1
    }

    pub(crate) fn unlock_by_link(
        &mut self,
        name: usize,
        source: u32,
        link: Option<usize>,
    ) -> Result<Answer, Error> {
        let event = Told::about(Action::Unlock).at(Counted::Admin(name));
        if self.is_total_spent(source) {
            let too_many = Error::SignIn(SignInError::TooManyRequests);
            return self.conclude(&event, refused(Refusal::SourceBudgetSpent, too_many));
        }
        let now = self.now;
        let own = link.filter(|link| {
            let link = &self.links[*link];
            link.name == name && !link.gone && now < link.expires
        });
        let Some(link) = own else {
            self.count_in_totals(source);
            let invalid = Error::SignIn(SignInError::InvalidUnlockToken);
            return self.conclude(&event, refused(Refusal::WrongCredential, invalid));
        };
        self.links[link].gone = true;
        self.unlock(Counted::Admin(name))
    }
}

fn is_among<T: PartialEq>(list: &[(T, Time)], one: &T, now: Time) -> bool {
    list.iter().any(|seen| seen.0 == *one && now < seen.1 + REMEMBERED_FOR)
}

/// A sign-in on the same day does not update the entry.
fn see<T: PartialEq>(list: &mut Vec<(T, Time)>, one: T, now: Time) {
    if list.iter().any(|seen| seen.0 == one && now < seen.1 + Duration::DAY) {
        return;
    }
    list.retain(|seen| seen.0 != one && now < seen.1 + REMEMBERED_FOR);
    if list.len() >= REMEMBERED {
        list.remove(0);
    }
    list.push((one, now));
}
