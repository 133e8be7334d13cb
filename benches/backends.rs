//! The durable backends: verification, issue and a commit of two documents, by one caller and by
//! 64 at once. Each is compared with the same statements on the bare driver, over as many
//! connections, on the same rows, in the same run. The crate and the bare driver take turns. Prints
//! one line of JSON for each row.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use commerce_auth::{
    CustomerId, Store,
    store::{
        CommitOutcome, Generation, Insert, postgres::PostgresStore, redis::RedisStore, sqlite::SqliteStore,
    },
    token::{GrantId, Subject},
};
use commerce_auth_benches::{
    Attempt, Bar, BarePostgres, BareRedis, BareSqlite, CAP, Driver, Row, Shop, Turns, Work, fresh, grant_of,
    is_chosen, origin_of, random_digests, sizes, timed,
};
use commerce_auth_test_servers::{Postgres, Redis};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

/// The number of callers at once.
const CALLERS: [usize; 2] = [1, 64];

/// The bars of a backend, an operation and a number of callers.
const BARS: [((&str, &str, usize), Bar); 5] = [
    (("sqlite", "verify", 1), Bar::Minimum(0.9)),
    (("postgres", "verify", 64), Bar::Minimum(0.95)),
    (("redis", "verify", 64), Bar::Minimum(0.95)),
    (("redis", "issue", 64), Bar::Minimum(0.8)),
    (("redis", "commit", 64), Bar::Minimum(0.6)),
];

/// Returns the number of live tokens, and of those that are verified.
fn live() -> (usize, usize) {
    if sizes().len() > 1 { (100_000, 10_000) } else { (1_000, 100) }
}

fn main() {
    let tokio = Runtime::new().expect("tokio starts");
    if is_chosen("sqlite") {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("auth.db");
        let ours = Ours::over(&tokio, SqliteStore::open(&path).expect("a file can be made"));
        measure(&tokio, "sqlite", &ours, &Arc::new(BareSqlite::open(&path)));
    }
    if is_chosen("postgres")
        && let Some(server) = Postgres::start()
    {
        let store = tokio.block_on(PostgresStore::connect(&server.url())).expect("the server listens");
        let ours = Ours::over(&tokio, store);
        let bare = tokio.block_on(BarePostgres::connect(&server.url()));
        measure(&tokio, "postgres", &ours, &Arc::new(bare));
    }
    // As most shops run it: synced once a second. `always` would measure the disk.
    if is_chosen("redis")
        && let Some(server) = Redis::start_with(&["--appendfsync", "everysec"])
    {
        let store = tokio.block_on(RedisStore::connect(&server.url())).expect("the server listens");
        let ours = Ours::over(&tokio, store);
        let bare = tokio.block_on(BareRedis::connect(&server.url()));
        measure(&tokio, "redis", &ours, &Arc::new(bare));
    }
}

/// Prepares this many operations.
type Prepare<'a> = &'a dyn Fn(usize) -> Vec<Work>;

fn measure<D: Driver>(tokio: &Runtime, name: &str, ours: &Arc<Ours>, bare: &Arc<D>) {
    let prepared: [(&str, Prepare<'_>); 3] = [
        ("verify", &|steps| ours.verifications(steps)),
        ("issue", &|steps| ours.grants(steps)),
        ("commit", &|steps| random_digests(steps).into_iter().map(Attempt::at).map(Work::Commit).collect()),
    ];
    for (verb, prepare) in prepared {
        for callers in CALLERS {
            let turns = Turns::take(
                callers,
                [&mut |steps| run(tokio, callers, ours, prepare(steps)), &mut |steps| {
                    run(tokio, callers, bare, prepare(steps))
                }],
            );
            let bar = BARS.iter().find(|(row, _)| *row == (name, verb, callers)).map(|(_, bar)| *bar);
            let what = format!("{name}: {verb}, {callers} at once : bare driver");
            Row::comparing(&what, &turns, bar).print();
        }
    }
}

/// Returns the time that this many callers at once take for all operations.
fn run<D: Driver>(tokio: &Runtime, callers: usize, driver: &Arc<D>, work: Vec<Work>) -> std::time::Duration {
    let driver = Arc::clone(driver);
    timed(tokio, callers, work, move |work| {
        let driver = Arc::clone(&driver);
        async move { driver.run(work).await }
    })
}

/// The operations through the crate.
struct Ours {
    shop: Shop,
    store: Arc<dyn Store>,
    /// The generation of every customer, because nothing was revoked.
    generation: Generation,
    /// The number of grants that were prepared.
    prepared: AtomicUsize,
}

impl Ours {
    fn over(tokio: &Runtime, store: impl Store) -> Arc<Self> {
        let (rows, verified) = live();
        let store: Arc<dyn Store> = Arc::new(store);
        let shop = Shop::over(Arc::clone(&store), verified);
        let nobody = Subject::Customer(CustomerId::from(0));
        let generation = tokio.block_on(store.generation(&nobody, fresh())).expect("the store answers");
        let ours = Arc::new(Self { shop, store, generation, prepared: AtomicUsize::new(0) });
        // Tokens that are never verified are inserted without a sign-in.
        run(tokio, 64, &ours, ours.grants(rows - verified));
        ours
    }

    /// Verifies all tokens in turn. Tokens are random, so their order is, too.
    fn verifications(&self, steps: usize) -> Vec<Work> {
        let tokens = &self.shop.tokens;
        let token = |step| tokens.get(step % tokens.len()).to_owned();
        (0..steps).map(token).map(|token| Work::Verify(GrantId::of(token.as_bytes()), token)).collect()
    }

    /// Prepares grants, two to a customer. Without new customers, the customers of a long run would
    /// reach the maximum number of grants.
    fn grants(&self, steps: usize) -> Vec<Work> {
        let now = OffsetDateTime::now_utc();
        let first = self.prepared.fetch_add(steps, Ordering::Relaxed);
        let digests = (first..).zip(random_digests(steps));
        digests.map(|(number, digest)| Work::Issue(grant_of(number / 2, digest, now))).collect()
    }
}

#[async_trait]
impl Driver for Ours {
    async fn run(&self, work: Work) {
        match work {
            Work::Verify(_, token) => {
                self.shop.auth.verify_customer(token.as_str()).await.expect("a live token");
            }
            Work::Issue(grant) => {
                let (origin, now) = (origin_of(1), grant.issued_at());
                let stored = self.store.insert(&grant, &origin, self.generation, CAP, now).await;
                assert_eq!(stored.expect("the store answers"), Insert::Stored);
            }
            Work::Commit(attempt) => {
                let now = OffsetDateTime::now_utc();
                let committed = self.store.commit(&attempt.account, &attempt.changes(), now).await;
                assert_eq!(committed.expect("the store answers"), CommitOutcome::Committed);
            }
        }
    }
}
