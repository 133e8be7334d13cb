use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use time::OffsetDateTime;

use super::SqliteStore;
use crate::{
    error::StoreError,
    store::{
        Attempt, Outcome, Reserve, ThrottleKey, ThrottleStore, budgets::Budgets, columns::CorruptColumn,
        micros,
    },
};

/// The arithmetic is done in this process: the one transaction that writes is what makes it atomic.
#[async_trait]
impl ThrottleStore for SqliteStore {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        let attempt = attempt.clone();
        let reserve = move |connection: &Connection| {
            let mut budgets = load(connection, &attempt.account)?.unwrap_or_default();
            let clamped = budgets.clamp(now);
            let answer = budgets.reserve(&attempt, now);
            // What is refused changes nothing: a flood at a locked account costs no write.
            if answer == Reserve::Reserved || clamped {
                save(connection, &attempt.account, budgets, now)?;
            }
            Ok(answer)
        };
        self.0.writer.write(reserve).await
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let attempt = attempt.clone();
        let settle = move |connection: &Connection| {
            let Some(mut budgets) = load(connection, &attempt.account)? else { return Ok(false) };
            let locked = budgets.settle(&attempt, outcome, now);
            save(connection, &attempt.account, budgets, now)?;
            Ok(locked)
        };
        self.0.writer.write(settle).await
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        let account = *account;
        let clear = move |connection: &Connection| {
            let Some(mut budgets) = load(connection, &account)? else { return Ok(()) };
            budgets.clear();
            save(connection, &account, budgets, OffsetDateTime::UNIX_EPOCH)
        };
        self.0.writer.write(clear).await
    }

    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.0.writer.write(move |connection| purge(connection, now, limit)).await
    }
}

fn load(connection: &Connection, account: &ThrottleKey) -> rusqlite::Result<Option<Budgets>> {
    let mut load = connection.prepare_cached("SELECT budgets FROM attempts WHERE account = ?1")?;
    let budgets: Option<String> = load.query_row([account.as_bytes()], |row| row.get(0)).optional()?;
    Ok(budgets.map(|budgets| read(&budgets)).transpose()?)
}

fn read(budgets: &str) -> Result<Budgets, CorruptColumn> {
    serde_json::from_str(budgets).map_err(|_| CorruptColumn("budgets"))
}

/// Keeps what is still counted, and no row where nothing is.
fn save(
    connection: &Connection,
    account: &ThrottleKey,
    mut budgets: Budgets,
    now: OffsetDateTime,
) -> rusqlite::Result<()> {
    if budgets.is_idle(now) {
        let mut forget = connection.prepare_cached("DELETE FROM attempts WHERE account = ?1")?;
        return forget.execute([account.as_bytes()]).map(drop);
    }
    let text = serde_json::to_string(&budgets).map_err(|_| CorruptColumn("budgets"))?;
    let mut save = connection.prepare_cached(
        "INSERT INTO attempts VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET budgets = excluded.budgets, idle_from = excluded.idle_from",
    )?;
    save.execute(params![account.as_bytes(), text, budgets.idle_from().map(micros::from_time)]).map(drop)
}

fn purge(connection: &Connection, now: OffsetDateTime, limit: usize) -> rusqlite::Result<usize> {
    let mut due = connection.prepare_cached(
        "SELECT account, budgets FROM attempts WHERE idle_from <= ?1 ORDER BY idle_from LIMIT ?2",
    )?;
    let due: Vec<([u8; 32], String)> = due
        .query_map(params![micros::from_time(now), i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut removed = 0;
    for (account, budgets) in due {
        // A row that cannot be read is an error of its own account's calls, and is not in the way of the others here.
        let Ok(mut budgets) = read(&budgets) else { continue };
        let account = ThrottleKey::from_bytes(account);
        removed += usize::from(budgets.is_idle(now));
        // A lease that has ended has become a failure, which counts from then.
        save(connection, &account, budgets, now)?;
    }
    Ok(removed)
}
