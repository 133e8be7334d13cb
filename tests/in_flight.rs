//! What ends one-time credentials also ends those that are being made or redeemed at that moment; and what a caller who
//! goes away leaves behind.

mod support;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use commerce_auth::{
    Auth, CustomerChange, CustomerId, Digest, Error, MemoryStore, Notice, PasswordReset,
    PasswordResetRequest, SignIn, StoreError,
    audit::{
        Action,
        Outcome::{Begun, Refused},
        Refusal,
    },
    store::{OneTimeCredential, OtcStore, Presented, Take},
};
use support::{EMAIL, PASSWORD, REASON, Shop, fast, hooked::Hooked, shop, sink::told};
use time::OffsetDateTime;

const NEW: &str = "N3w-password";

fn customer() -> CustomerId {
    CustomerId::from(1)
}

type Act = Box<dyn Fn() + Send + Sync>;

/// A shop in which something happens between two steps of a flow: once, just before a verb of the store.
struct Racing {
    shop: Shop<Hooked>,
    act: Arc<OnceLock<Act>>,
    armed: Armed,
}

/// The number of the verb before which it happens, and the number that is left once it is armed.
struct Armed {
    number: usize,
    left: Arc<AtomicUsize>,
}

impl Racing {
    fn before(at: &'static str) -> Self {
        Self::before_the(1, at)
    }

    /// Before the settlement of an attempt, which follows its reservation.
    fn before_the_settlement() -> Self {
        Self::before_the(2, "commit budgets")
    }

    fn before_the(number: usize, at: &'static str) -> Self {
        let (act, armed) = (Arc::<OnceLock<Act>>::default(), Arc::<AtomicUsize>::default());
        let store = Hooked::new({
            let (act, armed) = (Arc::clone(&act), Arc::clone(&armed));
            move |verb| {
                let count = |left: usize| (verb == at).then(|| left.checked_sub(1)).flatten();
                if armed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) == Ok(1) {
                    act.get().expect("something happens")();
                }
                Ok(())
            }
        });
        let armed = Armed { number, left: armed };
        Self { shop: Shop::open(store, fast(), |builder| builder), act, armed }
    }

    fn happens(&self, act: impl Fn(&Auth) + Send + Sync + 'static) {
        let auth = self.shop.auth.clone();
        let _ = self.act.set(Box::new(move || act(&auth)));
        self.armed.left.store(self.armed.number, Ordering::SeqCst);
    }
}

fn change(auth: &Auth, change: CustomerChange) {
    pollster::block_on(auth.customer_changed(&customer(), change)).unwrap();
}

#[tokio::test]
async fn a_reset_token_that_is_being_made_ends_with_the_address() {
    for verb in ["generation", "put"] {
        let race = Racing::before(verb);
        let shop = &race.shop;
        let (customers, row) = (shop.customers.clone(), Arc::new(OnceLock::new()));
        shop.set_customer(|own| {
            let mut moved = own.clone();
            moved.email = "new@example.com".into();
            row.set(moved).unwrap();
        });
        race.happens(move |auth| {
            customers.upsert(row.get().unwrap().clone()).unwrap();
            change(auth, CustomerChange::EmailChanged);
        });
        shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.expect("the usual answer");
        assert!(shop.outbox.take().is_empty(), "before {verb}: nothing is mailed to the old address");
    }
}

#[tokio::test]
async fn a_code_that_is_being_made_ends_with_a_reset() {
    let race = Racing::before("put");
    let shop = &race.shop;
    let admin = shop.admin_token().await;
    let token = shop.reset_token().await;
    race.happens(move |auth| {
        let reset = PasswordReset::new(EMAIL, token.as_str(), NEW);
        pollster::block_on(auth.reset_password(reset)).unwrap();
    });
    let generated = shop.auth.generate_one_time_code(&admin, &customer(), REASON).await;
    assert!(matches!(generated, Err(Error::SignInRefused)), "{generated:?}");
    // The same, put before the reset discards, and looked at before it revokes, is discarded by its second look.
    let race = Racing::before("revoke_all");
    let shop = &race.shop;
    let admin = shop.admin_token().await;
    let code = Arc::new(OnceLock::new());
    race.happens({
        let code = Arc::clone(&code);
        move |auth| {
            let generated = pollster::block_on(auth.generate_one_time_code(&admin, &customer(), REASON));
            code.set(generated.unwrap().code().expose().to_owned()).unwrap();
        }
    });
    change(&shop.auth, CustomerChange::PasswordChanged);
    let exchange = SignIn::new(EMAIL, code.get().unwrap().as_str());
    assert!(matches!(shop.auth.exchange_one_time_code(exchange).await, Err(Error::SignInRefused)));
}

#[tokio::test]
async fn a_token_for_assistance_that_is_being_made_ends_with_the_account() {
    let race = Racing::before("insert");
    let shop = &race.shop;
    let admin = shop.admin_token().await;
    race.happens(|auth| change(auth, CustomerChange::Disabled));
    let minted = shop.auth.generate_customer_token_as_admin(&admin, EMAIL, REASON).await;
    assert!(matches!(minted, Err(Error::SignInRefused)));
    shop.auth.flush_audit().await;
    let mut told = told(&shop.audit.events());
    told.retain(|(action, _)| *action == Action::AssistanceToken);
    let refused = Refused(Refusal::RevokedMeanwhile);
    assert_eq!(told, [(Action::AssistanceToken, Begun), (Action::AssistanceToken, refused)]);
}

#[tokio::test]
async fn a_reset_on_its_way_does_not_undo_a_change_that_has_returned() {
    for (verb, race) in [
        ("peek", Racing::before("peek")),
        ("take", Racing::before("take")),
        ("settle", Racing::before_the_settlement()),
    ] {
        let shop = &race.shop;
        let own = shop.sign_in(PASSWORD).await.unwrap();
        let token = shop.reset_token().await;
        race.happens(move |auth| {
            let changed = auth.change_password(own.token(), PASSWORD, "Ch4nged-password");
            pollster::block_on(changed).unwrap();
        });
        let reset = shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW)).await;
        assert!(matches!(reset, Err(Error::ResetTokenMismatched)), "before {verb}: {reset:?}");
        assert!(matches!(shop.sign_in(NEW).await, Err(Error::SignInRefused)));
        shop.sign_in("Ch4nged-password").await.unwrap();
    }
}

#[tokio::test]
async fn a_reset_on_its_way_ends_with_the_account() {
    let race = Racing::before_the_settlement();
    let shop = &race.shop;
    let token = shop.reset_token().await;
    race.happens(|auth| change(auth, CustomerChange::EmailChanged));
    let reset = shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW)).await;
    assert!(matches!(reset, Err(Error::ResetTokenMismatched)));
    shop.sign_in(PASSWORD).await.expect("the password is what it was");
}

/// Keeps one-time credentials, and does not come back from `discard`.
#[derive(Debug)]
struct Stalling(MemoryStore);

#[async_trait]
impl OtcStore for Stalling {
    async fn put(&self, c: &OneTimeCredential, keep: usize, now: OffsetDateTime) -> Result<bool, StoreError> {
        self.0.put(c, keep, now).await
    }
    async fn peek(
        &self,
        p: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        self.0.peek(p, now).await
    }
    async fn take(
        &self,
        p: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        self.0.take(p, buys, now).await
    }
    async fn discard(&self, _: &CustomerId) -> Result<(), StoreError> {
        std::future::pending().await
    }
    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.0.purge_codes(now, limit).await
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_keeps_nothing_from_the_customer_and_the_trail() {
    let stalling = Stalling(MemoryStore::new());
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.one_time_credentials(stalling));
    shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    let token = shop.outbox.reset_token().unwrap();
    let reset = shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW));
    assert!(tokio::time::timeout(Duration::from_millis(50), reset).await.is_err(), "it goes away");
    assert!(matches!(shop.outbox.take().pop().unwrap().notice, Notice::PasswordReset));
    assert_eq!(told(&shop.trail().await).last(), Some(&(Action::PasswordReset, Begun)));
    let own = shop.sign_in(NEW).await.unwrap();
    let changed = shop.auth.change_password(own.token(), NEW, "Ch4nged-password");
    assert!(tokio::time::timeout(Duration::from_millis(50), changed).await.is_err());
    assert!(matches!(shop.outbox.take().pop().unwrap().notice, Notice::PasswordChanged));
}

#[tokio::test]
async fn a_node_without_admin_users_leaves_codes_alone() {
    let shop = shop();
    let admin = shop.admin_token().await;
    let generated = shop.auth.generate_one_time_code(&admin, &customer(), REASON).await.unwrap();
    let code = || SignIn::new(EMAIL, generated.code().expose());
    let node = Auth::builder(Arc::clone(&shop.store))
        .customers(shop.customers.clone())
        .without_notifier()
        .clock(Arc::clone(&shop.clock))
        .config(fast())
        .build()
        .unwrap();
    assert!(matches!(node.generate_customer_token(code()).await, Err(Error::SignInRefused)));
    assert!(matches!(node.exchange_one_time_code(code()).await, Err(Error::NotConfigured(_))));
    shop.auth.exchange_one_time_code(code()).await.expect("the code was not spent");
}

#[tokio::test]
async fn a_flood_of_reset_requests_locks_no_sign_in() {
    // All accounts share a few counters.
    let shop = Shop::open(MemoryStore::with_attempt_capacity(0), fast(), |builder| builder);
    for number in 0..5_000 {
        let asked = PasswordResetRequest::new(format!("customer-{number}@example.com"));
        let _ = shop.auth.request_password_reset(asked).await;
    }
    shop.sign_in(PASSWORD).await.unwrap();
}
