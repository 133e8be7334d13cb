//! Crowds of parallel guesses at one account, on two nodes over one store: no more hashes than the budgets
//! allow, and a bounded number of calls.

mod support;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use commerce_auth::{Error, SignIn};
use support::{EMAIL, Shop, WRONG, fast, hooked::Hooked};

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
                assert!(matches!(refused, Err(Error::SignInRefused)), "{refused:?}");
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
