//! The audit trail: which events it has, what it never contains, and which operations stop if a
//! sink fails or is slow.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use commerce_auth::{
    AdminId, AdminSignIn, Auth, CustomerId, Error, ErrorKind, Origin, SignIn, TokenStore, Website,
    audit::{
        Action, AuditEvent, AuditSink, MemoryAudit,
        Outcome::{self, Begun, Refused, Succeeded},
        Refusal,
    },
    config::ConfigError,
    error::StoreError,
    flow::{
        AdminChange, ConfirmationRequest, CustomerChange, EmailConfirmation, Keep, PasswordReset,
        PasswordResetRequest, Registration,
    },
    store::memory::{MemoryCustomers, MemoryStore},
    token::Subject,
};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, REASON, Shop, WRONG, fast,
    hooked::Hooked,
    shop,
    sink::{Breakable, told},
};

const NEW: &str = "N3w-password";
const MOVED: &str = "bob@example.org";

fn customer() -> CustomerId {
    CustomerId::from(1)
}

#[tokio::test]
async fn every_act_is_told_of() {
    let shop = shop();
    let auth = &shop.auth;
    let expect = async |expected: &[(Action, Outcome)], act: &str| {
        let all = told(&shop.trail().await);
        assert_eq!(all.last_chunk_of(expected.len()), expected, "{act}");
    };
    let admin = shop.admin_token().await;
    expect(&[(Action::AdminSignIn, Begun), (Action::AdminSignIn, Succeeded)], "an admin user signs in").await;
    let own = shop.sign_in(PASSWORD).await.unwrap();
    expect(&[(Action::SignIn, Succeeded)], "a customer signs in").await;
    shop.sign_in(WRONG).await.unwrap_err();
    expect(&[(Action::SignIn, Refused(Refusal::WrongCredential))], "a wrong password").await;
    let nobody = SignIn::new("nobody@example.com", WRONG);
    auth.generate_customer_token(nobody).await.unwrap_err();
    expect(&[(Action::SignIn, Refused(Refusal::UnknownAccount))], "an unknown address").await;
    for _ in 0..5 {
        shop.sign_in(WRONG).await.unwrap_err();
    }
    let locked = [(Action::Lock, Succeeded), (Action::SignIn, Refused(Refusal::WrongCredential))];
    expect(&locked, "the sixth failure").await;
    shop.sign_in(PASSWORD).await.unwrap_err();
    expect(&[(Action::SignIn, Refused(Refusal::BudgetSpent))], "a locked account").await;
    auth.unlock_customer(&Website::default(), EMAIL).await.unwrap();
    expect(&[(Action::Unlock, Succeeded)], "a support desk").await;
    auth.confirm_password(own.token(), PASSWORD).await.unwrap();
    expect(&[(Action::PasswordConfirmation, Succeeded)], "a confirmation").await;
    auth.confirm_password(own.token(), WRONG).await.unwrap_err();
    expect(&[(Action::PasswordConfirmation, Refused(Refusal::WrongCredential))], "a wrong one").await;
    auth.change_password(own.token(), PASSWORD, "short").await.unwrap_err();
    expect(&[(Action::PasswordChange, Refused(Refusal::PasswordPolicy))], "a poor password").await;
    auth.change_password(own.token(), PASSWORD, NEW).await.unwrap();
    expect(&[(Action::PasswordChange, Succeeded)], "a better one").await;
    auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    expect(&[(Action::ResetRequest, Succeeded)], "a forgotten password").await;
    let token = shop.outbox.reset_token().unwrap();
    auth.reset_password(PasswordReset::new(EMAIL, "x", PASSWORD)).await.unwrap_err();
    expect(&[(Action::PasswordReset, Refused(Refusal::WrongCredential))], "a guess").await;
    auth.reset_password(PasswordReset::new(EMAIL, token, PASSWORD)).await.unwrap();
    expect(&[(Action::PasswordReset, Succeeded)], "a reset").await;

    let looked_at = auth.check_reset_token(&customer(), WRONG, &Origin::default()).await;
    looked_at.unwrap_err();
    expect(&[(Action::ResetTokenCheck, Refused(Refusal::WrongCredential))], "a look at a wrong token").await;
    auth.begin_registration(Registration::new(EMAIL, None)).await.unwrap();
    expect(&[(Action::Registration, Succeeded)], "somebody registers").await;
    auth.request_confirmation(ConfirmationRequest::new(EMAIL)).await.unwrap();
    expect(&[(Action::ConfirmationRequest, Refused(Refusal::AlreadyConfirmed))], "an active account").await;
    auth.confirm_email(EmailConfirmation::new(EMAIL, WRONG)).await.unwrap_err();
    expect(&[(Action::EmailConfirmation, Refused(Refusal::UnknownAccount))], "a wrong token").await;
    let own = shop.sign_in(PASSWORD).await.unwrap();
    auth.request_email_change(own.token(), PASSWORD, MOVED).await.unwrap();
    expect(&[(Action::EmailChangeRequest, Succeeded)], "another address is asked for").await;
    let token = shop.outbox.confirmation_token().unwrap();
    auth.confirm_email(EmailConfirmation::new(MOVED, token)).await.unwrap();
    expect(&[(Action::EmailChange, Succeeded)], "and confirmed").await;
    shop.set_customer(|_| ());

    let own = shop.sign_in(PASSWORD).await.unwrap();
    auth.set_remote_shopping_assistance(own.token(), false).await.unwrap();
    expect(&[(Action::ConsentWithdrawn, Succeeded)], "consent withdrawn").await;
    let refused = auth.generate_customer_token_as_admin(&admin, EMAIL, REASON).await;
    refused.unwrap_err();
    expect(&[(Action::AssistanceToken, Refused(Refusal::NoConsent))], "assistance without consent").await;
    auth.set_remote_shopping_assistance(own.token(), true).await.unwrap();
    expect(&[(Action::ConsentGiven, Succeeded)], "consent given").await;
    let assisted = auth.generate_customer_token_as_admin(&admin, EMAIL, REASON).await.unwrap();
    expect(&[(Action::AssistanceToken, Begun), (Action::AssistanceToken, Succeeded)], "assistance").await;
    auth.revoke_customer_token(assisted.token()).await.unwrap();
    expect(&[(Action::TokenRevoke, Succeeded)], "the assistant is done").await;
    let code = auth.generate_one_time_code(&admin, &customer(), REASON).await.unwrap();
    expect(&[(Action::CodeMint, Begun), (Action::CodeMint, Succeeded)], "a code").await;
    let exchange = || SignIn::new(EMAIL, code.code().expose());
    auth.exchange_one_time_code(exchange()).await.unwrap();
    expect(&[(Action::CodeRedemption, Begun), (Action::CodeRedemption, Succeeded)], "redeemed").await;
    auth.exchange_one_time_code(exchange()).await.unwrap_err();
    expect(&[(Action::CodeReplay, Refused(Refusal::SpentCode))], "replayed").await;
    auth.exchange_one_time_code(SignIn::new(EMAIL, "x")).await.unwrap_err();
    expect(&[(Action::CodeRedemption, Refused(Refusal::WrongCredential))], "guessed").await;

    auth.revoke_all_customer_tokens(own.token(), Keep::Presented).await.unwrap();
    expect(&[(Action::AllTokensRevoke, Succeeded)], "signed out everywhere else").await;
    let assisted = auth.generate_customer_token_as_admin(&admin, EMAIL, REASON).await.unwrap();
    let grant = *auth.verify_customer(assisted.token()).await.unwrap().grant();
    assert!(auth.revoke_listed_customer_token(own.token(), &grant).await.unwrap());
    expect(&[(Action::TokenRevoke, Succeeded)], "the customer ends an assistance").await;
    let trail = shop.trail().await;
    let last = trail.last().unwrap();
    assert_eq!((last.grant, &last.actor), (Some(grant), &None), "the action is the customer's own");
    auth.revoke_customer_token(own.token()).await.unwrap();
    expect(&[(Action::TokenRevoke, Succeeded)], "signed out").await;
    auth.customer_changed(&customer(), CustomerChange::Disabled).await.unwrap();
    expect(&[(Action::AccountChange, Succeeded)], "disabled").await;
    auth.revoke_admin_token(&admin).await.unwrap();
    expect(&[(Action::TokenRevoke, Succeeded)], "the admin user signs out").await;
    auth.admin_changed(&AdminId::from(7), AdminChange::Deleted).await.unwrap();
    expect(&[(Action::AccountChange, Succeeded)], "deleted").await;
    auth.revoke_everything().await.unwrap();
    expect(&[(Action::EverythingRevoke, Succeeded)], "everything").await;

    // Each event has a unique id, and none contains an address or a secret.
    let trail = shop.trail().await;
    let names: HashSet<_> = trail.iter().map(|event| event.id).collect();
    assert_eq!(names.len(), trail.len());
    let text = serde_json::to_string(&trail).unwrap() + &format!("{trail:?}");
    for secret in [EMAIL, MOVED, PASSWORD, NEW, WRONG, &admin, own.token().expose(), code.code().expose()] {
        assert!(!text.contains(secret), "{secret} is in the trail");
    }
}

trait LastChunk<T> {
    /// Returns the last `count` elements, or all if there are fewer.
    fn last_chunk_of(&self, count: usize) -> &[T];
}

impl<T> LastChunk<T> for Vec<T> {
    fn last_chunk_of(&self, count: usize) -> &[T] {
        &self[self.len().saturating_sub(count)..]
    }
}

#[tokio::test]
async fn an_event_says_who_whom_when_from_where_and_why() {
    let shop = shop();
    let origin =
        Origin::from(IpAddr::from([192, 0, 2, 1])).user_agent("Mozilla/5.0").correlation_id("request 1");
    let admin = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).origin(origin.clone());
    let admin = shop.auth.generate_admin_token(admin).await.unwrap();
    let own = shop.auth.verify_admin(admin.token()).await.unwrap();
    let bearer = commerce_auth::token::Bearer::from(admin.token()).origin(&origin);
    let assisted = shop.auth.generate_customer_token_as_admin(bearer, EMAIL, REASON).await.unwrap();
    let who = shop.auth.verify_customer(assisted.token()).await.unwrap();
    let trail = shop.trail().await;
    let [.., begun, succeeded] = trail.as_slice() else { panic!("two events") };
    assert_eq!((begun.outcome, succeeded.outcome), (Begun, Succeeded));
    for event in [begun, succeeded] {
        let json = serde_json::to_value(event).unwrap();
        let outcome = if event.outcome == Begun { "begun" } else { "succeeded" };
        assert_eq!(
            json,
            serde_json::json!({
                "version": 1,
                "id": event.id,
                "at": "2026-01-01T12:00:00Z",
                "action": "assistance_token",
                "outcome": outcome,
                "website": "base",
                "account": event.account,
                "subject": {"customer": "1"},
                "actor": "7",
                "grant": who.grant(),
                "parent": own.grant(),
                "obtained": "as_admin",
                "reason": REASON,
                "expires_at": "2026-01-01T12:15:00Z",
                "source": "192.0.2.1",
                "user_agent": "Mozilla/5.0",
                "correlation_id": "request 1",
            })
        );
        assert_eq!(serde_json::from_value::<AuditEvent>(json).unwrap(), *event);
    }
    // Attempts at one name, existing or not, are found by the digest of the name.
    for _ in 0..2 {
        let _ = shop.auth.generate_customer_token(SignIn::new("Nobody@example.com", WRONG)).await;
    }
    let trail = shop.trail().await;
    let [.., one, other] = trail.as_slice() else { panic!("two events") };
    assert!(one.account.is_some() && one.account == other.account && one.subject.is_none());
}

#[tokio::test]
async fn the_memory_sink_keeps_the_newest() {
    let audit = MemoryAudit::with_capacity(3);
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(audit.clone()));
    for _ in 0..4 {
        shop.sign_in(PASSWORD).await.unwrap();
    }
    shop.sign_in(WRONG).await.unwrap_err();
    shop.auth.flush_audit().await;
    let wrong = (Action::SignIn, Refused(Refusal::WrongCredential));
    assert_eq!(told(&audit.events()), [(Action::SignIn, Succeeded), (Action::SignIn, Succeeded), wrong]);
}

#[tokio::test]
async fn the_memory_sink_forgets_a_customer_and_keeps_what_happened() {
    let audit = MemoryAudit::new();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(audit.clone()));
    // The last event names an account and no subject: the budget was spent, so that the account was
    // not looked up.
    for _ in 0..7 {
        shop.sign_in(WRONG).await.unwrap_err();
    }
    shop.auth.generate_customer_token(SignIn::new("nobody@example.com", WRONG)).await.unwrap_err();
    shop.auth.flush_audit().await;
    let before = audit.events();
    assert!(before[7].subject.is_none() && before[7].account.is_some(), "{before:?}");
    let subject = Subject::Customer(customer());
    assert_eq!(audit.erase(&subject).await.unwrap(), 8, "the lock is the customer's, too");
    let after = audit.events();
    assert_eq!(told(&after), told(&before));
    assert_eq!(after.last(), before.last(), "another account's");
    for event in &after[..8] {
        assert!(event.subject.is_none() && event.account.is_none() && event.origin == Origin::default());
    }
    assert_eq!(audit.erase(&subject).await.unwrap(), 0);
}

/// A sink that stores nothing until the test releases it.
#[derive(Clone, Debug, Default)]
struct Slow(Arc<(Mutex<bool>, Condvar)>);

impl Slow {
    fn let_go(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

#[async_trait]
impl AuditSink for Slow {
    async fn record(&self, _: &AuditEvent) -> Result<(), StoreError> {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |let_go| !*let_go).unwrap());
        Ok(())
    }

    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[tokio::test]
async fn a_slow_sink_delays_no_customer_and_what_is_dropped_is_counted() {
    let (slow, mut config) = (Slow::default(), fast());
    config.audit_queue = std::num::NonZero::new(8).unwrap();
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder.audit(slow.clone()));
    for _ in 0..20 {
        shop.sign_in(PASSWORD).await.expect("no sign-in waits for the sink");
    }
    let stats = shop.auth.audit_stats();
    // The sink may hold one event at this moment.
    assert!((11..=12).contains(&stats.dropped) && stats.kept == 0, "{stats:?}");
    assert_eq!(stats.waiting + stats.dropped, 20);
    slow.let_go();
    shop.auth.flush_audit().await;
    let stats = shop.auth.audit_stats();
    assert_eq!((stats.kept + stats.dropped, stats.waiting, stats.failed), (20, 0, 0));
}

/// A sink that panics.
#[derive(Debug)]
struct Panicking;

#[async_trait]
impl AuditSink for Panicking {
    async fn record(&self, _: &AuditEvent) -> Result<(), StoreError> {
        panic!("a bug in the sink")
    }

    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        panic!("a bug in the sink")
    }
}

#[tokio::test]
async fn a_sink_that_panics_loses_its_own_events_only() {
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(Panicking));
    for _ in 0..3 {
        shop.sign_in(PASSWORD).await.unwrap();
    }
    shop.auth.flush_audit().await;
    assert_eq!(shop.auth.audit_stats().failed, 3);
}

#[test]
fn flushing_waits_for_what_is_queued() {
    let sink = Breakable::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(sink.clone()));
    pollster::block_on(async {
        for _ in 0..100 {
            shop.sign_in(PASSWORD).await.unwrap();
        }
        shop.auth.flush_audit().await;
    });
    drop(shop);
    assert_eq!(sink.events().len(), 100);
}

#[cfg(feature = "tracing")]
#[test]
fn the_tracing_sink_writes_the_fields_that_an_event_has() {
    use std::io::Write;

    use commerce_auth::audit::TracingAudit;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);
    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        // Events of admin users are recorded on the thread that runs the flow, which is this one.
        let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(TracingAudit));
        pollster::block_on(async {
            let admin = shop.admin_token().await;
            shop.auth.generate_customer_token_as_admin(&admin, EMAIL, REASON).await.unwrap();
            shop.auth.generate_customer_token_as_admin(&admin, "x@example.com", REASON).await.unwrap_err();
        });
    });
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    for part in [
        "commerce_auth::audit",
        "INFO",
        "WARN",
        "action=AssistanceToken",
        "outcome=Succeeded",
        "outcome=Refused(UnknownAccount)",
        "actor=7",
        "reason=\"cannot find the voucher field\"",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains(EMAIL) && !text.contains("user_agent"));
}

/// A shop whose audit sink can be made to fail.
fn breakable() -> (Shop, Breakable) {
    let sink = Breakable::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(sink.clone()));
    (shop, sink)
}

fn is_unavailable<T>(result: &Result<T, Error>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unavailable)
}

#[tokio::test]
async fn a_failing_sink_means_no_token_and_no_spent_code() {
    let (shop, sink) = breakable();
    let admin = shop.admin_token().await;
    let generated = shop.auth.generate_one_time_code(&admin, &customer(), REASON).await.unwrap();
    let code = || SignIn::new(EMAIL, generated.code().expose());
    sink.keep(0);
    let refused = [
        shop.auth.generate_customer_token_as_admin(&admin, EMAIL, REASON).await.map(drop),
        shop.auth.generate_one_time_code(&admin, &customer(), REASON).await.map(drop),
        shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await.map(drop),
        shop.auth.generate_customer_token(code()).await.map(drop),
        shop.auth.exchange_one_time_code(code()).await.map(drop),
        // If a refusal cannot be recorded, the answer is "unavailable" instead.
        shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, WRONG)).await.map(drop),
        shop.auth.generate_admin_token(AdminSignIn::new("nobody", WRONG)).await.map(drop),
        shop.auth.generate_customer_token_as_admin(&admin, "nobody@example.com", REASON).await.map(drop),
    ];
    for (number, answer) in refused.iter().enumerate() {
        assert!(is_unavailable(answer), "act {number}: {answer:?}");
    }
    let tokens = async |subject: Subject| shop.store.grants(&subject, 100, shop.now()).await.unwrap().len();
    assert_eq!(tokens(Subject::Customer(customer())).await, 0, "no token of the customer was stored");
    assert_eq!(tokens(Subject::Admin(AdminId::from(7))).await, 1, "no token of the admin user was stored");
    // A customer's own sign-in, and every revocation, must not depend on the trail.
    let own = shop.sign_in(PASSWORD).await.unwrap();
    shop.auth.set_remote_shopping_assistance(own.token(), false).await.unwrap();
    shop.auth.set_remote_shopping_assistance(own.token(), true).await.unwrap();
    shop.auth.revoke_customer_token(own.token()).await.unwrap();
    shop.auth.flush_audit().await;
    assert!(shop.auth.audit_stats().failed >= 12);

    sink.repair();
    let token = shop.auth.exchange_one_time_code(code()).await.expect("the code was not spent");
    shop.auth.verify_customer(token.token()).await.unwrap();
    shop.auth.revoke_admin_token(&admin).await.unwrap();
}

#[tokio::test]
async fn nothing_is_issued_without_a_record_whenever_the_sink_fails() {
    for kept in 0..6 {
        for road in 0..3 {
            let (shop, sink) = breakable();
            let admin = shop.admin_token().await;
            sink.keep(kept);
            let answer = shop.assisting(&admin, road).await;
            sink.repair();
            shop.auth.flush_audit().await;
            let events = sink.events();
            for (grant, _) in
                shop.store.grants(&Subject::Customer(customer()), 100, shop.now()).await.unwrap()
            {
                let on_record = |event: &AuditEvent| {
                    event.outcome == Begun
                        && event.grant == Some(grant.id)
                        && event.actor == Some(AdminId::from(7))
                        && event.reason.as_deref() == Some(REASON)
                };
                assert!(events.iter().any(on_record), "after {kept} events, road {road}");
            }
            assert!(
                answer.is_ok() || is_unavailable(&answer),
                "after {kept} events, road {road}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_record_comes_before_the_code_is_spent_and_before_the_token_is_stored() {
    let sink = Breakable::default();
    // At every verb that issues something, the test checks what the trail has recorded by then.
    let (watched, codes) = (sink.clone(), Arc::new(AtomicUsize::new(0)));
    let commits = Arc::clone(&codes);
    let store = Hooked::new(move |verb| {
        let begun =
            |action| watched.events().iter().any(|event| (event.action, event.outcome) == (action, Begun));
        match verb {
            "insert" => assert!(
                begun(Action::AssistanceToken) || begun(Action::CodeRedemption) || begun(Action::AdminSignIn)
            ),
            "commit codes" => match commits.fetch_add(1, Ordering::SeqCst) {
                0 => assert!(begun(Action::CodeMint)),
                _ => assert!(begun(Action::CodeRedemption)),
            },
            _ => {}
        }
        Ok(())
    });
    let shop = Shop::open(store, fast(), |builder| builder.audit(sink.clone()));
    let signed_in = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await.unwrap();
    let code = shop.auth.generate_one_time_code(signed_in.token(), &customer(), REASON).await.unwrap();
    shop.sign_in(code.code().expose()).await.unwrap();
    assert_eq!(codes.load(Ordering::SeqCst), 2, "the code was made and spent");
    assert_eq!(
        told(&sink.events()),
        [
            (Action::AdminSignIn, Begun),
            (Action::AdminSignIn, Succeeded),
            (Action::CodeMint, Begun),
            (Action::CodeMint, Succeeded),
            (Action::CodeRedemption, Begun),
            (Action::CodeRedemption, Succeeded),
        ]
    );
}

#[test]
fn admin_users_without_a_sink_are_refused() {
    let build = |with_admins: bool, with_sink: bool| {
        let mut builder = Auth::builder(MemoryStore::new())
            .customers(MemoryCustomers::new())
            .without_notifier()
            .config(fast());
        if with_admins {
            builder = builder.admins(commerce_auth::store::memory::MemoryAdmins::new());
        }
        if with_sink {
            builder = builder.audit(Breakable::default());
        }
        builder.build()
    };
    assert!(matches!(build(true, false), Err(ConfigError::NoAuditSink)));
    assert!(build(true, true).is_ok());
    assert!(build(false, false).is_ok());
}
