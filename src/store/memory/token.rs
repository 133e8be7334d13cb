use std::{
    cmp::Reverse,
    collections::HashMap,
    num::NonZero,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{
    MemoryStore,
    grant_map::GrantMap,
    row::{Key, Row, Websites},
    shards::Shards,
    subjects::{Details, Subjects},
    user_agents::UserAgents,
};
use crate::{
    clock::micros,
    error::StoreError,
    store::{Generation, GenerationId, Insert, TokenStore},
    token::{Grant, GrantId, Origin, Subject},
};

/// The tables of tokens: the rows of the grants, and an index of the grants of each subject.
///
/// A revoke of all tokens of a subject removes the rows of the subject's grants. A look-up of a
/// grant therefore reads only the grant's row, and not the subject's generation. To avoid
/// deadlocks, all threads take the lock of the subject's shard first. Then they take one lock at a
/// time: of the shop's generation, of a row's shard or of a user agent's shard.
#[derive(Debug, Default)]
pub(super) struct TokenTables {
    rows: Shards<Rows>,
    subjects: Shards<Subjects>,
    user_agents: UserAgents,
    shop: RwLock<Option<GenerationId>>,
    /// The epoch: how many times the shop's generation was replaced. The epoch changes only while
    /// the lock of `shop` is held. A look-up reads the epoch without this lock.
    epoch: AtomicU64,
}

/// A shard of the rows.
#[derive(Default)]
struct Rows {
    /// The epoch of all rows in the shard. If it is not the epoch of the tables, then no row is
    /// live.
    epoch: u64,
    grants: GrantMap,
    websites: Websites,
    /// The barred ids, each with the time at which its bar ends. [`TokenStore::revoke`] bars an id.
    barred: HashMap<GrantId, OffsetDateTime>,
    /// Number of insertions before the next sweep of the shard.
    until_sweep: usize,
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        let tokens = &self.tokens;
        let subjects = tokens.subjects.read(tokens.subjects.index_of(subject));
        let subject = subjects.generations.get(subject).copied();
        Ok(Generation { shop: tokens.shop_or(fresh), subject })
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let tokens = &self.tokens;
        let key = Key::of(&grant.id);
        let sweep;
        {
            let hash = tokens.subjects.hash_of(&grant.subject);
            let mut subjects = tokens.subjects.write(Shards::<Subjects>::index_of_hash(hash));
            let (shop, epoch) = tokens.shop();
            let subject = subjects.generations.get(&grant.subject).copied();
            if (shop, subject) != (Some(generation.shop), generation.subject) {
                return Ok(Insert::Revoked);
            }
            let mut rows = tokens.rows.write(key.shard());
            if rows.barred.get(&grant.id).is_some_and(|until| now < *until) {
                return Ok(Insert::Barred);
            }
            if rows.epoch > epoch {
                // `revoke_everything` has replaced the shop's generation since the lines above.
                return Ok(Insert::Revoked);
            }
            if rows.epoch < epoch {
                rows.epoch = epoch;
                rows.grants = GrantMap::default();
            }
            if rows.grants.get(key).is_some() {
                return Ok(Insert::Collision);
            }
            let row = Row::pack(grant, &mut rows.websites);
            rows.grants.insert(row);
            rows.until_sweep = rows.until_sweep.saturating_sub(1);
            sweep = rows.until_sweep == 0;
            drop(rows);
            subjects.renew(epoch);
            subjects.insert(hash, grant.id, Details::of(grant, origin, &tokens.user_agents));
            if subjects.of(hash).count() > cap.get() {
                tokens.evict(&mut subjects, (hash, &grant.subject), key, cap, micros::from_time(now));
            }
        }
        if sweep {
            tokens.sweep(key.shard(), now, TokenTables::SWEEP);
        }
        Ok(Insert::Stored)
    }

    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let tokens = &self.tokens;
        let key = Key::of(id);
        let rows = tokens.rows.read(key.shard());
        let row = rows.grants.get(key).filter(|row| tokens.is_live(&rows, row, micros::from_time(now)));
        let Some(row) = row else { return Ok(None) };
        if row.is_assisted {
            let subject = row.subject();
            drop(rows);
            return Ok(tokens.find_assisted(&subject, id, now));
        }
        Ok(Some(row.unpack(*id, None, &rows.websites)))
    }

    async fn revoke(
        &self,
        id: &GrantId,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let tokens = &self.tokens;
        let key = Key::of(id);
        let (subject, was_live) = {
            let mut rows = tokens.rows.write(key.shard());
            if now < bar_until {
                let until = rows.barred.entry(*id).or_insert(bar_until);
                *until = bar_until.max(*until);
            }
            let Some(row) = rows.grants.remove(key) else { return Ok(false) };
            (row.subject(), tokens.is_live(&rows, &row, micros::from_time(now)))
        };
        tokens.forget(&subject, key);
        Ok(was_live)
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        let tokens = &self.tokens;
        let hash = tokens.subjects.hash_of(subject);
        let mut subjects = tokens.subjects.write(Shards::<Subjects>::index_of_hash(hash));
        subjects.generations.insert(subject.clone(), fresh);
        let generation = Generation { shop: tokens.shop_or(fresh), subject: Some(fresh) };
        let keep = keep.map(Key::of);
        let keys: Vec<_> = tokens.held(&subjects, hash, subject, |_, row, _, _| row.key).collect();
        for key in keys.into_iter().filter(|key| Some(*key) != keep) {
            tokens.remove(&mut subjects, hash, key);
        }
        Ok(generation)
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        let mut shop = self.tokens.write_shop();
        self.tokens.epoch.fetch_add(1, Ordering::AcqRel);
        Ok(*shop.insert(fresh))
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let tokens = &self.tokens;
        let hash = tokens.subjects.hash_of(subject);
        let subjects = tokens.subjects.read(Shards::<Subjects>::index_of_hash(hash));
        let unpacked = |rows: &Rows, row: &Row, id, details: Option<&Details>| {
            let grant = tokens.unpack_live(rows, row, id, details, now)?;
            Some((grant, details.map(Details::origin).unwrap_or_default()))
        };
        let mut listed: Vec<_> = tokens.held(&subjects, hash, subject, unpacked).flatten().collect();
        listed.sort_by_key(|(grant, _)| Reverse((grant.issued_micros, grant.id)));
        listed.truncate(limit);
        Ok(listed)
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let sweep = |removed, shard| removed + self.tokens.sweep(shard, now, limit - removed);
        Ok((0..=u8::MAX).fold(0, sweep))
    }
}

impl TokenTables {
    /// Maximum number of dead rows that the sweep of one insertion removes. A row is dead if its
    /// grant is not live.
    const SWEEP: usize = 64;

    fn is_live(&self, rows: &Rows, row: &Row, now: i64) -> bool {
        now < row.expires_at && rows.epoch == self.epoch.load(Ordering::Acquire)
    }

    /// Returns the shop's generation and its epoch.
    fn shop(&self) -> (Option<GenerationId>, u64) {
        let shop = self.read_shop();
        (*shop, self.epoch.load(Ordering::Acquire))
    }

    /// Returns the shop's generation. If there is none, stores `fresh` as the shop's generation
    /// first.
    fn shop_or(&self, fresh: GenerationId) -> GenerationId {
        let shop = *self.read_shop();
        shop.unwrap_or_else(|| *self.write_shop().get_or_insert(fresh))
    }

    fn read_shop(&self) -> RwLockReadGuard<'_, Option<GenerationId>> {
        self.shop.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_shop(&self) -> RwLockWriteGuard<'_, Option<GenerationId>> {
        self.shop.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the live grant of a subject with its assistance, which is in the index of subjects.
    /// The caller has read the subject in the grant's row. If the grant was revoked since then,
    /// returns `None`.
    fn find_assisted(&self, subject: &Subject, id: &GrantId, now: OffsetDateTime) -> Option<Grant> {
        let hash = self.subjects.hash_of(subject);
        let subjects = self.subjects.read(Shards::<Subjects>::index_of_hash(hash));
        self.read(subject, (id, subjects.details(hash, *id)), &|rows, row, id, details| {
            self.unpack_live(rows, row, id, details, now)
        })?
    }

    /// Builds a grant with its assistance from its row and its details, if it is live.
    fn unpack_live(
        &self,
        rows: &Rows,
        row: &Row,
        id: GrantId,
        details: Option<&Details>,
        now: OffsetDateTime,
    ) -> Option<Grant> {
        let live = self.is_live(rows, row, micros::from_time(now));
        live.then(|| row.unpack(id, details.and_then(Details::assistance), &rows.websites))
    }

    /// Calls `read` for the row, the id and the details of each grant of a subject, and returns the
    /// results.
    fn held<'a, T: 'a>(
        &'a self,
        subjects: &'a Subjects,
        hash: u64,
        subject: &'a Subject,
        read: impl Fn(&Rows, &Row, GrantId, Option<&Details>) -> T + 'a,
    ) -> impl Iterator<Item = T> + 'a {
        subjects.of(hash).filter_map(move |entry| self.read(subject, entry, &read))
    }

    /// Calls `read` for the row of an entry in the index, if the row belongs to the subject.
    fn read<T>(
        &self,
        subject: &Subject,
        (id, details): (&GrantId, Option<&Details>),
        read: &impl Fn(&Rows, &Row, GrantId, Option<&Details>) -> T,
    ) -> Option<T> {
        let key = Key::of(id);
        let rows = self.rows.read(key.shard());
        let row = rows.grants.get(key).filter(|row| row.subject() == *subject)?;
        Some(read(&rows, row, *id, details))
    }

    /// Removes the dead grants of a subject. If the subject then has more live grants than the cap,
    /// also removes the oldest live grants until the cap is kept, but not the grant that was just
    /// inserted. The caller holds the lock of the subject's shard, so no other insertion for this
    /// subject runs at the same time.
    fn evict(
        &self,
        subjects: &mut Subjects,
        (hash, subject): (u64, &Subject),
        inserted: Key,
        cap: NonZero<usize>,
        now: i64,
    ) {
        let age = |rows: &Rows, row: &Row, _, _: Option<&Details>| {
            (self.is_live(rows, row, now).then_some(row.issued_at), row.key)
        };
        let held = self.held(subjects, hash, subject, age).filter(|(_, key)| *key != inserted);
        let (mut live, dead): (Vec<_>, Vec<_>) = held.partition(|(issued_at, _)| issued_at.is_some());
        live.sort_unstable();
        live.truncate((live.len() + 1).saturating_sub(cap.get()));
        for (_, key) in live.into_iter().chain(dead) {
            self.remove(subjects, hash, key);
        }
    }

    /// Removes a row of a subject with this hash, and its entry in the index of subjects.
    fn remove(&self, subjects: &mut Subjects, hash: u64, key: Key) {
        self.rows.write(key.shard()).grants.remove(key);
        subjects.remove(hash, key);
    }

    /// Removes at most `limit` dead rows of one shard, and returns their number.
    fn sweep(&self, shard: u8, now: OffsetDateTime, limit: usize) -> usize {
        let dead: Vec<(Key, Subject)> = {
            let mut rows = self.rows.write(shard);
            rows.barred.retain(|_, until| now < *until);
            let is_dead = |row: &&Row| !self.is_live(&rows, row, micros::from_time(now));
            let dead = rows.grants.iter().filter(is_dead).take(limit);
            let dead: Vec<_> = dead.map(|row| (row.key, row.subject())).collect();
            for (key, _) in &dead {
                rows.grants.remove(*key);
            }
            rows.grants.shrink(Self::SWEEP);
            // The next sweep of the shard runs after half as many insertions as the shard has rows
            // (at least 64). If this sweep reached its limit, then more rows may be dead, so the
            // next insertion sweeps again.
            rows.until_sweep = if dead.len() == limit { 1 } else { Self::SWEEP.max(rows.grants.len() / 2) };
            dead
        };
        for (key, subject) in &dead {
            self.forget(subject, *key);
        }
        dead.len()
    }

    /// Removes the entry of a removed row from the index of subjects, unless the subject has a new
    /// row with the same key.
    fn forget(&self, subject: &Subject, key: Key) {
        let hash = self.subjects.hash_of(subject);
        let mut subjects = self.subjects.write(Shards::<Subjects>::index_of_hash(hash));
        let rows = self.rows.read(key.shard());
        if rows.grants.get(key).is_none_or(|row| row.subject() != *subject) {
            subjects.remove(hash, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pollster::block_on;

    use super::*;
    use crate::{
        account::{CustomerId, Website},
        token::Obtained,
    };

    fn grant(n: u64, lives: u64) -> Grant {
        let start = OffsetDateTime::UNIX_EPOCH;
        let customer = CustomerId::from(i64::try_from(n % 1000).unwrap());
        let id = GrantId::of(&n.to_le_bytes());
        let expires = start + Duration::from_secs(lives);
        Grant::customer(id, customer, Website::default(), Obtained::Password, start, expires)
    }

    const CAP: NonZero<usize> = NonZero::<usize>::MAX;

    fn first(store: &MemoryStore) -> Generation {
        block_on(store.generation(&grant(0, 0).subject, GenerationId::from_bytes([1; 16]))).unwrap()
    }

    fn rows(store: &MemoryStore) -> usize {
        (0..=u8::MAX).map(|shard| store.tokens.rows.read(shard).grants.len()).sum()
    }

    #[test]
    fn insertions_sweep_what_has_expired() {
        let store = MemoryStore::new();
        let start = OffsetDateTime::UNIX_EPOCH;
        let first = first(&store);
        for n in 0..200_000 {
            // A hundred grants a second, each for 100 s: 10,000 grants are live at a time.
            let now = start + Duration::from_secs(n / 100);
            let mut grant = grant(n, 0);
            grant.expires_micros = micros::from_time(now + Duration::from_secs(100));
            let inserted = block_on(store.insert(&grant, &Origin::default(), first, CAP, now));
            assert_eq!(inserted.unwrap(), Insert::Stored);
        }
        assert!(rows(&store) < 40_000, "{} rows are kept for 10,000 live ones", rows(&store));
        let held: usize = (0..=u8::MAX).map(|index| store.tokens.subjects.read(index).len()).sum();
        assert_eq!(held, rows(&store));
    }

    #[test]
    fn a_subject_that_holds_nothing_takes_no_room() {
        let store = MemoryStore::new();
        let start = OffsetDateTime::UNIX_EPOCH;
        let first = first(&store);
        for n in 0..1000 {
            let inserted = block_on(store.insert(&grant(n, 60), &Origin::default(), first, CAP, start));
            assert_eq!(inserted.unwrap(), Insert::Stored);
        }
        let end = start + Duration::from_secs(60);
        assert_eq!(block_on(store.purge_tokens(end, 400)).unwrap(), 400);
        assert_eq!(block_on(store.purge_tokens(end, usize::MAX)).unwrap(), 600);
        assert!((0..=u8::MAX).all(|index| store.tokens.subjects.read(index).len() == 0));
    }
}
