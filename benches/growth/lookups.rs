use std::{hint::black_box, sync::Arc};

use commerce_auth::{
    Store,
    store::{memory::MemoryStore, postgres::PostgresStore, redis::RedisStore, sqlite::SqliteStore},
};
use commerce_auth_benches::{Cycle, Shop, Turns, finish, sizes, timed, walk_in_sequence};
use commerce_auth_test_servers::{Postgres, Redis};
use tokio::runtime::Runtime;

use super::points::Points;

/// The numbers of live tokens. Durable stores grow to the last but one.
const TOKENS: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
/// The number of live tokens for all numbers of callers at once.
const TOKENS_OF_ALL: usize = 100_000;
/// The numbers of callers at once.
const CALLERS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
/// The number of callers at once that fill a durable store.
const FILLING: usize = 64;

/// Measures verifications in each store.
pub fn measure(points: &mut Points) {
    measure_memory(points);
    let tokio = Runtime::new().expect("tokio starts");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = SqliteStore::open(folder.path().join("auth.db")).expect("a file can be made");
    measure_durable(points, &tokio, "SQLite", Arc::new(store), || ());
    // Only the filling writes, and it needs no sync.
    if let Some(server) = Postgres::start_with(&["fsync=off", "synchronous_commit=off"]) {
        let store = tokio.block_on(PostgresStore::connect(&server.url())).expect("the server listens");
        // As autovacuum does after a while. It would disturb the measurement.
        let vacuum = || server.query("VACUUM (ANALYZE) commerce_auth.grants").map(drop).expect("a vacuum");
        measure_durable(points, &tokio, "PostgreSQL", Arc::new(store), vacuum);
    }
    if let Some(server) = Redis::start_with(&["--appendonly", "no"]) {
        let store = tokio.block_on(RedisStore::connect(&server.url())).expect("the server listens");
        measure_durable(points, &tokio, "Redis", Arc::new(store), || ());
    }
}

/// Measures the memory store, and the work that a verification cannot avoid: the digest of the
/// token, and one wait for memory.
fn measure_memory(points: &mut Points) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut shop = Shop::over(Arc::clone(&store), 0);
    for tokens in steps(&TOKENS) {
        shop = shop.grown(&*store, *tokens, 8);
        // The memory store has five rows, of one cache line each, for at most four grants.
        let (cycle, nothing) = (Cycle::of(*tokens / 4 * 5), black_box(0));
        let turns = Turns::take(
            1_000,
            [
                &mut walk_in_sequence(*tokens, |index| {
                    let verified = finish(shop.auth.verify_customer(black_box(shop.tokens.get(index))));
                    let customer = verified.expect("a live token").customer_id().as_int();
                    customer.and_then(|id| usize::try_from(id).ok()).expect("a number")
                }),
                &mut walk_in_sequence(*tokens, |index| {
                    cycle.step(black_box(shop.tokens.get(index)), nothing)
                }),
            ],
        );
        points.add("verify", "memory", *tokens, turns.median(|[verify, _]| verify));
        points.add("verify", "digest and one load", *tokens, turns.median(|[_, least]| least));
    }
}

/// Measures a durable store with each number of live tokens, and once with each number of callers.
fn measure_durable(
    points: &mut Points,
    tokio: &Runtime,
    name: &str,
    store: Arc<dyn Store>,
    settle: impl Fn(),
) {
    let mut shop = Shop::over(Arc::clone(&store), 0);
    for tokens in steps(&TOKENS[..4]) {
        shop = shop.grown(&*store, *tokens, FILLING);
        settle();
        let shared = Arc::new(shop);
        points.add("verify", name, *tokens, nanoseconds(tokio, &shared, 1));
        if *tokens == TOKENS_OF_ALL || sizes().len() == 1 {
            for callers in steps(&CALLERS) {
                let a_second = 1e9 / nanoseconds(tokio, &shared, *callers);
                points.add("throughput", name, *callers, a_second);
            }
        }
        shop = Arc::into_inner(shared).expect("all callers have ended");
    }
}

/// Returns the time of a verification, with this many callers at once.
fn nanoseconds(tokio: &Runtime, shop: &Arc<Shop>, callers: usize) -> f64 {
    let mut next = 0;
    let mut verify = |steps| {
        let token = |step| shop.tokens.get(step % shop.tokens.len()).to_owned();
        let work = (next..next + steps).map(token).collect();
        next += steps;
        let shop = Arc::clone(shop);
        timed(tokio, callers, work, move |token: String| {
            let shop = Arc::clone(&shop);
            async move {
                shop.auth.verify_customer(token.as_str()).await.expect("a live token");
            }
        })
    };
    Turns::take(callers, [&mut verify]).median(|[time]| time)
}

/// Returns all steps. In a test only the first.
fn steps(all: &[usize]) -> &[usize] {
    if sizes().len() > 1 { all } else { &all[..1] }
}
