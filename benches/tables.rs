//! The memory store's table of grants, compared with other tables of the same grants. Each look-up
//! waits for the result of the previous one, as a request waits for its verification.

use std::{
    collections::HashMap,
    hash::BuildHasherDefault,
    hint::black_box,
    sync::{PoisonError, RwLock},
};

use commerce_auth::{
    Origin, TokenStore,
    store::memory::MemoryStore,
    token::{Grant, GrantId},
};
use commerce_auth_benches::{FirstBytes, finish, grant_of, insert, random_digests, sizes};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use time::OffsetDateTime;

criterion_group!(benches, tables);
criterion_main!(benches);

type IdHash = BuildHasherDefault<FirstBytes>;

fn tables(criterion: &mut Criterion) {
    for (size, name) in sizes() {
        let now = OffsetDateTime::now_utc();
        let grants: Vec<_> = random_digests(*size)
            .into_iter()
            .enumerate()
            .map(|(customer, digest)| grant_of(customer, digest, now))
            .collect();
        // This is not the order of insertion, and not the order of a table.
        let mut ids: Vec<_> = grants.iter().map(|grant| grant.id).collect();
        ids.sort_unstable_by_key(|id| id.as_bytes().last_chunk::<8>().copied());
        let mut measure = |table: &str, find: &dyn Fn(&GrantId) -> Option<Grant>| {
            let mut group = criterion.benchmark_group("tables");
            // The compiler does not know that this is zero. So the next look-up cannot begin before
            // the processor has read the grant of the last one.
            let nothing = black_box(0_usize);
            let (mut place, mut last) = (0, 0);
            group.bench_function(BenchmarkId::new(table, name), |bencher| {
                bencher.iter(|| {
                    place = (place + 1 + (last & nothing)) % ids.len();
                    let found = find(black_box(&ids[place])).expect("a stored grant");
                    last = usize::try_from(found.issued_at().unix_timestamp()).unwrap_or(0);
                });
            });
        };

        let store = MemoryStore::new();
        for grant in &grants {
            finish(insert(&store, grant, &Origin::default()));
        }
        measure("MemoryStore", &|id| finish(store.find(id, now)).expect("memory does not fail"));
        drop(store);

        let shards: Vec<RwLock<HashMap<GrantId, Grant, IdHash>>> =
            (0..=u8::MAX).map(|_| RwLock::default()).collect();
        let shard = |id: &GrantId| &shards[usize::from(id.as_bytes()[16])];
        for grant in &grants {
            shard(&grant.id).write().unwrap_or_else(PoisonError::into_inner).insert(grant.id, grant.clone());
        }
        measure("HashMap in 256 shards", &|id| {
            shard(id).read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
        });
        drop(shards);

        let papaya = papaya::HashMap::with_hasher(IdHash::default());
        for grant in &grants {
            papaya.pin().insert(grant.id, grant.clone());
        }
        measure("papaya", &|id| papaya.pin().get(id).cloned());
        drop(papaya);

        let scc = scc::HashIndex::with_hasher(IdHash::default());
        for grant in &grants {
            assert!(scc.insert_sync(grant.id, grant.clone()).is_ok());
        }
        measure("scc::HashIndex", &|id| scc.peek_with(id, |_, grant| grant.clone()));
    }
}
