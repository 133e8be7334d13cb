use std::{collections::BTreeMap, error::Error as _, ops::Range, sync::Arc};

use commerce_auth::{
    AdminId, AdminSignIn, Auth, AuthBuilder, Error, ErrorKind, StateStore,
    account::AdminRecord,
    credential::TotpSecret,
    error::{SecondFactorError, StoreError},
    flow::KeyringCheckError,
    keyring::{KeyId, Keyring},
    random::danger::SeededRandom,
    store::{Index, memory::MemoryStore},
};
use serde_json::json;
use support::{
    Shop,
    factors::{meddle, stored},
    hooked::Hooked,
    with_second_factor,
};

use super::{ADMIN_PASSWORD, Authenticator, SECRET, enrolled, sign_in, token};

fn shop_with(keyring: &Keyring) -> Shop {
    Shop::open(MemoryStore::new(), with_second_factor(), |builder| builder.keyring(keyring.clone()))
}

fn ring() -> Keyring {
    Keyring::new(KeyId(1), [7; 32]).unwrap()
}

async fn import(shop: &Shop) -> Authenticator {
    let authenticator = Authenticator::new(SECRET);
    shop.auth.import_admin_factor(&AdminId::from(7), authenticator.secret()).await.unwrap();
    authenticator
}

/// Returns the id of the key that seals the stored secret.
async fn key(shop: &Shop) -> u64 {
    stored(&*shop.store, 7, "factor").await.unwrap()["secret"]["key"].as_u64().unwrap()
}

/// Gives each of these new admin users the secret [`SECRET`], sealed with this keyring.
async fn import_all(shop: &Shop, keyring: &Keyring, admins: Range<i64>) {
    let auth = Auth::builder(Arc::clone(&shop.store))
        .customers(shop.customers.clone())
        .admins(shop.admins.clone())
        .audit(shop.audit.clone())
        .without_notifier()
        .clock(Arc::clone(&shop.clock))
        .config(shop.auth.config().clone())
        .keyring(keyring.clone())
        .build()
        .unwrap();
    let hash = auth.hash_new_admin_password("victim", ADMIN_PASSWORD).await.unwrap();
    for number in admins {
        let row = AdminRecord::new(AdminId::from(number), format!("admin-{number}"))
            .with_password(hash.clone())
            .with_second_factor_required(true);
        shop.admins.upsert(row).unwrap();
        let secret = TotpSecret::from_base32(SECRET).unwrap();
        auth.import_admin_factor(&AdminId::from(number), &secret).await.unwrap();
    }
}

/// Two machines started from one snapshot both have the key and the state of the random source.
#[tokio::test]
async fn two_copies_of_a_machine_seal_with_different_nonces() {
    let copy = async || {
        let random = SeededRandom::from_seed([1; 32]);
        let open = |builder: AuthBuilder| builder.keyring(ring()).random(random);
        let shop = Shop::open(MemoryStore::new(), with_second_factor(), open);
        import(&shop).await;
        stored(&*shop.store, 7, "factor").await.unwrap()
    };
    let [one, other] = [copy().await, copy().await];
    assert_eq!(one["name"], other["name"], "they draw the same");
    assert_ne!(one["secret"], other["secret"]);
}

/// Returns the number of factors that each key has sealed, by the id of the key.
async fn sealed(shop: &Shop) -> BTreeMap<i64, usize> {
    let index = Index { partition: None, name: "sealed-factors".parse().unwrap() };
    let mut sealed = BTreeMap::new();
    for listed in shop.store.list(&index, None, usize::MAX).await.unwrap() {
        *sealed.entry(listed.position.rank).or_default() += 1;
    }
    sealed
}

#[tokio::test]
async fn keys_are_rotated_while_admin_users_sign_in() {
    let keyring = ring();
    let shop = shop_with(&keyring);
    let authenticator = import(&shop).await;
    keyring.accept(KeyId(2), [8; 32]).unwrap();
    token(&shop, &authenticator).await;
    assert_eq!(key(&shop).await, 1);
    keyring.make_current(KeyId(2)).unwrap();
    token(&shop, &authenticator).await;
    assert_eq!(key(&shop).await, 2, "a sign-in seals anew");
    assert_eq!(shop.auth.reseal_factors(10).await.unwrap(), 0);
    keyring.retire(KeyId(1)).unwrap();
    token(&shop, &authenticator).await;
    let used = authenticator.code_at(shop.now());
    assert!(
        matches!(sign_in(&shop, &used).await, Err(Error::SecondFactor(SecondFactorError::InvalidCode))),
        "what was used stays used"
    );
}

#[tokio::test]
async fn what_nobody_signs_in_with_is_sealed_anew_at_the_hosts_word() {
    let keyring = ring();
    let shop = shop_with(&keyring);
    let authenticator = import(&shop).await;
    keyring.accept(KeyId(2), [8; 32]).unwrap();
    keyring.make_current(KeyId(2)).unwrap();
    assert_eq!(shop.auth.reseal_factors(10).await.unwrap(), 1);
    assert_eq!(shop.auth.reseal_factors(10).await.unwrap(), 0);
    keyring.retire(KeyId(1)).unwrap();
    token(&shop, &authenticator).await;
}

#[tokio::test]
async fn a_key_that_is_missing_is_no_refusal() {
    let keyring = ring();
    let shop = shop_with(&keyring);
    let authenticator = import(&shop).await;
    let admin = token(&shop, &authenticator).await;
    let recovery = shop.auth.replace_recovery_codes(admin.as_str()).await.unwrap();
    keyring.accept(KeyId(2), [8; 32]).unwrap();
    keyring.make_current(KeyId(2)).unwrap();
    keyring.retire(KeyId(1)).unwrap();
    for code in [authenticator.code_at(shop.now()), "000000".to_owned()] {
        let error = sign_in(&shop, &code).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "neither denied nor allowed");
        assert!(error.source().and_then(|source| source.source()).is_some(), "and the log says why");
    }
    assert_eq!(shop.auth.reseal_factors(10).await.unwrap_err().kind(), ErrorKind::Unavailable);
    sign_in(&shop, recovery[0].expose()).await.expect("a recovery code needs no key");
    // The failed attempt was not counted as a guess.
    keyring.accept(KeyId(1), [7; 32]).unwrap();
    token(&shop, &authenticator).await;
}

#[tokio::test]
async fn a_secret_opens_for_its_admin_user_alone() {
    let (shop, authenticator) = enrolled();
    // A thief with write access copies the sealed secret of one admin user to another. The thief
    // has the authenticator of the first one.
    let stolen = stored(&*shop.store, 7, "factor").await.unwrap();
    import_all(&shop, &super::keyring(), 8..9).await;
    let sign_in = || {
        let code = authenticator.unused_code(shop.now()).unwrap();
        shop.auth.generate_admin_token(AdminSignIn::new("admin-8", ADMIN_PASSWORD).otp(code))
    };
    for planted in [["secret"].as_slice(), &["secret", "name"], &["secret", "name", "admin"]] {
        meddle(&*shop.store, 8, "factor", |factor| {
            for field in planted {
                factor["document"][field] = stolen[field].clone();
            }
        })
        .await;
        assert_eq!(sign_in().await.unwrap_err().kind(), ErrorKind::Unavailable, "{planted:?}");
    }
}

#[tokio::test]
async fn a_changed_bit_is_noticed() {
    let (shop, authenticator) = enrolled();
    let factor = stored(&*shop.store, 7, "factor").await.unwrap();
    let whole = factor["secret"]["bytes"].as_str().unwrap();
    for place in [0, 46, 48, 87, whole.len() - 1] {
        let digit = whole[place..].chars().next().and_then(|digit| digit.to_digit(16)).unwrap();
        let mut changed = whole.to_owned();
        changed.replace_range(place..=place, &format!("{:x}", digit ^ 1));
        meddle(&*shop.store, 7, "factor", |factor| factor["document"]["secret"]["bytes"] = json!(changed))
            .await;
        let error = sign_in(&shop, &authenticator.code_at(shop.now())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        meddle(&*shop.store, 7, "factor", |factor| factor["document"]["secret"]["bytes"] = json!(whole))
            .await;
    }
    token(&shop, &authenticator).await;
}

/// The document was written by a node of a newer release.
#[tokio::test]
async fn a_factor_of_a_newer_format_is_unavailable_and_stays_as_it_is() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    meddle(&*shop.store, 7, "factor", |factor| {
        factor["format"] = json!(2);
        factor["document"]["more"] = json!(true);
    })
    .await;
    let before = stored(&*shop.store, 7, "factor").await;
    shop.advance(30);
    let id = AdminId::from(7);
    for refused in [
        sign_in(&shop, &authenticator.code_at(shop.now())).await.map(drop),
        shop.auth.generate_admin_token(AdminSignIn::new(super::ADMIN, ADMIN_PASSWORD)).await.map(drop),
        shop.auth.replace_recovery_codes(admin.as_str()).await.map(drop),
        shop.auth.import_admin_factor(&id, authenticator.secret()).await,
        shop.auth.remove_admin_factor(&id).await.map(drop),
        shop.auth
            .reseal_factors(10)
            .await
            .map(drop)
            .and(Err(Error::SecondFactor(SecondFactorError::NotEnrolled))),
    ] {
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, Error::SecondFactor(SecondFactorError::NotEnrolled))
                || refused.kind() == ErrorKind::Unavailable,
            "{refused:?}"
        );
    }
    assert_eq!(stored(&*shop.store, 7, "factor").await, before);
}

#[tokio::test]
async fn a_keyring_that_opens_some_is_accepted_and_tells_of_the_others() {
    let keyring = ring();
    let shop = shop_with(&keyring);
    import(&shop).await;
    assert_eq!(shop.auth.check_keyring().await.unwrap().unopened, []);
    // Many factors are sealed by a lost key, and one by the current key.
    import_all(&shop, &Keyring::new(KeyId(3), [9; 32]).unwrap(), 8..200).await;
    let unopened = shop.auth.check_keyring().await.expect("the current key opens its own").unopened;
    assert!(!unopened.is_empty() && !unopened.contains(&AdminId::from(7)), "{unopened:?}");
    assert!(unopened.len() <= 128, "a bounded sample");
}

#[tokio::test]
async fn a_keyring_that_cannot_be_compared_is_unavailable() {
    let store = Hooked::new(|verb| match verb {
        "list sealed-factors" => Err(StoreError::new("the database is down")),
        _ => Ok(()),
    });
    let shop = Shop::open(store, with_second_factor(), |builder| builder.keyring(ring()));
    let checked = shop.auth.check_keyring().await;
    assert!(matches!(checked, Err(KeyringCheckError::Unavailable(_))), "{checked:?}");
}

#[tokio::test]
async fn the_same_secret_is_never_sealed_alike() {
    let (one, other) = (enrolled().0, enrolled().0);
    let mut sealed = Vec::new();
    for shop in [&one, &other] {
        let factor = stored(&*shop.store, 7, "factor").await.unwrap();
        assert!(!factor.to_string().contains(SECRET));
        sealed.push(factor["secret"]["bytes"].clone());
    }
    assert_ne!(sealed[0], sealed[1]);
    assert!(format!("{:?}", TotpSecret::from_base32(SECRET).unwrap()) == "TotpSecret(..)");
}

#[tokio::test]
async fn secrets_that_do_not_open_do_not_keep_the_others() {
    let keyring = ring();
    let shop = shop_with(&keyring);
    // More than one page of factors, sealed by another key with the same id.
    import_all(&shop, &Keyring::new(KeyId(1), [9; 32]).unwrap(), 8..158).await;
    import_all(&shop, &keyring, 158..218).await;
    keyring.accept(KeyId(2), [8; 32]).unwrap();
    keyring.make_current(KeyId(2)).unwrap();
    assert_eq!(shop.auth.reseal_factors(1000).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(sealed(&shop).await, [(1, 150), (2, 60)].into(), "those that open are sealed anew");
}

#[tokio::test]
async fn more_factors_than_a_page_are_all_sealed_anew() {
    let keyring = ring();
    let shop = shop_with(&keyring);
    import_all(&shop, &keyring, 8..258).await;
    // Keys with ids below and above the current one.
    keyring.accept(KeyId(3), [8; 32]).unwrap();
    keyring.make_current(KeyId(3)).unwrap();
    import_all(&shop, &keyring, 258..268).await;
    keyring.accept(KeyId(2), [6; 32]).unwrap();
    keyring.make_current(KeyId(2)).unwrap();
    assert_eq!(shop.auth.reseal_factors(0).await.unwrap(), 0);
    assert_eq!(shop.auth.reseal_factors(120).await.unwrap(), 120);
    assert_eq!(sealed(&shop).await, [(1, 130), (2, 120), (3, 10)].into());
    assert_eq!(shop.auth.reseal_factors(1000).await.unwrap(), 140);
    assert_eq!(sealed(&shop).await, [(2, 260)].into());
    assert_eq!(shop.auth.reseal_factors(1000).await.unwrap(), 0);
}
