//! Admin users: their sign-in, its budgets, equal work, and the audit trail of it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use commerce_auth::{
    AdminId, AdminSignIn, AdminSignedIn, AdminStore, Auth, Error, ErrorKind, Origin, PasswordHash,
    TokenStore,
    account::{AccountStatus, AdminRecord, Permission, Username},
    audit::{
        Action,
        Outcome::{Begun, Refused, Succeeded},
        Refusal,
    },
    credential::Argon2Params,
    error::{InputError, PolicyViolation, SignInError, StoreError, TokenError},
    flow::AdminChange,
    store::memory::{MemoryAdmins, MemoryStore},
    token::{Identity, Subject},
};
use support::{ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, fast, hooked::Hooked, shop, sink::told};

async fn sign_in(auth: &Auth, username: &str, password: &str) -> Result<AdminSignedIn, Error> {
    auth.generate_admin_token(AdminSignIn::new(username, password)).await
}

fn is_refused<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::SignIn(SignInError::Refused)))
}

#[tokio::test]
async fn an_admin_user_signs_in_and_out() {
    let shop = shop();
    let signed_in =
        sign_in(&shop.auth, "ADMIN", ADMIN_PASSWORD).await.expect("names are compared case-insensitively");
    assert_eq!(signed_in.admin_id(), &AdminId::from(7));
    let who = shop.auth.verify_admin(signed_in.token()).await.unwrap();
    assert_eq!((who.admin_id(), who.expires_at()), (&AdminId::from(7), signed_in.expires_at()));
    assert_eq!(who.expires_at() - who.auth_time(), time::Duration::hours(4));
    assert!(Permission::ALL.into_iter().all(|permission| who.has_permission(permission)));
    assert!(matches!(shop.auth.verify(signed_in.token()).await, Ok(Identity::Admin(_))));
    // A customer's token is not an admin user's, and the other way round.
    assert!(matches!(
        shop.auth.verify_customer(signed_in.token()).await,
        Err(Error::Token(TokenError::NotAuthorized))
    ));
    let customers = shop.sign_in(PASSWORD).await.unwrap();
    assert!(matches!(
        shop.auth.verify_admin(customers.token()).await,
        Err(Error::Token(TokenError::NotAuthorized))
    ));
    assert!(matches!(
        shop.auth.revoke_admin_token(customers.token()).await,
        Err(Error::Token(TokenError::NotAuthorized))
    ));
    assert!(is_refused(&sign_in(&shop.auth, EMAIL, PASSWORD).await), "a customer is no admin user");
    assert!(is_refused(&shop.sign_in(ADMIN_PASSWORD).await), "an admin user is no customer");

    let other = shop.admin_token().await;
    shop.auth.revoke_admin_token(signed_in.token()).await.unwrap();
    assert!(matches!(
        shop.auth.verify_admin(signed_in.token()).await,
        Err(Error::Token(TokenError::Invalid))
    ));
    shop.auth.verify_admin(&other).await.expect("one token ends at a time");
    shop.auth.admin_changed(&AdminId::from(7), AdminChange::PasswordChanged).await.unwrap();
    assert!(matches!(shop.auth.verify_admin(&other).await, Err(Error::Token(TokenError::Invalid))));
    shop.admin_token().await;
}

#[tokio::test]
async fn an_admin_token_expires_at_its_instant() {
    let shop = shop();
    let token = shop.admin_token().await;
    shop.advance(4 * 60 * 60 - 1);
    shop.auth.verify_admin(&token).await.unwrap();
    shop.advance(1);
    assert!(matches!(shop.auth.verify_admin(&token).await, Err(Error::Token(TokenError::Invalid))));
}

#[tokio::test]
async fn malformed_sign_ins_are_refused_before_any_work() {
    let shop = shop();
    let begun = shop.auth.hashing_stats().begun;
    let long = "x".repeat(1 << 20);
    for (username, password, words) in [
        ("", ADMIN_PASSWORD, "Specify the \"username\" value."),
        (ADMIN, "", "Specify the \"password\" value."),
        (ADMIN, &long, "The password is too long."),
        (&long, ADMIN_PASSWORD, "The username has an invalid format."),
        ("adm\0in", ADMIN_PASSWORD, "The username has an invalid format."),
        ("\u{ff41}dmin", ADMIN_PASSWORD, "The username has an invalid format."),
    ] {
        let error = sign_in(&shop.auth, username, password).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (words, ErrorKind::Input));
    }
    assert_eq!(shop.auth.hashing_stats().begun, begun);
    assert_eq!(shop.trail().await, []);
    let without = Auth::builder(MemoryStore::new()).customers(shop.customers.clone()).config(fast());
    let error =
        sign_in(&without.without_notifier().build().unwrap(), ADMIN, ADMIN_PASSWORD).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(error.to_string(), "The admin user table is not configured.");
}

/// An admin user table that records every call.
struct Recording(MemoryAdmins, Arc<Mutex<Vec<String>>>);

#[async_trait]
impl AdminStore for Recording {
    type Row = AdminRecord;

    async fn find_by_username(&self, username: &Username) -> Result<Option<AdminRecord>, StoreError> {
        self.1.lock().unwrap().push("find_by_username".into());
        self.0.find_by_username(username).await
    }

    async fn find_by_id(&self, id: &AdminId) -> Result<Option<AdminRecord>, StoreError> {
        self.1.lock().unwrap().push("find_by_id".into());
        self.0.find_by_id(id).await
    }

    async fn replace_password_hash(
        &self,
        id: &AdminId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.1.lock().unwrap().push("replace_password_hash".into());
        self.0.replace_password_hash(id, expected, new).await
    }
}

#[tokio::test]
async fn every_refusal_within_budget_is_the_same_work_and_the_same_answer() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let verbs = Arc::clone(&log);
    let store = Hooked::new(move |verb| {
        verbs.lock().unwrap().push(verb.to_owned());
        Ok(())
    });
    let admins = MemoryAdmins::new();
    let table = Recording(admins.clone(), Arc::clone(&log));
    let shop = Shop::open(store, fast(), |builder| builder.admins(table));
    let hash = shop.auth.hash_new_admin_password(ADMIN, ADMIN_PASSWORD).await.unwrap();
    for (id, name, hash, status) in [
        (1, "active", Some(hash.clone()), AccountStatus::Active),
        (2, "disabled", Some(hash.clone()), AccountStatus::Disabled),
        (3, "unconfirmed", Some(hash), AccountStatus::Unconfirmed),
        (4, "none", None, AccountStatus::Active),
        (5, "hostile", Some("$argon2id$v=19$m=4294967295,t=1,p=1$AAAA$AAAA".into()), AccountStatus::Active),
    ] {
        let row = AdminRecord::new(id, name)
            .with_password(hash)
            .with_status(status)
            .with_second_factor_required(true);
        admins.upsert(row).unwrap();
    }
    log.lock().unwrap().clear();
    for (name, password) in [
        ("nobody", WRONG),
        ("nobody", ADMIN_PASSWORD),
        ("active", WRONG),
        ("disabled", WRONG),
        ("disabled", ADMIN_PASSWORD),
        ("unconfirmed", ADMIN_PASSWORD),
        ("none", ADMIN_PASSWORD),
        ("hostile", ADMIN_PASSWORD),
    ] {
        let begun = shop.auth.hashing_stats().begun;
        assert!(is_refused(&sign_in(&shop.auth, name, password).await), "{name}");
        let verbs = std::mem::take(&mut *log.lock().unwrap());
        assert_eq!(
            verbs,
            ["load budgets", "commit budgets", "find_by_username", "generation", "commit budgets"],
            "{name}, {password}"
        );
        assert_eq!(shop.auth.hashing_stats().begun - begun, 1, "{name}, {password}");
    }
    let begun = shop.auth.hashing_stats().begun;
    for _ in 0..6 {
        let _ = sign_in(&shop.auth, "active", WRONG).await;
    }
    log.lock().unwrap().clear();
    assert!(is_refused(&sign_in(&shop.auth, "active", ADMIN_PASSWORD).await));
    assert_eq!(*log.lock().unwrap(), ["load budgets"], "a spent budget is one verb");
    assert_eq!(shop.auth.hashing_stats().begun - begun, 5, "and no hash");
}

#[tokio::test]
async fn six_failures_lock_one_source_and_only_the_admin_user() {
    let shop = shop();
    let from = |source: [u8; 4], password: &str| {
        let origin = Origin::from(std::net::IpAddr::from(source));
        shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, password.to_owned()).origin(origin))
    };
    for _ in 0..6 {
        assert!(is_refused(&from([203, 0, 113, 9], WRONG).await));
    }
    assert!(is_refused(&from([203, 0, 113, 9], ADMIN_PASSWORD).await));
    from([192, 0, 2, 1], ADMIN_PASSWORD).await.expect("another source is not locked");
    let trail = told(&shop.trail().await);
    let locks = trail.iter().filter(|told| **told == (Action::Lock, Succeeded)).count();
    assert_eq!(locks, 1, "{trail:#?}");
    assert!(trail.contains(&(Action::AdminSignIn, Refused(Refusal::BudgetSpent))));
    shop.auth.unlock_admin("Admin").await.unwrap();
    from([203, 0, 113, 9], ADMIN_PASSWORD).await.expect("the lock was lifted");
    assert!(matches!(shop.auth.unlock_admin("").await, Err(Error::Input(InputError::Username))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_guesses_are_no_more_than_the_budget_and_right_ones_wait_their_turn() {
    let shop = Arc::new(shop());
    let begun = shop.auth.hashing_stats().begun;
    let guesses: Vec<_> = (0..500)
        .map(|_| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move { sign_in(&shop.auth, ADMIN, WRONG).await.map(drop) })
        })
        .collect();
    for guess in guesses {
        assert!(is_refused(&guess.await.unwrap()));
    }
    assert_eq!(shop.auth.hashing_stats().begun - begun, 6);
    shop.auth.unlock_admin(ADMIN).await.unwrap();
    let right: Vec<_> = (0..50)
        .map(|_| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move { sign_in(&shop.auth, ADMIN, ADMIN_PASSWORD).await.map(drop) })
        })
        .collect();
    for right in right {
        right.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_outdated_hash_is_made_anew_after_the_password_matched() {
    let shop = shop();
    let mut config = fast();
    config.hashing.argon2 = Argon2Params::default();
    let dearer = shop.node(config);
    let hash = |shop: &Shop| {
        let shop = shop.admins.clone();
        async move { shop.find_by_id(&AdminId::from(7)).await.unwrap().unwrap().password_hash.unwrap() }
    };
    let before = hash(&shop).await;
    assert!(is_refused(&sign_in(&dearer, ADMIN, WRONG).await));
    assert_eq!(hash(&shop).await.expose(), before.expose());
    sign_in(&dearer, ADMIN, ADMIN_PASSWORD).await.unwrap();
    assert!(hash(&shop).await.expose().contains("m=19456,t=2,p=1"));
}

#[tokio::test]
async fn revoking_all_stops_a_sign_in_in_flight() {
    // At the second read of the row, the row changes. The generation was read before.
    let (admins, calls) = (MemoryAdmins::new(), Arc::new(AtomicUsize::new(0)));
    struct Watching(MemoryAdmins, Arc<AtomicUsize>, Arc<Mutex<Option<Auth>>>);
    #[async_trait]
    impl AdminStore for Watching {
        type Row = AdminRecord;
        async fn find_by_username(&self, username: &Username) -> Result<Option<AdminRecord>, StoreError> {
            self.0.find_by_username(username).await
        }
        async fn find_by_id(&self, id: &AdminId) -> Result<Option<AdminRecord>, StoreError> {
            self.1.fetch_add(1, Ordering::SeqCst);
            let auth = self.2.lock().unwrap().take();
            if let Some(auth) = auth {
                auth.admin_changed(id, AdminChange::PasswordChanged).await.map_err(StoreError::new)?;
            }
            self.0.find_by_id(id).await
        }
        async fn replace_password_hash(
            &self,
            _: &AdminId,
            _: Option<&PasswordHash>,
            _: &PasswordHash,
        ) -> Result<bool, StoreError> {
            Ok(false)
        }
    }
    let changing = Arc::new(Mutex::new(None));
    let table = Watching(admins.clone(), Arc::clone(&calls), Arc::clone(&changing));
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.admins(table));
    let hash = shop.auth.hash_new_admin_password(ADMIN, ADMIN_PASSWORD).await.unwrap();
    let row = AdminRecord::new(7, ADMIN).with_password(hash).with_second_factor_required(true);
    admins.upsert(row).unwrap();
    *changing.lock().unwrap() = Some(shop.auth.clone());
    assert!(is_refused(&sign_in(&shop.auth, ADMIN, ADMIN_PASSWORD).await));
    assert!(calls.load(Ordering::SeqCst) > 0);
    let subject = Subject::Admin(AdminId::from(7));
    assert_eq!(shop.store.grants(&subject, 100, shop.now()).await.unwrap(), []);
    let told = told(&shop.trail().await);
    assert_eq!(
        told,
        [
            (Action::AccountChange, Succeeded),
            (Action::AdminSignIn, Begun),
            (Action::AdminSignIn, Refused(Refusal::RevokedMeanwhile)),
        ]
    );
    sign_in(&shop.auth, ADMIN, ADMIN_PASSWORD).await.expect("a later sign-in gives a live token");
}

#[tokio::test]
async fn the_trail_tells_refusals_apart_that_the_caller_cannot() {
    let shop = shop();
    let last = || async { *told(&shop.trail().await).last().unwrap() };
    for (name, password, why) in
        [("nobody", WRONG, Refusal::UnknownAccount), (ADMIN, WRONG, Refusal::WrongCredential)]
    {
        assert!(is_refused(&sign_in(&shop.auth, name, password).await));
        assert_eq!(last().await, (Action::AdminSignIn, Refused(why)));
    }
    shop.set_admin(|row| row.status = AccountStatus::Disabled);
    assert!(is_refused(&sign_in(&shop.auth, ADMIN, ADMIN_PASSWORD).await));
    assert_eq!(last().await, (Action::AdminSignIn, Refused(Refusal::AdminDisabled)));
}

#[tokio::test]
async fn new_admin_passwords_are_judged() {
    let shop = shop();
    let hash =
        async |name: &str, password: &str| shop.auth.hash_new_admin_password(name, password.to_owned()).await;
    assert!(hash("admin", ADMIN_PASSWORD).await.is_ok());
    assert!(matches!(hash("", ADMIN_PASSWORD).await, Err(Error::Input(InputError::Username))));
    let same = hash("Adm1nPassw0rd", "adm1npassw0rd").await;
    assert!(matches!(same, Err(Error::Input(InputError::Policy(PolicyViolation::SameAsUsername)))));
    assert!(matches!(hash("admin", "short").await, Err(Error::Input(InputError::Policy(_)))));
    assert!(matches!(hash("admin", "").await, Err(Error::Input(InputError::Required(_)))));
    let long = "aB3".repeat(1000);
    assert!(matches!(
        hash("admin", &long).await,
        Err(Error::Input(InputError::Policy(PolicyViolation::TooLong(256))))
    ));
}
