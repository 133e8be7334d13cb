//! The audit trail in PostgreSQL. Several nodes can append records to one trail.

mod appender;

use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::Row;

use super::{Command, Failure, PostgresStore, Query, parameters};
use crate::{
    audit::{
        AuditEvent, AuditRecord, AuditSink, Checkpoint, Report, SignatureCheck, Verifier,
        chain::{self, Entry},
    },
    error::StoreError,
    keyring::Keyring,
    random::ChaChaRandom,
    store::{
        audit_table::{self, AuditTable, Columns, PAGE, Which, audit_sink, column, erase},
        columns,
    },
    token::{Digest, Subject},
};
use appender::Appender;

/// The audit trail in the schema of a [`PostgresStore`]. A `PostgresAudit` with a keyring signs the
/// records that it appends, so that they form a chain.
///
/// Clones are cheap. Pass a `PostgresAudit` with a keyring to the
/// [builder](crate::AuthBuilder::audit), so that new records are signed. To read, verify, erase or
/// prune the trail later, keep a clone, or call [`PostgresStore::audit`] again. If a
/// `PostgresAudit` and its clones append several records at the same time, then these records can
/// share a round trip.
///
/// A `PostgresAudit` and its clones together remember the end of the trail after their last append.
/// If the records up to this end are no longer there at the next append, then somebody has deleted
/// the last records, or has restored an older backup. The `PostgresAudit` then does this:
///
/// - The records of this append are not stored. The source of the error names the missing record,
///   and the failure [is counted](crate::audit::AuditStats::failed).
/// - Later records are appended to the remaining trail without an error. Otherwise each later
///   append would fail after the restore of a backup.
///
/// If a node has appended no record before the loss, for example because it was restarted, then it
/// cannot find the loss. Therefore keep [checkpoints](Checkpoint) outside the database.
#[derive(Clone, Debug)]
pub struct PostgresAudit {
    store: PostgresStore,
    keyring: Option<Keyring>,
    random: Arc<ChaChaRandom>,
    appender: Arc<Appender>,
}

impl PostgresStore {
    /// Returns the audit trail in the database schema of this store. If you pass a keyring, then
    /// the `PostgresAudit` signs the records that it appends. Give the same keyring to all nodes,
    /// because they append to one chain.
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

#[async_trait]
impl AuditTable for PostgresAudit {
    async fn append(&self, event: &AuditEvent) -> Result<(), StoreError> {
        Ok(self.appender.append(Entry::of(event, &*self.random)?).await?)
    }

    async fn read(&self, which: Which<'_>) -> Result<Vec<audit_table::Row>, StoreError> {
        let store = &self.store;
        let rows = match which {
            Which::Newest { limit } => store.query(Query::AuditNewest, &[&limit]).await,
            Which::NewestSigned => store.query(Query::AuditNewestSigned, &[]).await,
            Which::From { position, limit } => store.query(Query::AuditRecords, &[&position, &limit]).await,
            Which::OfSubject { kind, id, after } => {
                store.query(Query::AuditOfSubject, &[&kind, &id, &after, &PAGE]).await
            }
            Which::OfAccounts { kind, id, after } => {
                store.query(Query::AuditOfAccounts, &[&kind, &id, &after, &PAGE]).await
            }
        };
        let rows = rows?.iter().map(audit_table::row).collect::<Result<_, _>>();
        Ok(rows.map_err(Failure::from)?)
    }

    async fn remove_before(&self, position: i64, link: Digest) -> Result<u64, StoreError> {
        let link = link.as_bytes().to_vec();
        let removed: i64 = self.store.call(Command::PruneRecords, parameters![position, link]).await?;
        Ok(count(removed))
    }

    async fn erase_at(&self, positions: Vec<i64>, erased: Vec<Option<Vec<u8>>>) -> Result<u64, StoreError> {
        let erased: i64 = self.store.call(Command::EraseRecords, parameters![positions, erased]).await?;
        Ok(count(erased))
    }
}

audit_sink!(PostgresAudit);

impl Columns for Row {
    type Error = tokio_postgres::Error;

    fn int(&self, column: usize) -> Result<Option<i64>, Self::Error> {
        self.try_get(column)
    }

    fn text(&self, column: usize) -> Result<Option<String>, Self::Error> {
        self.try_get(column)
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Self::Error> {
        self.try_get(column)
    }
}

fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or_default()
}
