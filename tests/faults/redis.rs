//! Redis is killed, silent, slow, disconnected, full or demoted. Nothing acknowledged is lost, no
//! caller hangs, and service resumes without a restart. The servers append every write to their
//! file before they answer (`appendfsync always`).

#![cfg(feature = "redis")]

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use commerce_auth::{
    CustomerId, Error, ErrorKind, SignIn, TokenStore,
    audit::MemoryAudit,
    error::{SignInError, StoreError},
    store::{
        GenerationId, OpenError,
        redis::{RedisOptions, RedisStore},
    },
};
use commerce_auth_test_servers::{Proxy, Redis};
use futures_util::{FutureExt, future::join_all};
use support::{
    PASSWORD, REASON, Shop, fast,
    fresh::{CAP, fresh},
    present::{self, customer, generation, grant, insert, lives, now, seconds},
    records::said,
};

/// The additional time that a verb may take on a busy machine.
const SLACK: Duration = Duration::from_secs(5);
/// A quarter of it is for connecting, which must succeed on a busy machine, too.
const TIMEOUT: Duration = Duration::from_millis(2400);

async fn open(url: String) -> RedisStore {
    RedisOptions::new(url).timeout(TIMEOUT).connect().await.unwrap()
}

/// Returns the answer, which must come in time.
async fn in_time<T>(call: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let answer = call.await;
    assert!(begun.elapsed() < TIMEOUT + SLACK, "a call took {:?}", begun.elapsed());
    answer
}

/// Repeats a call until it succeeds, for at most 30 s. Every answer must come in time.
async fn resumes<T, F: Future<Output = Result<T, StoreError>>>(mut ask: impl FnMut() -> F) -> T {
    let begun = Instant::now();
    loop {
        match in_time(ask()).await {
            Ok(answer) => return answer,
            Err(error) => assert!(begun.elapsed() < seconds(30), "not resumed: {}", said(&error)),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

// ---- Killed -------------------------------------------------------------------------------------------------

/// The answers to callers, before and after the server was killed.
#[derive(Default)]
struct Told {
    codes_taken: Mutex<Vec<usize>>,
    tokens: Mutex<Vec<String>>,
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
}

impl Told {
    /// Repeats a call until it succeeds. Every failure must be "unavailable" and come in time.
    async fn ask<T, F: Future<Output = Result<T, Error>>>(&self, mut ask: impl FnMut() -> F) -> T {
        let begun = Instant::now();
        loop {
            match in_time(ask()).await {
                Ok(answer) => {
                    self.acknowledged.fetch_add(1, Ordering::SeqCst);
                    return answer;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
            }
            self.refused.fetch_add(1, Ordering::SeqCst);
            assert!(begun.elapsed() < seconds(60), "the service did not resume");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < seconds(60), "{what} did not happen in time");
        thread::sleep(Duration::from_millis(1));
    }
}

const EACH: usize = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_loses_nothing() {
    let Some(server) = Redis::start() else { return };
    let shop = Shop::open(open(server.url()).await, fast(), |builder| builder.audit(MemoryAudit::new()));
    let address = |number: usize| format!("customer{number}@example.com");
    let id = |number: usize| CustomerId::from(i64::try_from(number + 10).unwrap());
    let (admin, mut codes) = (shop.admin_token().await, Vec::new());
    for number in 0..EACH {
        insert(&*shop.store, &grant(&format!("grant {number}"), 1)).await;
        shop.set_customer(|row| {
            (row.id, row.email) = (id(number), address(number));
        });
        codes.push(shop.auth.generate_one_time_code(&admin, &id(number), REASON).await.unwrap());
    }
    let (told, next) = (Told::default(), AtomicUsize::new(0));
    let redeem = async |number: usize| {
        let exchange = || async {
            let exchange = SignIn::new(address(number), codes[number].code().expose());
            match shop.auth.exchange_one_time_code(exchange).await {
                Ok(_) => Ok(true),
                Err(Error::SignIn(SignInError::Refused)) => Ok(false),
                Err(error) => Err(error),
            }
        };
        // Two callers present the same code.
        for bought in join_all([told.ask(exchange), told.ask(exchange)]).await {
            if bought {
                told.codes_taken.lock().unwrap().push(number);
            }
        }
    };
    let sign_in = async |number: usize| {
        let address = address(number);
        let signed_in = told.ask(|| shop.auth.generate_customer_token(SignIn::new(&address, PASSWORD))).await;
        told.tokens.lock().unwrap().push(signed_in.token().expose().to_owned());
    };
    let revoke = async |number: usize| {
        let id = grant(&format!("grant {number}"), 1).id;
        told.ask(|| async { Ok(shop.store.revoke(&id, now(), now()).await?) }).await;
    };
    let caller = async || {
        loop {
            let turn = next.fetch_add(1, Ordering::SeqCst);
            match (turn / 3, turn % 3) {
                (EACH.., _) => break,
                (number, 0) => redeem(number).await,
                (number, 1) => sign_in(number).await,
                (number, _) => revoke(number).await,
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for done in [1, 2] {
                wait_until("a third of the answers", || {
                    told.acknowledged.load(Ordering::SeqCst) > done * 4 * EACH / 3
                });
                let refused = told.refused.load(Ordering::SeqCst);
                server.kill();
                wait_until("the callers' errors", || told.refused.load(Ordering::SeqCst) > refused + 100);
                server.restart();
            }
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(join_all((0..48).map(|_| caller())));
        });
    });
    let mut taken = told.codes_taken.into_inner().unwrap();
    let bought = taken.len();
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), bought, "a code was redeemed twice");
    assert!(bought > EACH / 2, "{bought} codes were redeemed");
    let tokens = told.tokens.into_inner().unwrap();
    assert_eq!(tokens.len(), EACH);
    for token in tokens {
        shop.auth.verify_customer(&token).await.expect("an issued token is lost");
    }
    for number in 0..EACH {
        assert!(!lives(&*shop.store, &grant(&format!("grant {number}"), 1)).await, "a revoke is lost");
    }
}

// ---- Silent, slow, cut --------------------------------------------------------------------------------------

#[tokio::test]
async fn a_server_that_is_not_there_is_told_at_start() {
    let error =
        in_time(RedisOptions::new("redis://127.0.0.1:1/").timeout(TIMEOUT).connect()).await.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable(_)), "{error:?}");
    let Some(server) = Redis::start() else { return };
    server.pause();
    let error = in_time(RedisOptions::new(server.url()).timeout(TIMEOUT).connect()).await.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_silent_server() {
    let Some(server) = Redis::start() else { return };
    let proxy = Proxy::to(server.port());
    let store = open(server.url_through(proxy.port())).await;
    let grant = grant("a", 1);
    insert(&store, &grant).await;
    type Act<'a> = &'a dyn Fn();
    let silences: [(Act<'_>, Act<'_>); 2] =
        [(&|| proxy.silence(true), &|| proxy.silence(false)), (&|| server.pause(), &|| server.resume())];
    for (silence, end) in silences {
        silence();
        let calls = (0..200).map(|_| in_time(store.find(&grant.id, now())));
        assert!(join_all(calls).await.iter().all(Result::is_err));
        assert!(in_time(store.revoke_everything(fresh(), now())).await.is_err());
        end();
        resumes(|| store.generation(&grant.subject, fresh())).await;
    }
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let Some(server) = Redis::start() else { return };
    let proxy = Proxy::to(server.port());
    let store = RedisStore::connect(server.url_through(proxy.port())).await.unwrap();
    proxy.delay(Duration::from_millis(200));
    let grant = grant("a", 1);
    insert(&store, &grant).await;
    assert!(lives(&store, &grant).await);
    documents_come_and_go(&store).await;
    assert!(store.revoke(&grant.id, now(), now()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_fails_no_more_than_what_is_in_flight() {
    const CALLERS: usize = 16;
    let Some(server) = Redis::start() else { return };
    let proxy = Proxy::to(server.port());
    let store = open(server.url_through(proxy.port())).await;
    let grant = grant("a", 1);
    insert(&store, &grant).await;
    for _ in 0..5 {
        let (answered, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let caller = async || {
            for _ in 0..100 {
                let count = if store.find(&grant.id, now()).await.is_ok() { &answered } else { &failed };
                count.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        };
        let cutter = async {
            while answered.load(Ordering::SeqCst) < 300 {
                tokio::task::yield_now().await;
            }
            proxy.cut();
        };
        futures_util::future::join(join_all((0..CALLERS).map(|_| caller())), cutter).await;
        let failed = failed.into_inner();
        assert!(failed <= CALLERS, "a cut failed {failed} calls of {CALLERS} callers");
        assert!(answered.into_inner() >= 99 * CALLERS);
    }
}

#[tokio::test]
async fn a_dropped_call_harms_nobody() {
    let Some(server) = Redis::start() else { return };
    let store = open(server.url()).await;
    let grants: Vec<_> = (0..20).map(|number| grant(&format!("{number}"), number)).collect();
    for grant in &grants {
        insert(&store, grant).await;
    }
    for round in 0..50 {
        for (grant, other) in grants.iter().zip(grants.iter().cycle().skip(round + 1)) {
            assert!(store.find(&other.id, now()).now_or_never().is_none());
            let _ = store.grants(&other.subject, 100, now()).now_or_never();
            let found = store.find(&grant.id, now()).await.unwrap();
            assert_eq!(found.map(|found| found.id), Some(grant.id));
        }
    }
}

// ---- Full, flushed ------------------------------------------------------------------------------------------

#[tokio::test]
async fn when_its_memory_is_full_what_ends_something_goes_on() {
    let Some(server) = Redis::start() else { return };
    let store = open(server.url()).await;
    let grant = grant("a", 1);
    insert(&store, &grant).await;
    let known = generation(&store, &customer(2)).await;
    server.command("CONFIG SET maxmemory 1").unwrap();
    let other = present::grant("b", 2);
    assert!(store.insert(&other, &commerce_auth::Origin::default(), known, CAP, now()).await.is_err());
    assert!(lives(&store, &grant).await);
    assert!(!lives(&store, &other).await);
    assert_eq!(store.grants(&grant.subject, 100, now()).await.unwrap().len(), 1);
    assert!(store.revoke(&grant.id, now(), now() + seconds(60)).await.unwrap());
    store.revoke_all(&grant.subject, None, fresh(), now()).await.unwrap();
    store.revoke_everything(fresh(), now()).await.unwrap();
    store.purge_tokens(now() + seconds(3600), 10).await.unwrap();
    server.command("CONFIG SET maxmemory 0").unwrap();
    insert(&store, &other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_the_scripts_are_forgotten() {
    let Some(server) = Redis::start() else { return };
    let store = open(server.url()).await;
    let (over, flushed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while over.load(Ordering::SeqCst) == 0 {
                server.command("SCRIPT FLUSH").unwrap();
                flushed.fetch_add(1, Ordering::SeqCst);
            }
        });
        let caller = async |caller: i64| {
            for number in 0..100 {
                let grant = grant(&format!("{caller} {number}"), caller);
                insert(&store, &grant).await;
                assert!(store.revoke(&grant.id, now(), now()).await.unwrap());
            }
        };
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(join_all((0..8).map(caller)));
        });
        over.store(1, Ordering::SeqCst);
    });
    assert!(flushed.into_inner() > 10);
}

// ---- Requirements for a server ------------------------------------------------------------------------------

#[tokio::test]
async fn a_server_that_evicts_is_refused() {
    let Some(server) = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"]) else { return };
    let error = RedisStore::connect(server.url()).await.unwrap_err();
    assert!(matches!(&error, OpenError::MayEvict { policy } if policy == "allkeys-lru"), "{error:?}");
    let store = RedisOptions::new(server.url()).danger_allow_eviction().connect().await.unwrap();
    insert(&store, &grant("a", 1)).await;
}

/// The rights that the server's user needs, as the documentation lists them.
const PERMITTED: &str = "+info +select +wait +eval +evalsha +get +getrange +mget +set +del +zcard +pexpire \
    +zadd +zrange +zrangebyscore +zrem +zremrangebyscore +scan +time";

#[tokio::test]
async fn what_is_not_permitted_is_told_at_start() {
    let Some(server) = Redis::start() else { return };
    let url = server.url().replace("redis://", "redis://shop:secret@");
    let permit = |more: &str| {
        let user = format!("ACL SETUSER shop reset on >secret ~{{commerce_auth}}:* {PERMITTED} {more}");
        assert_eq!(server.command(&user).unwrap(), "+OK\r\n");
    };
    permit("");
    let store = open(url.clone()).await;
    let grant = grant("a", 1);
    insert(&store, &grant).await;
    assert_eq!(store.grants(&grant.subject, 100, now()).await.unwrap().len(), 1);
    store.revoke(&grant.id, now(), now()).await.unwrap();
    store.revoke_all(&grant.subject, None, fresh(), now()).await.unwrap();
    store.revoke_everything(fresh(), now()).await.unwrap();
    store.purge_tokens(now(), 10).await.unwrap();
    documents_come_and_go(&store).await;

    for more in [
        "-info",
        "-eval",
        "-evalsha",
        "-zadd",
        "-getrange",
        "-scan",
        "-mget",
        "resetkeys ~other:*",
        ">other <secret",
    ] {
        permit(more);
        let connected = RedisStore::connect(&*url).await;
        assert!(matches!(connected, Err(OpenError::NotPermitted { .. })), "{more}: {connected:?}");
    }
    server.command("CONFIG SET requirepass secret").unwrap();
    let error = RedisStore::connect(server.url()).await.unwrap_err();
    assert!(matches!(error, OpenError::NotPermitted { .. }), "{error:?}");
}

/// Calls each verb of the state store.
async fn documents_come_and_go(store: &RedisStore) {
    use commerce_auth::{
        StateStore,
        store::{Change, Changes, CommitOutcome, DocumentId, IndexEntry, Key, Partition, Put, Version},
    };

    let (partition, kind) = (Partition::of(&[b"a"]), "document");
    let index = IndexEntry { shop_wide: true, name: kind.parse().unwrap(), rank: 1 };
    let put = Put {
        key: Key { kind: kind.parse().unwrap(), id: DocumentId::ONLY },
        expects: None,
        version: Version::from_bytes([1; 16]),
        keep_until: Some(now()),
        expendable: false,
        index: vec![index.clone()],
        bytes: b"a".to_vec(),
    };
    let key = put.key.clone();
    let changes = Changes::new(vec![Change::Put(put)]).unwrap();
    assert_eq!(store.commit(&partition, &changes, now()).await.unwrap(), CommitOutcome::Committed);
    assert_eq!(StateStore::list(store, &index.index(&partition), None, 10).await.unwrap().len(), 1);
    assert_eq!(store.sweep(now(), 10).await.unwrap(), 1);
    assert_eq!(store.load(&partition, &[key]).await.unwrap(), [None]);
}

// ---- Replicas -----------------------------------------------------------------------------------------------

fn replica_of(primary: &Redis) -> Option<Redis> {
    Redis::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()])
}

fn wait_for_the_replica(primary: &Redis) {
    wait_until("a replica", || primary.command("INFO replication").unwrap().contains("state=online"));
}

#[tokio::test]
async fn a_replica_is_refused() {
    let Some(primary) = Redis::start() else { return };
    let Some(replica) = replica_of(&primary) else { return };
    let error = RedisStore::connect(replica.url()).await.unwrap_err();
    assert!(matches!(error, OpenError::Invalid(why) if why.contains("replica")), "{error:?}");
}

#[tokio::test]
async fn a_primary_that_becomes_a_replica_is_left() {
    let (Some(one), Some(other)) = (Redis::start(), Redis::start()) else { return };
    let store = open(one.url()).await;
    let grant = grant("a", 1);
    insert(&store, &grant).await;
    one.command(&format!("REPLICAOF 127.0.0.1 {}", other.port())).unwrap();
    let begun = Instant::now();
    // The demoted server may still return old data. The store notices within a quarter of the
    // timeout.
    while store.find(&grant.id, now()).await.is_ok() {
        assert!(begun.elapsed() < TIMEOUT / 4 + SLACK, "the replica still answers");
        tokio::task::yield_now().await;
    }
    assert!(store.revoke_everything(fresh(), now()).await.is_err());
    one.command("REPLICAOF NO ONE").unwrap();
    resumes(|| store.revoke_everything(fresh(), now())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_something_waits_for_replicas() {
    let Some(primary) = Redis::start() else { return };
    let proxy = Proxy::to(primary.port());
    let url = primary.url_through(proxy.port());
    let waiting = |patience| RedisOptions::new(&*url).timeout(seconds(10)).wait_for_replicas(1, patience);
    // Without a replica, each call waits this long and then fails.
    let patience = Duration::from_millis(200);
    let store = waiting(patience).connect().await.unwrap();
    let grant = grant("a", 1);
    insert(&store, &grant).await;
    let begun = Instant::now();
    assert!(store.revoke(&grant.id, now(), now()).await.is_err(), "there is no replica");
    assert!(begun.elapsed() >= patience);
    assert!(store.revoke_all(&grant.subject, None, fresh(), now()).await.is_err());
    assert!(store.revoke_everything(fresh(), now()).await.is_err());
    // The call failed, but it has taken effect.
    assert!(!lives(&store, &grant).await);

    let Some(replica) = replica_of(&primary) else { return };
    wait_for_the_replica(&primary);
    // Longer than a replica on a busy machine takes.
    let store = waiting(seconds(5)).connect().await.unwrap();
    for round in 0..8 {
        let grant = present::grant(&format!("{round}"), 1);
        insert(&store, &grant).await;
        assert!(store.revoke(&grant.id, now(), now()).await.unwrap());
        store.revoke_all(&grant.subject, None, fresh(), now()).await.unwrap();
        store.revoke_everything(fresh(), now()).await.unwrap();
    }
    let last = GenerationId::from_bytes(*b"the last of them");
    let mut turns = Vec::new();
    for _ in 0..10 {
        let before = proxy.turns();
        store.revoke_everything(last, now()).await.unwrap();
        turns.push(proxy.turns() - before);
    }
    // The tasks that keep the connections open also send commands now and then.
    assert_eq!(turns.iter().min(), Some(&1), "{turns:?}");
    let held = replica.command("GET {commerce_auth}:everything").unwrap();
    assert!(held.contains("the last of them"), "the replica holds {held}");

    replica.pause();
    assert!(store.revoke_everything(fresh(), now()).await.is_err());
    assert!(
        lives(&store, &grant).now_or_never().is_none_or(|lives| !lives),
        "other calls do not wait for it"
    );
    replica.resume();
    resumes(|| store.revoke_everything(fresh(), now())).await;
}
