//! New passwords that an attacker guesses first: common ones, runs, context words, and those from data breaches.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use commerce_auth::{
    AdminSignIn, Auth, AuthConfig, Error, ErrorKind, SignIn,
    audit::{Action, Outcome, Refusal},
    credential::{BreachedPasswords, PasswordSha1},
    error::{InputError, PolicyViolation, SignInError, StoreError},
    flow::{PasswordReset, PasswordResetRequest},
    random::{ChaChaRandom, SecureRandom},
    store::memory::{MemoryCustomers, MemoryStore},
};
use pollster::block_on;
use support::{ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, fast, sink::told};

const NEW: &str = "N3w-password";
/// The SHA-1 of [`NEW`] in two parts: the part that a service may see, and the rest.
const NEWS_SHA1: [&str; 2] = ["6C325", "1EF412FBF0E2779F8DBB8682405F50ADDEE"];

fn auth_with(config: AuthConfig) -> Auth {
    let config = cheap(config);
    Auth::builder(MemoryStore::new())
        .customers(MemoryCustomers::new())
        .without_notifier()
        .config(config)
        .build()
        .unwrap()
}

fn cheap(mut config: AuthConfig) -> AuthConfig {
    config.argon2 = fast().argon2;
    config
}

fn violation<T>(judged: Result<T, Error>) -> Option<PolicyViolation> {
    match judged {
        Err(Error::Input(InputError::Policy(violation))) => Some(violation),
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    }
}

fn judged(auth: &Auth, email: &str, password: &str) -> Option<PolicyViolation> {
    violation(block_on(auth.hash_new_password(email, password)))
}

#[test]
fn strict_refuses_what_is_guessed_first() {
    let auth = auth_with(AuthConfig::strict());
    for common in
        ["password1234567", "aaaaaaaaaaaaaaa", "123456789012345", "               ", "PASSWORD-1234567"]
    {
        assert_eq!(judged(&auth, EMAIL, common), Some(PolicyViolation::TooCommon), "{common}");
    }
    let bobs = judged(&auth, "bob@example.com", "bob@example.com1");
    assert_eq!(bobs, Some(PolicyViolation::ContextWords));
    assert_eq!(judged(&auth, "roni@example.com", "bob@example.com1"), None, "another account's address");
}

#[test]
fn commerce_refuses_what_is_guessed_first() {
    let auth = auth_with(AuthConfig::commerce());
    for common in ["Password1", "P@ssw0rd", "Qwerty123", "Liverpool-2026"] {
        assert_eq!(judged(&auth, EMAIL, common), Some(PolicyViolation::TooCommon), "{common}");
    }
    // The same password in two Unicode normal forms.
    let mut config = AuthConfig::commerce();
    config.password_policy.context_words = vec!["Köln Caf\u{e9}".into()];
    let auth = auth_with(config);
    for composed in ["KÖLN Café 1", "KO\u{308}LN-Cafe\u{301}-1"] {
        assert_eq!(judged(&auth, EMAIL, composed), Some(PolicyViolation::ContextWords), "{composed}");
    }
}

#[test]
fn the_three_thousand_commonest_are_refused() {
    let mut config = AuthConfig::commerce();
    config.password_policy.min_classes = 0;
    let auth = auth_with(config);
    let commonest: Vec<_> = include_str!("commonest_passwords.txt").lines().collect();
    assert_eq!(commonest.len(), 3000);
    for password in commonest {
        for typed in [password.to_owned(), password.to_uppercase()] {
            let refused = judged(&auth, "nobody@shop.example", &typed);
            assert_eq!(refused, Some(PolicyViolation::TooCommon), "{typed}");
        }
    }
}

#[test]
fn random_pass_phrases_pass() {
    const WORDS: [&str; 16] = [
        "copper", "lantern", "orbit", "velvet", "harvest", "pixel", "meadow", "quartz", "ripple", "saddle",
        "thunder", "umbrella", "walnut", "zigzag", "anchor", "biscuit",
    ];
    let (auth, random) = (auth_with(AuthConfig::strict()), ChaChaRandom::new());
    for _ in 0..300 {
        let mut bytes = [0; 4];
        random.fill(&mut bytes).unwrap();
        let phrase = bytes.map(|byte| WORDS[usize::from(byte % 16)]).join(" ");
        assert_eq!(judged(&auth, EMAIL, &phrase), None, "{phrase}");
    }
}

#[test]
fn words_of_the_shop_and_the_account_make_no_password() {
    let mut config = AuthConfig::commerce();
    config.issuer = "Blue Owl".into();
    config.password_policy.context_words = vec!["Hooters' Street".into()];
    let auth = auth_with(config.clone());
    for bad in ["BlueOwl-2026", "Hooters-Street-1", "Jane.Doe1", "Corvid#1"] {
        let refused = judged(&auth, "jane.doe@corvid.example", bad);
        assert_eq!(refused, Some(PolicyViolation::ContextWords), "{bad}");
    }
    let admins =
        |name, password: &'static str| violation(block_on(auth.hash_new_admin_password(name, password)));
    assert_eq!(judged(&auth, "jane.doe@corvid.example", "Blue Owls 1"), None);
    assert_eq!(admins("Jane.Doe", "JaneDoe-1979"), Some(PolicyViolation::ContextWords));
    assert_eq!(admins("John.Roe", "JaneDoe-1979"), None);
    config.password_policy.refuse_guessable = false;
    let lax = auth_with(config);
    for good in ["BlueOwl-2026", "Password1"] {
        assert_eq!(judged(&lax, "jane.doe@corvid.example", good), None, "{good}");
    }
}

#[test]
fn existing_passwords_sign_in_and_the_host_is_told_which_rule_they_break() {
    let mut lax = AuthConfig::commerce();
    lax.password_policy.refuse_guessable = false;
    let lax = auth_with(lax);
    let common = Some(PolicyViolation::TooCommon);
    let short = Some(PolicyViolation::TooShort(15));
    for (config, expected) in [
        (AuthConfig::commerce(), [(PASSWORD, None), ("Password1", common), ("P@ssw0rd", common)]),
        (AuthConfig::strict(), [(PASSWORD, short), ("Password1", short), ("Password1234567", common)]),
    ] {
        let shop = Shop::open(MemoryStore::new(), second_factor_off(cheap(config)), |builder| builder);
        for (existing, violation) in expected {
            let hash = block_on(lax.hash_new_password(EMAIL, existing)).unwrap();
            shop.set_customer(|row| row.password_hash = Some(hash));
            let signed_in = block_on(shop.auth.generate_customer_token(SignIn::new(EMAIL, existing)));
            assert_eq!(signed_in.expect(existing).password_violation(), violation, "{existing}");
            let hash = block_on(lax.hash_new_admin_password(ADMIN, existing)).unwrap();
            shop.set_admin(|row| row.password_hash = Some(hash));
            let signed_in = block_on(shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, existing)));
            assert_eq!(signed_in.expect(existing).password_violation(), violation, "{existing}");
        }
        let reset_token = block_on(shop.reset_token());
        let signed_in = block_on(shop.auth.generate_customer_token(SignIn::new(EMAIL, reset_token)));
        assert_eq!(signed_in.expect("a reset token").password_violation(), None);
    }
}

fn second_factor_off(mut config: AuthConfig) -> AuthConfig {
    config.admin_second_factor = fast().admin_second_factor;
    config
}

/// A service that knows [`NEW`] while the test says so, and records its requests.
#[derive(Clone, Debug, Default)]
struct Service {
    knows: Arc<AtomicBool>,
    is_down: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn asked(&self) -> usize {
        std::mem::take(&mut *self.asked.lock().unwrap()).len()
    }
}

#[async_trait]
impl BreachedPasswords for Service {
    async fn contains(&self, password: &PasswordSha1) -> Result<bool, StoreError> {
        self.asked.lock().unwrap().push(format!("{password:?}"));
        if self.is_down.load(Ordering::Relaxed) {
            return Err(StoreError::new("no route to host"));
        }
        let [prefix, suffix] = NEWS_SHA1;
        let is_new = password.prefix() == prefix && password.ends_with(suffix);
        Ok(self.knows.load(Ordering::Relaxed) && is_new)
    }
}

fn guarded() -> (Shop, Service) {
    let service = Service::default();
    let given = service.clone();
    (Shop::open(MemoryStore::new(), fast(), |builder| builder.breached_passwords(given)), service)
}

#[tokio::test]
async fn a_breached_password_is_refused_wherever_one_is_set() {
    let (shop, service) = guarded();
    service.knows.store(true, Ordering::Relaxed);
    let (token, admin) = (shop.sign_in(PASSWORD).await.unwrap(), shop.admin_token().await);
    shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    let mailed = shop.outbox.reset_token().unwrap();
    assert_eq!(service.asked(), 0, "the service is not called at a sign-in");

    let breached = Some(PolicyViolation::Breached);
    let reset = || shop.auth.reset_password(PasswordReset::new(EMAIL, mailed.as_str(), NEW));
    assert_eq!(violation(shop.auth.hash_new_password(EMAIL, NEW).await), breached);
    assert_eq!(violation(shop.auth.hash_new_admin_password(ADMIN, NEW).await), breached);
    assert_eq!(violation(shop.auth.change_admin_password(&admin, ADMIN_PASSWORD, NEW).await), breached);
    assert_eq!(violation(shop.auth.change_password(token.token(), PASSWORD, NEW).await), breached);
    for _ in 0..10 {
        assert_eq!(violation(reset().await), breached, "the outage spends no token and no budget");
    }
    shop.auth.flush_audit().await;
    let events = told(&shop.audit.events());
    let refused = Outcome::Refused(Refusal::PasswordPolicy);
    assert!(events.contains(&(Action::PasswordReset, refused)), "{events:?}");
    assert!(events.contains(&(Action::PasswordChange, refused)), "{events:?}");
    assert_eq!(service.asked(), 14);
    shop.sign_in(PASSWORD).await.expect("the password is unchanged");

    service.knows.store(false, Ordering::Relaxed);
    reset().await.expect("the token is still valid");
    shop.sign_in(NEW).await.expect("the new password");
    service.asked();
    service.knows.store(true, Ordering::Relaxed);
    shop.sign_in(NEW).await.expect("an existing password signs in");
    assert_eq!(service.asked(), 0);
}

#[tokio::test]
async fn the_service_is_asked_last_and_about_good_credentials_alone() {
    let (shop, service) = guarded();
    let token = shop.sign_in(PASSWORD).await.unwrap();
    let no_token = "0123456789abcdef0123456789abcdef";
    let forged = shop.auth.reset_password(PasswordReset::new(EMAIL, no_token, NEW)).await;
    assert!(matches!(forged, Err(Error::SignIn(SignInError::ResetTokenMismatched))), "{forged:?}");
    let guessed = shop.auth.change_password(token.token(), WRONG, NEW).await;
    assert!(matches!(guessed, Err(Error::SignIn(SignInError::WrongPassword))), "{guessed:?}");
    let common = shop.auth.change_password(token.token(), PASSWORD, "Password1").await;
    assert_eq!(violation(common), Some(PolicyViolation::TooCommon));
    assert_eq!(service.asked(), 0);
    shop.auth.change_password(token.token(), PASSWORD, NEW).await.unwrap();
    assert_eq!(*service.asked.lock().unwrap(), ["PasswordSha1(..)"]);
}

#[tokio::test]
async fn an_outage_of_the_service_is_no_verdict() {
    let (shop, service) = guarded();
    service.is_down.store(true, Ordering::Relaxed);
    shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    let mailed = shop.outbox.reset_token().unwrap();
    let reset = || shop.auth.reset_password(PasswordReset::new(EMAIL, mailed.as_str(), NEW));
    let error = reset().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    service.is_down.store(false, Ordering::Relaxed);
    reset().await.expect("the token is still valid");
}
