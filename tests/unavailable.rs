//! A store that is down gives "unavailable": never "denied", never "allowed"; and service resumes by itself.

mod support;

use std::{
    error::Error as _,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use commerce_auth::{
    CustomerChange, CustomerId, Error, ErrorKind, Keep, StoreError, Subject, store::TokenStore,
};
use support::{PASSWORD, Shop, WRONG, fast, hooked::Hooked};

/// A shop whose store answers so many verbs more, and fails at all later ones.
fn failing() -> (Shop<Hooked>, Arc<AtomicUsize>) {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let store = Hooked::new({
        let left = Arc::clone(&left);
        move |_| match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::new(io::Error::from(io::ErrorKind::ConnectionReset))),
        }
    });
    (Shop::open(store, fast(), |builder| builder), left)
}

fn is_unavailable<T>(result: &Result<T, Error>) -> bool {
    let Err(error) = result else { return false };
    error.kind() == ErrorKind::Unavailable && error.source().is_some()
}

#[tokio::test]
async fn every_flow_answers_unavailable_at_every_verb() {
    let (shop, left) = failing();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let code = shop.code().await;
    let assisted = shop.sign_in(&code).await.unwrap();
    let (token, assisted) = (signed_in.token(), assisted.token());
    let customer = CustomerId::from(1);
    macro_rules! fails_at_each_of {
        ($verbs:expr, $flow:expr) => {
            for verb in 0..$verbs {
                left.store(verb, Ordering::SeqCst);
                let result = $flow.await;
                assert!(is_unavailable(&result), "{} at verb {verb}: {:?}", stringify!($flow), result.err());
            }
            left.store(usize::MAX, Ordering::SeqCst);
        };
    }
    fails_at_each_of!(1, shop.auth.verify_customer(token));
    fails_at_each_of!(1, shop.auth.verify(token));
    fails_at_each_of!(2, shop.auth.verify_customer(assisted));
    fails_at_each_of!(2, shop.auth.revoke_customer_token(token));
    fails_at_each_of!(2, shop.auth.revoke_all_customer_tokens(token, Keep::Presented));
    fails_at_each_of!(2, shop.auth.list_customer_tokens(token));
    fails_at_each_of!(2, shop.auth.customer_changed(&customer, CustomerChange::Disabled));
    fails_at_each_of!(1, shop.auth.revoke_everything());
    fails_at_each_of!(3, shop.auth.purge(1));
}

#[tokio::test]
async fn a_sign_in_that_a_store_fails_gives_no_token_and_no_denial() {
    // reserve, generation, (take,) settle, insert
    for (kind, verbs) in [("password", 4), ("reset token", 5), ("code", 6)] {
        for verb in 0..verbs {
            let (shop, left) = failing();
            let credential = match kind {
                "code" => shop.code().await,
                "reset token" => shop.reset_token().await,
                _ => PASSWORD.to_owned(),
            };
            left.store(verb, Ordering::SeqCst);
            let result = shop.sign_in(&credential).await;
            assert!(is_unavailable(&result), "a {kind} at verb {verb}: {:?}", result.err());
            left.store(usize::MAX, Ordering::SeqCst);
            let subject = Subject::Customer(CustomerId::from(1));
            assert!(
                shop.store.list(&subject, shop.now()).await.unwrap().is_empty(),
                "a {kind} at verb {verb}"
            );
            shop.sign_in(PASSWORD).await.expect("service resumes by itself");
        }
    }
}

#[tokio::test]
async fn an_outage_between_guesses_gives_no_free_ones() {
    // The hash has been made when the store fails: the attempt counts, settled by the next one.
    let (shop, left) = failing();
    for earlier in 0..6 {
        // What the attempt before could not settle, reserve, generation; take fails, and so does settle.
        left.store(usize::from(earlier > 0) + 2, Ordering::SeqCst);
        assert!(is_unavailable(&shop.sign_in(WRONG).await));
        left.store(usize::MAX, Ordering::SeqCst);
    }
    let begun = shop.auth.hashing_stats().begun;
    assert!(matches!(shop.sign_in(PASSWORD).await, Err(Error::SignInRefused)));
    assert_eq!(shop.auth.hashing_stats().begun, begun);
}

#[tokio::test]
async fn an_outage_before_the_hash_charges_nothing() {
    let (shop, left) = failing();
    for earlier in 0..10 {
        // What the attempt before could not settle, reserve; generation fails, and so does settle.
        left.store(usize::from(earlier > 0) + 1, Ordering::SeqCst);
        assert!(is_unavailable(&shop.sign_in(WRONG).await));
        left.store(usize::MAX, Ordering::SeqCst);
    }
    shop.sign_in(PASSWORD).await.expect("no attempt was made");
}
