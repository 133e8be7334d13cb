//! The audit trail: a chain that any number of nodes append to.

mod appender;

use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::Row;

use super::{Command, Failure, PostgresStore, Query, limit, parameters};
use crate::{
    audit::{
        AuditEvent, AuditRecord, AuditSink, Checkpoint, RecordColumns, Report, SignatureCheck, Verifier,
        chain::{self, Entry, Erased},
    },
    error::StoreError,
    keyring::Keyring,
    random::ChaChaRandom,
    store::columns::{self, CorruptColumn},
    token::Subject,
};
use appender::Appender;

/// The audit trail of a [`PostgresStore`]: with a keyring, a chain of signed records.
///
/// Cheap to clone. A host gives one with its keyring to the [builder](crate::AuthBuilder::audit), and makes another to
/// read, to verify, to erase and to prune. What is recorded at once through one of them and its clones shares a round trip.
///
/// Where the trail ends before a record that one of them has appended, its end was cut off, or an older state of the database is
/// back. What it was to record then fails with an error whose source says so, and
/// [counts as failed](crate::audit::AuditStats::failed). It is told once: what is recorded next goes on after what is left, since a
/// restored backup would else stop the shop. A node that has appended nothing since before the cut cannot notice: keep
/// [checkpoints](Checkpoint).
#[derive(Clone, Debug)]
pub struct PostgresAudit {
    store: PostgresStore,
    keyring: Option<Keyring>,
    random: Arc<ChaChaRandom>,
    appender: Arc<Appender>,
}

impl PostgresStore {
    /// The audit trail in the same schema, signed from now on if there is a keyring. Give all nodes the same one.
    #[must_use]
    pub fn audit(&self, keyring: Option<&Keyring>) -> PostgresAudit {
        PostgresAudit {
            store: self.clone(),
            keyring: keyring.cloned(),
            random: Arc::default(),
            appender: Arc::new(Appender::new(self.0.locking.clone(), keyring.cloned())),
        }
    }
}

impl PostgresAudit {
    /// Records that are read, or erased, at once.
    const PAGE: usize = 500;

    /// The newest so many audit events, the oldest of them first.
    ///
    /// # Errors
    ///
    /// When the database could not be asked.
    pub async fn events(&self, newest: usize) -> Result<Vec<AuditEvent>, StoreError> {
        let rows = self.store.query(Query::AuditNewest, &[&limit(newest)]).await?;
        let read = |row: &Row| record(row)?.read().map_err(|_| Failure::from(CorruptColumn("event")));
        Ok(rows.iter().rev().map(read).collect::<Result<_, _>>()?)
    }

    /// So many records as they are kept, from a place on: to copy a trail, or to verify it elsewhere.
    ///
    /// # Errors
    ///
    /// When the database could not be asked.
    pub async fn records(&self, from: u64, limit: usize) -> Result<Vec<AuditRecord>, StoreError> {
        let records = self.page(i64::try_from(from).unwrap_or(i64::MAX), limit).await?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    /// Where the trail stands; none if nothing is signed.
    ///
    /// # Errors
    ///
    /// When the database could not be asked.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        let rows = self.store.query(Query::AuditHead, &[]).await?;
        let signed = |row: &Row| {
            let link: &[u8] = row.try_get(1)?;
            Ok::<_, Failure>((columns::position(row.try_get(0)?), columns::link(link), row.try_get(2)?))
        };
        let newest = rows.iter().map(signed).collect::<Result<Vec<_>, _>>()?;
        Ok(Checkpoint::of_newest(&newest))
    }

    /// Verifies the whole trail, or what is left from the checkpoint on that the verifier begins with.
    ///
    /// # Errors
    ///
    /// When the database could not be asked. What is wrong with the trail is no error: it is in the report.
    pub async fn verify(&self, mut verifier: Verifier) -> Result<Report, StoreError> {
        let first = verifier.first().map(|first| first.position);
        let mut from = Some(first.map_or(i64::MIN, |first| i64::try_from(first).unwrap_or(i64::MAX)));
        while let Some(next) = from {
            let page = self.page(next, Self::PAGE).await?;
            page.iter().for_each(|(_, record)| verifier.feed(record));
            from = page.last().and_then(|(last, _)| last.checked_add(1));
        }
        Ok(verifier.finish())
    }

    /// Removes the records before a checkpoint, which stays: verify what is left [since](Verifier::since) it. Keep the
    /// checkpoint elsewhere. Answers how many there were; none if the checkpoint is not this trail's.
    ///
    /// # Errors
    ///
    /// When the database could not be asked, or it took longer than the [timeout](super::PostgresOptions::timeout): prune up
    /// to an earlier checkpoint first.
    pub async fn prune(&self, before: Checkpoint) -> Result<u64, StoreError> {
        let position = i64::try_from(before.position).unwrap_or(i64::MAX);
        let link = before.link.as_bytes().to_vec();
        let pruned: i64 = self.store.call(Command::PruneRecords, parameters![position, link]).await?;
        Ok(count(pruned))
    }

    /// With the positions as they stand in the rows.
    async fn page(&self, from: i64, most: usize) -> Result<Vec<(i64, AuditRecord)>, StoreError> {
        let rows = self.store.query(Query::AuditRecords, &[&from, &limit(most)]).await?;
        let read = |row| Ok::<_, Failure>((row_position(row)?, record(row)?));
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn erase_page(&self, rows: &[Row]) -> Result<u64, StoreError> {
        let (mut positions, mut events, mut erasures) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let Some(erased) = Erased::of(&record(row)?, self.keyring.as_ref())? else { continue };
            positions.push(row_position(row)?);
            events.push(erased.event);
            erasures.push(erased.erased.as_ref().map(columns::erasure_bytes));
        }
        if positions.is_empty() {
            return Ok(0);
        }
        let erased: i64 =
            self.store.call(Command::EraseRecords, parameters![positions, events, erasures]).await?;
        Ok(count(erased))
    }
}

#[async_trait]
impl AuditSink for PostgresAudit {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let entry = Entry::of(event, &*self.random)?;
        Ok(self.appender.append(entry).await?)
    }

    async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
        let Some(head) = self.checkpoint().await? else { return Ok(SignatureCheck::NothingSigned) };
        let from = head.position.saturating_sub(chain::COMPARED.into());
        let newest = self.records(from, usize::from(chain::COMPARED) + 1).await?;
        Ok(chain::compare(self.keyring.as_ref(), &newest))
    }

    async fn erase(&self, subject: &Subject) -> Result<u64, StoreError> {
        let (kind, id) = columns::subject_columns(subject);
        let mut erased = 0;
        // The subject's own last: they say which accounts to look for, if this has to be done again.
        for which in [Query::AuditOfSubjectsAccounts, Query::AuditOfSubject] {
            let mut after = i64::MIN;
            loop {
                let rows = self.store.query(which, &[&kind, &id, &after, &limit(Self::PAGE)]).await?;
                let Some(last) = rows.last() else { break };
                after = row_position(last)?;
                erased += self.erase_page(&rows).await?;
            }
        }
        Ok(erased)
    }
}

fn row_position(row: &Row) -> Result<i64, Failure> {
    Ok(row.try_get(0)?)
}

/// Whatever is in the row: see [`columns::position`].
fn record(row: &Row) -> Result<AuditRecord, Failure> {
    let key: Option<i64> = row.try_get(3)?;
    let (link, erased): (Option<&[u8]>, Option<&[u8]>) = (row.try_get(4)?, row.try_get(5)?);
    Ok(AuditRecord {
        position: columns::position(row_position(row)?),
        event: row.try_get(1)?,
        personal: row.try_get(2)?,
        key: key.map(columns::key),
        link: link.map(columns::link),
        erased: erased.map(columns::erasure),
        columns: RecordColumns {
            id: row.try_get(6)?,
            at: row.try_get(7)?,
            action: row.try_get(8)?,
            outcome: row.try_get(9)?,
            why: row.try_get(10)?,
            subject_kind: row.try_get(11)?,
            subject_id: row.try_get(12)?,
            actor: row.try_get(13)?,
            account: row.try_get(14)?,
        },
    })
}

fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or_default()
}
