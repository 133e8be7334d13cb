use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Faulty, START};
use crate::{
    account::AdminId,
    conformance::Fault,
    error::StoreError,
    keyring::{KeyId, Sealed},
    store::{Enrolment, Factor, FactorStore, Store},
    token::Digest,
};

impl<S: Store> Faulty<S> {
    /// The enrolment of this token, whatever became of it.
    fn begun(&self, token: &Digest) -> Option<Enrolment> {
        self.memory().enrolments.iter().rev().find(|begun| begun.token == *token).cloned()
    }

    /// These recovery codes and those of the admin user's factor.
    async fn added(&self, admin: &AdminId, codes: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        let earlier = self.inner.factor(admin).await?.map(|factor| factor.recovery_codes);
        let mut codes = codes.to_vec();
        for code in earlier.unwrap_or_default() {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        Ok(codes)
    }
}

#[async_trait]
impl<S: Store> FactorStore for Faulty<S> {
    async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError> {
        if self.is(Fault::LosesFactors) { Ok(None) } else { self.inner.factor(admin).await }
    }

    async fn begin_enrolment(&self, enrolment: &Enrolment, now: OffsetDateTime) -> Result<(), StoreError> {
        self.memory().enrolments.push(enrolment.clone());
        self.inner.begin_enrolment(enrolment, now).await
    }

    async fn enrolment(&self, token: &Digest, now: OffsetDateTime) -> Result<Option<Enrolment>, StoreError> {
        let is_activated = self.memory().activated.contains(token);
        match self.fault {
            Fault::FindsExpiredEnrolments => self.inner.enrolment(token, START).await,
            Fault::FindsActivatedEnrolments if is_activated => Ok(self.begun(token)),
            Fault::FindsReplacedEnrolments if !is_activated => Ok(self.begun(token)),
            _ => self.inner.enrolment(token, now).await,
        }
    }

    async fn activate(
        &self,
        token: &Digest,
        step: u64,
        recovery_codes: &[Digest],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut now = now;
        let mut codes = recovery_codes.to_vec();
        let is_activated = self.memory().activated.contains(token);
        match (self.fault, self.begun(token)) {
            (Fault::ActivatesExpiredEnrolments, _) => now = START,
            (Fault::ActivatesTwice, Some(_)) if is_activated => return Ok(true),
            (Fault::ActivatesReplacedEnrolments, Some(begun)) if !is_activated => {
                self.inner.begin_enrolment(&begun, now).await?;
            }
            (Fault::ReplacesAnotherFactor, Some(mut begun)) => {
                begun.replaces = self.inner.factor(&begun.admin).await?.map(|factor| factor.name);
                self.inner.begin_enrolment(&begun, now).await?;
            }
            (Fault::KeepsRecoveryCodes, Some(begun)) => codes = self.added(&begun.admin, &codes).await?,
            _ => {}
        }
        let done = self.inner.activate(token, step, &codes, now).await?;
        if done {
            self.memory().activated.insert(*token);
        }
        Ok(done)
    }

    async fn use_step(&self, admin: &AdminId, factor: &Digest, step: u64) -> Result<bool, StoreError> {
        match self.fault {
            Fault::SharesSteps if !self.memory().steps.insert(step) => Ok(false),
            Fault::UsesAStepTwice | Fault::UsesOlderSteps | Fault::IgnoresTheFactorsName => {
                let Some(present) = self.inner.factor(admin).await? else { return Ok(false) };
                let name = if self.is(Fault::IgnoresTheFactorsName) { &present.name } else { factor };
                let is_good = match self.fault {
                    Fault::UsesAStepTwice => present.last_step == step,
                    Fault::UsesOlderSteps => step < present.last_step,
                    _ => false,
                };
                Ok(self.inner.use_step(admin, name, step).await? || is_good)
            }
            _ => self.inner.use_step(admin, factor, step).await,
        }
    }

    async fn lower_step(
        &self,
        admin: &AdminId,
        factor: &Digest,
        from: u64,
        to: u64,
    ) -> Result<bool, StoreError> {
        match self.fault {
            Fault::ForgetsALowerStep => Ok(true),
            Fault::LowersAnyStep => {
                let Some(present) = self.inner.factor(admin).await? else { return Ok(false) };
                self.inner.lower_step(admin, factor, present.last_step, to).await
            }
            _ => self.inner.lower_step(admin, factor, from, to).await,
        }
    }

    async fn use_recovery_code(
        &self,
        admin: &AdminId,
        factor: &Digest,
        code: &Digest,
    ) -> Result<bool, StoreError> {
        let spent = self.inner.use_recovery_code(admin, factor, code).await?;
        if spent && self.is(Fault::SpendsAllCodes) {
            self.inner.replace_recovery_codes(admin, factor, &[]).await?;
        }
        let spent_before = self.is(Fault::SpendsACodeTwice) && self.memory().spent.contains(code);
        if spent {
            self.memory().spent.insert(*code);
        }
        Ok(spent || spent_before)
    }

    async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        factor: &Digest,
        codes: &[Digest],
    ) -> Result<bool, StoreError> {
        let mut codes = codes.to_vec();
        if self.is(Fault::AddsRecoveryCodes) {
            codes = self.added(admin, &codes).await?;
        }
        self.inner.replace_recovery_codes(admin, factor, &codes).await
    }

    async fn reseal(
        &self,
        admin: &AdminId,
        factor: &Digest,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        let present = self.inner.factor(admin).await?;
        match (self.fault, present) {
            (Fault::ResealsAnySecret, Some(present)) => {
                self.inner.reseal(admin, factor, &present.secret, new).await
            }
            (Fault::ResealingForgetsTheStep, Some(present)) if present.secret == *expected => {
                let anew = Enrolment {
                    token: present.name,
                    admin: admin.clone(),
                    secret: new.clone(),
                    replaces: None,
                    begun_with: None,
                    expires_at: present.activated_at + Duration::from_secs(1),
                };
                self.inner.remove_factor(admin).await?;
                self.inner.begin_enrolment(&anew, present.activated_at).await?;
                self.inner.activate(&anew.token, 0, &present.recovery_codes, present.activated_at).await
            }
            _ => self.inner.reseal(admin, factor, expected, new).await,
        }
    }

    async fn sealed_by_others(&self, key: KeyId, limit: usize) -> Result<Vec<(AdminId, Factor)>, StoreError> {
        match self.fault {
            Fault::MissesOtherSeals => Ok(Vec::new()),
            Fault::FindsOwnSeals => self.inner.sealed_by_others(KeyId(!key.0), limit).await,
            _ => self.inner.sealed_by_others(key, limit).await,
        }
    }

    async fn remove_factor(&self, admin: &AdminId) -> Result<bool, StoreError> {
        match self.fault {
            Fault::ForgetsRemoval => Ok(self.inner.factor(admin).await?.is_some()),
            Fault::LeavesTheEnrolment => {
                let removed = self.inner.remove_factor(admin).await?;
                let begun =
                    self.memory().enrolments.iter().rev().find(|begun| begun.admin == *admin).cloned();
                if let Some(begun) = begun {
                    self.inner.begin_enrolment(&begun, START).await?;
                }
                Ok(removed)
            }
            _ => self.inner.remove_factor(admin).await,
        }
    }

    async fn purge_enrolments(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        match self.fault {
            Fault::PurgesLiveEnrolments => {
                self.inner.purge_enrolments(now + Duration::from_secs(60), limit).await
            }
            Fault::PurgesEnrolmentsWithoutLimit => self.inner.purge_enrolments(now, usize::MAX >> 1).await,
            _ => self.inner.purge_enrolments(now, limit).await,
        }
    }
}
