//! Crowds of parallel guesses at one account, on two nodes over one store: no more hashes than the budgets
//! allow, and a bounded number of calls.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use commerce_auth::{Auth, Error, SignIn, SignInError, SignedIn};
use support::{EMAIL, PASSWORD, Shop, WRONG, fast, hooked::Hooked, shop};
use tokio::task::JoinHandle;

const GUESSES: usize = 1_000;

/// A thousand wrong passwords, so many at once. Returns the number of hashes and of calls on the account's
/// documents.
async fn crowd(at_once: usize, sources: usize) -> (u64, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let store = Hooked::new({
        let calls = Arc::clone(&calls);
        move |verb| {
            calls.fetch_add(usize::from(verb.ends_with("budgets")), Ordering::Relaxed);
            Ok(())
        }
    });
    // Room for all hashes that the budgets allow.
    let mut config = fast();
    config.hashing_queue = GUESSES;
    let shop = Shop::open(store, config.clone(), |builder| builder);
    let nodes = [shop.auth.clone(), shop.node(config)];
    let callers = (0..at_once).map(|caller| {
        let node = nodes[caller % 2].clone();
        tokio::spawn(async move {
            for number in (caller..GUESSES).step_by(at_once) {
                let source = Ipv4Addr::from_bits(u32::try_from(number % sources).unwrap());
                let sign_in = SignIn::new(EMAIL, WRONG).from(IpAddr::V4(source));
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
    // All at once: the time that this takes on a busy machine is spent on looking again.
    assert_eq!(crowd(GUESSES, 1).await.0, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_guesses_from_102_sources_get_a_hundred() {
    let (hashes, calls) = crowd(32, 102).await;
    assert_eq!(hashes, 100);
    assert!(calls <= 10_000, "{calls} calls");
}

fn sign_in(node: &Auth, password: &'static str, source: u32) -> JoinHandle<Result<SignedIn, Error>> {
    let sign_in = SignIn::new(EMAIL, password).from(IpAddr::V4(Ipv4Addr::from_bits(source)));
    let node = node.clone();
    tokio::spawn(async move { node.generate_customer_token(sign_in).await })
}

/// Twenty handles know nothing of each other's turns.
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

/// A node that is farther from the store loses most races for the account's documents.
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
