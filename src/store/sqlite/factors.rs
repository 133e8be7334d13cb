use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use time::OffsetDateTime;

use super::SqliteStore;
use crate::{
    account::AdminId,
    error::StoreError,
    keyring::{KeyId, Sealed},
    store::{Enrolment, Factor, FactorStore, columns, micros},
    token::Digest,
};

#[async_trait]
impl FactorStore for SqliteStore {
    async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError> {
        let admin = admin.to_string();
        let look = |connection: &Connection| {
            // Of one moment: the factor and its codes.
            let moment = connection.unchecked_transaction()?;
            let mut find = moment.prepare_cached("SELECT * FROM factors WHERE admin = ?1")?;
            find.query_row([&admin], |row| factor(&moment, row)).optional()
        };
        self.0.readers.read(look).await
    }

    async fn begin_enrolment(&self, enrolment: &Enrolment, _now: OffsetDateTime) -> Result<(), StoreError> {
        let enrolment = enrolment.clone();
        let begin = move |connection: &Connection| {
            let mut begin = connection.prepare_cached(
                "INSERT OR REPLACE INTO factor_enrolments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            begin.execute(params![
                enrolment.admin.to_string(),
                enrolment.token.as_bytes(),
                enrolment.secret.key.0,
                enrolment.secret.bytes,
                enrolment.replaces.as_ref().map(Digest::as_bytes),
                micros::from_time(enrolment.expires_at),
                enrolment.begun_with.as_ref().map(Digest::as_bytes),
            ])
        };
        self.0.writer.write(begin).await.map(drop)
    }

    async fn enrolment(&self, token: &Digest, now: OffsetDateTime) -> Result<Option<Enrolment>, StoreError> {
        let look = |connection: &Connection| live_enrolment(connection, token, now);
        self.0.readers.read(look).await
    }

    async fn activate(
        &self,
        token: &Digest,
        step: u64,
        recovery_codes: &[Digest],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let (token, step, codes) = (*token, columns::step(step)?, recovery_codes.to_vec());
        let activate = move |connection: &Connection| {
            let Some(enrolment) = live_enrolment(connection, &token, now)? else { return Ok(false) };
            let admin = enrolment.admin.to_string();
            let mut present = connection.prepare_cached("SELECT name FROM factors WHERE admin = ?1")?;
            let present = present.query_row([&admin], |row| row.get::<_, Vec<u8>>(0)).optional()?;
            if present.as_deref() != enrolment.replaces.as_ref().map(|name| &name.as_bytes()[..]) {
                return Ok(false);
            }
            let mut activate = connection
                .prepare_cached("INSERT OR REPLACE INTO factors VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            activate.execute(params![
                admin,
                token.as_bytes(),
                enrolment.secret.key.0,
                enrolment.secret.bytes,
                micros::from_time(now),
                step,
            ])?;
            replace_codes(connection, &admin, &codes)?;
            connection.prepare_cached("DELETE FROM factor_enrolments WHERE admin = ?1")?.execute([admin])?;
            Ok(true)
        };
        self.0.writer.write(activate).await
    }

    async fn use_step(&self, admin: &AdminId, factor: &Digest, step: u64) -> Result<bool, StoreError> {
        let (admin, name, step) = (admin.to_string(), *factor, columns::step(step)?);
        let using = move |connection: &Connection| {
            let mut using = connection.prepare_cached(
                "UPDATE factors SET last_step = ?3 WHERE admin = ?1 AND name = ?2 AND last_step < ?3",
            )?;
            using.execute(params![admin, name.as_bytes(), step]).map(|changed| changed > 0)
        };
        self.0.writer.write(using).await
    }

    async fn lower_step(
        &self,
        admin: &AdminId,
        factor: &Digest,
        from: u64,
        to: u64,
    ) -> Result<bool, StoreError> {
        let (admin, name) = (admin.to_string(), *factor);
        let (from, to) = (columns::step(from)?, columns::step(to)?);
        let lower = move |connection: &Connection| {
            let mut lower = connection.prepare_cached(
                "UPDATE factors SET last_step = ?4 WHERE admin = ?1 AND name = ?2 AND last_step = ?3 AND ?4 < ?3",
            )?;
            lower.execute(params![admin, name.as_bytes(), from, to]).map(|changed| changed > 0)
        };
        self.0.writer.write(lower).await
    }

    async fn use_recovery_code(
        &self,
        admin: &AdminId,
        factor: &Digest,
        code: &Digest,
    ) -> Result<bool, StoreError> {
        let (admin, name, code) = (admin.to_string(), *factor, *code);
        let using = move |connection: &Connection| {
            let mut using = connection.prepare_cached(
                "DELETE FROM recovery_codes WHERE admin = ?1 AND digest = ?3 \
                 AND EXISTS (SELECT * FROM factors WHERE admin = ?1 AND name = ?2)",
            )?;
            using.execute(params![admin, name.as_bytes(), code.as_bytes()]).map(|changed| changed > 0)
        };
        self.0.writer.write(using).await
    }

    async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        factor: &Digest,
        codes: &[Digest],
    ) -> Result<bool, StoreError> {
        let (admin, name, codes) = (admin.to_string(), *factor, codes.to_vec());
        let replace = move |connection: &Connection| {
            let mut present =
                connection.prepare_cached("SELECT 1 FROM factors WHERE admin = ?1 AND name = ?2")?;
            let is_present = present.exists(params![admin, name.as_bytes()])?;
            if is_present {
                replace_codes(connection, &admin, &codes)?;
            }
            Ok(is_present)
        };
        self.0.writer.write(replace).await
    }

    async fn reseal(
        &self,
        admin: &AdminId,
        factor: &Digest,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        let (admin, name) = (admin.to_string(), *factor);
        let (expected, new) = (expected.clone(), new.clone());
        let reseal = move |connection: &Connection| {
            let mut reseal = connection.prepare_cached(
                "UPDATE factors SET key_id = ?5, secret = ?6 \
                 WHERE admin = ?1 AND name = ?2 AND key_id = ?3 AND secret = ?4",
            )?;
            let changed = reseal.execute(params![
                admin,
                name.as_bytes(),
                expected.key.0,
                expected.bytes,
                new.key.0,
                new.bytes
            ])?;
            Ok(changed > 0)
        };
        self.0.writer.write(reseal).await
    }

    async fn sealed_by_others(&self, key: KeyId, limit: usize) -> Result<Vec<(AdminId, Factor)>, StoreError> {
        let look = |connection: &Connection| {
            let moment = connection.unchecked_transaction()?;
            let mut find = moment.prepare_cached("SELECT * FROM factors WHERE key_id <> ?1 LIMIT ?2")?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = find.query_map(params![key.0, limit], |row| {
                Ok((columns::admin(row.get_ref("admin")?.as_str()?)?, factor(&moment, row)?))
            })?;
            rows.collect()
        };
        self.0.readers.read(look).await
    }

    async fn remove_factor(&self, admin: &AdminId) -> Result<bool, StoreError> {
        let admin = admin.to_string();
        let remove = move |connection: &Connection| {
            let delete = |statement| connection.prepare_cached(statement)?.execute([&admin]);
            let removed = delete("DELETE FROM factors WHERE admin = ?1")?;
            delete("DELETE FROM recovery_codes WHERE admin = ?1")?;
            delete("DELETE FROM factor_enrolments WHERE admin = ?1")?;
            Ok(removed > 0)
        };
        self.0.writer.write(remove).await
    }

    async fn purge_enrolments(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let purge = move |connection: &Connection| {
            let mut purge = connection.prepare_cached(
                "DELETE FROM factor_enrolments WHERE admin IN \
                 (SELECT admin FROM factor_enrolments WHERE expires_at <= ?1 LIMIT ?2)",
            )?;
            purge.execute(params![micros::from_time(now), i64::try_from(limit).unwrap_or(i64::MAX)])
        };
        self.0.writer.write(purge).await
    }
}

fn live_enrolment(
    connection: &Connection,
    token: &Digest,
    now: OffsetDateTime,
) -> rusqlite::Result<Option<Enrolment>> {
    let mut find = connection
        .prepare_cached("SELECT * FROM factor_enrolments WHERE token = ?1 AND expires_at > ?2 LIMIT 1")?;
    let found = find.query_row(params![token.as_bytes(), micros::from_time(now)], |row| {
        Ok(Enrolment {
            token: *token,
            admin: columns::admin(row.get_ref("admin")?.as_str()?)?,
            secret: columns::sealed(row.get("key_id")?, row.get("secret")?)?,
            replaces: row.get_ref("replaces")?.as_blob_or_null()?.map(columns::digest).transpose()?,
            begun_with: row.get_ref("begun_with")?.as_blob_or_null()?.map(columns::digest).transpose()?,
            expires_at: micros::to_time(row.get("expires_at")?),
        })
    });
    found.optional()
}

fn replace_codes(connection: &Connection, admin: &str, codes: &[Digest]) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM recovery_codes WHERE admin = ?1")?.execute([admin])?;
    let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO recovery_codes VALUES (?1, ?2)")?;
    codes.iter().try_for_each(|code| insert.execute(params![admin, code.as_bytes()]).map(drop))
}

fn factor(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Factor> {
    let mut codes = connection.prepare_cached("SELECT digest FROM recovery_codes WHERE admin = ?1")?;
    let codes = codes.query_map([row.get_ref("admin")?.as_str()?], |code| {
        Ok(columns::digest(code.get_ref(0)?.as_blob()?)?)
    })?;
    Ok(Factor {
        name: columns::digest(row.get_ref("name")?.as_blob()?)?,
        secret: columns::sealed(row.get("key_id")?, row.get("secret")?)?,
        activated_at: micros::to_time(row.get("activated_at")?),
        last_step: columns::used_step(row.get("last_step")?)?,
        recovery_codes: codes.collect::<Result<_, _>>()?,
    })
}
