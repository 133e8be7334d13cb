//! The core needs no particular async runtime: the same sign-in under tokio (both flavours), smol, and a
//! plain `block_on`.

use std::{sync::Arc, thread};

use commerce_auth::{Error, error::SignInError};
use support::{PASSWORD, Shop, WRONG, shop};

/// Signs in, waits for a turn behind other callers, is refused, verifies and revokes.
async fn main_job(shop: &Shop) {
    let sign_ins = futures_util::future::join_all((0..20).map(|_| shop.sign_in(PASSWORD))).await;
    for signed_in in sign_ins {
        let signed_in = signed_in.unwrap();
        shop.auth.verify_customer(signed_in.token()).await.unwrap();
        shop.auth.revoke_customer_token(signed_in.token()).await.unwrap();
        assert!(shop.auth.verify_customer(signed_in.token()).await.is_err());
    }
    let wrong = futures_util::future::join_all((0..20).map(|_| shop.sign_in(WRONG))).await;
    assert!(wrong.into_iter().all(|refused| matches!(refused, Err(Error::SignIn(SignInError::Refused)))));
}

#[test]
fn plain_block_on() {
    pollster::block_on(main_job(&shop()));
}

#[test]
fn plain_block_on_from_many_threads() {
    let shop = Arc::new(shop());
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| pollster::block_on(shop.sign_in(PASSWORD)).unwrap());
        }
    });
}

#[test]
fn smol_executor() {
    smol::block_on(main_job(&shop()));
}

#[tokio::test]
async fn tokio_current_thread() {
    main_job(&shop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_multi_thread() {
    main_job(&shop()).await;
}

/// A hash never runs on the executor: other tasks of its only thread continue at the same time.
#[tokio::test]
async fn the_executor_is_never_blocked() {
    let mut config = support::fast();
    config.argon2 = commerce_auth::credential::Argon2Params::default();
    let shop = Shop::open(commerce_auth::store::memory::MemoryStore::new(), config, |builder| builder);
    let ticks = async {
        let mut ticks = 0;
        while shop.auth.hashing_stats().running == 0 {
            tokio::task::yield_now().await;
        }
        while shop.auth.hashing_stats().running > 0 {
            tokio::task::yield_now().await;
            ticks += 1;
        }
        ticks
    };
    let (signed_in, ticks) = tokio::join!(shop.sign_in(PASSWORD), ticks);
    signed_in.unwrap();
    assert!(ticks > 10, "the thread was free {ticks} times while a hash ran");
}
