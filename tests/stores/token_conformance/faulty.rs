//! A token store over plain maps, with one fault or none. Each verb takes the only lock once. A
//! fault "in two steps" takes it twice, and lets other threads run in between.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    io,
    num::NonZero,
    sync::{Mutex, MutexGuard},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use commerce_auth::{
    Origin, TokenStore, Website,
    error::StoreError,
    store::{Generation, GenerationId, Insert},
    token::{Grant, GrantId, Subject},
};
use time::OffsetDateTime;

use crate::token_conformance::fault::Fault;

type Result<T> = std::result::Result<T, StoreError>;

#[derive(Debug)]
pub(crate) struct Faulty {
    fault: Fault,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    grants: HashMap<GrantId, Row>,
    barred: HashMap<GrantId, OffsetDateTime>,
    generations: HashMap<Subject, GenerationId>,
    shop: Option<GenerationId>,
    /// The number of insertions so far.
    arrivals: usize,
    /// The time of the last revoke-all of each subject, for a store that decides by time.
    revoked_at: HashMap<Subject, OffsetDateTime>,
    /// The content of a cache. The number counts the reads since the grant was revoked.
    cache: HashMap<GrantId, (Grant, u32)>,
}

#[derive(Clone, Debug)]
struct Row {
    grant: Grant,
    origin: Origin,
    shop: GenerationId,
    arrival: usize,
}

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, tables: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn tables(&self) -> Result<MutexGuard<'_, Tables>> {
        if self.is(Fault::IsUnreachable) {
            return Err(StoreError::new(io::Error::from(io::ErrorKind::ConnectionRefused)));
        }
        Ok(self.tables.lock().unwrap())
    }

    /// Takes the lock again, after a wait that is as long as a fast engine takes to reply. Without
    /// the wait, a busy machine may run both steps of every round without an interruption.
    fn second_step(&self) -> Result<MutexGuard<'_, Tables>> {
        thread::sleep(Duration::from_micros(50));
        self.tables()
    }

    fn is_live(&self, tables: &Tables, row: &Row, now: OffsetDateTime) -> bool {
        let is_spared = self.is(Fault::SparesAdmins) && matches!(row.grant.subject, Subject::Admin(_));
        let is_of_the_shop = is_spared || self.is(Fault::ClearsThenRaises) || tables.shop == Some(row.shop);
        let end = row.grant.expires_at();
        is_of_the_shop && (now < end || self.is(Fault::ExpiresLate) && now == end)
    }

    fn own<'t>(&self, tables: &'t Tables, subject: &Subject) -> impl Iterator<Item = &'t Row> {
        let any = self.is(Fault::TakesPercentForAll) && subject.to_string() == "customer:%";
        tables.grants.values().filter(move |row| any || row.grant.subject == *subject)
    }

    fn name(&self, subject: &Subject) -> Subject {
        if self.is(Fault::SharesTheGeneration) { Subject::Customer(0.into()) } else { subject.clone() }
    }

    fn generation_of(&self, tables: &Tables, subject: &Subject) -> Option<GenerationId> {
        tables.generations.get(&self.name(subject)).copied()
    }

    fn begin(&self, tables: &mut Tables, subject: &Subject, fresh: GenerationId) -> Generation {
        let first = if self.is(Fault::DrawsItsOwn) { GenerationId::from_bytes([1; 16]) } else { fresh };
        let shop = *tables.shop.get_or_insert(first);
        Generation { shop, subject: self.generation_of(tables, subject) }
    }

    fn has_moved(&self, tables: &Tables, subject: &Subject, known: Generation) -> bool {
        let has_shop = match tables.shop {
            None => self.is(Fault::InsertsIntoNoShop),
            Some(shop) => shop == known.shop,
        };
        let takes_any = self.is(Fault::TakesNoneForAny) && known.subject.is_none();
        !has_shop || !takes_any && self.generation_of(tables, subject) != known.subject
    }

    /// Returns the other grants that end if this one is inserted.
    fn evicted(
        &self,
        tables: &Tables,
        grant: &Grant,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Vec<GrantId> {
        if tables.grants.len() < cap.get() {
            return Vec::new();
        }
        let counts = |row: &&Row| {
            let is_own = self.is(Fault::CountsEverybody) || row.grant.subject == grant.subject;
            let counts_dead = self.is(Fault::CountsTheExpired) && tables.shop == Some(row.shop);
            is_own && row.grant.id != grant.id && (counts_dead || self.is_live(tables, row, now))
        };
        let mut others: Vec<_> = tables.grants.values().filter(counts).cloned().collect();
        if self.is(Fault::EvictsTheInserted) {
            let (origin, arrival) = (Origin::default(), usize::MAX);
            let shop = tables.shop.unwrap_or(GenerationId::from_bytes([0; 16]));
            others.push(Row { grant: grant.clone(), origin, shop, arrival });
        }
        match self.fault {
            Fault::EvictsByArrival => {
                let first: HashMap<_, _> =
                    others.iter().map(|row| (row.grant.issued_at(), row.arrival)).collect();
                others.sort_by_key(|row| Reverse((first.get(&row.grant.issued_at()).copied(), row.grant.id)));
            }
            Fault::EndsTiesByArrival => {
                others.sort_by_key(|row| Reverse((row.grant.issued_at(), row.arrival)));
            }
            Fault::EvictsTheLargestId => {
                others.sort_by_key(|row| (Reverse(row.grant.issued_at()), row.grant.id));
            }
            _ => others.sort_by_key(|row| Reverse((row.grant.issued_at(), row.grant.id))),
        }
        let kept = if self.is(Fault::EvictsTheInserted) { cap.get() } else { cap.get() - 1 };
        others.into_iter().skip(kept).map(|row| row.grant.id).collect()
    }

    fn refusal(
        &self,
        tables: &Tables,
        grant: &Grant,
        known: Generation,
        now: OffsetDateTime,
    ) -> Option<Insert> {
        let revoked_at = tables.revoked_at.get(&grant.subject);
        if self.has_moved(tables, &grant.subject, known)
            || self.is(Fault::RefusesTheSameInstant) && revoked_at.is_some_and(|at| now <= *at)
        {
            return Some(Insert::Revoked);
        }
        if tables.barred.get(&grant.id).is_some_and(|until| now < *until) {
            return Some(Insert::Barred);
        }
        tables.grants.contains_key(&grant.id).then_some(Insert::Collision)
    }

    fn store(&self, tables: &mut Tables, grant: &Grant, origin: &Origin, shop: GenerationId) {
        let mut origin = origin.clone();
        if self.is(Fault::LosesTheCorrelationId) {
            origin.correlation_id = None;
        }
        tables.arrivals += 1;
        let row = Row { grant: grant.clone(), origin, shop, arrival: tables.arrivals };
        tables.grants.insert(grant.id, row);
    }
}

#[async_trait]
impl TokenStore for Faulty {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation> {
        if self.is(Fault::BeginsInTwoSteps) && self.tables()?.shop.is_none() {
            // This happens once in the life of a shop, so a thread must pause for it to show.
            thread::sleep(Duration::from_millis(5));
            self.tables()?.shop = Some(fresh);
        }
        Ok(self.begin(&mut *self.tables()?, subject, fresh))
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert> {
        let mut tables = self.tables()?;
        if self.is(Fault::EvictsFirst) {
            for other in self.evicted(&tables, grant, cap, now) {
                tables.grants.remove(&other);
            }
        }
        if let Some(refusal) = self.refusal(&tables, grant, generation, now) {
            if self.is(Fault::Overwrites) && refusal == Insert::Collision {
                self.store(&mut tables, grant, origin, generation.shop);
            }
            return Ok(refusal);
        }
        let mut evicted = None;
        if matches!(
            self.fault,
            Fault::InsertsInTwoSteps | Fault::ComparesInTwoSteps | Fault::EvictsInTwoSteps
        ) {
            evicted = Some(self.evicted(&tables, grant, cap, now));
            drop(tables);
            tables = self.second_step()?;
            // Each fault checks everything again except its own part.
            let again = self.refusal(&tables, grant, generation, now);
            let moved = Some(generation.shop) != tables.shop;
            match (self.fault, again) {
                (Fault::InsertsInTwoSteps, Some(refusal)) if refusal != Insert::Collision => {
                    return Ok(refusal);
                }
                (Fault::ComparesInTwoSteps, Some(refusal)) if refusal != Insert::Revoked || moved => {
                    return Ok(refusal);
                }
                (Fault::EvictsInTwoSteps, Some(refusal)) => return Ok(refusal),
                _ => {}
            }
            if !self.is(Fault::EvictsInTwoSteps) {
                evicted = None;
            }
        }
        let evicted = evicted.unwrap_or_else(|| self.evicted(&tables, grant, cap, now));
        self.store(&mut tables, grant, origin, generation.shop);
        for other in evicted {
            tables.grants.remove(&other);
        }
        Ok(Insert::Stored)
    }

    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>> {
        let mut tables = self.tables()?;
        let found = tables.grants.get(id).filter(|row| self.is_live(&tables, row, now));
        let mut found = found.map(|row| row.grant.clone());
        if self.is(Fault::FindsFromACache)
            && found.is_none()
            && let Some((grant, asked)) = tables.cache.get_mut(id)
        {
            *asked += 1;
            return Ok((*asked <= 100 && now < grant.expires_at() && *asked > 1).then(|| grant.clone()));
        }
        if self.is(Fault::FindsOnTheDefaultWebsite)
            && let Some(grant) = &mut found
            && grant.website.is_some()
        {
            grant.website = Some(Website::default());
        }
        Ok(found)
    }

    async fn revoke(&self, id: &GrantId, now: OffsetDateTime, bar_until: OffsetDateTime) -> Result<bool> {
        let mut tables = self.tables()?;
        let held = tables.grants.remove(id);
        let was_live = held.as_ref().is_some_and(|row| self.is_live(&tables, row, now));
        if let Some(Row { grant, .. }) = held {
            if self.is(Fault::RevokesTheSubjectsOthers) {
                let of_one_instant = |other: &Grant| other.issued_at() == grant.issued_at();
                tables
                    .grants
                    .retain(|_, other| other.grant.subject != grant.subject || !of_one_instant(&other.grant));
            }
            tables.cache.insert(*id, (grant, 0));
        }
        if self.is(Fault::RevokesInTwoSteps) {
            drop(tables);
            tables = self.second_step()?;
        }
        let until = tables.barred.entry(*id).or_insert(bar_until);
        *until = if self.is(Fault::ShortensBars) { bar_until } else { bar_until.max(*until) };
        Ok(was_live)
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Generation> {
        let mut tables = self.tables()?;
        let earlier =
            Generation { shop: tables.shop.unwrap_or(fresh), subject: self.generation_of(&tables, subject) };
        if self.is(Fault::LeavesTheShopWithout) && tables.shop.is_none() {
            tables.generations.insert(self.name(subject), fresh);
            return Ok(Generation { shop: fresh, subject: Some(fresh) });
        }
        if !self.is(Fault::RevokesAllInTwoSteps) {
            tables.generations.insert(self.name(subject), fresh);
        }
        tables.revoked_at.insert(subject.clone(), now);
        let is_kept = |id: &GrantId| Some(id) == keep && !self.is(Fault::KeepsNone);
        let mut ended: Vec<_> = self.own(&tables, subject).map(|row| row.grant.id).collect();
        if self.is(Fault::KeepsAllForAnother) && keep.is_some_and(|keep| !ended.contains(keep)) {
            ended.clear();
        }
        if self.is(Fault::RevokesTheLiveAlone) {
            ended.retain(|id| now < tables.grants[id].grant.expires_at());
        }
        if self.is(Fault::EndsAHundred) {
            ended.truncate(100);
        }
        for id in ended.into_iter().filter(|id| !is_kept(id)) {
            tables.grants.remove(&id);
        }
        if self.is(Fault::RevokesAllInTwoSteps) {
            drop(tables);
            tables = self.second_step()?;
            tables.generations.insert(subject.clone(), fresh);
        }
        let moved = self.begin(&mut tables, subject, fresh);
        Ok(if self.is(Fault::AnswersTheEarlierGeneration) { earlier } else { moved })
    }

    async fn revoke_everything(&self, fresh: GenerationId, _now: OffsetDateTime) -> Result<GenerationId> {
        if self.is(Fault::ClearsThenRaises) {
            self.tables()?.grants.clear();
            self.second_step()?.shop = Some(fresh);
            return Ok(fresh);
        }
        self.tables()?.shop = Some(fresh);
        if self.is(Fault::RaisesThenClears) {
            self.second_step()?.grants.clear();
        }
        Ok(fresh)
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>> {
        let tables = self.tables()?;
        let own = tables.grants.values().filter(|row| row.grant.subject == *subject);
        let mut live: Vec<_> = own.filter(|row| self.is_live(&tables, row, now)).collect();
        live.sort_by_key(|row| Reverse((row.grant.issued_at(), row.grant.id)));
        if self.is(Fault::ListsTheOldest) {
            live.drain(..live.len().saturating_sub(limit));
        }
        let limit = if self.is(Fault::ListsAHundred) { limit.min(100) } else { limit };
        Ok(live.into_iter().take(limit).map(|row| (row.grant.clone(), row.origin.clone())).collect())
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize> {
        let mut tables = self.tables()?;
        let over = if self.is(Fault::PurgesLiveGrants) { now + Duration::from_secs(10) } else { now };
        let expired = tables.grants.values().filter(|row| row.grant.expires_at() <= over);
        let grants: Vec<_> = expired.map(|row| row.grant.id).collect();
        let bars: Vec<_> = {
            let early = Duration::from_secs(if self.is(Fault::PurgesBars) { 20 } else { 0 });
            let is_over = |until: &OffsetDateTime| *until <= now + early || self.is(Fault::PurgesEveryBar);
            tables.barred.iter().filter(|(_, until)| is_over(until)).map(|(id, _)| *id).collect()
        };
        if self.is(Fault::PurgesInTwoSteps) {
            drop(tables);
            tables = self.second_step()?;
        }
        if self.is(Fault::PurgesGenerations) {
            let held: HashSet<_> = tables.grants.values().map(|row| row.grant.subject.clone()).collect();
            tables.generations.retain(|subject, _| held.contains(subject));
        }
        let limit = if self.is(Fault::PurgesWithoutLimit) { usize::MAX } else { limit };
        let mut removed = 0;
        for id in grants.iter().take(limit) {
            removed += usize::from(tables.grants.remove(id).is_some());
        }
        for id in bars.iter().take(limit - removed) {
            removed += usize::from(tables.barred.remove(id).is_some());
        }
        Ok(removed)
    }
}
