use async_trait::async_trait;
use redis::{Cmd, Value, cmd};
use time::OffsetDateTime;

use super::{
    PURGED_AT_ONCE, RedisStore,
    answer::{bytes, count, flag, items, size, word},
    failure::Failure,
    keys::{kept_for, trimmed_until},
    records::{read_grant, read_origin, write_grant},
    script::{INSERT, LIST, PURGE_TOKENS, REVOKE, REVOKE_ALL, REVOKE_EVERYTHING},
};
use crate::{
    error::StoreError,
    store::{Generation, Insert, TokenStore, micros},
    token::{Digest, Grant, Origin, Subject},
};

#[async_trait]
impl TokenStore for RedisStore {
    async fn generation(&self, subject: &Subject) -> Result<Generation, StoreError> {
        let keys = &self.0.keys;
        let mut question = cmd("MGET");
        question.arg(keys.generation(subject)).arg(keys.everything());
        let [subject, everything] = items(self.0.links.ask(&question).await?)?;
        Ok(Generation { subject: count(&subject)?, everything: count(&everything)? })
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let keys = &self.0.keys;
        let call = INSERT
            .on([
                keys.token(&grant.digest),
                keys.index(&grant.subject),
                keys.generation(&grant.subject),
                keys.everything().to_vec(),
            ])
            .arg(write_grant(grant, origin, generation.everything))
            .arg(grant.digest.as_bytes())
            .arg(generation.subject)
            .arg(generation.everything)
            .arg(micros::from_time(now))
            .arg(micros::from_time(grant.expires_at))
            .arg(kept_for(grant.expires_at, now))
            .arg(trimmed_until(now));
        match word(&self.0.links.run(call).await?)? {
            b"stored" => Ok(Insert::Stored),
            b"revoked" => Ok(Insert::Revoked),
            b"barred" => Ok(Insert::Barred),
            b"collision" => Ok(Insert::Collision),
            _ => Err(Failure::Corrupt("an answer").into()),
        }
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let keys = &self.0.keys;
        let (token, everything) = (keys.token(digest), keys.everything());
        let mut question = Cmd::with_capacity(3, 4 + token.len() + everything.len());
        question.arg("MGET").arg(token).arg(everything);
        let [record, everything] = items(self.0.links.ask(&question).await?)?;
        let Some(record) = bytes(&record)? else { return Ok(None) };
        let found = read_grant(*digest, record, count(&everything)?, now)?;
        Ok(found.map(|(grant, _)| grant))
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let keys = &self.0.keys;
        let call = REVOKE
            .on([keys.token(digest), keys.everything().to_vec()])
            .arg(digest.as_bytes())
            .arg(keys.kind("s"))
            .arg(kept_for(bar_until, now))
            .arg(micros::from_time(now))
            .arg(micros::from_time(bar_until));
        Ok(flag(&self.0.links.run_ending(call).await?)?)
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        _now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let keys = &self.0.keys;
        let call = REVOKE_ALL
            .on([keys.index(subject), keys.generation(subject)])
            .arg(keep.map_or(&[][..], |keep| keep.as_bytes()))
            .arg(keys.kind("t"));
        self.0.links.run_ending(call).await?;
        Ok(())
    }

    async fn revoke_everything(&self, _now: OffsetDateTime) -> Result<(), StoreError> {
        self.0.links.run_ending(REVOKE_EVERYTHING.on([self.0.keys.everything().to_vec()])).await?;
        Ok(())
    }

    async fn list(&self, subject: &Subject, now: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let keys = &self.0.keys;
        let call = LIST
            .on([keys.index(subject), keys.everything().to_vec()])
            .arg(micros::from_time(now))
            .arg(keys.kind("t"));
        let Value::Array(answer) = self.0.links.run(call).await? else {
            return Err(Failure::Corrupt("an answer").into());
        };
        let (everything, held) = answer.split_first().ok_or(Failure::Corrupt("an answer"))?;
        let everything = count(everything)?;
        let mut listed = Vec::new();
        for pair in held.chunks(2) {
            let [digest, record] = pair else { return Err(Failure::Corrupt("an answer").into()) };
            let digest = bytes(digest)?.and_then(|digest| digest.try_into().ok()).map(Digest::from_bytes);
            let digest = digest.ok_or(Failure::Corrupt("a subject's digests"))?;
            let record = bytes(record)?.unwrap_or_default();
            if let Some((grant, rest)) = read_grant(digest, record, everything, now)? {
                listed.push((grant, read_origin(rest)?));
            }
        }
        listed.sort_by_key(|(grant, _)| std::cmp::Reverse(grant.issued_at));
        Ok(listed)
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let keys = &self.0.keys;
        let call = PURGE_TOKENS
            .on([keys.cursor("t"), keys.everything().to_vec()])
            .arg(keys.pattern("t"))
            .arg(PURGED_AT_ONCE)
            .arg(keys.kind("s"))
            .arg(keys.kind("t"))
            .arg(micros::from_time(now))
            .arg(limit);
        Ok(size(&self.0.links.run(call).await?)?)
    }
}
