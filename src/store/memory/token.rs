use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    num::{NonZero, NonZeroU16},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{MemoryStore, grant_map::GrantMap, shards::Shards};
use crate::{
    account::Website,
    clock::micros,
    error::StoreError,
    store::{Generation, GenerationId, Insert, TokenStore},
    token::{Assistance, Grant, GrantId, Obtained, Origin, Subject},
};

/// The tables of tokens: the grants by id, and the ids of the grants of each subject.
///
/// A revoke of all tokens of a subject removes the rows of the subject's grants. A look-up of a
/// grant therefore reads only the grant's row, and not the subject's generation. To avoid
/// deadlocks, all threads take locks in this order: first the lock of the subject's shard, second
/// the lock of the shop's generation or of a grant's shard.
#[derive(Debug, Default)]
pub(super) struct TokenTables {
    rows: Shards<Rows>,
    subjects: Shards<HashMap<Subject, SubjectRow>>,
    /// The shop's generation. The row of a grant does not hold this generation, but the epoch,
    /// because the epoch is shorter.
    shop: RwLock<Option<GenerationId>>,
    /// The epoch: how many times the shop's generation was replaced. The epoch changes only while
    /// the lock of `shop` is held. A look-up reads the epoch without this lock.
    epoch: AtomicU64,
}

#[derive(Default)]
struct Rows {
    grants: GrantMap<Row>,
    /// The barred ids, each with the time at which its bar ends. [`TokenStore::revoke`] bars an id.
    barred: HashMap<GrantId, OffsetDateTime>,
    /// The websites of the grants in the shard. The row of a grant holds the index of the website
    /// in this list, plus one.
    websites: Vec<Website>,
    /// Number of insertions before the next sweep of the shard.
    until_sweep: usize,
}

/// A grant without its id, packed into few bytes. A million rows do not fit into the processor's
/// cache, so a look-up must read the row from main memory. A short row has fewer cache lines to
/// read. Times are in microseconds since 1970.
struct Row {
    subject: Subject,
    issued_at: i64,
    expires_at: i64,
    assistance: Option<Arc<Assistance>>,
    origin: Option<Box<Origin>>,
    /// The epoch at the time when the grant was stored. From 2^32 on, an epoch does not fit into
    /// this field. The row then has a lower value than the current epoch, so its grant is not live.
    epoch: u32,
    website: Option<NonZeroU16>,
    obtained: Obtained,
}

#[derive(Default)]
struct SubjectRow {
    /// The subject's own generation. The generation is never removed. A sign-in that read an
    /// earlier generation may still be in progress, and the store must refuse its grant.
    generation: Option<GenerationId>,
    grants: Vec<GrantId>,
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        let tokens = &self.tokens;
        let subjects = tokens.subjects.read(tokens.subjects.index_of(subject));
        let subject = subjects.get(subject).and_then(|row| row.generation);
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
        let index = Shards::<Rows>::index_of_grant(&grant.id);
        let sweep;
        {
            let mut subjects = tokens.subjects.write(tokens.subjects.index_of(&grant.subject));
            let (shop, epoch) = tokens.shop();
            let subject = subjects.get(&grant.subject).and_then(|row| row.generation);
            if (shop, subject) != (Some(generation.shop), generation.subject) {
                return Ok(Insert::Revoked);
            }
            let mut rows = tokens.rows.write(index);
            if rows.barred.get(&grant.id).is_some_and(|until| now < *until) {
                return Ok(Insert::Barred);
            }
            if rows.grants.get(&grant.id).is_some() {
                return Ok(Insert::Collision);
            }
            // If `revoke_everything` replaces the shop's generation between this line and the
            // insertion of the row, then the row holds the earlier epoch. So the grant of the row
            // is not live.
            let row = rows.pack(grant, origin, epoch);
            let held = &mut subjects.entry(grant.subject.clone()).or_default().grants;
            if held.len() == held.capacity() {
                // Most customers hold one or two grants. `push` would reserve room for four grants,
                // and this room would be most of the memory for such a customer.
                held.reserve_exact(held.len().max(1));
            }
            held.push(grant.id);
            rows.grants.insert(grant.id, row);
            rows.until_sweep = rows.until_sweep.saturating_sub(1);
            sweep = rows.until_sweep == 0;
            drop(rows);
            if held.len() > cap.get() {
                tokens.evict(held, &grant.id, cap, micros::from_time(now));
            }
        }
        if sweep {
            tokens.sweep(index, now, TokenTables::SWEEP);
        }
        Ok(Insert::Stored)
    }

    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let tokens = &self.tokens;
        let rows = tokens.rows.read(Shards::<Rows>::index_of_grant(id));
        let row = rows.grants.get(id).filter(|row| tokens.is_live(row, micros::from_time(now)));
        Ok(row.map(|row| rows.unpack(*id, row)))
    }

    async fn revoke(
        &self,
        id: &GrantId,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let tokens = &self.tokens;
        if now < bar_until {
            let mut rows = tokens.rows.write(Shards::<Rows>::index_of_grant(id));
            let until = rows.barred.entry(*id).or_insert(bar_until);
            *until = bar_until.max(*until);
        }
        let row = tokens.remove_if(id, |_| true);
        Ok(row.is_some_and(|row| tokens.is_live(&row, micros::from_time(now))))
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        let tokens = &self.tokens;
        let mut subjects = tokens.subjects.write(tokens.subjects.index_of(subject));
        let row = subjects.entry(subject.clone()).or_default();
        row.generation = Some(fresh);
        let generation = Generation { shop: tokens.shop_or(fresh), subject: Some(fresh) };
        row.grants.retain(|id| {
            let kept = Some(id) == keep;
            if !kept {
                tokens.rows.write(Shards::<Rows>::index_of_grant(id)).grants.remove(id);
            }
            kept
        });
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
        let subjects = tokens.subjects.read(tokens.subjects.index_of(subject));
        let held = subjects.get(subject).map(|row| row.grants.as_slice()).unwrap_or_default();
        let mut listed: Vec<_> = held
            .iter()
            .filter_map(|id| {
                let rows = tokens.rows.read(Shards::<Rows>::index_of_grant(id));
                let row = rows.grants.get(id).filter(|row| tokens.is_live(row, micros::from_time(now)))?;
                Some((rows.unpack(*id, row), row.origin.as_deref().cloned().unwrap_or_default()))
            })
            .collect();
        listed.sort_by_key(|(grant, _)| Reverse((grant.issued_at, grant.id)));
        listed.truncate(limit);
        Ok(listed)
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let sweep = |removed, index| removed + self.tokens.sweep(index, now, limit - removed);
        Ok((0..=u8::MAX).fold(0, sweep))
    }
}

impl TokenTables {
    /// Maximum number of dead rows that the sweep of one insertion removes. A row is dead if its
    /// grant is not live.
    const SWEEP: usize = 64;

    fn is_live(&self, row: &Row, now: i64) -> bool {
        now < row.expires_at && u64::from(row.epoch) == self.epoch.load(Ordering::Acquire)
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

    /// Removes the dead grants of a subject. If the subject then has more live grants than the cap,
    /// also removes the oldest live grants until the cap is kept, but not the grant that was just
    /// inserted. The caller holds the lock of the subject's shard, so no other insertion for this
    /// subject runs at the same time.
    fn evict(&self, held: &mut Vec<GrantId>, inserted: &GrantId, cap: NonZero<usize>, now: i64) {
        let (mut live, mut gone) = (Vec::new(), HashSet::new());
        for id in held.iter().filter(|id| *id != inserted) {
            let rows = self.rows.read(Shards::<Rows>::index_of_grant(id));
            match rows.grants.get(id).filter(|row| self.is_live(row, now)) {
                Some(row) => live.push((row.issued_at, *id)),
                None => drop(gone.insert(*id)),
            }
        }
        live.sort_unstable();
        live.truncate((live.len() + 1).saturating_sub(cap.get()));
        gone.extend(live.into_iter().map(|(_, id)| id));
        for id in &gone {
            self.rows.write(Shards::<Rows>::index_of_grant(id)).grants.remove(id);
        }
        held.retain(|id| !gone.contains(id));
    }

    /// Removes at most `limit` dead rows of one shard, and returns their number.
    fn sweep(&self, index: u8, now: OffsetDateTime, limit: usize) -> usize {
        let dead: Vec<GrantId> = {
            let mut rows = self.rows.write(index);
            rows.barred.retain(|_, until| now < *until);
            let dead = rows.grants.iter().filter(|(_, row)| !self.is_live(row, micros::from_time(now)));
            let dead: Vec<_> = dead.map(|(id, _)| *id).take(limit).collect();
            // The next sweep of the shard runs after half as many insertions as the shard has rows
            // (at least 64). If this sweep reached its limit, then more rows may be dead, so the
            // next insertion sweeps again.
            rows.until_sweep = if dead.len() == limit { 1 } else { Self::SWEEP.max(rows.grants.len() / 2) };
            dead
        };
        let removed = dead
            .iter()
            .filter_map(|id| self.remove_if(id, |row| !self.is_live(row, micros::from_time(now))))
            .count();
        if removed > 0 {
            self.rows.write(index).grants.shrink(Self::SWEEP);
        }
        removed
    }

    /// Removes a row if the condition holds, and removes its id from the subject's list.
    fn remove_if(&self, id: &GrantId, condition: impl Fn(&Row) -> bool) -> Option<Row> {
        let index = Shards::<Rows>::index_of_grant(id);
        let subject = self.rows.read(index).grants.get(id)?.subject.clone();
        let mut subjects = self.subjects.write(self.subjects.index_of(&subject));
        let mut rows = self.rows.write(index);
        if !condition(rows.grants.get(id)?) {
            return None;
        }
        let row = rows.grants.remove(id)?;
        if let Some(held) = subjects.get_mut(&row.subject) {
            held.grants.retain(|other| other != id);
            if held.grants.is_empty() && held.generation.is_none() {
                subjects.remove(&row.subject);
            }
        }
        Some(row)
    }
}

impl Rows {
    fn pack(&mut self, grant: &Grant, origin: &Origin, epoch: u64) -> Row {
        let website = grant.website.as_ref().and_then(|website| {
            let place = self.websites.iter().position(|other| other == website).unwrap_or_else(|| {
                self.websites.push(website.clone());
                self.websites.len() - 1
            });
            // The row has room for 65,535 websites of a shard. If the shard has more websites, then
            // the row of a grant for a further website holds no website. No website accepts the
            // token of this grant.
            u16::try_from(place + 1).ok().and_then(NonZeroU16::new)
        });
        Row {
            subject: grant.subject.clone(),
            issued_at: micros::from_time(grant.issued_at),
            expires_at: micros::from_time(grant.expires_at),
            epoch: u32::try_from(epoch).unwrap_or(u32::MAX),
            assistance: grant.assistance.clone(),
            origin: (*origin != Origin::default()).then(|| Box::new(origin.clone())),
            website,
            obtained: grant.obtained,
        }
    }

    /// Builds a grant from its row. The function is inlined, so that a look-up does not copy the
    /// grant in memory once more.
    #[inline(always)]
    fn unpack(&self, id: GrantId, row: &Row) -> Grant {
        Grant {
            id,
            subject: row.subject.clone(),
            website: row.website.and_then(|place| self.websites.get(usize::from(place.get()) - 1).cloned()),
            obtained: row.obtained,
            assistance: row.assistance.clone(),
            issued_at: micros::to_time(row.issued_at),
            expires_at: micros::to_time(row.expires_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pollster::block_on;

    use super::*;
    use crate::account::CustomerId;

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
        (0..=u8::MAX).map(|index| store.tokens.rows.read(index).grants.len()).sum()
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
            grant.expires_at = now + Duration::from_secs(100);
            let inserted = block_on(store.insert(&grant, &Origin::default(), first, CAP, now));
            assert_eq!(inserted.unwrap(), Insert::Stored);
        }
        assert!(rows(&store) < 40_000, "{} rows are kept for 10,000 live ones", rows(&store));
        let held: usize = (0..=u8::MAX)
            .map(|index| {
                store.tokens.subjects.read(index).values().map(|row| row.grants.len()).sum::<usize>()
            })
            .sum();
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
        assert!((0..=u8::MAX).all(|index| store.tokens.subjects.read(index).is_empty()));
    }
}
