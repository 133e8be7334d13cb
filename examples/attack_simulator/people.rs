//! The honest people who sign in during the attack.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use commerce_auth::{AdminSignIn, Auth, Error, SignIn};

use crate::{
    defences::{self, Device},
    site::{ADMIN, PASSWORD, Site, VICTIM, customer},
};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const OFFICE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

/// A person who knows the right password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// A customer on a device that has signed in before, always from the same address. It is the
    /// victim of the attacks on one account.
    KnownDevice,
    /// One of the 10,000 customers, each time another one from an address that the shop has never
    /// seen.
    UnknownSource,
    /// An admin user in the office.
    Admin,
}

impl Person {
    pub const ALL: [Self; 3] = [Self::KnownDevice, Self::UnknownSource, Self::Admin];

    /// The name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KnownDevice => "known device",
            Self::UnknownSource => "unknown source",
            Self::Admin => "admin user",
        }
    }
}

/// The results of one person's sign-ins.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub signed_in: u64,
    /// The sign-ins that needed an answer to a challenge, whether or not they succeeded then.
    pub challenged: u64,
    /// The failed sign-ins, by the code of the error.
    pub failures: BTreeMap<&'static str, u64>,
    /// The times of the successful sign-ins.
    pub times: Vec<Duration>,
}

impl Tally {
    /// Adds the sign-ins of another play.
    pub fn add(&mut self, other: Self) {
        self.signed_in += other.signed_in;
        self.challenged += other.challenged;
        for (code, count) in other.failures {
            *self.failures.entry(code).or_default() += count;
        }
        self.times.extend(other.times);
    }

    /// Returns the time within which this share of the sign-ins, in percent, was finished. None if
    /// nobody signed in.
    pub fn time(&self, percent: usize) -> Option<Duration> {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied()
    }
}

/// The three people, their devices and their tallies.
#[derive(Debug, Default)]
pub struct People {
    visits: AtomicU64,
    devices: Mutex<[Option<Device>; 3]>,
    tallies: Mutex<[Tally; 3]>,
}

impl People {
    /// Signs a person in and answers one challenge if the shop asks for it.
    pub async fn sign_in(&self, site: &Site, person: Person) {
        let visit = self.visits.fetch_add(1, Ordering::Relaxed);
        let auth = site.node(visit);
        let begun = Instant::now();
        let mut ended = self.attempt(auth, person, visit, |sign_in| sign_in).await;
        let challenged = ended.as_ref().is_err_and(defences::needs_challenge);
        if challenged {
            ended = self.attempt(auth, person, visit, defences::answer_challenge).await;
        }
        let time = begun.elapsed();
        let mut tallies = lock(&self.tallies);
        let tally = &mut tallies[person as usize];
        tally.challenged += u64::from(challenged);
        match ended {
            Ok(()) => {
                tally.signed_in += 1;
                tally.times.push(time);
            }
            Err(error) => *tally.failures.entry(error.code()).or_default() += 1,
        }
    }

    /// Returns the tallies, in the order of [`Person::ALL`], and resets them.
    pub fn take_tallies(&self) -> [Tally; 3] {
        std::mem::take(&mut *lock(&self.tallies))
    }

    /// Makes one attempt. A customer may answer a challenge.
    async fn attempt(
        &self,
        auth: &Auth,
        person: Person,
        visit: u64,
        answer: impl FnOnce(SignIn) -> SignIn,
    ) -> Result<(), Error> {
        let known = lock(&self.devices)[person as usize].clone();
        let device = match person {
            Person::KnownDevice => {
                let asked = SignIn::new(VICTIM, PASSWORD).origin(HOME);
                let asked = answer(defences::at_device(asked, known.as_ref()));
                defences::device_of(&auth.generate_customer_token(asked).await?)
            }
            Person::UnknownSource => {
                let asked = SignIn::new(customer(visit), PASSWORD).origin(unknown_source(visit));
                auth.generate_customer_token(answer(asked)).await?;
                None
            }
            Person::Admin => {
                let asked = AdminSignIn::new(ADMIN, PASSWORD).origin(OFFICE);
                let asked = defences::at_admin_device(asked, known.as_ref());
                defences::admin_device_of(&auth.generate_admin_token(asked).await?)
            }
        };
        if device.is_some() {
            lock(&self.devices)[person as usize] = device;
        }
        Ok(())
    }
}

/// Returns an address that was not used before.
fn unknown_source(visit: u64) -> IpAddr {
    let [.., a, b, c] = visit.to_be_bytes();
    Ipv4Addr::new(10, a, b, c).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
