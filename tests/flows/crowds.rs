//! Crowds of parallel guesses at one account, on two nodes over one store. They cost no more hashes
//! than the budgets allow, and a bounded number of calls.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use commerce_auth::{
    AdminSignIn, Auth, Error, SignIn, SignedIn, credential::Argon2Params, error::SignInError,
    store::memory::MemoryStore,
};
use support::{ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, fast, hooked::Hooked, shop, size};
use tokio::task::JoinHandle;

const GUESSES: usize = 1_000;

/// Sends a thousand wrong passwords, `at_once` at a time. Returns the number of hashes and of calls
/// on the account's documents.
async fn crowd(at_once: usize, sources: usize) -> (u64, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let store = Hooked::new({
        let calls = Arc::clone(&calls);
        move |verb| {
            calls.fetch_add(usize::from(verb.ends_with("budgets")), Ordering::Relaxed);
            Ok(())
        }
    });
    // The queue has room for all hashes that the budgets allow.
    let mut config = fast();
    config.hashing_queue = GUESSES;
    let shop = Shop::open(store, config.clone(), |builder| builder);
    let nodes = [shop.auth.clone(), shop.node(config)];
    let callers = (0..at_once).map(|caller| {
        let node = nodes[caller % 2].clone();
        tokio::spawn(async move {
            for number in (caller..GUESSES).step_by(at_once) {
                let source = Ipv4Addr::from_bits(u32::try_from(number % sources).unwrap());
                let sign_in = SignIn::new(EMAIL, WRONG).origin(IpAddr::V4(source));
                let refused = node.generate_customer_token(sign_in).await;
                assert!(matches!(refused, Err(Error::SignIn(SignInError::Refused))), "{refused:?}");
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let hashes = nodes.iter().map(|node| node.hashing_stats().begun).sum::<u64>();
    (hashes, calls.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_guesses_from_one_source_get_six() {
    let (hashes, calls) = crowd(32, 1).await;
    assert_eq!(hashes, 6);
    assert!(calls <= 5_000, "{calls} calls");
    // All guesses at once. On a busy machine this takes many retries, so the calls are not counted.
    assert_eq!(crowd(GUESSES, 1).await.0, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_guesses_from_102_sources_get_a_hundred() {
    let (hashes, calls) = crowd(32, 102).await;
    assert_eq!(hashes, 100);
    assert!(calls <= 10_000, "{calls} calls");
}

fn sign_in(node: &Auth, password: &'static str, source: u32) -> JoinHandle<Result<SignedIn, Error>> {
    let sign_in = SignIn::new(EMAIL, password).origin(IpAddr::V4(Ipv4Addr::from_bits(source)));
    let node = node.clone();
    tokio::spawn(async move { node.generate_customer_token(sign_in).await })
}

/// Twenty `Auth` handles do not share their turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_handles_on_one_account_share_its_budgets() {
    let shop = shop();
    let nodes: Vec<_> = (0..20).map(|_| shop.node(fast())).collect();
    let right: Vec<_> = nodes.iter().map(|node| sign_in(node, PASSWORD, 1)).collect();
    for signed_in in right {
        signed_in.await.unwrap().expect("each waits for room instead of being refused");
    }
    let wrong: Vec<_> = nodes.iter().cycle().take(200).map(|node| sign_in(node, WRONG, 1)).collect();
    for refused in wrong {
        assert!(matches!(refused.await.unwrap(), Err(Error::SignIn(SignInError::Refused))));
    }
    let hashes = nodes.iter().map(|node| node.hashing_stats().begun).sum::<u64>();
    assert_eq!(hashes, 20 + 6);
}

/// A node with a slower connection to the store loses most races for the account's documents.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_two_milliseconds_farther_away_signs_in_during_a_flood() {
    let near = shop();
    let far = Hooked::over(Arc::clone(&near.store), |_| {
        thread::sleep(Duration::from_millis(2));
        Ok(())
    });
    let far = Auth::builder(far)
        .customers(near.customers.clone())
        .without_notifier()
        .clock(Arc::clone(&near.clock))
        .config(fast())
        .build()
        .unwrap();
    let guesses: Vec<_> = (0..80).map(|source| sign_in(&near.auth, WRONG, 10 + source)).collect();
    sign_in(&far, PASSWORD, 1).await.unwrap().expect("the budgets leave room for it");
    for refused in guesses {
        assert!(matches!(refused.await.unwrap(), Err(Error::SignIn(SignInError::Refused))));
    }
}

/// Two hundred callers of one address try a password at account after account. Others sign in at
/// the same time: their hashes take turns with those of the flood, however many of these wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_from_one_source_takes_no_turn_of_others() {
    let mut config = fast();
    config.argon2 = Argon2Params::default();
    config.hashing_threads = NonZero::<usize>::MIN;
    config.hashing_queue = 256;
    // Otherwise the budget of the source would end the flood.
    config.source_total_budget.failures = 1_000_000;
    let shop = Arc::new(Shop::open(MemoryStore::new(), config, |builder| builder));
    let (over, busy) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let flood = (0..200).map(|caller| {
        let (auth, over, busy) = (shop.auth.clone(), Arc::clone(&over), Arc::clone(&busy));
        tokio::spawn(async move {
            for round in 0.. {
                let sign_in = SignIn::new(format!("{caller}-{round}@example.com"), WRONG);
                let source = IpAddr::from([198, 51, 100, 7]);
                match auth.generate_customer_token(sign_in.origin(source)).await {
                    Err(Error::Overloaded) => _ = busy.fetch_add(1, Ordering::Relaxed),
                    Err(Error::SignIn(SignInError::Refused)) => {}
                    other => panic!("{other:?}"),
                }
                if over.load(Ordering::Relaxed) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    while busy.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    for victim in 0..size(10, 40) {
        let source = IpAddr::from([192, 0, 2, victim]);
        let begun = shop.auth.hashing_stats().begun;
        let right = SignIn::new(EMAIL, PASSWORD).origin(source);
        shop.auth.generate_customer_token(right).await.expect("the flood holds a quarter of the places");
        assert!(shop.auth.hashing_stats().begun - begun <= 32, "its turn came before the 64 of the flood");
        let admin = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).origin(source);
        shop.auth.generate_admin_token(admin).await.expect("admin users have places of their own");
    }
    let stats = shop.auth.hashing_stats();
    assert!(stats.waiting <= 64 && stats.wait > Duration::ZERO, "{stats:?}");
    over.store(true, Ordering::Relaxed);
    for caller in flood {
        caller.await.unwrap();
    }
}
