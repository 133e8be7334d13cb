use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{MemoryStore, shards::Shards};
use crate::{
    error::StoreError,
    store::{
        Change, Changes, CommitOutcome, Document, Index, IndexEntry, Key, Listed, Name, Partition, Position,
        Put, StateStore,
    },
};

/// Versioned documents, by partition.
#[derive(Debug)]
pub(super) struct State {
    shards: Shards<Table>,
    /// The indexes of the whole shop. If a thread needs both this lock and the lock of a shard,
    /// then it locks the shard first, so that threads cannot deadlock.
    shop: Mutex<Indexes>,
    /// Maximum number of expendable documents in a shard.
    capacity_per_shard: usize,
}

#[derive(Default)]
struct Table {
    partitions: HashMap<Partition, Owned>,
    documents: usize,
    expendable: usize,
    /// Number of documents that can still be created before the next sweep of the shard.
    until_sweep: usize,
    /// The time of the last sweep that ran because the shard was full. A full shard is swept at
    /// most once a second. Otherwise each commit would sweep it while an attack keeps it full.
    swept_full_at: Option<OffsetDateTime>,
}

/// The documents and the indexes of one partition.
#[derive(Default)]
struct Owned {
    documents: BTreeMap<Key, Stored>,
    indexes: Indexes,
}

/// Several indexes, by name. Each index is the ordered set of the positions of the documents that
/// the index lists.
#[derive(Debug, Default)]
struct Indexes(BTreeMap<Name, BTreeSet<Position>>);

struct Stored {
    document: Document,
    keep_until: Option<OffsetDateTime>,
    expendable: bool,
    index: Vec<IndexEntry>,
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        let shards = &self.state.shards;
        let table = shards.read(shards.index_of(partition));
        Ok(keys.iter().map(|key| table.document(partition, key)).collect())
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        let state = &self.state;
        let mut table = state.shards.write(state.shards.index_of(partition));
        let current: Vec<_> = changes.iter().map(|change| table.document(partition, change.key())).collect();
        let versions = current.iter().map(|document| document.as_ref().map(|document| document.version));
        if !versions.eq(changes.iter().map(Change::expects)) {
            return Ok(CommitOutcome::Conflict(current));
        }
        let creations = changes.iter().filter(|change| is_creation(change)).count();
        let expendable = changes.iter().filter(|change| is_expendable_creation(change)).count();
        state.make_room(&mut table, creations, expendable, now);
        if expendable > 0 && table.expendable + expendable > state.capacity_per_shard {
            return Ok(CommitOutcome::Full);
        }
        for change in changes.iter() {
            match change {
                Change::Put(put) => state.put(&mut table, partition, put),
                Change::Delete { key, .. } => state.remove(&mut table, partition, key),
                Change::Check { .. } => {}
            }
        }
        Ok(CommitOutcome::Committed)
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        Ok(match &index.partition {
            Some(partition) => self.state.list_own(partition, &index.name, after, limit),
            None => self.state.list_shop(&index.name, after, limit),
        })
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let state = &self.state;
        Ok((0..=u8::MAX).fold(0, |removed, index| {
            if removed == limit {
                return removed;
            }
            removed + state.sweep_table(&mut state.shards.write(index), until, limit - removed)
        }))
    }
}

impl State {
    /// Default maximum number of expendable documents. The counts of a locked account are in two
    /// documents, so this is enough for 250,000 accounts.
    const DOCUMENTS: usize = 2 * 250_000;
    /// Minimum time between the `keep_until` of a document and its removal without a call of
    /// `sweep`: 1 h. The rules of [`StateStore`] demand this time.
    const SLACK: Duration = Duration::from_secs(60 * 60);

    pub(super) fn with_capacity(expendable: usize) -> Self {
        let capacity_per_shard = expendable.div_ceil(Shards::<Table>::COUNT);
        Self { shards: Shards::default(), shop: Mutex::default(), capacity_per_shard }
    }

    fn list_own(
        &self,
        partition: &Partition,
        name: &Name,
        after: Option<&Position>,
        limit: usize,
    ) -> Vec<Listed> {
        let table = self.shards.read(self.shards.index_of(partition));
        let Some(owned) = table.partitions.get(partition) else { return Vec::new() };
        let positions = owned.indexes.behind(name, after).take(limit).cloned();
        positions.filter_map(|position| owned.listed(position)).collect()
    }

    fn list_shop(&self, name: &Name, after: Option<&Position>, limit: usize) -> Vec<Listed> {
        // A commit locks its shard first, and the indexes of the whole shop second. This function
        // needs the indexes first. To avoid a deadlock with a commit, it releases the lock of the
        // indexes before it locks a shard.
        let positions: Vec<_> = self.shop().behind(name, after).cloned().collect();
        let listed = positions.into_iter().filter_map(|position| {
            let table = self.shards.read(self.shards.index_of(&position.partition));
            let owned = table.partitions.get(&position.partition)?;
            let entry = IndexEntry { shop_wide: true, name: name.clone(), rank: position.rank };
            let carries = owned.documents.get(&position.key)?.index.contains(&entry);
            carries.then(|| owned.listed(position)).flatten()
        });
        listed.take(limit).collect()
    }

    fn put(&self, table: &mut Table, partition: &Partition, put: &Put) {
        self.remove(table, partition, &put.key);
        let owned = table.partitions.entry(*partition).or_default();
        for entry in &put.index {
            let position = Position { rank: entry.rank, partition: *partition, key: put.key.clone() };
            if entry.shop_wide {
                self.shop().insert(&entry.name, position);
            } else {
                owned.indexes.insert(&entry.name, position);
            }
        }
        let document = Document { version: put.version, bytes: put.bytes.clone() };
        let (keep_until, expendable, index) = (put.keep_until, put.expendable, put.index.clone());
        owned.documents.insert(put.key.clone(), Stored { document, keep_until, expendable, index });
        table.documents += 1;
        table.expendable += usize::from(expendable);
    }

    fn remove(&self, table: &mut Table, partition: &Partition, key: &Key) {
        let Some(owned) = table.partitions.get_mut(partition) else { return };
        let Some(stored) = owned.documents.remove(key) else { return };
        for entry in &stored.index {
            let position = Position { rank: entry.rank, partition: *partition, key: key.clone() };
            if entry.shop_wide {
                self.shop().remove(&entry.name, &position);
            } else {
                owned.indexes.remove(&entry.name, &position);
            }
        }
        if owned.documents.is_empty() {
            table.partitions.remove(partition);
        }
        table.documents -= 1;
        table.expendable -= usize::from(stored.expendable);
    }

    /// Makes room in a shard before documents are created in it. Sweeps the shard if it is full, or
    /// if as many documents were created since the last sweep as `until_sweep` allowed.
    fn make_room(&self, table: &mut Table, creations: usize, expendable: usize, now: OffsetDateTime) {
        table.until_sweep = table.until_sweep.saturating_sub(creations);
        let full = expendable > 0
            && table.expendable + expendable > self.capacity_per_shard
            && table.swept_full_at.is_none_or(|at| (now - at).unsigned_abs() >= Duration::from_secs(1));
        if full {
            table.swept_full_at = Some(now);
        }
        if full || (creations > 0 && table.until_sweep == 0) {
            let until = now.checked_sub(Self::SLACK.try_into().unwrap_or(time::Duration::MAX));
            if let Some(until) = until {
                self.sweep_table(table, until, usize::MAX);
            }
            // A sweep reads every document of the shard. The next sweep runs after half as many
            // creations as the shard has documents (at least 64). So on average, a creation adds a
            // constant cost for sweeps.
            table.until_sweep = 64.max(table.documents / 2);
        }
    }

    fn sweep_table(&self, table: &mut Table, until: OffsetDateTime, limit: usize) -> usize {
        let over = table.partitions.iter().flat_map(|(partition, owned)| {
            let over = |stored: &Stored| stored.keep_until.is_some_and(|keep_until| keep_until <= until);
            let keys = owned.documents.iter().filter(move |(_, stored)| over(stored)).map(|(key, _)| key);
            keys.map(|key| (*partition, key.clone()))
        });
        let over: Vec<_> = over.take(limit).collect();
        for (partition, key) in &over {
            self.remove(table, partition, key);
        }
        over.len()
    }

    fn shop(&self) -> MutexGuard<'_, Indexes> {
        self.shop.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for State {
    fn default() -> Self {
        Self::with_capacity(Self::DOCUMENTS)
    }
}

impl Table {
    fn document(&self, partition: &Partition, key: &Key) -> Option<Document> {
        Some(self.partitions.get(partition)?.documents.get(key)?.document.clone())
    }
}

impl Owned {
    fn listed(&self, position: Position) -> Option<Listed> {
        let document = self.documents.get(&position.key)?.document.clone();
        Some(Listed { position, document })
    }
}

impl Indexes {
    fn behind(&self, name: &Name, after: Option<&Position>) -> impl Iterator<Item = &Position> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.get(name).into_iter().flat_map(move |index| index.range((from, Bound::Unbounded)))
    }

    fn insert(&mut self, name: &Name, position: Position) {
        self.0.entry(name.clone()).or_default().insert(position);
    }

    fn remove(&mut self, name: &Name, position: &Position) {
        let Some(index) = self.0.get_mut(name) else { return };
        index.remove(position);
        if index.is_empty() {
            self.0.remove(name);
        }
    }
}

const fn is_creation(change: &Change) -> bool {
    matches!(change, Change::Put(put) if put.expects.is_none())
}

const fn is_expendable_creation(change: &Change) -> bool {
    matches!(change, Change::Put(put) if put.expects.is_none() && put.expendable)
}
