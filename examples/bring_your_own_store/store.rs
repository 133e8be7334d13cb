//! A complete backend on [redb](https://www.redb.org), an embedded key-value store in one file.
//!
//! Each verb is one transaction. redb runs one writing transaction at a time and makes it durable
//! before `commit` returns. So a comparison and the change that depends on it are one atomic step.

use std::{error::Error, num::NonZero, ops::Bound, path::Path, sync::Arc};

use commerce_auth::{
    Origin, StateStore, TokenStore, async_trait,
    error::StoreError,
    store::{
        Change, Changes, CommitOutcome, Document, DocumentId, Generation, GenerationId, Index, Insert, Key,
        Listed, Partition, Position, Version,
    },
    token::{Grant, GrantId, Subject},
};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use time::OffsetDateTime as Time;
use tokio::task::block_in_place;

type Result<T> = std::result::Result<T, StoreError>;
type Outcome<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A store in one file. Clones share it.
#[derive(Clone, Debug)]
pub struct RedbStore(Arc<Database>);

impl RedbStore {
    /// Opens the file, or creates it. Only one process at a time can have a redb file open.
    pub fn open(path: &Path) -> Result<Self> {
        let store = Self(Arc::new(Database::create(path).map_err(StoreError::new)?));
        // Opening a table in a writing transaction creates it.
        store.write(|tx| {
            tx.open_table(GRANTS)?;
            tx.open_table(IDS)?;
            tx.open_table(BARS)?;
            tx.open_table(GENERATIONS)?;
            tx.open_table(DOCUMENTS)?;
            tx.open_table(ENTRIES)?;
            Ok(())
        })?;
        Ok(store)
    }

    /// Runs a transaction. A transaction that fails changes nothing. This call blocks, so tokio
    /// moves other tasks to other threads.
    fn write<T>(&self, work: impl FnOnce(&WriteTransaction) -> Outcome<T>) -> Result<T> {
        block_in_place(|| {
            let tx = self.0.begin_write()?;
            let answer = work(&tx)?;
            tx.commit()?;
            Outcome::Ok(answer)
        })
        .map_err(StoreError::new)
    }

    /// Reads the database in the state of one moment.
    fn read<T>(&self, work: impl FnOnce(&ReadTransaction) -> Outcome<T>) -> Result<T> {
        block_in_place(|| work(&self.0.begin_read()?)).map_err(StoreError::new)
    }
}

fn nanos(time: Time) -> i128 {
    time.unix_timestamp_nanos()
}

// ---- Tokens -------------------------------------------------------------------------------------------------

/// The key of a grant, ordered within its subject: subject, `issued_at`, id.
type Issued<'a> = (&'a str, i128, &'a [u8; 32]);

/// Grants with their origins, as JSON.
const GRANTS: TableDefinition<Issued<'static>, &[u8]> = TableDefinition::new("grants");
/// The subject and `issued_at` of each id that has a grant.
const IDS: TableDefinition<&[u8; 32], (&str, i128)> = TableDefinition::new("ids");
/// The end of the bar on an id.
const BARS: TableDefinition<&[u8; 32], i128> = TableDefinition::new("bars");
/// The generation of the [`SHOP`], and of each subject that has one.
const GENERATIONS: TableDefinition<&str, &[u8; 16]> = TableDefinition::new("generations");
/// No subject has this name, because the names of subjects are like `customer:7`.
const SHOP: &str = "shop";

fn decode(json: &[u8]) -> Outcome<(Grant, Origin)> {
    // The error of serde_json may contain the stored text, which would then reach logs.
    serde_json::from_slice(json).map_err(|_| "a stored grant is not readable".into())
}

/// Returns the grants of a subject, the newest first. Of grants with equal times, the largest
/// id comes first.
fn issued(
    grants: &impl ReadableTable<Issued<'static>, &'static [u8]>,
    subject: &Subject,
) -> Outcome<Vec<(Grant, Origin)>> {
    let subject = subject.to_string();
    let own = (&*subject, i128::MIN, &[0; 32])..=(&*subject, i128::MAX, &[255; 32]);
    grants.range::<Issued<'_>>(own)?.rev().map(|row| decode(row?.1.value())).collect()
}

fn remove(tx: &WriteTransaction, id: &GrantId) -> Outcome<Option<Grant>> {
    let mut ids = tx.open_table(IDS)?;
    let Some(found) = ids.remove(id.as_bytes())? else { return Ok(None) };
    let (subject, issued_at) = found.value();
    let mut grants = tx.open_table(GRANTS)?;
    let json = grants.remove((subject, issued_at, id.as_bytes()))?;
    Ok(json.map(|json| decode(json.value())).transpose()?.map(|(grant, _)| grant))
}

fn generation(tx: &WriteTransaction, name: &str) -> Outcome<Option<GenerationId>> {
    Ok(tx.open_table(GENERATIONS)?.get(name)?.map(|found| GenerationId::from_bytes(*found.value())))
}

/// Returns the generation of a subject. A shop without a generation takes `fresh`.
fn begin(tx: &WriteTransaction, subject: &Subject, fresh: GenerationId) -> Outcome<Generation> {
    let shop = generation(tx, SHOP)?;
    if shop.is_none() {
        tx.open_table(GENERATIONS)?.insert(SHOP, fresh.as_bytes())?;
    }
    Ok(Generation { shop: shop.unwrap_or(fresh), subject: generation(tx, &subject.to_string())? })
}

#[async_trait]
impl TokenStore for RedbStore {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation> {
        self.write(|tx| begin(tx, subject, fresh))
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        known: Generation,
        cap: NonZero<usize>,
        now: Time,
    ) -> Result<Insert> {
        let (subject, id) = (grant.subject.to_string(), grant.id.as_bytes());
        self.write(|tx| {
            // If the shop has no generation, it counts as changed.
            if (generation(tx, SHOP)?, generation(tx, &subject)?) != (Some(known.shop), known.subject) {
                return Ok(Insert::Revoked);
            }
            if tx.open_table(BARS)?.get(id)?.is_some_and(|until| nanos(now) < until.value()) {
                return Ok(Insert::Barred);
            }
            if tx.open_table(IDS)?.get(id)?.is_some() {
                return Ok(Insert::Collision);
            }
            // The oldest grants of the subject are removed until there is room for this one.
            let others = issued(&tx.open_table(GRANTS)?, &grant.subject)?;
            let live = others.iter().filter(|(other, _)| now < other.expires_at());
            for (other, _) in live.skip(cap.get() - 1) {
                remove(tx, &other.id)?;
            }
            let (issued_at, json) = (nanos(grant.issued_at()), serde_json::to_vec(&(grant, origin))?);
            tx.open_table(IDS)?.insert(id, (&*subject, issued_at))?;
            tx.open_table(GRANTS)?.insert((&*subject, issued_at, id), &*json)?;
            Ok(Insert::Stored)
        })
    }

    async fn find(&self, id: &GrantId, now: Time) -> Result<Option<Grant>> {
        self.read(|tx| {
            let Some(found) = tx.open_table(IDS)?.get(id.as_bytes())? else { return Ok(None) };
            let (subject, issued_at) = found.value();
            let json = tx.open_table(GRANTS)?.get((subject, issued_at, id.as_bytes()))?;
            let grant = json.map(|json| decode(json.value())).transpose()?.map(|(grant, _)| grant);
            Ok(grant.filter(|grant| now < grant.expires_at()))
        })
    }

    async fn revoke(&self, id: &GrantId, now: Time, bar_until: Time) -> Result<bool> {
        self.write(|tx| {
            let mut bars = tx.open_table(BARS)?;
            let earlier = bars.get(id.as_bytes())?.map_or(i128::MIN, |until| until.value());
            bars.insert(id.as_bytes(), earlier.max(nanos(bar_until)))?;
            Ok(remove(tx, id)?.is_some_and(|grant| now < grant.expires_at()))
        })
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        _now: Time,
    ) -> Result<Generation> {
        self.write(|tx| {
            let own = issued(&tx.open_table(GRANTS)?, subject)?;
            for (grant, _) in own.iter().filter(|(grant, _)| Some(&grant.id) != keep) {
                remove(tx, &grant.id)?;
            }
            tx.open_table(GENERATIONS)?.insert(&*subject.to_string(), fresh.as_bytes())?;
            begin(tx, subject, fresh)
        })
    }

    async fn revoke_everything(&self, fresh: GenerationId, _now: Time) -> Result<GenerationId> {
        self.write(|tx| {
            tx.delete_table(GRANTS)?;
            tx.delete_table(IDS)?;
            tx.open_table(GRANTS)?;
            tx.open_table(IDS)?;
            tx.open_table(GENERATIONS)?.insert(SHOP, fresh.as_bytes())?;
            Ok(fresh)
        })
    }

    async fn grants(&self, subject: &Subject, limit: usize, now: Time) -> Result<Vec<(Grant, Origin)>> {
        let mut own = self.read(|tx| issued(&tx.open_table(GRANTS)?, subject))?;
        own.retain(|(grant, _)| now < grant.expires_at());
        own.truncate(limit);
        Ok(own)
    }

    /// Reads every grant and bar. A large shop would need another table, in the order of their
    /// ends.
    async fn purge_tokens(&self, now: Time, limit: usize) -> Result<usize> {
        self.write(|tx| {
            let (mut grants, mut ids) = (tx.open_table(GRANTS)?, tx.open_table(IDS)?);
            let is_over = |json: &[u8]| decode(json).is_ok_and(|(grant, _)| grant.expires_at() <= now);
            let mut removed = 0;
            for row in grants.extract_if(|_, json| is_over(json))?.take(limit) {
                ids.remove(row?.0.value().2)?;
                removed += 1;
            }
            let mut bars = tx.open_table(BARS)?;
            let ended = bars.extract_if(|_, until| until <= nanos(now))?.take(limit - removed);
            Ok(removed + ended.collect::<redb::Result<Vec<_>, _>>()?.len())
        })
    }
}

// ---- Documents ----------------------------------------------------------------------------------------------

/// The key of a document: partition, kind, id.
type Place<'a> = (&'a [u8; 32], &'a str, &'a [u8; 32]);
/// A document: version, `keep_until`, index entries (partition or none, name, rank), bytes.
type Content<'a> = (&'a [u8; 16], Option<i128>, Vec<(Option<&'a [u8; 32]>, &'a str, i64)>, &'a [u8]);
/// The key of an index entry. The entries of one index are adjacent, in the order of their
/// positions.
type Entry<'a> = ((Option<&'a [u8; 32]>, &'a str, i64), Place<'a>);

const DOCUMENTS: TableDefinition<Place<'static>, Content<'static>> = TableDefinition::new("documents");
const ENTRIES: TableDefinition<Entry<'static>, ()> = TableDefinition::new("entries");

fn place<'a>(partition: &'a Partition, key: &'a Key) -> Place<'a> {
    (partition.as_bytes(), key.kind.as_str(), key.id.as_bytes())
}

fn document(
    documents: &impl ReadableTable<Place<'static>, Content<'static>>,
    place: Place<'_>,
) -> Outcome<Option<Document>> {
    let found = documents.get(place)?;
    Ok(found.map(|found| {
        let (version, _, _, bytes) = found.value();
        Document { version: Version::from_bytes(*version), bytes: bytes.to_vec() }
    }))
}

/// Removes a document and its index entries.
fn delete(tx: &WriteTransaction, place: Place<'_>) -> Outcome<()> {
    if let Some(found) = tx.open_table(DOCUMENTS)?.remove(place)? {
        for entry in found.value().2 {
            tx.open_table(ENTRIES)?.remove((entry, place))?;
        }
    }
    Ok(())
}

#[async_trait]
impl StateStore for RedbStore {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>> {
        self.read(|tx| {
            let documents = tx.open_table(DOCUMENTS)?;
            keys.iter().map(|key| document(&documents, place(partition, key))).collect()
        })
    }

    async fn commit(&self, partition: &Partition, changes: &Changes, _now: Time) -> Result<CommitOutcome> {
        self.write(|tx| {
            let mut current = Vec::new();
            for change in changes.iter() {
                current.push(document(&tx.open_table(DOCUMENTS)?, place(partition, change.key()))?);
            }
            let versions = current.iter().map(|found| found.as_ref().map(|found| found.version));
            if !versions.eq(changes.iter().map(Change::expects)) {
                return Ok(CommitOutcome::Conflict(current));
            }
            for change in changes.iter() {
                let place = place(partition, change.key());
                match change {
                    Change::Check { .. } => {}
                    Change::Delete { .. } => delete(tx, place)?,
                    Change::Put(put) => {
                        // The entries of the replaced document are removed, and the new ones are
                        // added.
                        delete(tx, place)?;
                        let mut index = Vec::new();
                        for entry in &put.index {
                            let of = (!entry.shop_wide).then_some(partition.as_bytes());
                            index.push((of, entry.name.as_str(), entry.rank));
                            tx.open_table(ENTRIES)?
                                .insert(((of, entry.name.as_str(), entry.rank), place), ())?;
                        }
                        let content = (put.version.as_bytes(), put.keep_until.map(nanos), index, &*put.bytes);
                        tx.open_table(DOCUMENTS)?.insert(place, content)?;
                    }
                }
            }
            Ok(CommitOutcome::Committed)
        })
    }

    async fn list(&self, index: &Index, after: Option<&Position>, limit: usize) -> Result<Vec<Listed>> {
        let (of, name) = (index.partition.as_ref().map(Partition::as_bytes), index.name.as_str());
        let first = Bound::Included(((of, name, i64::MIN), (&[0; 32], "", &[0; 32])));
        let from = after.map_or(first, |after| {
            Bound::Excluded(((of, name, after.rank), place(&after.partition, &after.key)))
        });
        self.read(|tx| {
            let (documents, mut found) = (tx.open_table(DOCUMENTS)?, Vec::new());
            for row in tx.open_table(ENTRIES)?.range::<Entry<'_>>((from, Bound::Unbounded))?.take(limit) {
                let (row, _) = row?;
                let ((listed_of, listed_as, rank), place) = row.value();
                if (listed_of, listed_as) != (of, name) {
                    break;
                }
                let (partition, kind, id) = place;
                let key = Key { kind: kind.parse()?, id: DocumentId::from_bytes(*id) };
                let position = Position { rank, partition: Partition::from_bytes(*partition), key };
                found.extend(document(&documents, place)?.map(|document| Listed { position, document }));
            }
            Ok(found)
        })
    }

    /// Reads every document: see [`purge_tokens`](TokenStore::purge_tokens).
    async fn sweep(&self, until: Time, limit: usize) -> Result<usize> {
        self.write(|tx| {
            let (mut documents, mut entries) = (tx.open_table(DOCUMENTS)?, tx.open_table(ENTRIES)?);
            let over = documents.extract_if(|_, content| content.1.is_some_and(|end| end <= nanos(until)))?;
            let mut removed = 0;
            for row in over.take(limit) {
                let (place, content) = row?;
                for entry in content.value().2 {
                    entries.remove((entry, place.value()))?;
                }
                removed += 1;
            }
            Ok(removed)
        })
    }
}
