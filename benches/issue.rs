//! Issue and revocation: the store's verbs by themselves, in a store with 100,000 live tokens, and
//! a sign-in whose hash costs next to nothing.

use std::time::{Duration, Instant};

use commerce_auth::{
    TokenStore,
    credential::Argon2Params,
    store::{Generation, Insert, memory::MemoryStore},
    token::{Digest, Grant, Subject},
};
use commerce_auth_benches::{CAP, Sessions, Shop, finish, fresh, grant_of, origin_of, random_digests, sizes};
use criterion::{Criterion, criterion_group, criterion_main};
use time::OffsetDateTime;

criterion_group!(benches, issue, revoke_all);
criterion_main!(benches);

/// Returns the number of tokens that stay live.
fn held() -> usize {
    if sizes().len() > 1 { 100_000 } else { 1_000 }
}

fn issue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("issue");
    let store = FullStore::new();
    group.bench_function("insert", |bencher| {
        bencher.iter_custom(|steps| {
            in_batches(steps, 4096, |steps| {
                let grants = store.prepare(steps, 2);
                let start = Instant::now();
                store.insert(&grants);
                let taken = start.elapsed();
                store.expire();
                taken
            })
        });
    });

    let sessions = Sessions::with(held());
    group.bench_function("tower-sessions create", |bencher| {
        bencher.iter_custom(|steps| {
            in_batches(steps, 4096, |steps| {
                let mut records: Vec<_> = (0..steps).map(|_| Sessions::record()).collect();
                let start = Instant::now();
                records.iter_mut().for_each(|record| sessions.create(record));
                let taken = start.elapsed();
                records.iter().for_each(|record| sessions.delete(record));
                taken
            })
        });
    });

    let shop = Shop::new(Argon2Params::danger_fast());
    let mut customers = 0..;
    (&mut customers).take(held()).for_each(|customer| drop(shop.sign_in(customer / 2)));
    group.bench_function("sign-in without its hash", |bencher| {
        bencher.iter(|| shop.sign_in(customers.next().unwrap_or_default() / 2));
    });
}

fn revoke_all(criterion: &mut Criterion) {
    const SUBJECTS: usize = 256;
    let mut group = criterion.benchmark_group("revoke-all");
    let store = FullStore::new();
    for tokens in [1, 10, 100] {
        group.bench_function(tokens.to_string(), |bencher| {
            bencher.iter_custom(|steps| {
                in_batches(steps, SUBJECTS, |steps| {
                    let grants = store.prepare(steps * tokens, tokens);
                    store.insert(&grants);
                    let subjects: Vec<_> = grants.chunks(tokens).map(|grants| &grants[0].0.subject).collect();
                    let start = Instant::now();
                    subjects.iter().for_each(|subject| store.revoke_all(subject));
                    start.elapsed()
                })
            });
        });
    }
}

/// Prepares, times and undoes this many operations together. Returns the sum of the times.
fn in_batches(steps: u64, batch: usize, mut timed: impl FnMut(usize) -> Duration) -> Duration {
    let mut left = usize::try_from(steps).expect("a sample's length");
    let mut taken = Duration::ZERO;
    while left > 0 {
        let steps = left.min(batch);
        taken += timed(steps);
        left -= steps;
    }
    taken
}

/// A store with tokens that stay, and others that are added and removed.
struct FullStore {
    store: MemoryStore,
    now: OffsetDateTime,
}

impl FullStore {
    fn new() -> Self {
        let now = OffsetDateTime::now_utc();
        let full = Self { store: MemoryStore::new(), now: now + time::Duration::HOUR };
        full.insert(&full.prepare(held(), 2));
        Self { now, ..full }
    }

    /// Returns grants that live for an hour, `of_each` to a customer, with the arguments for their
    /// insertion. Their customers have no other tokens.
    fn prepare(&self, count: usize, of_each: usize) -> Vec<(Grant, Generation)> {
        let prepare = |(index, digest): (usize, Digest)| {
            let first = usize::try_from(self.now.unix_timestamp()).expect("after 1970");
            let grant = grant_of(first + index / of_each, digest, self.now);
            let generation =
                finish(self.store.generation(&grant.subject, fresh())).expect("memory does not fail");
            (grant, generation)
        };
        random_digests(count).into_iter().enumerate().map(prepare).collect()
    }

    fn insert(&self, grants: &[(Grant, Generation)]) {
        for (index, (grant, generation)) in grants.iter().enumerate() {
            let origin = origin_of(index);
            let inserted = self.store.insert(grant, &origin, *generation, CAP, self.now);
            assert_eq!(finish(inserted).expect("memory does not fail"), Insert::Stored);
        }
    }

    fn revoke_all(&self, subject: &Subject) {
        finish(self.store.revoke_all(subject, None, fresh(), self.now)).expect("memory does not fail");
    }

    /// Removes the grants that live for an hour.
    fn expire(&self) {
        let purged = self.store.purge_tokens(self.now + time::Duration::HOUR, usize::MAX);
        finish(purged).expect("memory does not fail");
    }
}
