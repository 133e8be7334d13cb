//! The promises of the memory store alone: strangers can make it grow only up to a bound, and it
//! can hold a million tokens.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use commerce_auth::{
    CustomerId, Error, Origin, SignIn, StateStore, TokenStore, Website,
    config::Lock,
    error::SignInError,
    store::{
        Change, Changes, CommitOutcome, DocumentId, Insert, Key, Partition, Put, Version, memory::MemoryStore,
    },
    token::{Grant, GrantId, Obtained, Subject},
};
use support::{
    EMAIL, PASSWORD, Shop, WRONG, fast,
    fresh::{CAP, fresh},
    size,
};
use time::{OffsetDateTime, macros::datetime};

/// Returns a shop whose table of attempts has room for one account in each of its 256 shards.
fn small() -> Shop {
    small_with(100)
}

/// As above, with the number of failures that lock an account.
fn small_with(failures: u32) -> Shop {
    let mut config = fast();
    config.budgets.account.failures = failures;
    Shop::open(MemoryStore::with_attempt_capacity(256), config, |builder| builder)
}

async fn flood(shop: &Shop, names: u32) -> usize {
    let mut refused = 0;
    for name in 0..names {
        let source = IpAddr::V4(Ipv4Addr::from_bits(name));
        let sign_in = SignIn::new(format!("nobody{name}@example.com"), WRONG).origin(source);
        refused += usize::from(matches!(
            shop.auth.generate_customer_token(sign_in).await,
            Err(Error::SignIn(SignInError::Refused))
        ));
    }
    refused
}

#[tokio::test]
async fn a_live_lock_outlasts_any_flood_of_invented_names() {
    let shop = small();
    for _ in 0..6 {
        shop.sign_in_from("192.0.2.1", WRONG).await.unwrap_err();
    }
    assert_eq!(flood(&shop, 4_000).await, 4_000);
    let begun = shop.auth.hashing_stats().begun;
    assert!(matches!(
        shop.sign_in_from("192.0.2.1", PASSWORD).await,
        Err(Error::SignIn(SignInError::Refused))
    ));
    assert_eq!(shop.auth.hashing_stats().begun, begun, "the lock is still there");
    shop.sign_in_from("192.0.2.2", PASSWORD).await.expect("an account that has its own counters keeps them");
}

#[tokio::test]
async fn a_full_table_is_bounded_and_shares_counters_until_room_is_free() {
    let shop = small_with(3);
    let before = shop.auth.hashing_stats().begun;
    flood(&shop, 5_000).await;
    // 256 accounts with separate budgets, and 64 shared slots of 3 failures each. Further guesses
    // cost no hash.
    let begun = shop.auth.hashing_stats().begun - before;
    assert!(begun <= 256 + 3 * 64, "{begun} guesses were hashed");
    shop.advance(25 * 60 * 60);
    let removed = shop.auth.purge(usize::MAX).await.unwrap().documents;
    assert!(removed <= 2 * 256 + 64 * 129, "{removed} documents in a table of 512, and in 64 slots");
    shop.sign_in(PASSWORD).await.expect("room is free, and locks are over");
}

#[tokio::test]
async fn a_flood_does_not_lock_latecomers_for_longer_than_half_an_hour() {
    // In `strict()`, a locked account stays locked. Counters that strangers share must not stay
    // locked.
    let mut config = fast();
    config.budgets.account.failures = 3;
    config.budgets.account.lock = Lock::UntilCleared { kept_for_known: 0 };
    let shop = Shop::open(MemoryStore::with_attempt_capacity(256), config, |builder| builder);
    // On average each shared counter gets fifteen guesses. The counter of this account has had
    // at least three, except in one run of 30,000.
    flood(&shop, 16_000).await;
    let attempt = || shop.sign_in_from("198.51.100.1", PASSWORD);
    assert!(
        matches!(attempt().await, Err(Error::SignIn(SignInError::Refused))),
        "the shared counters are used up"
    );
    shop.advance(30 * 60);
    attempt().await.expect("they are open again, although the table is still full");
}

#[tokio::test]
async fn success_behind_shared_counters_clears_no_ones_failures() {
    let shop = small();
    flood(&shop, 2_000).await;
    // Bob's account has no separate counters. Between guesses at Bob's account, a stranger signs in
    // to the stranger's own account. This gains nothing: one source has six guesses.
    let source = IpAddr::from([203, 0, 113, 9]);
    let begun = shop.auth.hashing_stats().begun;
    let mut signed_in = 0;
    for _ in 0..12 {
        shop.sign_in_from("203.0.113.9", WRONG).await.unwrap_err();
        let own = SignIn::new(EMAIL, PASSWORD).origin(source);
        signed_in += u64::from(shop.auth.generate_customer_token(own).await.is_ok());
    }
    assert_eq!(shop.auth.hashing_stats().begun - begun - signed_in, 6);
}

#[tokio::test]
async fn sharing_gives_no_more_guesses_than_a_counter_of_ones_own() {
    let shop = small();
    flood(&shop, 2_000).await;
    for name in ["late1@example.com", "late2@example.com", "late3@example.com"] {
        let begun = shop.auth.hashing_stats().begun;
        for _ in 0..20 {
            let sign_in = SignIn::new(name, WRONG).origin(IpAddr::from([203, 0, 113, 9]));
            shop.auth.generate_customer_token(sign_in).await.unwrap_err();
        }
        assert!(shop.auth.hashing_stats().begun - begun <= 6);
    }
}

#[tokio::test]
async fn a_right_sign_in_in_a_full_table_succeeds() {
    let shop = small();
    // Enough to fill the table, but not enough to use up the shared counters.
    flood(&shop, 2_000).await;
    for _ in 0..20 {
        let sign_in = SignIn::new(EMAIL, PASSWORD).origin(IpAddr::from([198, 51, 100, 1]));
        shop.auth.generate_customer_token(sign_in).await.unwrap();
    }
}

/// The whole size is a million.
#[tokio::test]
async fn a_million_tokens_live_and_die() {
    let store = MemoryStore::new();
    let start = datetime!(2026-01-01 12:00 UTC);
    let grant = |number: u32, issued: OffsetDateTime| {
        let id = GrantId::of(&number.to_le_bytes());
        let customer = CustomerId::from(number / 2);
        Grant::customer(
            id,
            customer,
            Website::default(),
            Obtained::Password,
            issued,
            issued + Duration::from_secs(3600),
        )
    };
    let tokens = size(100_000, 1_000_000);
    for number in 0..tokens {
        let grant = grant(number, start);
        let generation = store.generation(&grant.subject, fresh()).await.unwrap();
        let origin = Origin::from(IpAddr::from(Ipv4Addr::from_bits(number)));
        assert_eq!(store.insert(&grant, &origin, generation, CAP, start).await.unwrap(), Insert::Stored);
    }
    for number in (0..tokens).step_by(1009) {
        let expected = grant(number, start);
        assert_eq!(store.find(&expected.id, start).await.unwrap(), Some(expected));
    }
    let subject = Subject::Customer(CustomerId::from(7));
    assert_eq!(store.grants(&subject, 100, start).await.unwrap().len(), 2);
    store.revoke_all(&subject, None, fresh(), start).await.unwrap();
    assert_eq!(store.grants(&subject, 100, start).await.unwrap().len(), 0);
    let over = start + Duration::from_secs(3600);
    assert_eq!(store.purge_tokens(over, 1000).await.unwrap(), 1000, "a little at a time");
    assert_eq!(store.purge_tokens(over, usize::MAX).await.unwrap(), tokens as usize - 2 - 1000);
}

/// A state store with room for a number of expendable documents never removes one to make room.
#[tokio::test]
async fn a_full_store_keeps_its_documents_and_takes_new_ones_once_they_are_over() {
    let store = MemoryStore::with_attempt_capacity(256);
    let over = datetime!(2026-01-01 00:00 UTC);
    let mut room = Vec::new();
    for number in 0..5_000_u32 {
        if create(&store, number, over, over - Duration::from_secs(1)).await {
            room.push(number);
        }
    }
    assert!((256..=512).contains(&room.len()), "{} documents", room.len());
    // Within an hour nothing is removed.
    let within = over + Duration::from_secs(60 * 60 - 1);
    for number in 5_000..6_000 {
        create(&store, number, over, within).await;
    }
    for number in room {
        let found = store.load(&partition(number), &[key()]).await.unwrap();
        assert!(found[0].is_some(), "document {number} was forgotten");
    }
    let later = over + Duration::from_secs(2 * 60 * 60);
    let mut created = 0;
    for number in 6_000..6_100 {
        created += usize::from(create(&store, number, later, later).await);
    }
    assert!(created > 50, "only {created} of 100 documents fit, although all others have ended");
}

fn partition(number: u32) -> Partition {
    Partition::of(&[&number.to_be_bytes()])
}

fn key() -> Key {
    Key { kind: "test".parse().unwrap(), id: DocumentId::ONLY }
}

/// Creates an expendable document, if there is room.
async fn create(store: &MemoryStore, number: u32, keep_until: OffsetDateTime, now: OffsetDateTime) -> bool {
    let put = Put {
        key: key(),
        expects: None,
        version: Version::from_bytes(u128::from(number).to_be_bytes()),
        keep_until: Some(keep_until),
        expendable: true,
        index: Vec::new(),
        bytes: b"{}".to_vec(),
    };
    let changes = Changes::new(vec![Change::Put(put)]).unwrap();
    match store.commit(&partition(number), &changes, now).await.unwrap() {
        CommitOutcome::Committed => true,
        CommitOutcome::Full => false,
        CommitOutcome::Conflict(current) => panic!("{current:?}"),
    }
}
