//! The comparisons that have a bar. The ways that are compared take turns. Prints one line of JSON
//! for each row. `benches/ratios` runs this program and fails if a bar is missed.

use std::{
    hint::black_box,
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use argon2::{Argon2, Block, Params};
use commerce_auth::{Error, credential::Argon2Params, error::TokenError, token::Digest};
use commerce_auth_benches::{
    Bar, BareTable, Cycle, Jwt, Row, Sessions, Shop, Texts, Turns, finish, on_threads, sizes, walk,
    walk_in_sequence,
};

/// The number of steps of the shortest turn.
const LEAST: usize = 1_000;

fn main() {
    let [.., (many, name)] = sizes() else { panic!("there are sizes") };
    let shop = Shop::with_tokens(*many);
    compare_with_jwt(&shop, name);
    compare_with_least_work(&shop, name);
    compare_threads(&shop, name);
    compare_forged_with_digest(&shop);
    drop(shop);
    compare_with_sessions();
    compare_sign_in();
}

fn verify(shop: &Shop, index: usize) -> usize {
    let identity = finish(shop.auth.verify_customer(black_box(shop.tokens.get(index))));
    let customer = identity.expect("a live token").customer_id().as_int();
    usize::try_from(black_box(customer).expect("a number")).expect("no negative number")
}

fn walk_verifying(shop: &Shop, threads: usize) -> impl FnMut(usize) -> Duration {
    walk(threads, shop.tokens.len(), |index| {
        verify(shop, index);
    })
}

fn compare_with_jwt(shop: &Shop, name: &str) {
    let (hs256, ed_dsa) = (Jwt::hs256(), Jwt::ed_dsa());
    for (algorithm, jwt) in [("HS256", &hs256), ("EdDSA", &ed_dsa)] {
        let mut decode = walk(1, jwt.tokens.len(), |index| {
            black_box(jwt.decode(black_box(index)).expect("a good token"));
        });
        let turns = Turns::take(LEAST, [&mut walk_verifying(shop, 1), &mut decode]);
        // The bar is higher on a machine whose HMAC is slow compared with its memory.
        let slow = turns.median(|[_, decode]| decode) >= 2_500.0;
        let bar = (algorithm == "HS256").then_some(Bar::Minimum(if slow { 8.0 } else { 5.5 }));
        let what = format!("jsonwebtoken {algorithm} decode : verify, {name} live tokens");
        Row::comparing(&what, &turns, bar).print();
    }
}

/// Compares a verification with the work that it cannot avoid: the digest of the token, and one
/// wait for memory.
fn compare_with_least_work(shop: &Shop, name: &str) {
    // The memory store has five rows, of one cache line each, for at most four grants.
    let cycle = Cycle::of(shop.tokens.len() / 4 * 5);
    let nothing = black_box(0);
    let turns = Turns::take(
        LEAST,
        [
            &mut walk_in_sequence(shop.tokens.len(), |index| verify(shop, index)),
            &mut walk_in_sequence(shop.tokens.len(), |index| {
                cycle.step(black_box(shop.tokens.get(index)), nothing)
            }),
        ],
    );
    let what = format!("verify, {name} live tokens : digest and one dependent miss");
    Row::comparing(&what, &turns, Some(Bar::Maximum(1.6))).print();
}

/// Compares what a second thread gains for the library and for a table without locks. The gain is
/// the time of an operation on one thread, divided by its time on each of two threads.
fn compare_threads(shop: &Shop, name: &str) {
    let table = BareTable::of(&shop.tokens);
    let find = |threads| {
        walk(threads, shop.tokens.len(), |index| {
            black_box(table.find(black_box(shop.tokens.get(index))).expect("a live token"));
        })
    };
    let turns = Turns::take(
        LEAST,
        [&mut walk_verifying(shop, 1), &mut walk_verifying(shop, 2), &mut find(1), &mut find(2)],
    );
    let row = |what: &str, [ours, peer]: [Option<usize>; 2], result: fn([f64; 4]) -> f64, bar| {
        let what = format!("{what}, {name} live tokens");
        let [ours, peer] = [ours, peer].map(|way| way.map(|way| turns.median(|times| times[way])));
        Row { what: &what, ours, peer, result: turns.median(result), bar }.print();
    };
    row("bare table without locks : verify", [Some(0), Some(2)], |[ours, _, bare, _]| bare / ours, None);
    row("gain of a second thread, bare table", [None, Some(3)], |[_, _, one, two]| one / two, None);
    row("gain of a second thread, verify", [Some(1), None], |[one, two, _, _]| one / two, None);
    row(
        "gain of a second thread, verify : bare table",
        [Some(1), Some(3)],
        |[ours, ours_of_two, bare, bare_of_two]| (ours / ours_of_two) / (bare / bare_of_two),
        Some(Bar::Minimum(0.95)),
    );
}

/// Compares tokens of the right form but with wrong check characters with the digest that they
/// save. No store is read for them, which `tests/flows/round_trips.rs` proves.
fn compare_forged_with_digest(shop: &Shop) {
    let forged = Texts::forged(100_000);
    let turns = Turns::take(
        LEAST,
        [
            &mut walk(1, forged.len(), |index| {
                let refused = finish(shop.auth.verify_customer(black_box(forged.get(index))));
                assert!(matches!(black_box(refused), Err(Error::Token(TokenError::Invalid))));
            }),
            &mut walk(1, forged.len(), |index| {
                black_box(Digest::of(black_box(forged.get(index)).as_bytes()));
            }),
        ],
    );
    Row::comparing("forged token : SHA-256 of 32 bytes", &turns, Some(Bar::Maximum(1.4))).print();
}

fn compare_with_sessions() {
    let (count, name) = sizes().get(1).unwrap_or(&sizes()[0]);
    let (shop, sessions) = (Shop::with_tokens(*count), Sessions::with(*count));
    for (threads, bar) in [(1, Some(Bar::Minimum(3.0))), (2, None)] {
        let mut load = walk(threads, *count, |index| {
            black_box(sessions.load(black_box(index)).expect("a live session"));
        });
        let turns = Turns::take(LEAST, [&mut walk_verifying(&shop, threads), &mut load]);
        let threads = if threads == 1 { "" } else { ", two threads" };
        let what = format!("tower-sessions memory load : verify, {name} live{threads}");
        Row::comparing(&what, &turns, bar).print();
    }
}

/// Compares whole sign-ins with the bare hash in memory that is kept: one at once, and as many at
/// once as the machine has cores and the pool has threads. The hash of a new password shows the
/// part of the pool.
fn compare_sign_in() {
    const PASSWORD: &str = "b0bl0bl@wW";
    let shop = Shop::new(Argon2Params::default());
    let customers = AtomicUsize::new(0);
    let sign_in = || drop(shop.sign_in(customers.fetch_add(1, Ordering::Relaxed)));
    let pooled = || {
        let hash = shop.auth.hash_new_password("nobody@example.com", PASSWORD);
        pollster::block_on(hash).expect("the password is a good one");
    };
    // The default of the argon2 crate is the same as the crate's.
    let (argon2, kept) = (Argon2::default(), Mutex::new(Vec::new()));
    let kept = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let bare = || {
        let mut output = [0; 32];
        let memory = kept().pop();
        let mut memory = memory.unwrap_or_else(|| vec![Block::new(); Params::default().block_count()]);
        let (password, salt) = (black_box(PASSWORD.as_bytes()), b"sixteen bytes of");
        let hashed = argon2.hash_password_into_with_memory(password, salt, &mut output, &mut memory);
        hashed.expect("the parameters are argon2's own");
        black_box(output);
        kept().push(memory);
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    for callers in [1, cores] {
        let turns = Turns::take(
            4 * callers,
            [
                &mut |steps| share(callers, steps, sign_in),
                &mut |steps| share(callers, steps, pooled),
                &mut |steps| share(callers, steps, bare),
            ],
        );
        let times = [0, 1, 2].map(|way: usize| turns.median(|times| times[way]));
        let rows = [
            ("sign-in", times[0], turns.median(|[whole, _, bare]| bare / whole), callers == cores),
            ("hash through the pool", times[1], turns.median(|[_, pooled, bare]| bare / pooled), false),
        ];
        for (what, ours, result, has_bar) in rows {
            let what = format!("bare hash : {what}, {callers} at once");
            let bar = has_bar.then_some(Bar::Minimum(0.95));
            Row { what: &what, ours: Some(ours), peer: Some(times[2]), result, bar }.print();
        }
    }
}

/// Runs the operation this many times, on whichever of the threads is free.
fn share(threads: usize, times: usize, operation: impl Fn() + Sync) -> Duration {
    let begun = AtomicUsize::new(0);
    on_threads(threads, || {
        while begun.fetch_add(1, Ordering::Relaxed) < times {
            operation();
        }
    })
}
