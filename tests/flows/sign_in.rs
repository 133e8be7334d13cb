//! Sign-in: the chain of credentials, its refusals, equal work and budgets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use commerce_auth::{
    AuthConfig, CustomerId, CustomerStore, Error, ErrorKind, PasswordHash, SignIn, TokenStore, Website,
    account::{AccountStatus, CustomerRecord},
    config::Lock,
    credential::Argon2Params,
    error::{Field, InputError, SignInError, TokenError},
    store::memory::{MemoryCustomers, MemoryStore},
    token::Obtained,
};
use futures_util::future::join_all;
use support::{EMAIL, PASSWORD, Shop, WRONG, fast, fresh::fresh, hooked::Hooked, shop, size};

const REFUSED: &str = "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later.";

fn is_refused<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::SignIn(SignInError::Refused)))
}

#[tokio::test]
async fn each_credential_signs_in_and_says_which_it_was() {
    let shop = shop();
    let (reset_token, code) = (shop.reset_token().await, shop.code().await);
    for (credential, obtained, lives) in [
        (PASSWORD, Obtained::Password, 60),
        (reset_token.as_str(), Obtained::ResetToken, 60),
        (code.as_str(), Obtained::OneTimeCode, 15),
    ] {
        let signed_in = shop.sign_in(credential).await.unwrap();
        assert_eq!(signed_in.obtained(), obtained);
        assert_eq!(signed_in.customer_id(), &CustomerId::from(1));
        assert_eq!(signed_in.expires_at(), shop.now() + Duration::from_secs(lives * 60));
        let who = shop.auth.verify_customer(signed_in.token()).await.unwrap();
        assert_eq!(who.obtained(), obtained);
        assert_eq!(who.actor().is_some(), obtained == Obtained::OneTimeCode);
        assert_eq!(who.require_self().is_ok(), obtained != Obtained::OneTimeCode);
    }
}

#[tokio::test]
async fn the_password_comes_first() {
    // If a reset token is also the account's password, it is not spent.
    let shop = shop();
    let reset_token = shop.reset_token().await;
    let hash = {
        let mut config = fast();
        config.password_policy.min_classes = 0;
        let other = Shop::open(MemoryStore::new(), config, |builder| builder);
        other.auth.hash_new_password(EMAIL, reset_token.as_str()).await.unwrap()
    };
    shop.set_customer(|row| row.password_hash = Some(hash));
    for _ in 0..2 {
        assert_eq!(shop.sign_in(&reset_token).await.unwrap().obtained(), Obtained::Password);
    }
    shop.set_customer(|_| ());
    assert_eq!(shop.sign_in(&reset_token).await.unwrap().obtained(), Obtained::ResetToken);
}

#[tokio::test]
async fn one_time_credentials_work_once() {
    let shop = shop();
    for credential in [shop.reset_token().await, shop.code().await] {
        shop.sign_in(&credential).await.unwrap();
        assert!(is_refused(&shop.sign_in(&credential).await));
    }
}

#[tokio::test]
async fn a_one_time_credential_presented_again_ends_what_it_bought() {
    let shop = shop();
    for credential in [shop.code().await, shop.reset_token().await] {
        let bought = shop.sign_in(&credential).await.unwrap();
        shop.auth.verify_customer(bought.token()).await.unwrap();
        assert!(is_refused(&shop.sign_in(&credential).await));
        assert!(matches!(
            shop.auth.verify_customer(bought.token()).await,
            Err(Error::Token(TokenError::Invalid))
        ));
    }
}

#[tokio::test]
async fn one_time_credentials_expire_at_the_instant() {
    for (lives, kind) in [(30, "code"), (7200, "reset token")] {
        for (passed, works) in [(lives - 1, true), (lives, false)] {
            let shop = shop();
            let credential = if kind == "code" { shop.code().await } else { shop.reset_token().await };
            shop.advance(passed);
            assert_eq!(shop.sign_in(&credential).await.is_ok(), works, "a {kind} after {passed} s");
        }
    }
}

#[tokio::test]
async fn the_chain_can_be_narrowed() {
    let mut config = fast();
    config.steps.one_time_code = false;
    let without_codes = Shop::open(MemoryStore::new(), config.clone(), |builder| builder);
    config.steps.reset_token = false;
    let only_passwords = Shop::open(MemoryStore::new(), config, |builder| builder);
    for shop in [&without_codes, &only_passwords] {
        let code = shop.code().await;
        assert!(is_refused(&shop.sign_in(&code).await));
        shop.sign_in(PASSWORD).await.unwrap();
    }
    let (one, other) = (without_codes.reset_token().await, only_passwords.reset_token().await);
    assert_eq!(without_codes.sign_in(&one).await.unwrap().obtained(), Obtained::ResetToken);
    assert!(is_refused(&only_passwords.sign_in(&other).await));
}

#[tokio::test]
async fn messages_and_kinds_are_commerces() {
    let shop = shop();
    let attempt =
        |email: &str, password: &str| shop.auth.generate_customer_token(SignIn::new(email, password));
    let over_long = "x".repeat(1025);
    for (email, password, message, kind) in [
        ("", PASSWORD, "Specify the \"email\" value.", ErrorKind::Input),
        (EMAIL, "", "Specify the \"password\" value.", ErrorKind::Input),
        ("", "", "Specify the \"email\" value.", ErrorKind::Input),
        ("nobody", PASSWORD, "The email address has an invalid format.", ErrorKind::Input),
        (EMAIL, &over_long, "The password is too long.", ErrorKind::Input),
        (EMAIL, WRONG, REFUSED, ErrorKind::Authentication),
        ("nobody@example.com", PASSWORD, REFUSED, ErrorKind::Authentication),
        // "0" is a value. PHP treats it as empty.
        ("0", "0", "The email address has an invalid format.", ErrorKind::Input),
        (EMAIL, "0", REFUSED, ErrorKind::Authentication),
    ] {
        let error = attempt(email, password).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (message, kind), "{email:?}");
    }
    assert!(matches!(attempt("", PASSWORD).await, Err(Error::Input(InputError::Required(Field::Email)))));
    shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    let error = attempt(EMAIL, PASSWORD).await.unwrap_err();
    assert_eq!(error.to_string(), "This account isn't confirmed. Verify and try again.");
    assert_eq!(error.kind(), ErrorKind::Authentication);
}

#[tokio::test]
async fn an_unconfirmed_account_is_named_only_to_someone_with_a_right_credential() {
    let shop = shop();
    let (reset_token, code) = (shop.reset_token().await, shop.code().await);
    shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    assert!(is_refused(&shop.sign_in(WRONG).await));
    for right in [PASSWORD, &reset_token, &code] {
        assert!(matches!(shop.sign_in(right).await, Err(Error::SignIn(SignInError::NotConfirmed))));
    }
    // The credentials are spent in spite of the refusal.
    for spent in [&reset_token, &code] {
        assert!(is_refused(&shop.sign_in(spent).await));
    }
}

#[tokio::test]
async fn a_right_one_time_credential_is_spent_even_if_the_account_cannot_sign_in() {
    let shop = shop();
    for credential in [shop.reset_token().await, shop.code().await] {
        shop.set_customer(|row| row.status = AccountStatus::Disabled);
        assert!(is_refused(&shop.sign_in(&credential).await));
        shop.set_customer(|_| ());
        assert!(is_refused(&shop.sign_in(&credential).await));
    }
}

#[tokio::test]
async fn credentials_of_another_customer_or_website_do_not_match() {
    let shop = shop();
    let website: Website = "outlet".parse().unwrap();
    let hash = shop.auth.hash_new_password("other@example.com", "0ther-password").await.unwrap();
    let row = |id, website: &Website, email: &str| {
        CustomerRecord::new(CustomerId::from(id), email)
            .with_website(website.clone())
            .with_password(hash.clone())
            .with_assistance(true)
    };
    shop.customers.upsert(row(2, &Website::default(), "other@example.com")).unwrap();
    shop.customers.upsert(row(3, &website, EMAIL)).unwrap();
    for credential in [shop.reset_token().await, shop.code().await] {
        for sign_in in [
            SignIn::new("other@example.com", credential.as_str()),
            SignIn::new(EMAIL, credential.as_str()).website(website.clone()),
        ] {
            assert!(is_refused(&shop.auth.generate_customer_token(sign_in).await));
        }
        shop.sign_in(&credential).await.expect("a wrong account and website spend nothing");
    }
    // The same address on another website is another account.
    assert!(is_refused(
        &shop.auth.generate_customer_token(SignIn::new(EMAIL, PASSWORD).website(website.clone())).await
    ));
    let elsewhere = SignIn::new(EMAIL, "0ther-password").website(website);
    assert_eq!(
        shop.auth.generate_customer_token(elsewhere).await.unwrap().customer_id(),
        &CustomerId::from(3)
    );
}

#[tokio::test]
async fn one_address_has_one_spelling() {
    let shop = shop();
    shop.set_customer(|row| row.email = "BobLobLaw@Example.COM".into());
    for email in ["bobloblaw@example.com", "BOBLOBLAW@EXAMPLE.COM"] {
        shop.auth.generate_customer_token(SignIn::new(email, PASSWORD)).await.unwrap();
    }
    for email in [" bobloblaw@example.com", "bobloblaw@example.com ", "bobloblaw@example.com,eve@example.com"]
    {
        let refused = shop.auth.generate_customer_token(SignIn::new(email, PASSWORD)).await;
        assert!(matches!(refused, Err(Error::Input(InputError::Email))), "{email:?}");
    }
}

#[tokio::test]
async fn six_failures_lock_a_source_for_half_an_hour() {
    let shop = shop();
    for _ in 0..6 {
        assert!(is_refused(&shop.sign_in_from("192.0.2.1", WRONG).await));
    }
    let code = shop.code().await;
    let begun = shop.auth.hashing_stats().begun;
    for credential in [PASSWORD, &code] {
        assert!(is_refused(&shop.sign_in_from("192.0.2.1", credential).await));
    }
    assert_eq!(shop.auth.hashing_stats().begun, begun, "a used-up budget costs no hash");
    shop.sign_in_from("192.0.2.2", &code)
        .await
        .expect("a used-up budget spends nothing and locks no other source");
    shop.advance(30 * 60 - 1);
    assert!(is_refused(&shop.sign_in_from("192.0.2.1", PASSWORD).await));
    shop.advance(1);
    shop.sign_in_from("192.0.2.1", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn unknown_accounts_lock_alike() {
    let shop = shop();
    let attempt = || shop.auth.generate_customer_token(SignIn::new("nobody@example.com", WRONG));
    for _ in 0..6 {
        assert!(is_refused(&attempt().await));
    }
    let begun = shop.auth.hashing_stats().begun;
    assert!(is_refused(&attempt().await));
    assert_eq!(shop.auth.hashing_stats().begun, begun);
}

#[tokio::test]
async fn after_a_hundred_failures_an_unknown_source_waits_a_quarter_of_an_hour() {
    let shop = shop();
    for failure in 0..100 {
        let source = format!("192.0.2.{}", failure / 5);
        assert!(is_refused(&shop.sign_in_from(&source, WRONG).await));
    }
    assert!(is_refused(&shop.sign_in_from("198.51.100.1", PASSWORD).await));
    shop.advance(15 * 60 - 1);
    assert!(is_refused(&shop.sign_in_from("198.51.100.1", PASSWORD).await));
    shop.advance(1);
    shop.sign_in_from("198.51.100.1", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn strict_locks_an_account_for_good() {
    let mut config = AuthConfig::strict();
    config.admin_second_factor = commerce_auth::config::SecondFactorPolicy::Optional;
    config.hashing.argon2 = Argon2Params::danger_fast();
    assert_eq!(config.budgets.account.lock, Lock::UntilCleared { kept_for_known: 10 });
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    for failure in 0..100 {
        let source = format!("192.0.2.{}", failure / 5);
        assert!(is_refused(&shop.sign_in_from(&source, WRONG).await));
    }
    shop.advance(10 * 365 * 24 * 60 * 60);
    shop.auth.purge(usize::MAX).await.unwrap();
    assert!(is_refused(&shop.sign_in_from("198.51.100.1", PASSWORD).await));
}

#[tokio::test]
async fn a_right_password_clears_failures_and_a_one_time_credential_does_not() {
    let shop = shop();
    for _ in 0..3 {
        for _ in 0..5 {
            assert!(is_refused(&shop.sign_in(WRONG).await));
        }
        shop.sign_in(PASSWORD).await.unwrap();
    }
    for _ in 0..5 {
        assert!(is_refused(&shop.sign_in(WRONG).await));
    }
    for credential in [shop.reset_token().await, shop.code().await] {
        shop.sign_in(&credential).await.unwrap();
    }
    assert!(is_refused(&shop.sign_in(WRONG).await));
    assert!(is_refused(&shop.sign_in(PASSWORD).await), "five failures and one more are six");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_parallel_wrong_passwords_cost_six_hashes() {
    let mut config = fast();
    config.hashing.threads = 8.try_into().unwrap();
    let shop = Arc::new(Shop::open(MemoryStore::new(), config, |builder| builder));
    let before = shop.auth.hashing_stats().begun;
    let attempts = (0..1000).map(|_| {
        let shop = Arc::clone(&shop);
        tokio::spawn(async move { shop.sign_in_from("192.0.2.1", WRONG).await })
    });
    for attempt in join_all(attempts).await {
        assert!(is_refused(&attempt.unwrap()));
    }
    assert_eq!(shop.auth.hashing_stats().begun - before, 6);
    shop.sign_in_from("192.0.2.2", PASSWORD).await.expect("a flood from one source locks no other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_right_sign_ins_all_succeed() {
    for (wrong_before, right, argon2) in [
        (0, 50, Argon2Params::danger_fast()),
        (5, 50, Argon2Params::danger_fast()),
        // More attempts at once than the account's budget has room for.
        (5, 150, size(Argon2Params::danger_fast(), Argon2Params::default())),
    ] {
        let mut config = fast();
        config.hashing.argon2 = argon2;
        let shop = Arc::new(shop_with(config));
        for _ in 0..wrong_before {
            assert!(is_refused(&shop.sign_in(WRONG).await));
        }
        let sign_ins = (0..right).map(|_| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move { shop.sign_in(PASSWORD).await })
        });
        for sign_in in join_all(sign_ins).await {
            sign_in.unwrap().expect("a right sign-in waits its turn");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_from_one_source_leaves_another_working() {
    let shop = Arc::new(shop());
    let flood = (0..200).map(|_| {
        let shop = Arc::clone(&shop);
        tokio::spawn(async move { shop.sign_in_from("192.0.2.1", WRONG).await.is_ok() })
    });
    let flood: Vec<_> = flood.collect();
    for _ in 0..20 {
        shop.sign_in_from("198.51.100.1", PASSWORD).await.expect("the flood comes from elsewhere");
    }
    assert!(join_all(flood).await.into_iter().all(|signed_in| !signed_in.unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_parallel_redemptions_give_one_token() {
    for kind in ["reset token", "code"] {
        let mut config = fast();
        config.budgets.source.failures = 1000;
        config.budgets.account.failures = 1000;
        config.hashing.queue = 1000;
        let shop = Arc::new(Shop::open(MemoryStore::new(), config, |builder| builder));
        let credential = if kind == "code" { shop.code().await } else { shop.reset_token().await };
        let redemptions = (0..100).map(|_| {
            let (shop, credential) = (Arc::clone(&shop), credential.clone());
            tokio::spawn(async move { shop.sign_in(&credential).await })
        });
        let mut tokens = Vec::new();
        for redemption in join_all(redemptions).await {
            match redemption.unwrap() {
                Ok(signed_in) => tokens.push(signed_in),
                Err(error) => assert!(matches!(error, Error::SignIn(SignInError::Refused)), "{error}"),
            }
        }
        assert_eq!(tokens.len(), 1, "one {kind} gave {} tokens", tokens.len());
        // The other 99 callers presented a spent credential, so that the token issued for it has
        // ended.
        for signed_in in tokens {
            assert!(shop.auth.verify_customer(signed_in.token()).await.is_err(), "{kind}");
        }
    }
}

#[tokio::test]
async fn old_hashes_are_made_anew_after_a_right_password() {
    let cheap = {
        let shop = shop();
        shop.auth.hash_new_password(EMAIL, PASSWORD).await.unwrap()
    };
    let mut config = fast();
    config.hashing.argon2 = Argon2Params::new(19 * 1024, 2, 1).unwrap();
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    shop.set_customer(|row| row.password_hash = Some(cheap.clone()));
    assert!(is_refused(&shop.sign_in(WRONG).await));
    assert_eq!(stored_hash(&shop).await.expose(), cheap.expose(), "only a right password refreshes");
    shop.sign_in(PASSWORD).await.unwrap();
    let fresh = stored_hash(&shop).await;
    assert!(fresh.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", fresh.expose());
    shop.sign_in(PASSWORD).await.unwrap();
    assert_eq!(stored_hash(&shop).await.expose(), fresh.expose(), "a current hash stays");
}

async fn stored_hash(shop: &Shop) -> PasswordHash {
    let row = shop.customers.find_by_email(&Website::default(), &EMAIL.parse().unwrap()).await.unwrap();
    row.and_then(|row| row.password_hash).unwrap()
}

#[tokio::test]
async fn a_password_is_the_same_in_every_normal_form() {
    let shop = shop();
    let composed = "P\u{e4}ssw0rd";
    let hash = shop.auth.hash_new_password(EMAIL, composed).await.unwrap();
    shop.set_customer(|row| row.password_hash = Some(hash));
    shop.sign_in("Pa\u{308}ssw0rd").await.unwrap();
    for other in ["Passw0rd", "p\u{e4}ssw0rd", " P\u{e4}ssw0rd", "P\u{e4}ssw0rd ", "P\u{e4}ssw0rd\0"] {
        assert!(is_refused(&shop.sign_in(other).await), "{other:?}");
    }
}

#[tokio::test]
async fn passwords_differ_to_the_last_byte() {
    let shop = shop();
    for length in [72, 73, 128, 255] {
        let password = format!("aB3{}", "x".repeat(length - 3));
        let hash = shop.auth.hash_new_password(EMAIL, password.as_str()).await.unwrap();
        shop.set_customer(|row| row.password_hash = Some(hash));
        shop.sign_in(&password).await.unwrap();
        let other = format!("{}y", &password[..length - 1]);
        assert!(is_refused(&shop.sign_in(&other).await), "{length} bytes");
    }
}

#[tokio::test]
async fn a_revoke_all_during_a_sign_in_wins() {
    // The host revokes between the read of the generation and the insertion, while the hash is
    // computed.
    let mut config = fast();
    config.hashing.argon2 = Argon2Params::default();
    let shop = shop_with(config);
    let subject = commerce_auth::token::Subject::Customer(CustomerId::from(1));
    let sign_in = shop.sign_in(PASSWORD);
    let revoke = async {
        while shop.auth.hashing_stats().running == 0 {
            tokio::task::yield_now().await;
        }
        shop.store.revoke_all(&subject, None, fresh(), shop.now()).await.unwrap();
    };
    let (signed_in, ()) = tokio::join!(sign_in, revoke);
    assert!(is_refused(&signed_in));
    shop.sign_in(PASSWORD).await.expect("a later sign-in, at the same instant, gives a live token");
}

fn shop_with(config: AuthConfig) -> Shop {
    Shop::open(MemoryStore::new(), config, |builder| builder)
}

/// Runs a sign-in, and runs `change` once the store is asked for the generation, after the row was
/// read.
async fn sign_in_during(
    change: fn(&MemoryCustomers, CustomerRecord),
    credential: &str,
) -> Result<Obtained, Error> {
    let customers = MemoryCustomers::new();
    let armed = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let (customers, armed) = (customers.clone(), Arc::clone(&armed));
        move |verb| {
            if verb == "generation" && armed.swap(false, Ordering::SeqCst) {
                let row = pollster::block_on(customers.find_by_id(&CustomerId::from(1))).unwrap().unwrap();
                change(&customers, row);
            }
            Ok(())
        }
    });
    let mut config = fast();
    config.hashing.argon2 = Argon2Params::new(19 * 1024, 2, 1).unwrap();
    let shop = Shop::open(store, config, |builder| builder.customers(customers.clone()));
    shop.set_customer(|row| customers.upsert(row.clone()).unwrap());
    let reset_token = shop.reset_token().await;
    armed.store(true, Ordering::SeqCst);
    let credential = if credential == "reset token" { reset_token.as_str() } else { credential };
    let signed_in = shop.sign_in(credential).await;
    assert!(!armed.load(Ordering::SeqCst), "the change was made");
    signed_in.map(|signed_in| signed_in.obtained())
}

fn another_password(customers: &MemoryCustomers, row: CustomerRecord) {
    let hash = pollster::block_on(shop().auth.hash_new_password(EMAIL, "An0ther-password")).unwrap();
    customers.upsert(row.with_password(hash)).unwrap();
}

#[tokio::test]
async fn what_the_host_changes_and_revokes_during_a_sign_in_counts() {
    // If the generation were read after the row, the sign-in would not notice a revoke-all in
    // between.
    assert!(is_refused(&sign_in_during(another_password, PASSWORD).await), "the password was changed");
    assert!(is_refused(
        &sign_in_during(
            |customers, row| {
                customers.upsert(row.with_status(AccountStatus::Disabled)).unwrap();
            },
            PASSWORD
        )
        .await
    ));
    assert!(is_refused(
        &sign_in_during(|customers, row| assert!(customers.remove(&row.id)), "reset token").await
    ));
    assert!(is_refused(
        &sign_in_during(
            |customers, row| {
                customers.upsert(row.with_email("new@example.com")).unwrap();
            },
            "reset token"
        )
        .await
    ));
    // If another sign-in has rehashed the password in the meantime, the hash is still of the same
    // password.
    let same_password = |customers: &MemoryCustomers, row: CustomerRecord| {
        let hash = pollster::block_on(shop().auth.hash_new_password(EMAIL, PASSWORD)).unwrap();
        customers.upsert(row.with_password(hash)).unwrap();
    };
    assert_eq!(sign_in_during(same_password, PASSWORD).await.unwrap(), Obtained::Password);
    assert_eq!(sign_in_during(another_password, "reset token").await.unwrap(), Obtained::ResetToken);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_right_sign_ins_with_an_outdated_hash_all_succeed() {
    let cheap = shop().auth.hash_new_password(EMAIL, PASSWORD).await.unwrap();
    let mut config = fast();
    config.hashing.argon2 = Argon2Params::default();
    let shop = Arc::new(shop_with(config));
    shop.set_customer(|row| row.password_hash = Some(cheap));
    let sign_ins = (0..20).map(|_| {
        let shop = Arc::clone(&shop);
        tokio::spawn(async move { shop.sign_in(PASSWORD).await })
    });
    for sign_in in join_all(sign_ins).await {
        sign_in.unwrap().expect("the hash is made anew while others use it");
    }
}

#[tokio::test]
async fn a_support_desk_unlocks_an_account() {
    let shop = shop();
    for failure in 0..100 {
        assert!(is_refused(&shop.sign_in_from(&format!("192.0.2.{}", failure / 5), WRONG).await));
    }
    assert!(is_refused(&shop.sign_in(PASSWORD).await));
    shop.auth.unlock_customer(&Website::default(), "BobLobLaw@example.com").await.unwrap();
    shop.sign_in(PASSWORD).await.unwrap();
    assert!(matches!(
        shop.auth.unlock_customer(&Website::default(), "").await,
        Err(Error::Input(InputError::Email))
    ));
}

#[tokio::test]
async fn a_caller_that_goes_away_frees_its_place_and_its_charge() {
    let mut config = fast();
    config.hashing.argon2 = Argon2Params::default();
    config.hashing.threads = 1.try_into().unwrap();
    let shop = shop_with(config);
    let begun = shop.auth.hashing_stats().begun;
    {
        // One hash runs and five more wait in the queue. Then all their callers go away.
        let mut attempts: Vec<_> = (0..6).map(|_| Box::pin(shop.sign_in_from("192.0.2.1", WRONG))).collect();
        while shop.auth.hashing_stats().waiting != 5 || shop.auth.hashing_stats().running != 1 {
            for attempt in &mut attempts {
                assert!(futures_util::poll!(attempt.as_mut()).is_pending());
            }
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(shop.auth.hashing_stats().waiting, 0, "their places are free");
    while shop.auth.hashing_stats().running > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        shop.auth.hashing_stats().begun - begun,
        1,
        "an attempt without a waiting caller is not hashed"
    );
    // The attempt whose hash had begun counts, and the five others do not, however late they are
    // settled: five more failures lock.
    shop.advance(120);
    for _ in 0..5 {
        assert!(is_refused(&shop.sign_in_from("192.0.2.1", WRONG).await));
    }
    let begun = shop.auth.hashing_stats().begun;
    assert!(is_refused(&shop.sign_in_from("192.0.2.1", PASSWORD).await));
    assert_eq!(shop.auth.hashing_stats().begun, begun);
}

#[tokio::test]
async fn a_full_queue_is_told_at_once_and_charges_nothing() {
    let mut config = fast();
    // The hash is so costly that all callers arrive while the first one runs, on a busy machine
    // too.
    config.hashing.argon2 = Argon2Params::new(19 * 1024, 20, 1).unwrap();
    config.hashing.threads = 1.try_into().unwrap();
    config.hashing.queue = 1;
    let shop = shop_with(config);
    let overloaded = AtomicUsize::new(0);
    let attempts = (0..20).map(|caller| {
        let (shop, overloaded) = (&shop, &overloaded);
        async move {
            match shop.sign_in_from(&format!("192.0.2.{caller}"), PASSWORD).await {
                Ok(_) => {}
                Err(Error::Overloaded) => _ = overloaded.fetch_add(1, Ordering::Relaxed),
                Err(error) => panic!("{error}"),
            }
        }
    });
    join_all(attempts).await;
    assert!(overloaded.load(Ordering::Relaxed) >= 18, "one hash runs at most and one waits");
    assert_eq!(Error::Overloaded.kind(), ErrorKind::Overloaded);
    assert!(shop.auth.hashing_stats().refused >= 18);
    for caller in 0..6 {
        shop.sign_in_from(&format!("192.0.2.{caller}"), PASSWORD).await.expect("nothing was charged");
    }
}

#[tokio::test]
async fn hostile_hashes_and_rows_are_refused_without_work() {
    let shop = shop();
    for hash in [
        "",
        "password",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b/dWRWJTmaaJObG",
        "$argon2id$v=19$m=131072,t=4294967295,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b/dWRWJTmaaJObG",
        "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
        &"$argon2id$".repeat(100_000),
        "a\0b",
    ] {
        shop.set_customer(|row| row.password_hash = Some(PasswordHash::from(hash)));
        let begun = shop.auth.hashing_stats().begun;
        assert!(is_refused(&shop.sign_in_from("192.0.2.1", WRONG).await));
        assert_eq!(
            shop.auth.hashing_stats().begun - begun,
            1,
            "one hash at current cost, whatever the row says"
        );
        shop.set_customer(|_| ());
        shop.sign_in_from("192.0.2.1", PASSWORD).await.unwrap();
    }
}

/// A host whose table returns an arbitrary row.
struct Foreign(CustomerRecord);

#[async_trait::async_trait]
impl CustomerStore for Foreign {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        _: &Website,
        _: &commerce_auth::Email,
    ) -> Result<Option<CustomerRecord>, commerce_auth::error::StoreError> {
        Ok(Some(self.0.clone()))
    }

    async fn find_by_id(
        &self,
        _: &CustomerId,
    ) -> Result<Option<CustomerRecord>, commerce_auth::error::StoreError> {
        Ok(Some(self.0.clone()))
    }

    async fn replace_password_hash(
        &self,
        _: &CustomerId,
        _: Option<&PasswordHash>,
        _: &PasswordHash,
    ) -> Result<bool, commerce_auth::error::StoreError> {
        Ok(false)
    }

    async fn set_assistance(
        &self,
        _: &CustomerId,
        _: bool,
    ) -> Result<bool, commerce_auth::error::StoreError> {
        Ok(false)
    }
}

#[tokio::test]
async fn a_row_of_another_address_or_website_signs_nobody_in() {
    let hash = shop().auth.hash_new_password(EMAIL, PASSWORD).await.unwrap();
    let row = |email: &str, website: &str| {
        CustomerRecord::new(1, email)
            .with_website(website.parse().unwrap())
            .with_password(hash.clone())
            .with_assistance(true)
    };
    // Such a row is found by a collation that ignores accents. The answer must be the usual one, or
    // strangers would learn whether an account exists.
    for (row, right) in [
        (row(EMAIL, "base"), true),
        (row("eve@example.com", "base"), false),
        (row(EMAIL, "outlet"), false),
        (row("not an address", "base"), false),
        (row("", "base"), false),
    ] {
        let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.customers(Foreign(row)));
        let begun = shop.auth.hashing_stats().begun;
        for _ in 0..7 {
            match shop.sign_in(PASSWORD).await {
                Ok(_) => assert!(right),
                Err(Error::SignIn(SignInError::Refused)) => assert!(!right),
                Err(error) => panic!("{error}"),
            }
        }
        let hashes = shop.auth.hashing_stats().begun - begun;
        assert_eq!(hashes, if right { 7 } else { 6 }, "charged and hashed as for an unknown account");
    }
}

#[tokio::test]
async fn a_clock_that_goes_backwards_revives_nothing() {
    let shop = shop();
    let start = shop.now();
    shop.advance(3600);
    let code = shop.code().await;
    let bought = shop.sign_in(&code).await.unwrap();
    for _ in 0..6 {
        assert!(is_refused(&shop.sign_in_from("192.0.2.1", WRONG).await));
    }
    shop.auth.revoke_customer_token(bought.token()).await.unwrap();
    for now in [start, time::OffsetDateTime::UNIX_EPOCH, time::macros::datetime!(-9999-01-01 0:00 UTC)] {
        shop.clock.set(now);
        assert!(is_refused(&shop.sign_in(&code).await));
        assert!(is_refused(&shop.sign_in_from("192.0.2.1", PASSWORD).await));
        assert!(shop.auth.verify_customer(bought.token()).await.is_err());
        let signed_in = shop.sign_in_from("192.0.2.2", PASSWORD).await.unwrap();
        shop.auth.verify_customer(signed_in.token()).await.unwrap();
    }
    // A clock at the end of the calendar causes no panic either: the issued token has expired
    // already.
    shop.clock.set(time::macros::datetime!(9999-12-31 23:59:59.999999999 UTC));
    let signed_in = shop.sign_in_from("192.0.2.3", PASSWORD).await.unwrap();
    assert!(shop.auth.verify_customer(signed_in.token()).await.is_err());
}
