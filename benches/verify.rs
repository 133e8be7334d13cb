//! Verification of live, unknown and forged tokens, at every size, on one thread and two, compared
//! with the peers.

use std::hint::black_box;

use commerce_auth::{Error, error::TokenError};
use commerce_auth_benches::{BareTable, Jwt, Sessions, Shop, Texts, finish, sizes, walk};
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};

criterion_group!(benches, verify);
criterion_main!(benches);

fn verify(criterion: &mut Criterion) {
    let shops: Vec<_> = sizes().iter().map(|(size, _)| Shop::with_tokens(*size)).collect();
    let forged = Texts::forged(100_000);
    let (hs256, ed_dsa, forged_hs256) = (Jwt::hs256(), Jwt::ed_dsa(), Jwt::hs256().forged());

    for (threads, group) in [(1, "1 thread"), (2, "2 threads")] {
        let mut group = criterion.benchmark_group(group);
        for (index, (shop, (size, name))) in shops.iter().zip(sizes()).enumerate() {
            // Well-formed tokens with right check characters, issued by another shop.
            let others = shops.get(if index == 2 { 1 } else { 2 });
            let unknown = others.map_or_else(|| Shop::with_tokens(*size).tokens, |shop| shop.tokens.clone());
            measure(&mut group, &format!("hit/{name}"), threads, shop.tokens.len(), |index| {
                let identity = finish(shop.auth.verify_customer(black_box(shop.tokens.get(index))));
                black_box(identity.expect("a live token"));
            });
            for (name, tokens) in [(format!("unknown/{name}"), &unknown), (format!("forged/{name}"), &forged)]
            {
                measure(&mut group, &name, threads, tokens.len(), |index| {
                    let answer = finish(shop.auth.verify_customer(black_box(tokens.get(index))));
                    assert!(matches!(black_box(answer), Err(Error::Token(TokenError::Invalid))));
                });
            }
            let table = BareTable::of(&shop.tokens);
            measure(&mut group, &format!("bare table/{name}"), threads, shop.tokens.len(), |index| {
                black_box(table.find(black_box(shop.tokens.get(index))).expect("a live token"));
            });
            drop(table);
            let sessions = Sessions::with(*size);
            measure(&mut group, &format!("tower-sessions/{name}"), threads, *size, |index| {
                black_box(sessions.load(black_box(index)).expect("a live session"));
            });
        }
        for (name, jwt) in [("HS256", &hs256), ("EdDSA", &ed_dsa)] {
            measure(&mut group, name, threads, jwt.tokens.len(), |index| {
                black_box(jwt.decode(black_box(index)).expect("a good token"));
            });
        }
        measure(&mut group, "HS256 forged", threads, forged_hs256.tokens.len(), |index| {
            assert!(black_box(forged_hs256.decode(black_box(index))).is_err());
        });
    }
}

/// Returns the nanoseconds per operation on each of the threads, which go through `length` items
/// again and again.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    length: usize,
    operation: impl Fn(usize) + Sync,
) {
    let mut walk = walk(threads, length, operation);
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|steps| walk(usize::try_from(steps).expect("a sample's length")));
    });
}
