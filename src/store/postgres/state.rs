use async_trait::async_trait;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::{Command, Failure, PostgresStore, Query, limit, locking::Parameters, parameters, removed};
use crate::{
    clock::micros,
    error::StoreError,
    store::{
        Change, Changes, CommitOutcome, Document, Index, Key, Listed, Partition, Position, Put, StateStore,
        columns,
    },
};

#[async_trait]
impl StateStore for PostgresStore {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        let (kinds, ids): (Vec<_>, Vec<_>) =
            keys.iter().map(|key| (key.kind.as_str(), &key.id.as_bytes()[..])).unzip();
        let partition = &partition.as_bytes()[..];
        let rows = self.query(Query::LoadDocuments, &[&partition, &kinds, &ids]).await?;
        let read = |row: &Row| document(row.try_get(0)?, row.try_get(1)?);
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        _now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        match self.command(Command::CommitDocuments, commit_parameters(partition, changes)).await {
            Ok(rows) => Ok(outcome(rows.first().ok_or(Failure::Unreadable)?)?),
            Err(failure) if failure.has_run_nothing() => {
                let keys: Vec<_> = changes.iter().map(|change| change.key().clone()).collect();
                Ok(CommitOutcome::Conflict(self.load(partition, &keys).await?))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        most: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let (rank, partition, kind, id) = columns::behind(after);
        let (scope, name, most) = (scope(index), index.name.as_str(), limit(most));
        let rows =
            self.query(Query::ListDocuments, &[&scope, &name, &rank, &partition, &kind, &id, &most]).await?;
        Ok(rows.iter().map(listed).collect::<Result<_, _>>()?)
    }

    async fn sweep(&self, until: OffsetDateTime, most: usize) -> Result<usize, StoreError> {
        let sweep = self.call(Command::SweepDocuments, parameters![micros::from_time(until), limit(most)]);
        Ok(removed(sweep.await?))
    }
}

/// Returns the value of the column `scope` for an index: the bytes of the index's partition, or an
/// empty value for an index of the whole shop.
fn scope(index: &Index) -> &[u8] {
    index.partition.as_ref().map_or(&[], |partition| partition.as_bytes())
}

/// Builds the parameters of the SQL function `commit_documents`. The parameters hold one array for
/// each property of the changes, such as the versions, and one array for each property of the index
/// entries.
fn commit_parameters(partition: &Partition, changes: &Changes) -> Parameters {
    let puts = || changes.iter().map(put_of);
    let keys = || changes.iter().map(Change::key);
    let entries = || {
        let placed = (1_i32..).zip(puts());
        placed.flat_map(|(place, put)| {
            put.into_iter().flat_map(|put| &put.index).map(move |entry| (place, entry))
        })
    };
    parameters![
        partition.as_bytes().to_vec(),
        keys().map(|key| key.kind.to_string()).collect::<Vec<_>>(),
        keys().map(|key| key.id.as_bytes().to_vec()).collect::<Vec<_>>(),
        changes
            .iter()
            .map(|change| change.expects().map(|version| version.as_bytes().to_vec()))
            .collect::<Vec<_>>(),
        changes.iter().map(|change| matches!(change, Change::Delete { .. })).collect::<Vec<_>>(),
        puts().map(|put| put.map(|put| put.version.as_bytes().to_vec())).collect::<Vec<_>>(),
        puts().map(|put| put?.keep_until.map(micros::from_time)).collect::<Vec<_>>(),
        puts().map(|put| put.map(|put| put.bytes.clone())).collect::<Vec<_>>(),
        entries().map(|(place, _)| place).collect::<Vec<_>>(),
        entries().map(|(_, entry)| scope(&entry.index(partition)).to_vec()).collect::<Vec<_>>(),
        entries().map(|(_, entry)| entry.name.to_string()).collect::<Vec<_>>(),
        entries().map(|(_, entry)| entry.rank).collect::<Vec<_>>(),
    ]
}

const fn put_of(change: &Change) -> Option<&Put> {
    match change {
        Change::Put(put) => Some(put),
        Change::Delete { .. } | Change::Check { .. } => None,
    }
}

fn outcome(row: &Row) -> Result<CommitOutcome, Failure> {
    if row.try_get(0)? {
        return Ok(CommitOutcome::Committed);
    }
    let versions: Vec<Option<&[u8]>> = row.try_get(1)?;
    let contents: Vec<Option<&[u8]>> = row.try_get(2)?;
    let documents = versions.into_iter().zip(contents).map(|(version, bytes)| document(version, bytes));
    Ok(CommitOutcome::Conflict(documents.collect::<Result<_, _>>()?))
}

/// Builds a document from its columns. Returns `None` if the columns are null, which means that the
/// document does not exist.
fn document(version: Option<&[u8]>, bytes: Option<&[u8]>) -> Result<Option<Document>, Failure> {
    let columns = version.zip(bytes);
    Ok(columns.map(|(version, bytes)| columns::document(version, bytes)).transpose()?)
}

fn listed(row: &Row) -> Result<Listed, Failure> {
    Ok(Listed {
        position: columns::place(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?,
        document: columns::document(row.try_get(4)?, row.try_get(5)?)?,
    })
}
