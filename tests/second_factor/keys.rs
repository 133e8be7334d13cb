use std::error::Error as _;

use commerce_auth::{
    AdminId, Error, ErrorKind, KeyId, Keyring, KeyringCheckError, MemoryStore, StoreError, TotpSecret,
    store::{Enrolment, FactorStore},
};

use super::{
    Authenticator, SECRET, enrolled, sign_in,
    support::{Shop, hooked::Hooked, with_second_factor},
    token,
};

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

/// The key that the stored secret is under.
async fn key(shop: &Shop) -> KeyId {
    shop.store.factor(&AdminId::from(7)).await.unwrap().unwrap().secret.key
}

#[tokio::test]
async fn keys_are_rotated_while_admin_users_sign_in() {
    let keyring = ring();
    let shop = shop_with(&keyring);
    let authenticator = import(&shop).await;
    keyring.accept(KeyId(2), [8; 32]).unwrap();
    token(&shop, &authenticator).await;
    assert_eq!(key(&shop).await, KeyId(1));
    keyring.make_current(KeyId(2)).unwrap();
    token(&shop, &authenticator).await;
    assert_eq!(key(&shop).await, KeyId(2), "a sign-in seals anew");
    assert_eq!(shop.auth.reseal_factors(10).await.unwrap(), 0);
    keyring.retire(KeyId(1)).unwrap();
    token(&shop, &authenticator).await;
    let used = authenticator.code_at(shop.now());
    assert!(matches!(sign_in(&shop, &used).await, Err(Error::InvalidCode)), "what was used stays used");
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
    // No guess was counted.
    keyring.accept(KeyId(1), [7; 32]).unwrap();
    token(&shop, &authenticator).await;
}

#[tokio::test]
async fn a_secret_opens_for_its_admin_user_alone() {
    let (shop, authenticator) = enrolled();
    // A thief who may write gives an admin user the sealed secret of another one, whose authenticator the thief has.
    let stolen = shop.store.factor(&AdminId::from(7)).await.unwrap().unwrap();
    let victim = AdminId::from(8);
    let hash = shop.auth.hash_new_admin_password("victim", super::ADMIN_PASSWORD).await.unwrap();
    shop.admins
        .upsert(commerce_auth::AdminRecord {
            id: victim.clone(),
            username: "victim".into(),
            password_hash: Some(hash),
            status: commerce_auth::AccountStatus::Active,
            permissions: vec![],
            requires_second_factor: true,
        })
        .unwrap();
    let (token, now) = (stolen.name, shop.now());
    let expires_at = now + std::time::Duration::from_secs(60);
    let planted = Enrolment {
        token,
        admin: victim.clone(),
        secret: stolen.secret,
        replaces: None,
        begun_with: None,
        expires_at,
    };
    shop.store.begin_enrolment(&planted, now).await.unwrap();
    assert!(shop.store.activate(&token, 0, &[], now).await.unwrap());
    let code = authenticator.code_at(now);
    let sign_in = commerce_auth::AdminSignIn::new("victim", super::ADMIN_PASSWORD).otp(code);
    let error = shop.auth.generate_admin_token(sign_in).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_changed_bit_is_noticed() {
    let (shop, authenticator) = enrolled();
    let admin = AdminId::from(7);
    let factor = shop.store.factor(&admin).await.unwrap().unwrap();
    for place in [0, 23, 24, 43, factor.secret.bytes.len() - 1] {
        let mut changed = factor.secret.clone();
        changed.bytes[place] ^= 1;
        assert!(shop.store.reseal(&admin, &factor.name, &factor.secret, &changed).await.unwrap());
        let error = sign_in(&shop, &authenticator.code_at(shop.now())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(shop.store.reseal(&admin, &factor.name, &changed, &factor.secret).await.unwrap());
    }
    token(&shop, &authenticator).await;
}

#[tokio::test]
async fn a_keyring_that_opens_some_is_accepted_and_tells_of_the_others() {
    let keyring = ring();
    let shop = shop_with(&keyring);
    import(&shop).await;
    assert_eq!(shop.auth.check_keyring().await.unwrap().unopened, []);
    // Many whom a lost key sealed, and one whom the current key did.
    for other in 8..200_i64 {
        let (admin, now) = (AdminId::from(other), shop.now());
        let token = commerce_auth::Digest::of(&other.to_be_bytes());
        let secret = commerce_auth::Sealed { key: KeyId(3), bytes: vec![0; 60] };
        let expires_at = now + std::time::Duration::from_secs(60);
        let planted = Enrolment { token, admin, secret, replaces: None, begun_with: None, expires_at };
        shop.store.begin_enrolment(&planted, now).await.unwrap();
        assert!(shop.store.activate(&token, 0, &[], now).await.unwrap());
    }
    let unopened = shop.auth.check_keyring().await.expect("the current key opens its own").unopened;
    assert!(!unopened.is_empty() && !unopened.contains(&AdminId::from(7)), "{unopened:?}");
    assert!(unopened.len() <= 128, "a bounded sample");
}

#[tokio::test]
async fn a_keyring_that_cannot_be_compared_is_unavailable() {
    let store = Hooked::new(|verb| match verb {
        "sealed_by_others" => Err(StoreError::new("the database is down")),
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
        let factor = shop.store.factor(&AdminId::from(7)).await.unwrap().unwrap();
        assert!(!format!("{factor:?}").contains(SECRET));
        sealed.push(factor.secret.bytes);
    }
    assert_ne!(sealed[0], sealed[1]);
    assert!(format!("{:?}", TotpSecret::from_base32(SECRET).unwrap()) == "TotpSecret(..)");
}

#[tokio::test]
async fn one_secret_that_does_not_open_does_not_keep_the_others() {
    let keyring = ring();
    let shop = shop_with(&keyring);
    import(&shop).await;
    for other in 8..40 {
        let id = AdminId::from(other);
        let (token, now) = (commerce_auth::Digest::of(&[u8::try_from(other).unwrap()]), shop.now());
        let secret = commerce_auth::Sealed { key: KeyId(1), bytes: vec![0; 60] };
        let expires_at = now + std::time::Duration::from_secs(60);
        let planted = Enrolment { token, admin: id, secret, replaces: None, begun_with: None, expires_at };
        shop.store.begin_enrolment(&planted, now).await.unwrap();
        assert!(shop.store.activate(&token, 0, &[], now).await.unwrap());
    }
    keyring.accept(KeyId(2), [8; 32]).unwrap();
    keyring.make_current(KeyId(2)).unwrap();
    assert_eq!(shop.auth.reseal_factors(100).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(key(&shop).await, KeyId(2), "the one that opens is sealed anew");
}
