//! Whatever ends one-time credentials also ends those that are being made or redeemed at that
//! moment. And a caller that goes away leaves a defined state behind.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
};

use commerce_auth::{
    Auth, CustomerId, Error, SignIn,
    audit::{
        Action,
        Outcome::{Begun, Refused},
        Refusal,
    },
    error::{InternalError, SignInError},
    flow::{CustomerChange, PasswordReset, PasswordResetRequest},
    notifier::Notice,
    store::memory::MemoryStore,
};
use support::{EMAIL, PASSWORD, REASON, Shop, fast, hooked::Hooked, shop, sink::told};

const NEW: &str = "N3w-password";

fn customer() -> CustomerId {
    CustomerId::from(1)
}

type Act = Box<dyn Fn() + Send + Sync>;

/// A shop in which a hook runs between two steps of a flow: once, just before a verb of the store.
struct Racing {
    shop: Shop<Hooked>,
    act: Arc<OnceLock<Act>>,
    armed: Armed,
}

/// The number of the verb before which the hook runs, and the number that is left once it is armed.
struct Armed {
    number: usize,
    left: Arc<AtomicUsize>,
}

impl Racing {
    fn before(at: &'static str) -> Self {
        Self::before_the(1, at)
    }

    /// Runs the hook before the settlement of an attempt, which follows the reservation.
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
                    act.get().expect("there is an event")();
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

fn change(auth: &Auth) {
    pollster::block_on(auth.customer_changed(&customer(), CustomerChange::Disabled)).unwrap();
}

#[tokio::test]
async fn a_reset_token_that_is_being_made_ends_with_the_address() {
    for verb in ["generation", "load codes", "commit codes"] {
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
            change(auth);
        });
        shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.expect("the usual answer");
        let Some(token) = shop.outbox.reset_token() else {
            assert_eq!(verb, "generation", "the row is read again after it");
            continue;
        };
        // The token was on its way to the old address.
        for address in [EMAIL, "new@example.com"] {
            let reset = shop.auth.reset_password(PasswordReset::new(address, token.as_str(), NEW)).await;
            assert!(
                matches!(reset, Err(Error::SignIn(SignInError::ResetTokenMismatched))),
                "before {verb}: {reset:?}"
            );
            let signed_in = shop.auth.generate_customer_token(SignIn::new(address, token.as_str())).await;
            assert!(
                matches!(signed_in, Err(Error::SignIn(SignInError::Refused))),
                "before {verb}: {signed_in:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_code_that_is_being_made_ends_with_a_reset() {
    for verb in ["load codes", "commit codes"] {
        let race = Racing::before(verb);
        let shop = &race.shop;
        let admin = shop.admin_token().await;
        let token = shop.reset_token().await;
        race.happens(move |auth| {
            let reset = PasswordReset::new(EMAIL, token.as_str(), NEW);
            pollster::block_on(auth.reset_password(reset)).unwrap();
        });
        let generated = shop.auth.generate_one_time_code(&admin, &customer(), REASON).await.unwrap();
        let exchange = SignIn::new(EMAIL, generated.code().expose());
        let exchanged = shop.auth.exchange_one_time_code(exchange).await;
        assert!(
            matches!(exchanged, Err(Error::SignIn(SignInError::Refused))),
            "before {verb}: {exchanged:?}"
        );
    }
    // As above, for a code that is made before the generation moves.
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
    change(&shop.auth);
    let exchange = SignIn::new(EMAIL, code.get().unwrap().as_str());
    assert!(matches!(
        shop.auth.exchange_one_time_code(exchange).await,
        Err(Error::SignIn(SignInError::Refused))
    ));
}

#[tokio::test]
async fn a_token_for_assistance_that_is_being_made_ends_with_the_account() {
    let race = Racing::before("insert");
    let shop = &race.shop;
    let admin = shop.admin_token().await;
    race.happens(change);
    let minted = shop.auth.generate_customer_token_as_admin(&admin, EMAIL, REASON).await;
    assert!(matches!(minted, Err(Error::SignIn(SignInError::Refused))));
    shop.auth.flush_audit().await;
    let mut told = told(&shop.audit.events());
    told.retain(|(action, _)| *action == Action::AssistanceToken);
    let refused = Refused(Refusal::RevokedMeanwhile);
    assert_eq!(told, [(Action::AssistanceToken, Begun), (Action::AssistanceToken, refused)]);
}

#[tokio::test]
async fn a_reset_on_its_way_does_not_undo_a_change_that_has_returned() {
    for (verb, race) in [
        ("peek", Racing::before("load codes")),
        ("take", Racing::before("commit codes")),
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
        assert!(
            matches!(reset, Err(Error::SignIn(SignInError::ResetTokenMismatched))),
            "before {verb}: {reset:?}"
        );
        assert!(matches!(shop.sign_in(NEW).await, Err(Error::SignIn(SignInError::Refused))));
        shop.sign_in("Ch4nged-password").await.unwrap();
    }
}

#[tokio::test]
async fn a_reset_on_its_way_ends_with_the_account() {
    let race = Racing::before_the_settlement();
    let shop = &race.shop;
    let token = shop.reset_token().await;
    race.happens(change);
    let reset = shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW)).await;
    assert!(matches!(reset, Err(Error::SignIn(SignInError::ResetTokenMismatched))));
    shop.sign_in(PASSWORD).await.expect("the password is unchanged");
}

/// Polls a flow until a verb of the store has begun, and drops the flow at that moment.
async fn goes_away<T: std::fmt::Debug>(begun: &AtomicBool, flow: impl Future<Output = T>) {
    begun.store(false, Ordering::SeqCst);
    let mut flow = pin!(flow);
    poll_fn(|context| match flow.as_mut().poll(context) {
        Poll::Ready(done) => panic!("the flow was not dropped: {done:?}"),
        Poll::Pending if begun.load(Ordering::SeqCst) => Poll::Ready(()),
        Poll::Pending => Poll::Pending,
    })
    .await;
}

#[tokio::test]
async fn a_caller_who_goes_away_keeps_nothing_from_the_customer_and_the_trail() {
    let begun = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let begun = Arc::clone(&begun);
        move |verb| {
            begun.fetch_or(verb == "revoke_all", Ordering::SeqCst);
            Ok(())
        }
    });
    let shop = Shop::open(store, fast(), |builder| builder);
    let token = shop.reset_token().await;
    goes_away(&begun, shop.auth.reset_password(PasswordReset::new(EMAIL, token, NEW))).await;
    assert!(matches!(shop.outbox.take().pop().unwrap().notice, Notice::PasswordReset));
    shop.auth.flush_audit().await;
    assert_eq!(told(&shop.audit.events()).last(), Some(&(Action::PasswordReset, Begun)));
    let own = shop.sign_in(NEW).await.unwrap();
    goes_away(&begun, shop.auth.change_password(own.token(), NEW, "Ch4nged-password")).await;
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
    assert!(matches!(node.generate_customer_token(code()).await, Err(Error::SignIn(SignInError::Refused))));
    assert!(matches!(
        node.exchange_one_time_code(code()).await,
        Err(Error::Internal(InternalError::NotConfigured(_)))
    ));
    shop.auth.exchange_one_time_code(code()).await.expect("the code was not spent");
}

#[tokio::test]
async fn a_flood_of_reset_requests_locks_no_sign_in() {
    // With this capacity, all accounts share a few counters.
    let shop = Shop::open(MemoryStore::with_attempt_capacity(0), fast(), |builder| builder);
    for number in 0..5_000 {
        let asked = PasswordResetRequest::new(format!("customer-{number}@example.com"));
        let _ = shop.auth.request_password_reset(asked).await;
    }
    shop.sign_in(PASSWORD).await.unwrap();
}
