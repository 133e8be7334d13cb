//! What the audit tables of SQLite and PostgreSQL share: how their rows are read, and every operation
//! that is more than one statement.

use async_trait::async_trait;

use super::columns;
use crate::{
    audit::{
        AuditEvent, AuditRecord, Checkpoint, Erasure, RecordColumns, Report, SignatureCheck, Verifier,
        chain::{self, COMPARED},
    },
    error::StoreError,
    keyring::{KeyId, Keyring},
    token::{Digest, Subject},
};

/// Maximum number of records that a verification reads, or an erasure changes, at once.
pub(super) const PAGE: i64 = 500;

/// The statements of an audit table.
#[async_trait]
pub(super) trait AuditTable: Sync {
    /// The keys that sign the records, if they are signed.
    fn keyring(&self) -> Option<&Keyring>;

    /// Appends the record of an event, unless it is there already.
    async fn append(&self, event: &AuditEvent) -> Result<(), StoreError>;

    /// Returns the newest records, the newest of them first.
    async fn newest(&self, limit: i64) -> Result<Vec<Row>, StoreError>;

    /// Returns records in the order of their positions, from a position on.
    async fn page(&self, from: i64, limit: i64) -> Result<Vec<Row>, StoreError>;

    /// Returns the two newest signed records, the newest of them first.
    async fn newest_signed(&self) -> Result<Vec<Signed>, StoreError>;

    /// Removes the records before a position, if the record there has this link. Returns their number.
    async fn remove_before(&self, position: i64, link: Digest) -> Result<u64, StoreError>;

    /// Erases the personal parts of the next [`PAGE`] records after a position. Returns the last
    /// position and the number of erased records, or none if there are no more records.
    async fn erase_page(
        &self,
        which: Which,
        subject: &(&'static str, String),
        after: i64,
    ) -> Result<Option<(i64, u64)>, StoreError>;
}

/// A record, and the position as it stands in its row.
pub(super) type Row = (i64, AuditRecord);

/// The position and the link of a signed record, and true if the trail still has its first record.
pub(super) type Signed = (u64, Digest, bool);

/// The records with a personal part that an erasure looks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// Records that name the subject.
    OfSubject,
    /// Records that name no subject, but an account that a record of the subject names.
    OfAccounts,
}

/// Implements [`AuditSink`](crate::AuditSink) and the public methods of an [`AuditTable`].
macro_rules! audit_sink {
    ($table:ty) => {
        impl $table {
            /// Returns the newest audit events, the oldest of them first.
            ///
            /// # Errors
            ///
            /// If the database failed, or one of the records is damaged.
            pub async fn events(&self, newest: usize) -> Result<Vec<AuditEvent>, StoreError> {
                audit_table::events(self, newest).await
            }

            /// Returns records as they are kept, from a position on: to copy a trail, or to verify it
            /// elsewhere.
            ///
            /// # Errors
            ///
            /// If the database failed.
            pub async fn records(&self, from: u64, limit: usize) -> Result<Vec<AuditRecord>, StoreError> {
                audit_table::records(self, from, limit).await
            }

            /// Returns the checkpoint of the newest signed record, or none if no record is signed.
            ///
            /// # Errors
            ///
            /// If the database failed.
            pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
                audit_table::checkpoint(self).await
            }

            /// Verifies the whole trail, or what is left from the checkpoint on that the verifier begins
            /// with.
            ///
            /// # Errors
            ///
            /// If the database failed. What is wrong with the trail is no error: it is in the report.
            pub async fn verify(&self, verifier: Verifier) -> Result<Report, StoreError> {
                audit_table::verify(self, verifier).await
            }

            /// Removes the records before a checkpoint. The record of the checkpoint stays: verify what
            /// is left [since](Verifier::since) it, and keep the checkpoint elsewhere. Returns the number
            /// of removed records, which is 0 if the checkpoint is not of this trail.
            ///
            /// # Errors
            ///
            /// If the database failed. PostgreSQL also fails if it needs longer than the timeout of its
            /// options: prune up to an earlier checkpoint first.
            pub async fn prune(&self, before: Checkpoint) -> Result<u64, StoreError> {
                self.remove_before(audit_table::column(before.position), before.link).await
            }
        }

        #[async_trait]
        impl AuditSink for $table {
            async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
                self.append(event).await
            }

            async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
                audit_table::check_signatures(self).await
            }

            async fn erase(&self, subject: &Subject) -> Result<u64, StoreError> {
                audit_table::erase(self, subject).await
            }
        }
    };
}
pub(super) use audit_sink;

pub(super) async fn events(table: &impl AuditTable, newest: usize) -> Result<Vec<AuditEvent>, StoreError> {
    let newest = table.newest(column(newest)).await?;
    newest.iter().rev().map(|(_, record)| record.read()).collect()
}

pub(super) async fn records(
    table: &impl AuditTable,
    from: u64,
    limit: usize,
) -> Result<Vec<AuditRecord>, StoreError> {
    let page = table.page(column(from), column(limit)).await?;
    Ok(page.into_iter().map(|(_, record)| record).collect())
}

pub(super) async fn checkpoint(table: &impl AuditTable) -> Result<Option<Checkpoint>, StoreError> {
    Ok(Checkpoint::of_newest(&table.newest_signed().await?))
}

pub(super) async fn verify(table: &impl AuditTable, mut verifier: Verifier) -> Result<Report, StoreError> {
    let mut from = Some(verifier.first().map_or(i64::MIN, |first| column(first.position)));
    while let Some(next) = from {
        let page = table.page(next, PAGE).await?;
        page.iter().for_each(|(_, record)| verifier.feed(record));
        from = page.last().and_then(|(last, _)| last.checked_add(1));
    }
    Ok(verifier.finish())
}

pub(super) async fn check_signatures(table: &impl AuditTable) -> Result<SignatureCheck, StoreError> {
    let Some(head) = checkpoint(table).await? else { return Ok(SignatureCheck::NothingSigned) };
    let from = head.position.saturating_sub(COMPARED.into());
    let newest = records(table, from, usize::from(COMPARED) + 1).await?;
    Ok(chain::compare(table.keyring(), &newest))
}

pub(super) async fn erase(table: &impl AuditTable, subject: &Subject) -> Result<u64, StoreError> {
    let subject = columns::subject_columns(subject);
    let mut erased = 0;
    // The subject's own records come last: they name the accounts if this has to run again.
    for which in [Which::OfAccounts, Which::OfSubject] {
        let mut after = i64::MIN;
        while let Some((last, number)) = table.erase_page(which, &subject, after).await? {
            after = last;
            erased += number;
        }
    }
    Ok(erased)
}

/// Signs the erasure of each record. Returns their positions and what their `erased` columns hold.
pub(super) fn erasures(
    rows: &[Row],
    keyring: Option<&Keyring>,
) -> Result<(Vec<i64>, Vec<Option<Vec<u8>>>), StoreError> {
    let erasure = |(position, record): &Row| {
        let erasure = chain::sign_erasure(keyring, record)?;
        let key_and_mac = |Erasure { key, mac }: Erasure| [&key.0.to_be_bytes()[..], mac.as_bytes()].concat();
        Ok((*position, erasure.map(key_and_mac)))
    };
    rows.iter().map(erasure).collect()
}

/// A row with these columns: position, event, personal, key_id, link, erased, id, at, action, outcome,
/// why, subject_kind, subject_id, actor, account.
pub(super) trait Columns {
    type Error;
    fn int(&self, column: usize) -> Result<Option<i64>, Self::Error>;
    fn text(&self, column: usize) -> Result<Option<String>, Self::Error>;
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Self::Error>;
}

/// Reads a record. Invalid values become values that no record has, so that the verifier reports the
/// row instead of failing on it.
pub(super) fn row<C: Columns>(row: &C) -> Result<Row, C::Error> {
    let number = row.int(0)?.unwrap_or_default();
    let record = AuditRecord {
        position: position(number),
        event: row.text(1)?.unwrap_or_default(),
        personal: row.text(2)?,
        key: row.int(3)?.map(|key| KeyId(u32::try_from(key).unwrap_or(u32::MAX))),
        link: row.bytes(4)?.map(link),
        erased: row.bytes(5)?.map(erasure),
        columns: RecordColumns {
            id: row.text(6)?.unwrap_or_default(),
            at: row.int(7)?.unwrap_or_default(),
            action: row.text(8)?.unwrap_or_default(),
            outcome: row.text(9)?.unwrap_or_default(),
            why: row.text(10)?,
            subject_kind: row.text(11)?,
            subject_id: row.text(12)?,
            actor: row.text(13)?,
            account: row.text(14)?,
        },
    };
    Ok((number, record))
}

/// Maps an invalid position to 0, which no record has.
pub(super) fn position(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Maps an invalid link to zeros.
pub(super) fn link(bytes: &[u8]) -> Digest {
    Digest::from_bytes(bytes.try_into().unwrap_or_default())
}

fn erasure(bytes: &[u8]) -> Erasure {
    let (key, mac) =
        bytes.split_first_chunk().map_or((u32::MAX, bytes), |(key, mac)| (u32::from_be_bytes(*key), mac));
    Erasure { key: KeyId(key), mac: link(mac) }
}

/// A position or a limit as SQL has it.
pub(super) fn column(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
