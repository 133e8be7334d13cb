//! Code that the audit trails of SQLite and PostgreSQL share. It reads records from database rows,
//! and implements the public operations, such as the verification, from the SQL statements of an
//! [`AuditTable`].

use async_trait::async_trait;

use crate::{
    audit::{AuditEvent, AuditRecord, Erasure, RecordColumns, chain},
    error::StoreError,
    keyring::{KeyId, Keyring},
    token::Digest,
};

/// Maximum number of records that one SQL statement of a verification reads, or that one SQL
/// statement of an erasure changes.
pub(super) const PAGE: i64 = 500;

/// The SQL statements of an audit table.
#[async_trait]
pub(super) trait AuditTable {
    /// Appends the record of an event. If the table has a record with the id of this event already,
    /// does nothing.
    async fn append(&self, event: &AuditEvent) -> Result<(), StoreError>;

    /// Returns the selected records, each with the value of the column `position` in its database
    /// row.
    async fn read(&self, which: Which<'_>) -> Result<Vec<Row>, StoreError>;

    /// Removes the records before a position, if the record at this position has the signature
    /// `link`. Otherwise removes nothing. Returns the number of removed records.
    async fn remove_before(&self, position: i64, link: Digest) -> Result<u64, StoreError>;

    /// Erases the personal parts of the records at these positions. Writes the i-th value of
    /// `erased` to the column `erased` of the record at the i-th position. Skips records whose
    /// personal part was erased before. Returns the number of records that it erased.
    async fn erase_at(&self, positions: Vec<i64>, erased: Vec<Option<Vec<u8>>>) -> Result<u64, StoreError>;
}

pub(super) type Row = (i64, AuditRecord);

/// The records that a statement reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which<'a> {
    /// The newest records, in descending order of position.
    Newest { limit: i64 },
    /// The two newest signed records, in descending order of position.
    NewestSigned,
    /// Records from a position on, in the order of their positions.
    From { position: i64, limit: i64 },
    /// The next [`PAGE`] records, after a position, that name this subject (a customer or an admin
    /// user) and have a personal part.
    OfSubject { kind: &'static str, id: &'a str, after: i64 },
    /// The next [`PAGE`] records, after a position, that have a personal part, name no subject, but
    /// name an account of this subject. An account belongs to the subject if a record names both of
    /// them.
    OfAccounts { kind: &'static str, id: &'a str, after: i64 },
}

/// Implements the public methods and [`AuditSink`](crate::audit::AuditSink) for a type that
/// implements [`AuditTable`] and has a field `keyring`.
macro_rules! audit_sink {
    ($table:ty) => {
        impl $table {
            /// Returns at most `newest` audit events, the newest ones of the trail. The oldest of
            /// them comes first.
            ///
            /// # Errors
            ///
            /// If the database failed, or one of the records is damaged.
            pub async fn events(&self, newest: usize) -> Result<Vec<AuditEvent>, StoreError> {
                let newest = self.read(Which::Newest { limit: column(newest) }).await?;
                newest.iter().rev().map(|(_, record)| record.read()).collect()
            }

            /// Returns at most `limit` stored records, from the position `from` on. Use this method
            /// to copy a trail, or to verify a trail on a machine that has no access to the
            /// database.
            ///
            /// # Errors
            ///
            /// If the database failed.
            pub async fn records(&self, from: u64, limit: usize) -> Result<Vec<AuditRecord>, StoreError> {
                let which = Which::From { position: column(from), limit: column(limit) };
                Ok(self.read(which).await?.into_iter().map(|(_, record)| record).collect())
            }

            /// Returns a checkpoint: a copy of the newest signature of the trail. Returns `None` if
            /// no record is signed.
            ///
            /// # Errors
            ///
            /// If the database failed.
            pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
                let newest = self.read(Which::NewestSigned).await?;
                let is_whole = self.records(1, 1).await?.iter().any(|first| first.position == 1);
                Ok(Checkpoint::of_newest(newest.iter().map(|(_, record)| record), is_whole))
            }

            /// Verifies the trail. If the verifier has a checkpoint, then the verification begins
            /// at the checkpoint. Otherwise the verification includes the whole trail.
            ///
            /// # Errors
            ///
            /// If the database request failed. A defect of the trail, such as a changed record, is
            /// not an error: the report lists the defects.
            pub async fn verify(&self, mut verifier: Verifier) -> Result<Report, StoreError> {
                let mut from = Some(verifier.first().map_or(i64::MIN, |first| column(first.position)));
                while let Some(position) = from {
                    let page = self.read(Which::From { position, limit: PAGE }).await?;
                    page.iter().for_each(|(_, record)| verifier.feed(record));
                    from = page.last().and_then(|(last, _)| last.checked_add(1));
                }
                Ok(verifier.finish())
            }

            /// Removes the records before a checkpoint, and returns the number of removed records.
            ///
            /// The record of which the checkpoint is a copy stays. Keep the checkpoint outside the
            /// database, because you need it to verify the rest of the trail: see
            /// [`Verifier::since`]. If this trail does not have the checkpoint's record, then this
            /// removes nothing and returns 0.
            ///
            /// # Errors
            ///
            /// If the database request failed. On PostgreSQL, the request also fails if it takes
            /// longer than the store's timeout (see `PostgresOptions::timeout`). In this case,
            /// first prune up to an earlier checkpoint, so that each call removes fewer records.
            pub async fn prune(&self, before: Checkpoint) -> Result<u64, StoreError> {
                self.remove_before(column(before.position), before.link).await
            }
        }

        #[async_trait]
        impl AuditSink for $table {
            async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
                self.append(event).await
            }

            async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
                let Some(head) = self.checkpoint().await? else { return Ok(SignatureCheck::NothingSigned) };
                let from = head.position.saturating_sub(chain::COMPARED.into());
                let newest = self.records(from, usize::from(chain::COMPARED) + 1).await?;
                Ok(chain::compare(self.keyring.as_ref(), &newest))
            }

            async fn erase(&self, subject: &Subject) -> Result<u64, StoreError> {
                let (kind, id) = &columns::subject_columns(subject);
                let of_accounts = |after| Which::OfAccounts { kind, id, after };
                let of_subject = |after| Which::OfSubject { kind, id, after };
                // The records that name the subject are erased last, because the subject's accounts
                // are read from these records. If this call fails after the first erasure, then a
                // repeated call still finds the accounts.
                let mut erased = erase(self, self.keyring.as_ref(), of_accounts).await?;
                erased += erase(self, self.keyring.as_ref(), of_subject).await?;
                Ok(erased)
            }
        }
    };
}
pub(super) use audit_sink;

/// Erases the personal parts of records. Each statement erases at most [`PAGE`] records, so that
/// other callers can append records between two statements. `next` returns the selection of the
/// next records after a position.
pub(super) async fn erase<'a>(
    table: &impl AuditTable,
    keyring: Option<&Keyring>,
    next: impl Fn(i64) -> Which<'a>,
) -> Result<u64, StoreError> {
    let (mut after, mut erased) = (i64::MIN, 0);
    loop {
        let page = table.read(next(after)).await?;
        let Some(&(last, _)) = page.last() else { return Ok(erased) };
        let sign = |(position, record): &Row| {
            let erasure = chain::sign_erasure(keyring, record)?;
            Ok::<_, StoreError>((*position, erasure.map(erased_column)))
        };
        let (positions, columns) = page.iter().map(sign).collect::<Result<_, _>>()?;
        erased += table.erase_at(positions, columns).await?;
        after = last;
    }
}

/// A database row of the audit table. The row has these columns, in this order: position, event,
/// personal, key_id, link, erased, id, at, action, outcome, why, subject_kind, subject_id, actor,
/// account.
pub(super) trait Columns {
    type Error;
    fn int(&self, column: usize) -> Result<Option<i64>, Self::Error>;
    fn text(&self, column: usize) -> Result<Option<String>, Self::Error>;
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Self::Error>;
}

/// Reads a record from a database row. If a column holds an invalid value, replaces it by a value
/// that no valid record has. The verifier then reports this record, and the verification of the
/// other records continues.
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

/// Converts the position of a record. Maps a negative position to 0. No valid record has the
/// position 0, because positions begin at 1.
pub(super) fn position(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Converts the signature of a record, which the column `link` holds. Maps a signature of the wrong
/// length to 32 zero bytes, which the verifier reports as wrong.
pub(super) fn link(bytes: &[u8]) -> Digest {
    Digest::from_bytes(bytes.try_into().unwrap_or_default())
}

/// Encodes an erasure for the column `erased`: the id of the secret key, followed by the MAC.
fn erased_column(erasure: Erasure) -> Vec<u8> {
    [&erasure.key.0.to_be_bytes()[..], erasure.mac.as_bytes()].concat()
}

fn erasure(bytes: &[u8]) -> Erasure {
    let (key, mac) =
        bytes.split_first_chunk().map_or((u32::MAX, bytes), |(key, mac)| (u32::from_be_bytes(*key), mac));
    Erasure { key: KeyId(key), mac: link(mac) }
}

/// Converts a position or a limit to the integer type of SQL.
pub(super) fn column(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
