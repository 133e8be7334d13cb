use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use time::OffsetDateTime;

use crate::{
    account::AdminId,
    keyring::{KeyId, Sealed},
    store::{Enrolment, Factor},
    token::Digest,
};

/// The second factors. Admin users are few: one lock does.
#[derive(Default)]
pub(super) struct Factors(Mutex<HashMap<AdminId, Row>>);

#[derive(Default)]
struct Row {
    factor: Option<Factor>,
    enrolment: Option<Enrolment>,
}

impl Factors {
    pub(super) fn factor(&self, admin: &AdminId) -> Option<Factor> {
        self.lock().get(admin)?.factor.clone()
    }

    pub(super) fn begin_enrolment(&self, enrolment: &Enrolment) {
        self.lock().entry(enrolment.admin.clone()).or_default().enrolment = Some(enrolment.clone());
    }

    pub(super) fn enrolment(&self, token: &Digest, now: OffsetDateTime) -> Option<Enrolment> {
        self.lock().values().find_map(|row| row.live_enrolment(token, now)).cloned()
    }

    pub(super) fn activate(
        &self,
        token: &Digest,
        step: u64,
        recovery_codes: &[Digest],
        now: OffsetDateTime,
    ) -> bool {
        let mut rows = self.lock();
        let row = rows.values_mut().find(|row| row.live_enrolment(token, now).is_some());
        let Some(row) = row else { return false };
        let present = row.factor.as_ref().map(|factor| factor.name);
        let Some(enrolment) = row.enrolment.take_if(|enrolment| enrolment.replaces == present) else {
            return false;
        };
        row.factor = Some(Factor {
            name: enrolment.token,
            secret: enrolment.secret,
            activated_at: now,
            last_step: step,
            recovery_codes: recovery_codes.to_vec(),
        });
        true
    }

    pub(super) fn use_step(&self, admin: &AdminId, name: &Digest, step: u64) -> bool {
        self.change(admin, name, |factor| {
            let is_new = factor.last_step < step;
            if is_new {
                factor.last_step = step;
            }
            is_new
        })
    }

    pub(super) fn lower_step(&self, admin: &AdminId, name: &Digest, from: u64, to: u64) -> bool {
        self.change(admin, name, |factor| {
            let is_expected = factor.last_step == from && to < from;
            if is_expected {
                factor.last_step = to;
            }
            is_expected
        })
    }

    pub(super) fn use_recovery_code(&self, admin: &AdminId, name: &Digest, code: &Digest) -> bool {
        self.change(admin, name, |factor| {
            let place = factor.recovery_codes.iter().position(|other| other == code);
            place.map(|place| factor.recovery_codes.swap_remove(place)).is_some()
        })
    }

    pub(super) fn replace_recovery_codes(&self, admin: &AdminId, name: &Digest, codes: &[Digest]) -> bool {
        self.change(admin, name, |factor| {
            factor.recovery_codes = codes.to_vec();
            true
        })
    }

    pub(super) fn reseal(&self, admin: &AdminId, name: &Digest, expected: &Sealed, new: &Sealed) -> bool {
        self.change(admin, name, |factor| {
            let is_expected = factor.secret == *expected;
            if is_expected {
                factor.secret = new.clone();
            }
            is_expected
        })
    }

    pub(super) fn sealed_by_others(&self, key: KeyId, limit: usize) -> Vec<(AdminId, Factor)> {
        let rows = self.lock();
        let factors = rows.iter().filter_map(|(admin, row)| Some((admin, row.factor.as_ref()?)));
        let others = factors.filter(|(_, factor)| factor.secret.key != key).take(limit);
        others.map(|(admin, factor)| (admin.clone(), factor.clone())).collect()
    }

    pub(super) fn remove(&self, admin: &AdminId) -> bool {
        self.lock().remove(admin).is_some_and(|row| row.factor.is_some())
    }

    pub(super) fn purge(&self, now: OffsetDateTime, limit: usize) -> usize {
        let mut rows = self.lock();
        let expired = rows.values_mut().filter_map(|row| row.enrolment.take_if(|own| own.expires_at <= now));
        let purged = expired.take(limit).count();
        rows.retain(|_, row| row.factor.is_some() || row.enrolment.is_some());
        purged
    }

    fn change(&self, admin: &AdminId, name: &Digest, change: impl FnOnce(&mut Factor) -> bool) -> bool {
        let mut rows = self.lock();
        let factor = rows.get_mut(admin).and_then(|row| row.factor.as_mut());
        factor.filter(|factor| factor.name == *name).is_some_and(change)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AdminId, Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn live_enrolment(&self, token: &Digest, now: OffsetDateTime) -> Option<&Enrolment> {
        self.enrolment.as_ref().filter(|own| own.token == *token && now < own.expires_at)
    }
}

impl fmt::Debug for Factors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Factors(..)")
    }
}
