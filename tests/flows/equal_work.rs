//! Within budget, every refusal is the same work: the same verbs in the same order, the same number
//! of hashes, and the same answer.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Instant,
};

use async_trait::async_trait;
use commerce_auth::{
    CustomerId, CustomerStore, Email, Error, Origin, PasswordHash, SignIn, Website,
    account::{AccountStatus, CustomerRecord, EmailReplacement},
    credential::Argon2Params,
    error::{ConfirmationError, SignInError, StoreError, TokenError},
    flow::{ConfirmationRequest, EmailConfirmation, PasswordResetRequest},
    store::memory::MemoryCustomers,
};
use support::{EMAIL, PASSWORD, Shop, WRONG, fast, hooked::Hooked};

/// Records the verbs in the order of their calls.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, verb: impl Into<String>) {
        self.0.lock().unwrap().push(verb.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn into_hook(self) -> impl Fn(&str) -> Result<(), StoreError> {
        move |verb| {
            self.note(verb);
            Ok(())
        }
    }
}

/// Returns a shop whose store and customer table record every verb.
fn recording() -> (Shop<Hooked>, MemoryCustomers, Log) {
    let (log, customers) = (Log::default(), MemoryCustomers::new());
    let store = Hooked::new(log.clone().into_hook());
    let table = RecordingCustomers { inner: customers.clone(), log: log.clone() };
    let mut config = fast();
    config.hashing.argon2 = Argon2Params::default(); // So that the cheaper hash below is one.
    let shop = Shop::open(store, config, |builder| builder.customers(table));
    (shop, customers, log)
}

/// A customer table that records every verb.
struct RecordingCustomers {
    inner: MemoryCustomers,
    log: Log,
}

#[async_trait]
impl CustomerStore for RecordingCustomers {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        website: &Website,
        email: &Email,
    ) -> Result<Option<CustomerRecord>, StoreError> {
        self.log.note("find_by_email");
        self.inner.find_by_email(website, email).await
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        self.log.note("find_by_id");
        self.inner.find_by_id(id).await
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.log.note("replace_password_hash");
        self.inner.replace_password_hash(id, expected, new).await
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        self.log.note("set_assistance");
        self.inner.set_assistance(id, allowed).await
    }

    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError> {
        self.log.note("confirm");
        self.inner.confirm(id, email).await
    }

    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        self.log.note("replace_email");
        self.inner.replace_email(id, expected, new).await
    }
}

#[tokio::test]
async fn every_refusal_within_budget_is_the_same_work_and_the_same_answer() {
    let (shop, customers, log) = recording();
    let hash = shop.auth.hash_new_password(EMAIL, PASSWORD).await.unwrap();
    let cheap = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b/dWRWJTmaaJObG";
    let add = |id, email: &str, hash: Option<PasswordHash>, status| {
        let row = CustomerRecord::new(CustomerId::from(id), email).with_password(hash).with_status(status);
        customers.upsert(row).unwrap();
    };
    add(1, "active@example.com", Some(hash.clone()), AccountStatus::Active);
    add(2, "unconfirmed@example.com", Some(hash.clone()), AccountStatus::Unconfirmed);
    add(3, "disabled@example.com", Some(hash.clone()), AccountStatus::Disabled);
    add(4, "none@example.com", None, AccountStatus::Active);
    add(
        5,
        "hostile@example.com",
        Some("$argon2id$v=19$m=4294967295,t=1,p=1$AAAA$AAAA".into()),
        AccountStatus::Active,
    );
    add(6, "foreign@example.com", Some(cheap.into()), AccountStatus::Active);
    add(7, "empty@example.com", Some("".into()), AccountStatus::Active);

    let reset_token = shop.reset_token().await;
    shop.advance(2 * 60 * 60);
    log.take();

    let one_time_looking = "0123456789abcdef0123456789abcdef";
    let mut seen = Vec::new();
    for account in ["nobody", "active", "unconfirmed", "disabled", "none", "hostile", "foreign", "empty"] {
        for credential in [WRONG, "0", one_time_looking, &reset_token, &"x".repeat(1024), "a\0b"] {
            seen.push((account, credential.to_owned()));
        }
    }
    seen.push(("disabled", PASSWORD.into()));
    let looks = ["load budgets", "load tally", "commit budgets", "find_by_email", "generation", "load codes"];
    let counts = ["commit budgets", "load tally", "commit tally"];
    let expected = [&looks[..], &counts].concat();
    // The first attempt after a while loads the shop's watch document.
    shop.sign_in_from("198.51.100.1", WRONG).await.unwrap_err();
    log.take();
    for (number, (account, credential)) in seen.into_iter().enumerate() {
        let begun = shop.auth.hashing_stats().begun;
        // Each attempt has its own source, and the number stays within each account's budget over
        // all sources.
        let source = std::net::Ipv4Addr::from_bits(u32::try_from(number).unwrap());
        let sign_in =
            SignIn::new(format!("{account}@example.com"), credential.as_str()).origin(IpAddr::V4(source));
        let error = shop.auth.generate_customer_token(sign_in).await.unwrap_err();
        assert!(matches!(error, Error::SignIn(SignInError::Refused)), "{account}: {error}");
        let verbs = log.take();
        assert_eq!(verbs, expected, "{account} with {credential:?}");
        assert_eq!(shop.auth.hashing_stats().begun - begun, 1, "{account} with {credential:?}");
    }
}

/// The calls and the time of a reset request do not reveal whether an account exists.
#[tokio::test]
async fn a_thousand_reset_requests_are_the_same_calls_for_known_and_unknown_addresses() {
    let log = Log::default();
    let (store, customers) = (Hooked::new(log.clone().into_hook()), MemoryCustomers::new());
    let table = RecordingCustomers { inner: customers.clone(), log: log.clone() };
    let mut config = fast();
    config.budgets.reset_account.failures = 1_000_000;
    let shop = Shop::open(store, config, |builder| builder.customers(table));
    let add = |id, email: &str, status| {
        customers.upsert(CustomerRecord::new(id, email).with_status(status)).unwrap();
    };
    add(1, EMAIL, AccountStatus::Active);
    add(2, "disabled@example.com", AccountStatus::Disabled);
    let expected = [
        "load budgets",
        "commit budgets",
        "commit budgets",
        "find_by_email",
        "generation",
        "find_by_id",
        "load codes",
        "commit codes",
    ];
    let accounts = [EMAIL, "nobody@example.com", "disabled@example.com"];
    let mut times = accounts.map(|_| Vec::new());
    log.take();
    for round in 0..1000 {
        for (email, times) in accounts.iter().zip(&mut times) {
            let begun = Instant::now();
            shop.auth.request_password_reset(PasswordResetRequest::new(*email)).await.unwrap();
            times.push(begun.elapsed());
            assert_eq!(log.take(), expected, "{email}, round {round}");
        }
    }
    assert_eq!(shop.outbox.take().len(), 1000, "one mail for each request of the one who gets mail");
    // The bound is loose because it is a time. One more look-up or hash would take many times as
    // long.
    let [known, unknown, disabled] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    for other in [unknown, disabled] {
        assert!(known < 3 * other && other < 3 * known, "{known:?} and {other:?}");
    }
}

/// A confirmation request does not reveal whether an account exists or is confirmed.
#[tokio::test]
async fn a_confirmation_request_is_the_same_calls_for_every_address() {
    let (shop, customers, log) = recording();
    let accounts = [
        ("unconfirmed@example.com", Some(AccountStatus::Unconfirmed)),
        ("active@example.com", Some(AccountStatus::Active)),
        ("disabled@example.com", Some(AccountStatus::Disabled)),
        ("nobody@example.com", None),
    ];
    for (id, (email, status)) in (1..).zip(accounts) {
        let Some(status) = status else { continue };
        let row = CustomerRecord::new(id, email).with_status(status);
        customers.upsert(row).unwrap();
    }
    let expected = [
        "load budgets",
        "commit budgets",
        "commit budgets",
        "find_by_email",
        "generation",
        "find_by_id",
        "load pointer",
        "commit pointer",
        "load codes",
        "commit codes",
    ];
    for round in 0..5 {
        for (email, _) in accounts {
            let request = ConfirmationRequest::new(email);
            let request = if round % 2 == 0 { request.after_registration() } else { request };
            log.take();
            shop.auth.request_confirmation(request).await.unwrap();
            assert_eq!(log.take(), expected, "{email}, round {round}");
        }
    }
    assert_eq!(shop.outbox.take().len(), 5 + 3);
}

#[tokio::test]
async fn every_refusal_of_a_confirmation_token_is_the_same_work() {
    let (shop, customers, log) = recording();
    let add = |id, email: &str, status| {
        let row = CustomerRecord::new(id, email).with_status(status);
        customers.upsert(row).unwrap();
    };
    let token = async |email: &str| {
        shop.auth.request_confirmation(ConfirmationRequest::new(email)).await.unwrap();
        shop.outbox.confirmation_token().unwrap()
    };
    let emails = ["expired@example.com", "spent@example.com", "disabled@example.com", "good@example.com"];
    for (id, email) in (1..).zip(emails) {
        add(id, email, AccountStatus::Unconfirmed);
    }
    let expired = token(emails[0]).await;
    shop.advance(24 * 60 * 60);
    let [spent, disabled, good] = [token(emails[1]).await, token(emails[2]).await, token(emails[3]).await];
    shop.auth.confirm_email(EmailConfirmation::new(emails[1], spent.as_str())).await.unwrap();
    add(2, "moved@example.com", AccountStatus::Active);
    add(3, emails[2], AccountStatus::Disabled);
    let attempts = [
        ("expired", emails[0], expired.as_str()),
        ("spent for another address", emails[1], &spent),
        ("of a disabled account", emails[2], &disabled),
        ("foreign", emails[2], &good),
        ("of nobody", "nobody@example.com", &good),
        ("wrong", emails[3], "0123456789abcdef0123456789abcdef"),
        ("wrong, of nobody", "nobody@example.com", WRONG),
    ];
    let expected = [
        "load budgets",
        "load tally",
        "load tally",
        "commit budgets",
        "load pointer",
        "generation",
        "find_by_id",
        "load codes",
        "commit budgets",
        "load tally",
        "commit tally",
        "load tally",
        "commit tally",
    ];
    for (number, (of, email, token)) in (1..).zip(attempts) {
        let confirmation = EmailConfirmation::new(email, token).origin(IpAddr::from([192, 0, 2, number]));
        log.take();
        let refused = shop.auth.confirm_email(confirmation).await.unwrap_err();
        assert!(matches!(refused, Error::Confirmation(ConfirmationError::InvalidToken)), "{of}: {refused}");
        let mut verbs = log.take();
        verbs.retain(|verb| !verb.ends_with("watch"));
        let (mut called, mut expected) = (verbs.clone(), expected.map(String::from));
        // The two counters are updated in parallel, in any order.
        called.sort_unstable();
        expected.sort_unstable();
        assert_eq!(called, expected, "{of}: {verbs:?}");
    }
    assert_eq!(shop.auth.hashing_stats().begun, 0);
}

/// A change of address does not reveal whether the new address has an account.
#[tokio::test]
async fn a_change_to_a_taken_address_is_the_same_calls_as_to_a_free_one() {
    let (shop, customers, log) = recording();
    let hash = shop.auth.hash_new_password(EMAIL, PASSWORD).await.unwrap();
    for (id, email) in [(1, EMAIL), (2, "taken@example.com")] {
        let row = CustomerRecord::new(id, email).with_password(hash.clone());
        customers.upsert(row).unwrap();
    }
    let token = shop.sign_in(PASSWORD).await.unwrap().token().clone();
    let mut called = Vec::new();
    for email in ["taken@example.com", "free@example.com"] {
        log.take();
        shop.auth.request_email_change(&token, PASSWORD, email).await.unwrap();
        called.push(log.take());
    }
    assert_eq!(called[0], called[1]);
    assert!(called[0].contains(&"commit codes".into()), "{:?}", called[0]);
}

#[tokio::test]
async fn a_look_at_a_reset_token_is_the_same_work_for_unknown_customers() {
    let (shop, customers, log) = recording();
    let (website, status) = (Website::default(), AccountStatus::Active);
    let (id, password_hash) = (CustomerId::from(1), None);
    let row = CustomerRecord::new(id, EMAIL)
        .with_website(website)
        .with_password(password_hash)
        .with_status(status)
        .with_assistance(true);
    customers.upsert(row).unwrap();
    let mut called = Vec::new();
    for id in [1, 2] {
        log.take();
        let origin = Origin::default();
        let refused = shop.auth.check_reset_token(&CustomerId::from(id), WRONG, &origin).await.unwrap_err();
        assert!(matches!(refused, Error::SignIn(SignInError::ResetTokenMismatched)), "{refused}");
        called.push(log.take());
    }
    assert_eq!(called[0], called[1]);
    assert!(called[0].contains(&"load codes".into()), "{:?}", called[0]);
}

#[tokio::test]
async fn a_spent_budget_is_one_verb() {
    let (shop, _, log) = recording();
    for _ in 0..6 {
        shop.sign_in(WRONG).await.unwrap_err();
    }
    log.take();
    let begun = shop.auth.hashing_stats().begun;
    assert!(matches!(shop.sign_in(PASSWORD).await, Err(Error::SignIn(SignInError::Refused))));
    assert_eq!(log.take(), ["load budgets"]);
    assert_eq!(shop.auth.hashing_stats().begun, begun);
}

#[tokio::test]
async fn what_is_refused_for_its_form_touches_nothing() {
    let (shop, _, log) = recording();
    let begun = shop.auth.hashing_stats().begun;
    log.take();
    let long_email = format!("{}@example.com", "x".repeat(1 << 20));
    let long_password = "x".repeat(1 << 20);
    for (email, password) in [
        ("", PASSWORD),
        (EMAIL, ""),
        (long_email.as_str(), PASSWORD),
        (EMAIL, long_password.as_str()),
        ("bobloblaw\0@example.com", PASSWORD),
        ("bobloblaw@example.com,eve@example.com", PASSWORD),
        ("\u{ff42}obloblaw@example.com", PASSWORD),
        ("bobloblaw@example.com\r\nBcc: eve@example.com", PASSWORD),
    ] {
        shop.auth.generate_customer_token(SignIn::new(email, password)).await.unwrap_err();
    }
    for bearer in ["", "x", "0123456789abcdef0123456789abcdef", &"x".repeat(1 << 20), "\0", "ключ"] {
        assert!(matches!(shop.auth.verify(bearer).await, Err(Error::Token(TokenError::Invalid))));
        assert!(matches!(
            shop.auth.revoke_customer_token(bearer).await,
            Err(Error::Token(TokenError::Invalid))
        ));
    }
    assert_eq!(log.take(), Vec::<String>::new());
    assert_eq!(shop.auth.hashing_stats().begun, begun);
}
