use std::num::NonZero;

use async_trait::async_trait;
use redis::{Cmd, Value, cmd};
use time::OffsetDateTime;

use super::{
    PURGED_AT_ONCE, RedisStore,
    answer::{self, bytes, flag, items, size},
    failure::Failure,
    keys::{kept_for, trimmed_until},
    records::{read_grant, read_origin, write_grant},
    script::{BEGIN_SHOP, GRANTS, INSERT, PURGE_TOKENS, REVOKE, REVOKE_ALL, REVOKE_EVERYTHING},
};
use crate::{
    clock::micros,
    error::StoreError,
    store::{Generation, GenerationId, Insert, TokenStore},
    token::{Grant, GrantId, Origin, Subject},
};

#[async_trait]
impl TokenStore for RedisStore {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        let keys = &self.0.keys;
        let mut question = cmd("MGET");
        question.arg(keys.generation(subject)).arg(keys.everything());
        if let Some(found) = generation(self.0.links.ask(&question).await?)? {
            return Ok(found);
        }
        let call =
            BEGIN_SHOP.on([keys.generation(subject), keys.everything().to_vec()]).arg(fresh.as_bytes());
        let found = generation(self.0.links.run(call).await?)?;
        Ok(found.ok_or(Failure::Corrupt("an answer"))?)
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let keys = &self.0.keys;
        let call = INSERT
            .on([
                keys.token(&grant.id),
                keys.index(&grant.subject),
                keys.generation(&grant.subject),
                keys.everything().to_vec(),
            ])
            .arg(write_grant(grant, origin, generation.shop))
            .arg(generation.subject.as_ref().map_or(&[][..], |subject| subject.as_bytes()))
            .arg(micros::from_time(now))
            .arg(grant.expires_micros)
            .arg(kept_for(grant.expires_at(), now))
            .arg(trimmed_until(now))
            .arg(cap.get());
        match answer::word(&self.0.links.run(call).await?)? {
            b"stored" => Ok(Insert::Stored),
            b"revoked" => Ok(Insert::Revoked),
            b"barred" => Ok(Insert::Barred),
            b"collision" => Ok(Insert::Collision),
            _ => Err(Failure::Corrupt("an answer").into()),
        }
    }

    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let keys = &self.0.keys;
        let (token, shop) = (keys.token(id), keys.everything());
        let mut question = Cmd::with_capacity(3, 4 + token.len() + shop.len());
        question.arg("MGET").arg(token).arg(shop);
        let [record, shop] = items(self.0.links.ask(&question).await?)?;
        let Some(record) = bytes(&record)? else { return Ok(None) };
        let found = read_grant(*id, record, answer::generation(&shop)?, now)?;
        Ok(found.map(|(grant, _)| grant))
    }

    async fn revoke(
        &self,
        id: &GrantId,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let keys = &self.0.keys;
        let call = REVOKE
            .on([keys.token(id), keys.everything().to_vec()])
            .arg(id.as_bytes())
            .arg(keys.kind("s"))
            .arg(kept_for(bar_until, now))
            .arg(micros::from_time(now))
            .arg(micros::from_time(bar_until));
        Ok(flag(&self.0.links.run_ending(call).await?)?)
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        let keys = &self.0.keys;
        let call = REVOKE_ALL
            .on([keys.index(subject), keys.generation(subject), keys.everything().to_vec()])
            .arg(keep.map_or(&[][..], |keep| keep.as_bytes()))
            .arg(keys.kind("t"))
            .arg(fresh.as_bytes());
        let shop = answer::generation(&self.0.links.run_ending(call).await?)?;
        Ok(Generation { shop: shop.ok_or(Failure::Corrupt("an answer"))?, subject: Some(fresh) })
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        let call = REVOKE_EVERYTHING.on([self.0.keys.everything().to_vec()]).arg(fresh.as_bytes());
        self.0.links.run_ending(call).await?;
        Ok(fresh)
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let keys = &self.0.keys;
        let call = GRANTS
            .on([keys.index(subject), keys.everything().to_vec()])
            .arg(micros::from_time(now))
            .arg(keys.kind("t"))
            .arg(limit);
        let Value::Array(answer) = self.0.links.run(call).await? else {
            return Err(Failure::Corrupt("an answer").into());
        };
        let (shop, held) = answer.split_first().ok_or(Failure::Corrupt("an answer"))?;
        let shop = answer::generation(shop)?;
        let mut listed = Vec::new();
        for pair in held.chunks(2) {
            let [id, record] = pair else { return Err(Failure::Corrupt("an answer").into()) };
            let id = bytes(id)?.and_then(|id| id.try_into().ok()).map(GrantId::from_bytes);
            let id = id.ok_or(Failure::Corrupt("a subject's digests"))?;
            let record = bytes(record)?.unwrap_or_default();
            if let Some((grant, rest)) = read_grant(id, record, shop, now)? {
                listed.push((grant, read_origin(rest)?));
            }
        }
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

/// Reads the generations of the subject and of the shop from the server's reply. None if the server
/// holds no generation of the shop yet.
fn generation(answer: Value) -> Result<Option<Generation>, Failure> {
    let [subject, shop] = items(answer)?;
    let (subject, shop) = (answer::generation(&subject)?, answer::generation(&shop)?);
    Ok(shop.map(|shop| Generation { shop, subject }))
}
