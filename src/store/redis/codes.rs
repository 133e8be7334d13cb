use async_trait::async_trait;
use redis::cmd;
use time::OffsetDateTime;

use super::{
    PURGED_AT_ONCE, RedisStore,
    answer::{bytes, flag, size},
    keys::{kept_for, trimmed_until},
    records::{Code, purpose_byte, read_code, write_code},
    script::{DISCARD, PURGE_CODES, PUT, TAKE},
};
use crate::{
    account::CustomerId,
    error::StoreError,
    store::{OneTimeCredential, OtcStore, Presented, Purpose, Take, micros},
    token::Digest,
};

#[async_trait]
impl OtcStore for RedisStore {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let call = PUT
            .on([self.0.keys.codes(&credential.customer)])
            .arg(credential.digest.as_bytes())
            .arg(credential.website.as_str())
            .arg(write_code(credential))
            .arg(kept_for(credential.expires_at, now))
            .arg(purpose_byte(credential.purpose))
            .arg(micros::from_time(credential.expires_at))
            .arg(keep)
            .arg(micros::from_time(now))
            .arg(trimmed_until(now));
        Ok(flag(&self.0.links.run(call).await?)?)
    }

    async fn peek(
        &self,
        presented: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        let mut question = cmd("HGET");
        question.arg(self.0.keys.codes(&presented.customer)).arg(presented.digest.as_bytes());
        let answer = self.0.links.ask(&question).await?;
        let Some(record) = bytes(&answer)? else { return Ok(None) };
        let Code::Outstanding(credential) = read_code(presented, record)? else { return Ok(None) };
        let fits = credential.website == presented.website
            && presented.purposes.contains(credential.purpose)
            && now < credential.expires_at;
        Ok(fits.then_some(credential))
    }

    async fn take(
        &self,
        presented: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        let served = [Purpose::ResetToken, Purpose::OneTimeCode]
            .map(|purpose| if presented.purposes.contains(purpose) { purpose_byte(purpose) } else { 0 });
        let call = TAKE
            .on([self.0.keys.codes(&presented.customer)])
            .arg(presented.digest.as_bytes())
            .arg(presented.website.as_str())
            .arg(buys.map_or(&[][..], |buys| buys.as_bytes()))
            .arg(served.iter().sum::<u8>())
            .arg(micros::from_time(now));
        let answer = self.0.links.run_ending(call).await?;
        let Some(record) = bytes(&answer)? else { return Ok(Take::Nothing) };
        Ok(match read_code(presented, record)? {
            Code::Outstanding(credential) => Take::Taken(credential),
            Code::Spent { purpose, bought } => Take::Spent { purpose, bought },
        })
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.0.links.run_ending(DISCARD.on([self.0.keys.codes(customer)])).await?;
        Ok(())
    }

    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let keys = &self.0.keys;
        let call = PURGE_CODES
            .on([keys.cursor("c")])
            .arg(keys.pattern("c"))
            .arg(PURGED_AT_ONCE)
            .arg(micros::from_time(now))
            .arg(limit);
        Ok(size(&self.0.links.run(call).await?)?)
    }
}
