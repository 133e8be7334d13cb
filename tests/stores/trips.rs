//! The number of round trips that a flow waits for.

use std::time::Duration;

use commerce_auth::Store;
use commerce_auth_test_servers::Proxy;
use support::{PASSWORD, Shop, fast};

/// Returns the number of round trips that a successful sign-in waits for in sequence. The store
/// reaches its server through the proxy.
pub async fn waits_of_a_sign_in(store: impl Store, proxy: &Proxy) -> u64 {
    let shop = Shop::open(store, fast(), |builder| builder);
    let sign_in = async || shop.sign_in_from("203.0.113.9", PASSWORD).await.unwrap();
    // The first sign-ins also load scripts and prepare statements.
    for _ in 0..8 {
        sign_in().await;
    }
    proxy.delay(Duration::from_millis(50));
    let before = proxy.waits();
    sign_in().await;
    proxy.waits() - before
}
