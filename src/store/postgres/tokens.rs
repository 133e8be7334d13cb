use std::num::NonZero;

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::{Command, Failure, PostgresStore, Query, limit, parameters, removed};
use crate::{
    clock::micros,
    error::StoreError,
    store::{Generation, GenerationId, Insert, TokenStore, columns},
    token::{Grant, GrantId, Origin, Subject},
};

#[async_trait]
impl TokenStore for PostgresStore {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        if let Some(found) = self.found_generation(subject).await? {
            return Ok(found);
        }
        self.command(Command::BeginShop, parameters![fresh.as_bytes().to_vec()]).await?;
        Ok(self.found_generation(subject).await?.ok_or(Failure::Unreadable)?)
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let (kind, id) = columns::subject_columns(&grant.subject);
        let assistance = grant.assistance.as_deref();
        let inserted = self.call::<i32>(
            Command::Insert,
            parameters![
                grant.id.as_bytes().to_vec(),
                kind,
                id,
                grant.website.as_ref().map(ToString::to_string),
                columns::obtained_word(grant.obtained),
                assistance.map(|assistance| assistance.actor.to_string()),
                assistance.map(|assistance| assistance.parent.as_bytes().to_vec()),
                assistance.map(|assistance| assistance.reason.clone()),
                grant.issued_micros,
                grant.expires_micros,
                origin.source.map(|source| source.to_string()),
                origin.user_agent.clone(),
                origin.correlation_id.clone(),
                generation.subject.map(|subject| subject.as_bytes().to_vec()),
                generation.shop.as_bytes().to_vec(),
                limit(cap.get()),
                micros::from_time(now),
            ],
        );
        match inserted.await? {
            0 => Ok(Insert::Stored),
            1 => Ok(Insert::Revoked),
            2 => Ok(Insert::Barred),
            3 => Ok(Insert::Collision),
            _ => Err(Failure::Unreadable.into()),
        }
    }

    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let parameters: (&[u8], _) = (id.as_bytes(), micros::from_time(now));
        let rows = self.query(Query::Find, &[&parameters.0, &parameters.1]).await?;
        Ok(rows.first().map(grant).transpose()?)
    }

    async fn revoke(
        &self,
        id: &GrantId,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let (now, until) = (micros::from_time(now), micros::from_time(bar_until));
        Ok(self.call(Command::Revoke, parameters![id.as_bytes().to_vec(), now, until]).await?)
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        let (kind, id) = columns::subject_columns(subject);
        let keep = keep.map(|keep| keep.as_bytes().to_vec());
        let parameters = parameters![kind, id, keep, fresh.as_bytes().to_vec()];
        let shop = self.call::<Vec<u8>>(Command::RevokeAll, parameters).await?;
        Ok(Generation { shop: columns::generation(&shop)?, subject: Some(fresh) })
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        self.command(Command::RevokeEverything, parameters![fresh.as_bytes().to_vec()]).await?;
        Ok(fresh)
    }

    async fn grants(
        &self,
        subject: &Subject,
        most: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let (kind, id) = columns::subject_columns(subject);
        let rows = self.query(Query::Grants, &[&id, &micros::from_time(now), &kind, &limit(most)]).await?;
        let read = |row: &Row| {
            let origin = columns::origin(row.try_get(10)?, row.try_get(11)?, row.try_get(12)?)?;
            Ok::<_, Failure>((grant(row)?, origin))
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn purge_tokens(&self, now: OffsetDateTime, most: usize) -> Result<usize, StoreError> {
        let purge = self.call(Command::PurgeTokens, parameters![micros::from_time(now), limit(most)]);
        Ok(removed(purge.await?))
    }
}

impl PostgresStore {
    /// Returns the generation under which the subject signs in. None if the database holds no
    /// generation of the shop yet.
    async fn found_generation(&self, subject: &Subject) -> Result<Option<Generation>, Failure> {
        let (kind, id) = columns::subject_columns(subject);
        let rows = self.query(Query::Generation, &[&kind, &id]).await?;
        let row = rows.first().ok_or(Failure::Unreadable)?;
        let id = |column| {
            let bytes = row.try_get::<_, Option<&[u8]>>(column)?;
            Ok::<_, Failure>(bytes.map(columns::generation).transpose()?)
        };
        let (subject, shop) = (id(0)?, id(1)?);
        Ok(shop.map(|shop| Generation { shop, subject }))
    }
}

fn grant(row: &Row) -> Result<Grant, Failure> {
    Ok(Grant {
        id: columns::grant_id(row.try_get(0)?)?,
        subject: columns::subject(row.try_get(1)?, row.try_get(2)?)?,
        website: row.try_get::<_, Option<&str>>(3)?.map(columns::website).transpose()?,
        obtained: columns::obtained(row.try_get(4)?)?,
        assistance: columns::assistance(row.try_get(5)?, row.try_get(6)?, row.try_get(7)?)?,
        issued_micros: row.try_get(8)?,
        expires_micros: row.try_get(9)?,
    })
}
