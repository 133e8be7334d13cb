//! Private keys for the check characters of a token: made current, rotated while the service runs,
//! and retired.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use commerce_auth::{
    Auth, Error, SignIn,
    error::TokenError,
    keyring::{KeyError, KeyId, Keyring},
    store::memory::MemoryStore,
};
use support::{EMAIL, PASSWORD, Shop, fast, hooked::Hooked};

fn keyring(id: u32) -> Keyring {
    Keyring::new(KeyId(id), secret(id)).unwrap()
}

/// Returns the key of this id, the same on every node.
fn secret(id: u32) -> Vec<u8> {
    id.to_be_bytes().repeat(8)
}

fn with(keyring: &Keyring) -> Shop {
    Shop::open(MemoryStore::new(), fast(), |builder| builder.keyring(keyring.clone()))
}

#[test]
fn key_material_is_bounded_and_names_are_used_once() {
    assert_eq!(Keyring::new(KeyId(1), [0; 31]).err(), Some(KeyError::TooShort));
    let keyring = keyring(1);
    assert_eq!(keyring.accept(KeyId(2), [0; 31]), Err(KeyError::TooShort));
    assert_eq!(keyring.accept(KeyId(1), secret(2)), Err(KeyError::InUse));
    assert_eq!(keyring.make_current(KeyId(2)), Err(KeyError::Unknown));
    assert_eq!(keyring.retire(KeyId(2)), Err(KeyError::Unknown));
    assert_eq!(keyring.retire(KeyId(1)), Err(KeyError::Current));
    keyring.accept(KeyId(2), secret(2)).unwrap();
    assert_eq!(keyring.accept(KeyId(2), secret(2)), Err(KeyError::InUse));
    keyring.make_current(KeyId(2)).unwrap();
    keyring.make_current(KeyId(2)).unwrap();
    assert_eq!(keyring.accept(KeyId(1), secret(1)), Err(KeyError::InUse), "the one before stays accepted");
    keyring.retire(KeyId(1)).unwrap();
    keyring.accept(KeyId(1), secret(1)).unwrap();
    assert_eq!(format!("{keyring:?}"), "Keyring(..)");
}

#[tokio::test]
async fn a_token_of_another_key_does_not_reach_the_store() {
    let asked = Arc::new(AtomicUsize::new(0));
    let store = Hooked::new({
        let asked = Arc::clone(&asked);
        move |verb| {
            asked.fetch_add(usize::from(verb == "find"), Ordering::SeqCst);
            Ok(())
        }
    });
    let shop = Shop::open(store, fast(), |builder| builder.keyring(keyring(1)));
    let own = shop.sign_in(PASSWORD).await.unwrap();
    shop.auth.verify_customer(own.token()).await.unwrap();
    assert_eq!(asked.swap(0, Ordering::SeqCst), 1);
    // Without a keyring the key is public, so that anyone can compute the check characters.
    let public = Shop::open(MemoryStore::new(), fast(), |builder| builder);
    for other in [&public, &with(&keyring(2))] {
        let foreign = other.sign_in(PASSWORD).await.unwrap();
        for token in [own.token(), foreign.token()] {
            let foreign_here = shop.auth.verify_customer(foreign.token()).await;
            assert!(matches!(foreign_here, Err(Error::Token(TokenError::Invalid))));
            assert_eq!(
                other.auth.verify_customer(token).await.is_ok(),
                token.expose() == foreign.token().expose()
            );
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn rotation_signs_nobody_out_and_retiring_ends_what_the_key_signed() {
    // Two nodes over one store, each with a separate keyring.
    let (one, other) = (keyring(1), keyring(1));
    let shop = with(&one);
    let node = Auth::builder(Arc::clone(&shop.store))
        .customers(shop.customers.clone())
        .without_notifier()
        .clock(Arc::clone(&shop.clock))
        .config(fast())
        .keyring(other.clone())
        .build()
        .unwrap();
    let old = shop.sign_in(PASSWORD).await.unwrap();
    let both = async |token: &str| {
        (shop.auth.verify_customer(token).await.is_ok(), node.verify_customer(token).await.is_ok())
    };
    for keyring in [&one, &other] {
        keyring.accept(KeyId(2), secret(2)).unwrap();
        assert_eq!(both(old.token().expose()).await, (true, true));
    }
    one.make_current(KeyId(2)).unwrap();
    let new = shop.sign_in(PASSWORD).await.unwrap();
    assert_eq!(both(new.token().expose()).await, (true, true), "accepted before it is current everywhere");
    other.make_current(KeyId(2)).unwrap();
    let newer = node.generate_customer_token(SignIn::new(EMAIL, PASSWORD)).await.unwrap();
    for keyring in [&one, &other] {
        assert_eq!(both(old.token().expose()).await.0, std::ptr::eq(keyring, &one), "until it is retired");
        keyring.retire(KeyId(1)).unwrap();
    }
    assert_eq!(both(old.token().expose()).await, (false, false));
    for token in [new.token(), newer.token()] {
        assert_eq!(both(token.expose()).await, (true, true));
    }
}
