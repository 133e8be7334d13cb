//! Budgets of failed attempts as documents: how flows behave if the store cannot settle an attempt,
//! and if a document is unreadable.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use commerce_auth::{
    AdminId, AdminSignIn, ErrorKind, SignIn, StateStore, Website,
    error::StoreError,
    store::{Change, Changes, CommitOutcome, DocumentId, Key, Partition, Put, Version, memory::MemoryStore},
};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, authenticator::Authenticator, hooked::Hooked,
    keyring, with_second_factor,
};

/// Returns a shop whose store fails at one commit of documents of this kind. The commits are
/// counted from the moment it is armed.
fn failing_at_commit_of(kind: &'static str) -> (Shop<Hooked>, Arc<AtomicUsize>) {
    let left = Arc::new(AtomicUsize::new(0));
    let store = Hooked::new({
        let left = Arc::clone(&left);
        move |verb| {
            let count = |left: usize| {
                (verb.strip_prefix("commit ") == Some(kind)).then(|| left.checked_sub(1)).flatten()
            };
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) {
                Ok(1) => Err(StoreError::new(io::Error::from(io::ErrorKind::ConnectionReset))),
                _ => Ok(()),
            }
        }
    });
    (Shop::open(store, with_second_factor(), |builder| builder.keyring(keyring())), left)
}

#[tokio::test]
async fn a_right_password_signs_in_although_its_charge_cannot_be_settled() {
    let (shop, left) = failing_at_commit_of("budgets");
    for _ in 0..5 {
        shop.sign_in(WRONG).await.unwrap_err();
    }
    left.store(2, Ordering::SeqCst);
    let signed_in = shop.sign_in(PASSWORD).await.expect("the password is right");
    shop.auth.verify_customer(signed_in.token()).await.unwrap();
    // The next attempt settles it as a success, so that the account locks after six more failures,
    // not after one.
    for _ in 0..6 {
        shop.sign_in(WRONG).await.unwrap_err();
    }
    let begun = shop.auth.hashing_stats().begun;
    shop.sign_in(PASSWORD).await.unwrap_err();
    assert_eq!(shop.auth.hashing_stats().begun, begun, "the account is locked now");
}

#[tokio::test]
async fn a_wrong_password_whose_charge_cannot_be_settled_counts() {
    let (shop, left) = failing_at_commit_of("budgets");
    for earlier in 0..6 {
        // The verbs are: the earlier attempt's settlement, reserve, settle.
        left.store(2 + usize::from(earlier > 0), Ordering::SeqCst);
        shop.sign_in(WRONG).await.unwrap_err();
    }
    let begun = shop.auth.hashing_stats().begun;
    shop.sign_in(PASSWORD).await.unwrap_err();
    assert_eq!(shop.auth.hashing_stats().begun, begun, "the account is locked");
}

#[tokio::test]
async fn a_right_reset_token_that_cannot_be_spent_costs_no_charge() {
    let (shop, left) = failing_at_commit_of("codes");
    let token = shop.reset_token().await;
    for _ in 0..6 {
        left.store(1, Ordering::SeqCst);
        let error = shop.sign_in(&token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    shop.sign_in(&token).await.expect("six failures would have locked the account");
}

#[tokio::test]
async fn a_right_code_signs_in_although_its_charge_cannot_be_settled() {
    let (shop, left) = failing_at_commit_of("budgets");
    let authenticator = Authenticator::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    shop.auth.import_admin_factor(&AdminId::from(7), authenticator.secret()).await.unwrap();
    let code = authenticator.unused_code(shop.now()).unwrap();
    // First the password is reserved and settled, then the code.
    left.store(4, Ordering::SeqCst);
    let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(code.as_str());
    let signed_in = shop.auth.generate_admin_token(sign_in).await.expect("the code is right");
    assert_eq!(left.load(Ordering::SeqCst), 0, "the settlement failed");
    shop.auth.verify_admin(signed_in.token()).await.unwrap();
}

fn account(email: &str) -> Partition {
    Partition::of(&[b"customer", Website::default().as_str().as_bytes(), email.as_bytes()])
}

fn head() -> Key {
    Key { kind: "budgets".parse().unwrap(), id: DocumentId::ONLY }
}

async fn write(store: &MemoryStore, email: &str, bytes: &[u8]) {
    let put = Put {
        key: head(),
        expects: None,
        version: Version::from_bytes([7; 16]),
        keep_until: None,
        expendable: true,
        index: Vec::new(),
        bytes: bytes.to_vec(),
    };
    let changes = Changes::new(vec![Change::Put(put)]).unwrap();
    let now = time::OffsetDateTime::UNIX_EPOCH;
    assert_eq!(store.commit(&account(email), &changes, now).await.unwrap(), CommitOutcome::Committed);
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_unavailable_and_stays_as_it_is() {
    for bytes in [&br#"{"format":99,"document":{"words":[1]}}"#[..], b"{}", b"\xff\0", b""] {
        let shop = support::shop();
        write(&shop.store, EMAIL, bytes).await;
        for password in [PASSWORD, WRONG] {
            let error = shop.sign_in(password).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        }
        let found = shop.store.load(&account(EMAIL), &[head()]).await.unwrap();
        assert_eq!(found[0].as_ref().unwrap().bytes, bytes);
        // Other accounts are not affected.
        let nobody = SignIn::new("nobody@example.com", WRONG);
        let error = shop.auth.generate_customer_token(nobody).await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Unavailable);
    }
}
