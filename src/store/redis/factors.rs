use async_trait::async_trait;
use redis::cmd;
use time::OffsetDateTime;

use super::{
    RedisStore,
    answer::{bytes, flag, pairs, size},
    factor_records::{codes_bytes, read_admin, read_enrolment, read_factor, sealed_bytes, write_enrolment},
    script::{
        ACTIVATE, BEGIN_ENROLMENT, LOWER_STEP, PURGE_ENROLMENTS, REMOVE_FACTOR, REPLACE_RECOVERY_CODES,
        RESEAL, SEALED_BY_OTHERS, USE_RECOVERY_CODE, USE_STEP,
    },
};
use crate::{
    account::AdminId,
    error::StoreError,
    keyring::{KeyId, Sealed},
    store::{Enrolment, Factor, FactorStore, micros},
    token::Digest,
};

// An admin user's factor stands in one hash with all others, and so do the enrolments: the enrolment's token does not tell
// whose it is, and a script must be told its keys.
#[async_trait]
impl FactorStore for RedisStore {
    async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError> {
        let mut question = cmd("HGET");
        question.arg(self.0.keys.factors()).arg(admin.to_string());
        let answer = self.0.links.ask(&question).await?;
        Ok(bytes(&answer)?.map(read_factor).transpose()?)
    }

    async fn begin_enrolment(&self, enrolment: &Enrolment, _now: OffsetDateTime) -> Result<(), StoreError> {
        let call = BEGIN_ENROLMENT
            .on([self.0.keys.enrolments()])
            .arg(enrolment.admin.to_string())
            .arg(enrolment.token.as_bytes())
            .arg(write_enrolment(enrolment));
        self.0.links.run_ending(call).await?;
        Ok(())
    }

    async fn enrolment(&self, token: &Digest, now: OffsetDateTime) -> Result<Option<Enrolment>, StoreError> {
        let mut question = cmd("HGET");
        question.arg(self.0.keys.enrolments()).arg([b"t", &token.as_bytes()[..]].concat());
        let answer = self.0.links.ask(&question).await?;
        let Some(record) = bytes(&answer)? else { return Ok(None) };
        Ok(read_enrolment(*token, record, now)?)
    }

    async fn activate(
        &self,
        token: &Digest,
        step: u64,
        recovery_codes: &[Digest],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let call = ACTIVATE
            .on([self.0.keys.factors(), self.0.keys.enrolments()])
            .arg(token.as_bytes())
            .arg(&step.to_be_bytes())
            .arg(micros::from_time(now))
            .arg(codes_bytes(recovery_codes));
        Ok(flag(&self.0.links.run_ending(call).await?)?)
    }

    async fn use_step(&self, admin: &AdminId, factor: &Digest, step: u64) -> Result<bool, StoreError> {
        let call = USE_STEP
            .on([self.0.keys.factors()])
            .arg(admin.to_string())
            .arg(factor.as_bytes())
            .arg(&step.to_be_bytes());
        Ok(flag(&self.0.links.run_ending(call).await?)?)
    }

    async fn lower_step(
        &self,
        admin: &AdminId,
        factor: &Digest,
        from: u64,
        to: u64,
    ) -> Result<bool, StoreError> {
        if from <= to {
            return Ok(false);
        }
        let call = LOWER_STEP
            .on([self.0.keys.factors()])
            .arg(admin.to_string())
            .arg(factor.as_bytes())
            .arg(&from.to_be_bytes())
            .arg(&to.to_be_bytes());
        Ok(flag(&self.0.links.run_ending(call).await?)?)
    }

    async fn use_recovery_code(
        &self,
        admin: &AdminId,
        factor: &Digest,
        code: &Digest,
    ) -> Result<bool, StoreError> {
        let call = USE_RECOVERY_CODE
            .on([self.0.keys.factors()])
            .arg(admin.to_string())
            .arg(factor.as_bytes())
            .arg(code.as_bytes());
        Ok(flag(&self.0.links.run_ending(call).await?)?)
    }

    async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        factor: &Digest,
        codes: &[Digest],
    ) -> Result<bool, StoreError> {
        let call = REPLACE_RECOVERY_CODES
            .on([self.0.keys.factors()])
            .arg(admin.to_string())
            .arg(factor.as_bytes())
            .arg(codes_bytes(codes));
        Ok(flag(&self.0.links.run_ending(call).await?)?)
    }

    async fn reseal(
        &self,
        admin: &AdminId,
        factor: &Digest,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        let call = RESEAL
            .on([self.0.keys.factors()])
            .arg(admin.to_string())
            .arg(factor.as_bytes())
            .arg(sealed_bytes(expected))
            .arg(sealed_bytes(new));
        Ok(flag(&self.0.links.run_ending(call).await?)?)
    }

    async fn sealed_by_others(&self, key: KeyId, limit: usize) -> Result<Vec<(AdminId, Factor)>, StoreError> {
        let call = SEALED_BY_OTHERS.on([self.0.keys.factors()]).arg(key.0).arg(limit);
        let answer = self.0.links.run(call).await?;
        let found = pairs(&answer)?.into_iter();
        found.map(|(admin, record)| Ok((read_admin(admin)?, read_factor(record)?))).collect()
    }

    async fn remove_factor(&self, admin: &AdminId) -> Result<bool, StoreError> {
        let call = REMOVE_FACTOR.on([self.0.keys.factors(), self.0.keys.enrolments()]).arg(admin.to_string());
        Ok(flag(&self.0.links.run_ending(call).await?)?)
    }

    async fn purge_enrolments(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let call = PURGE_ENROLMENTS.on([self.0.keys.enrolments()]).arg(micros::from_time(now)).arg(limit);
        Ok(size(&self.0.links.run(call).await?)?)
    }
}
