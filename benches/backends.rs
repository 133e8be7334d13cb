//! The backends that last: verification, issue, redemption and a reserved attempt, by one caller and by 64 at once; beside
//! each the same statement on the bare driver, over as many connections, on the same rows, in the same run.
//! Ours and the bare driver take turns. Prints a line of JSON a row.

use std::sync::Arc;

use async_trait::async_trait;
use commerce_auth::{
    AdminId, Assistance, CustomerId, Digest, PostgresStore, RedisStore, SqliteStore, Website,
    store::{
        Attempt, AttemptId, Budget, Charge, Generation, Insert, Lock, OneTimeCredential, Presented, Purposes,
        Reserve, Store, Take, ThrottleKey,
    },
};
use commerce_auth_benches::{
    BarePostgres, BareRedis, BareSqlite, Driver, Shop, Turns, Work, grant_of, origin_of, random_digests,
    sizes, timed,
};
use commerce_auth_test_servers::{Postgres, Redis};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tokio::runtime::Runtime;

/// Callers at once.
const CALLERS: [usize; 2] = [1, 64];
/// Nobody has been revoked yet.
const FIRST: Generation = Generation { subject: 0, everything: 0 };

/// Live tokens, and how many of them are verified.
fn live() -> (usize, usize) {
    if sizes().len() > 1 { (100_000, 10_000) } else { (1_000, 100) }
}

fn main() {
    let tokio = Runtime::new().expect("tokio starts");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("auth.db");
    let ours = Ours::over(&tokio, SqliteStore::open(&path).expect("a file can be made"));
    measure(&tokio, "sqlite", &ours, &Arc::new(BareSqlite::open(&path)));
    if let Some(server) = Postgres::start() {
        let store = tokio.block_on(PostgresStore::connect(&server.url())).expect("the server listens");
        let ours = Ours::over(&tokio, store);
        let bare = tokio.block_on(BarePostgres::connect(&server.url()));
        measure(&tokio, "postgres", &ours, &Arc::new(bare));
    }
    // As most shops run it: synced once a second. With `always` it is the disk that is measured.
    if let Some(server) = Redis::start_with(&["--appendfsync", "everysec"]) {
        let store = tokio.block_on(RedisStore::connect(&server.url())).expect("the server listens");
        let ours = Ours::over(&tokio, store);
        let bare = tokio.block_on(BareRedis::connect(&server.url()));
        measure(&tokio, "redis", &ours, &Arc::new(bare));
    }
}

/// Makes so many things to do.
type Prepare<'a> = &'a dyn Fn(usize) -> Vec<Work>;

fn measure<D: Driver>(tokio: &Runtime, name: &str, ours: &Arc<Ours>, bare: &Arc<D>) {
    let prepared: [(&str, Prepare<'_>); 4] = [
        ("verify", &|steps| ours.verifications(steps)),
        ("issue", &|steps| ours.grants(steps)),
        ("take", &|steps| tokio.block_on(ours.put_codes(steps))),
        ("reserve", &|steps| ours.attempts(steps)),
    ];
    for (verb, prepare) in prepared {
        for callers in CALLERS {
            let turns = Turns::take(
                callers,
                |steps| run(tokio, callers, ours, prepare(steps)),
                |steps| run(tokio, callers, bare, prepare(steps)),
            );
            let row = json!({
                "backend": name, "verb": verb, "callers": callers,
                "ours": turns.first, "bare": turns.second, "ratio": turns.ratio,
            });
            println!("{row}");
        }
    }
}

/// How long so many callers at once take for all of it.
fn run<D: Driver>(tokio: &Runtime, callers: usize, driver: &Arc<D>, work: Vec<Work>) -> std::time::Duration {
    let driver = Arc::clone(driver);
    timed(tokio, callers, work, move |work| {
        let driver = Arc::clone(&driver);
        async move { driver.run(work).await }
    })
}

/// The crate's own way.
struct Ours {
    shop: Shop,
    store: Arc<dyn Store>,
}

impl Ours {
    fn over(tokio: &Runtime, store: impl Store) -> Arc<Self> {
        let (rows, verified) = live();
        let store: Arc<dyn Store> = Arc::new(store);
        let ours = Arc::new(Self { shop: Shop::over(Arc::clone(&store), verified), store });
        // What nobody verifies is there without a sign-in.
        run(tokio, 64, &ours, ours.grants(rows - verified));
        ours
    }

    /// All of the tokens in turn: in random order, as they are drawn.
    fn verifications(&self, steps: usize) -> Vec<Work> {
        let tokens = &self.shop.tokens;
        let token = |step| tokens.get(step % tokens.len()).to_owned();
        (0..steps).map(token).map(|token| Work::Verify(Digest::of(token.as_bytes()), token)).collect()
    }

    fn grants(&self, steps: usize) -> Vec<Work> {
        let now = OffsetDateTime::now_utc();
        let digests = random_digests(steps).into_iter().enumerate();
        digests.map(|(number, digest)| Work::Issue(grant_of(number, digest, now))).collect()
    }

    /// A code each for as many customers, stored already.
    async fn put_codes(self: &Arc<Self>, steps: usize) -> Vec<Work> {
        let now = OffsetDateTime::now_utc();
        let mut all = Vec::new();
        // As many at once as wait for a connection no longer than a caller may.
        for digests in random_digests(steps).chunks(64) {
            let putting: Vec<_> =
                digests.iter().map(|digest| tokio::spawn(Arc::clone(self).put(*digest, now))).collect();
            for put in putting {
                all.push(put.await.expect("no caller panics"));
            }
        }
        all
    }

    async fn put(self: Arc<Self>, digest: Digest, now: OffsetDateTime) -> Work {
        let (website, customer, end) =
            (Website::default(), CustomerId::from(digest_number(digest)), now + Duration::HOUR);
        let assistance = Assistance::new(AdminId::from(7), digest, "cannot find the voucher field");
        let code =
            OneTimeCredential::one_time_code(digest, website.clone(), customer.clone(), assistance, now, end);
        assert!(self.store.put(&code, 3, now).await.expect("the store answers"));
        let purposes = Purposes { reset_token: true, one_time_code: true };
        Work::Take(Presented { website, customer, digest, purposes })
    }

    /// Each at an account of its own, from a source of its own.
    fn attempts(&self, steps: usize) -> Vec<Work> {
        let now = OffsetDateTime::now_utc();
        let window = std::time::Duration::from_secs(1800);
        let budget = Budget { failures: 6, window, lock: Lock::For(window) };
        let attempt = |digest: Digest| {
            let (key, mut id) = (ThrottleKey::of(&[digest.as_bytes()]), [0; 16]);
            id.copy_from_slice(&digest.as_bytes()[..16]);
            let charges = vec![
                Charge { scope: key, budget },
                Charge { scope: ThrottleKey::of(&[b"all sources"]), budget },
            ];
            let lease_until = now + Duration::MINUTE;
            Work::Reserve(Attempt { id: AttemptId(id), account: key, charges, lease_until })
        };
        random_digests(steps).into_iter().map(attempt).collect()
    }
}

/// A customer's number that nobody else has.
fn digest_number(digest: Digest) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|place| digest.as_bytes()[place]))
}

#[async_trait]
impl Driver for Ours {
    async fn run(&self, work: Work) {
        match work {
            Work::Verify(_, token) => {
                self.shop.auth.verify_customer(token.as_str()).await.expect("a live token");
            }
            Work::Issue(grant) => {
                let stored = self.store.insert(&grant, &origin_of(1), FIRST, grant.issued_at).await;
                assert_eq!(stored.expect("the store answers"), Insert::Stored);
            }
            Work::Take(presented) => {
                let now = OffsetDateTime::now_utc();
                let taken = self.store.take(&presented, Some(&presented.digest), now).await;
                assert!(matches!(taken, Ok(Take::Taken(_))), "{taken:?}");
            }
            Work::Reserve(attempt) => {
                let reserved = self.store.reserve(&attempt, OffsetDateTime::now_utc()).await;
                assert_eq!(reserved.expect("the store answers"), Reserve::Reserved);
            }
        }
    }
}
