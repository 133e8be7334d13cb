use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter, types::ToSqlOutput};
use time::OffsetDateTime;

use super::SqliteStore;
use crate::{
    clock::micros,
    error::StoreError,
    store::{
        Change, Changes, CommitOutcome, Document, Index, Key, Listed, Partition, Position, Put, StateStore,
        Version, columns,
    },
};

/// Builds the query that selects the documents that a sweep removes. `$columns` are the columns
/// that the query returns.
macro_rules! documents_due {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM documents WHERE keep_until <= ?1 ORDER BY keep_until, arrival LIMIT ?2"
        )
    };
}

/// Builds the statement that lists the documents of an index. `$rows` is the part after `FROM`,
/// which selects the documents of the index with their ranks.
macro_rules! listed {
    ($rows:literal) => {
        concat!(
            "SELECT rank, partition, kind, id, version, bytes FROM ",
            $rows,
            " AND (rank, partition, kind, id) > (?3, ?4, ?5, ?6) ORDER BY rank, partition, kind, id LIMIT ?7"
        )
    };
}

/// A commit is one writing transaction. SQLite runs only one writing transaction at a time for a
/// file, so the commit is atomic even if several processes use the file.
#[async_trait]
impl StateStore for SqliteStore {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        let load = |connection: &Connection| load(connection, partition, keys);
        self.0.readers.read(load).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        _now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        let (partition, changes) = (*partition, changes.clone());
        self.0.writer.write(move |connection| commit(connection, &partition, &changes)).await
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let list = |connection: &Connection| {
            let listed_in = match index.partition {
                Some(_) => listed!(
                    "(SELECT *, own_ranks ->> ?2 AS rank FROM documents WHERE partition = ?1) \
                     WHERE rank IS NOT NULL"
                ),
                // SQLite compares the row values `(rank, partition, kind, id)` from left to right.
                // The entries after a position are therefore one range of the primary key, so no
                // sorting is needed.
                None => listed!(
                    "shop_entries CROSS JOIN documents USING (partition, kind, id) WHERE ?1 IS NULL AND name = ?2"
                ),
            };
            let mut list = connection.prepare_cached(listed_in)?;
            let (rank, partition, kind, id) = columns::behind(after);
            let of = index.partition.as_ref().map(Partition::as_bytes);
            let parameters = params![of, index.name.as_str(), rank, partition, kind, id, limit_of(limit)];
            list.query_map(parameters, listed)?.collect()
        };
        self.0.readers.read(list).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let sweep = move |connection: &Connection| {
            let parameters = params![micros::from_time(until), limit_of(limit)];
            // The two statements of this sweep select the same documents, because no other write
            // runs between them.
            let mut entries = connection.prepare_cached(concat!(
                "DELETE FROM shop_entries WHERE (name, rank, partition, kind, id) IN \
                 (SELECT entry.key, entry.value, partition, kind, due.id FROM (",
                documents_due!("partition, kind, id, shop_ranks"),
                ") AS due CROSS JOIN json_each(shop_ranks) AS entry)"
            ))?;
            entries.execute(parameters)?;
            let mut documents = connection.prepare_cached(concat!(
                "DELETE FROM documents WHERE arrival IN (",
                documents_due!("arrival"),
                ")"
            ))?;
            documents.execute(parameters)
        };
        self.0.writer.write(sweep).await
    }
}

/// Loads the documents with one statement, so that they are one consistent snapshot.
fn load<'a>(
    connection: &Connection,
    partition: &Partition,
    keys: impl IntoIterator<Item = &'a Key>,
) -> rusqlite::Result<Vec<Option<Document>>> {
    let (mut selects, mut documents) = (Vec::new(), Vec::new());
    let mut parameters = vec![ToSqlOutput::from(&partition.as_bytes()[..])];
    for (place, key) in keys.into_iter().enumerate() {
        parameters.extend([ToSqlOutput::from(key.kind.as_str()), ToSqlOutput::from(&key.id.as_bytes()[..])]);
        let id = parameters.len();
        let kind = id - 1;
        selects.push(format!(
            "SELECT {place}, version, bytes FROM documents WHERE partition = ?1 AND kind = ?{kind} AND id = ?{id}"
        ));
        documents.push(None);
    }
    if documents.is_empty() {
        return Ok(documents);
    }
    let mut load = connection.prepare_cached(&selects.join(" UNION ALL "))?;
    let mut rows = load.query(params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        let place = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
        if let Some(found) = documents.get_mut(place) {
            *found = Some(document(row, 1)?);
        }
    }
    Ok(documents)
}

/// The columns of a stored document that a commit must know to replace or delete the document.
struct Present {
    arrival: i64,
    /// The document's ranks in indexes of the whole shop, as a JSON object.
    shop_ranks: Option<String>,
}

fn commit(
    connection: &Connection,
    partition: &Partition,
    changes: &Changes,
) -> rusqlite::Result<CommitOutcome> {
    let mut present = Vec::with_capacity(changes.len());
    let mut find = connection.prepare_cached(
        "SELECT version, arrival, shop_ranks FROM documents WHERE partition = ?1 AND kind = ?2 AND id = ?3",
    )?;
    for change in changes.iter() {
        let key = change.key();
        let key = params![partition.as_bytes(), key.kind.as_str(), key.id.as_bytes()];
        let read = |row: &Row<'_>| {
            Ok((row.get::<_, [u8; 16]>(0)?, Present { arrival: row.get(1)?, shop_ranks: row.get(2)? }))
        };
        let (version, found) = find.query_row(key, read).optional()?.unzip();
        if version.as_ref() != change.expects().as_ref().map(Version::as_bytes) {
            return load(connection, partition, changes.iter().map(Change::key)).map(CommitOutcome::Conflict);
        }
        present.push(found);
    }
    for (change, present) in changes.iter().zip(present) {
        if matches!(change, Change::Check { .. }) {
            continue;
        }
        if let Some(Present { shop_ranks: Some(ranks), .. }) = &present {
            remove_entries(connection, partition, change.key(), ranks)?;
        }
        match (change, present) {
            (Change::Put(put), present) => replace(connection, partition, put, present.as_ref())?,
            (_, Some(Present { arrival, .. })) => {
                connection.prepare_cached("DELETE FROM documents WHERE arrival = ?1")?.execute([arrival])?;
            }
            (_, None) => {}
        }
    }
    Ok(CommitOutcome::Committed)
}

fn replace(
    connection: &Connection,
    partition: &Partition,
    put: &Put,
    present: Option<&Present>,
) -> rusqlite::Result<()> {
    let (kind, id) = (put.key.kind.as_str(), put.key.id.as_bytes());
    let (version, keep_until) = (put.version.as_bytes(), put.keep_until.map(micros::from_time));
    let (own_ranks, shop_ranks) = (ranks(put, false), ranks(put, true));
    if let Some(Present { arrival, .. }) = present {
        let mut update = connection.prepare_cached(
            "UPDATE documents SET version = ?2, keep_until = ?3, own_ranks = ?4, shop_ranks = ?5, bytes = ?6 \
             WHERE arrival = ?1",
        )?;
        update.execute(params![arrival, version, keep_until, own_ranks, shop_ranks, put.bytes])?;
    } else {
        let mut insert = connection.prepare_cached(
            "INSERT INTO documents (partition, kind, id, version, keep_until, own_ranks, shop_ranks, bytes) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let partition = partition.as_bytes();
        insert
            .execute(params![partition, kind, id, version, keep_until, own_ranks, shop_ranks, put.bytes])?;
    }
    for entry in put.index.iter().filter(|entry| entry.shop_wide) {
        let mut insert = connection.prepare_cached("INSERT INTO shop_entries VALUES (?1, ?2, ?3, ?4, ?5)")?;
        insert.execute(params![entry.name.as_str(), entry.rank, partition.as_bytes(), kind, id])?;
    }
    Ok(())
}

/// Returns the ranks of a document as a JSON object. If `shop_wide` is true, then these are the
/// ranks in indexes of the whole shop. Otherwise these are the ranks in indexes of the document's
/// partition. None if the document has no such ranks.
fn ranks(put: &Put, shop_wide: bool) -> Option<String> {
    let entries = put.index.iter().filter(|entry| entry.shop_wide == shop_wide);
    let ranks: serde_json::Map<_, _> =
        entries.map(|entry| (entry.name.to_string(), entry.rank.into())).collect();
    (!ranks.is_empty()).then(|| serde_json::Value::Object(ranks).to_string())
}

fn remove_entries(
    connection: &Connection,
    partition: &Partition,
    key: &Key,
    shop_ranks: &str,
) -> rusqlite::Result<()> {
    let mut remove = connection.prepare_cached(
        "DELETE FROM shop_entries WHERE (name, rank, partition, kind, id) IN \
         (SELECT key, value, ?1, ?2, ?3 FROM json_each(?4))",
    )?;
    let key = params![partition.as_bytes(), key.kind.as_str(), key.id.as_bytes(), shop_ranks];
    remove.execute(key).map(drop)
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let (partition, id) = (row.get_ref(1)?.as_blob()?, row.get_ref(3)?.as_blob()?);
    let position = columns::place(row.get(0)?, partition, row.get_ref(2)?.as_str()?, id)?;
    Ok(Listed { position, document: document(row, 4)? })
}

/// Reads a document from two columns of a database row. `column` is the index of the column that
/// holds the version. The next column holds the bytes.
fn document(row: &Row<'_>, column: usize) -> rusqlite::Result<Document> {
    Ok(columns::document(row.get_ref(column)?.as_blob()?, row.get_ref(column + 1)?.as_blob()?)?)
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
