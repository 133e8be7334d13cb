use async_trait::async_trait;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::{Command, Failure, PostgresStore, Query, limit, parameters, removed};
use crate::{
    account::AdminId,
    error::StoreError,
    keyring::{KeyId, Sealed},
    store::{Enrolment, Factor, FactorStore, columns, micros},
    token::Digest,
};

#[async_trait]
impl FactorStore for PostgresStore {
    async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError> {
        let rows = self.query(Query::Factor, &[&admin.to_string()]).await?;
        Ok(rows.first().map(factor).transpose()?)
    }

    async fn begin_enrolment(&self, enrolment: &Enrolment, _now: OffsetDateTime) -> Result<(), StoreError> {
        let begin = self.command(
            Command::BeginEnrolment,
            parameters![
                enrolment.admin.to_string(),
                bytes(&enrolment.token),
                i64::from(enrolment.secret.key.0),
                enrolment.secret.bytes.clone(),
                enrolment.replaces.as_ref().map(bytes),
                micros::from_time(enrolment.expires_at),
                enrolment.begun_with.as_ref().map(bytes),
            ],
        );
        begin.await?;
        Ok(())
    }

    async fn enrolment(&self, token: &Digest, now: OffsetDateTime) -> Result<Option<Enrolment>, StoreError> {
        let (digest, now) = (&token.as_bytes()[..], micros::from_time(now));
        let rows = self.query(Query::Enrolment, &[&digest, &now]).await?;
        let read = |row: &Row| {
            Ok::<_, Failure>(Enrolment {
                token: *token,
                admin: columns::admin(row.try_get("admin")?)?,
                secret: columns::sealed(row.try_get("key_id")?, row.try_get("secret")?)?,
                replaces: row.try_get::<_, Option<&[u8]>>("replaces")?.map(columns::digest).transpose()?,
                begun_with: row
                    .try_get::<_, Option<&[u8]>>("begun_with")?
                    .map(columns::digest)
                    .transpose()?,
                expires_at: micros::to_time(row.try_get("expires_at")?),
            })
        };
        Ok(rows.first().map(read).transpose()?)
    }

    async fn activate(
        &self,
        token: &Digest,
        step: u64,
        recovery_codes: &[Digest],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let (step, codes) = (columns::step(step)?, all_bytes(recovery_codes));
        let now = micros::from_time(now);
        Ok(self.call(Command::Activate, parameters![bytes(token), step, codes, now]).await?)
    }

    async fn use_step(&self, admin: &AdminId, factor: &Digest, step: u64) -> Result<bool, StoreError> {
        let step = columns::step(step)?;
        let using = self.command(Command::UseStep, parameters![admin.to_string(), bytes(factor), step]);
        Ok(!using.await?.is_empty())
    }

    async fn lower_step(
        &self,
        admin: &AdminId,
        factor: &Digest,
        from: u64,
        to: u64,
    ) -> Result<bool, StoreError> {
        let (from, to) = (columns::step(from)?, columns::step(to)?);
        let parameters = parameters![admin.to_string(), bytes(factor), from, to];
        Ok(!self.command(Command::LowerStep, parameters).await?.is_empty())
    }

    async fn use_recovery_code(
        &self,
        admin: &AdminId,
        factor: &Digest,
        code: &Digest,
    ) -> Result<bool, StoreError> {
        let parameters = parameters![admin.to_string(), bytes(factor), bytes(code)];
        Ok(!self.command(Command::UseRecoveryCode, parameters).await?.is_empty())
    }

    async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        factor: &Digest,
        codes: &[Digest],
    ) -> Result<bool, StoreError> {
        let parameters = parameters![admin.to_string(), bytes(factor), all_bytes(codes)];
        Ok(self.call(Command::ReplaceRecoveryCodes, parameters).await?)
    }

    async fn reseal(
        &self,
        admin: &AdminId,
        factor: &Digest,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        let reseal = self.command(
            Command::Reseal,
            parameters![
                admin.to_string(),
                bytes(factor),
                i64::from(expected.key.0),
                expected.bytes.clone(),
                i64::from(new.key.0),
                new.bytes.clone(),
            ],
        );
        Ok(!reseal.await?.is_empty())
    }

    async fn sealed_by_others(&self, key: KeyId, most: usize) -> Result<Vec<(AdminId, Factor)>, StoreError> {
        let rows = self.query(Query::SealedByOthers, &[&i64::from(key.0), &limit(most)]).await?;
        let read = |row: &Row| Ok::<_, Failure>((columns::admin(row.try_get("admin")?)?, factor(row)?));
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn remove_factor(&self, admin: &AdminId) -> Result<bool, StoreError> {
        Ok(self.call(Command::RemoveFactor, parameters![admin.to_string()]).await?)
    }

    async fn purge_enrolments(&self, now: OffsetDateTime, most: usize) -> Result<usize, StoreError> {
        let purge = self.call(Command::PurgeEnrolments, parameters![micros::from_time(now), limit(most)]);
        Ok(removed(purge.await?))
    }
}

fn bytes(digest: &Digest) -> Vec<u8> {
    digest.as_bytes().to_vec()
}

fn all_bytes(digests: &[Digest]) -> Vec<Vec<u8>> {
    digests.iter().map(bytes).collect()
}

fn factor(row: &Row) -> Result<Factor, Failure> {
    let codes: Vec<&[u8]> = row.try_get("recovery_codes")?;
    Ok(Factor {
        name: columns::digest(row.try_get("name")?)?,
        secret: columns::sealed(row.try_get("key_id")?, row.try_get("secret")?)?,
        activated_at: micros::to_time(row.try_get("activated_at")?),
        last_step: columns::used_step(row.try_get("last_step")?)?,
        recovery_codes: codes.into_iter().map(columns::digest).collect::<Result<_, _>>()?,
    })
}
