//! Strangers cannot make the audit trail lose events: a flood of refusals is summed up, and no
//! other event is lost.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZero,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
};

use async_trait::async_trait;
use commerce_auth::{
    CustomerId, Error, SignIn, Website,
    audit::{
        Action, AuditEvent, AuditSink,
        Outcome::{Begun, Refused, Succeeded},
        Refusal,
    },
    error::StoreError,
    flow::{CustomerChange, Keep, PasswordReset, PasswordResetRequest},
    store::memory::MemoryStore,
    token::Subject,
};
use futures_lite::future;
use support::{
    EMAIL, PASSWORD, Shop, WRONG, fast,
    sink::{Breakable, told},
    size,
};
use tokio::sync::Semaphore;

const NEW: &str = "N3w-password";
const ROBOT: [u8; 4] = [198, 51, 100, 7];

/// A sink that stores refusals at the pace that the test sets, and all other events at once.
#[derive(Debug)]
struct Gated {
    gate: Arc<Semaphore>,
    /// Gets one permit for each refusal that waits at the gate.
    waits: Arc<Semaphore>,
    kept: Mutex<Sender<AuditEvent>>,
}

#[async_trait]
impl AuditSink for Gated {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        if matches!(event.outcome, Refused(_)) {
            self.waits.add_permits(1);
            self.gate.acquire().await.expect("the channel stays open").forget();
        }
        let _ = self.kept.lock().unwrap().send(event.clone());
        Ok(())
    }

    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// A shop whose sink stores no refusals yet. The queue's thread holds one refusal, which has no
/// source: a wrong reset token for "first@example.com".
struct Blinded {
    shop: Shop,
    gate: Arc<Semaphore>,
    waits: Arc<Semaphore>,
    kept: Receiver<AuditEvent>,
}

impl Blinded {
    async fn open(queue: usize) -> Self {
        let (sender, kept) = mpsc::channel();
        let (gate, waits) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let sink = Gated { gate: Arc::clone(&gate), waits: Arc::clone(&waits), kept: Mutex::new(sender) };
        let mut config = fast();
        config.audit_queue = NonZero::new(queue).unwrap();
        let shop = Shop::open(MemoryStore::new(), config, |builder| builder.audit(sink));
        let first = PasswordReset::new("first@example.com", "x", NEW);
        shop.auth.reset_password(first).await.unwrap_err();
        waits.acquire().await.unwrap().forget();
        Self { shop, gate, waits, kept }
    }

    /// Presents a wrong reset token for an invented address.
    async fn guess(&self, number: u32, source: impl Into<IpAddr>) {
        let reset = PasswordReset::new(format!("{number}@example.com"), "x", NEW).origin(source.into());
        let refused = self.shop.auth.reset_password(reset).await;
        assert!(matches!(refused, Err(Error::SignIn(_))), "{refused:?}");
    }

    /// Opens the gate and returns all recorded events.
    async fn trail(&self) -> Vec<AuditEvent> {
        self.gate.add_permits(1_000_000);
        self.shop.auth.flush_audit().await;
        self.kept.try_iter().collect()
    }
}

/// Returns the number of events with this action and outcome, single or in sums.
fn count(trail: &[AuditEvent], action: Action, is_refusal: bool) -> u64 {
    let alike = |event: &&AuditEvent| {
        event.action == action && matches!(event.outcome, Refused(_)) == is_refusal && event.outcome != Begun
    };
    trail.iter().filter(alike).map(|event| event.summed_up.unwrap_or(1)).sum()
}

#[tokio::test]
async fn one_source_hides_neither_a_thief_nor_the_host() {
    let blinded = Blinded::open(64).await;
    let auth = &blinded.shop.auth;
    for number in 0..300 {
        blinded.guess(number, ROBOT).await;
    }
    assert_eq!(auth.audit_stats().kept, 0, "the queue is blocked: {:?}", auth.audit_stats());
    let thief = blinded.shop.sign_in(PASSWORD).await.unwrap();
    auth.change_password(thief.token(), PASSWORD, NEW).await.unwrap();
    auth.set_remote_shopping_assistance(thief.token(), false).await.unwrap();
    auth.unlock_customer(&Website::default(), EMAIL).await.unwrap();
    auth.revoke_everything().await.unwrap();

    // Events that must last are recorded before their caller has the answer, even while other
    // events wait.
    let at_once: Vec<_> = blinded.kept.try_iter().collect();
    let lasting =
        [Action::PasswordChange, Action::ConsentWithdrawn, Action::Unlock, Action::EverythingRevoke];
    assert_eq!(told(&at_once), lasting.map(|action| (action, Succeeded)));
    let trail = blinded.trail().await;
    let sign_in = trail.iter().find(|event| event.action == Action::SignIn).unwrap();
    assert!(sign_in.grant.is_some() && sign_in.summed_up.is_none(), "{sign_in:?}");
    assert_eq!(count(&trail, Action::PasswordReset, true), 301);
    let stats = auth.audit_stats();
    assert_eq!((stats.dropped, stats.failed, stats.waiting), (0, 0, 0), "{stats:?}");
    // One alarm event reports the source.
    assert_eq!(stats.kept + stats.summed_up, 301 + 5 + count(&trail, Action::AttackSuspected, false));
    assert!(trail.len() < 64, "{} records", trail.len());
}

/// A password reset by the customer is recorded as well: once before it happens and once after.
#[tokio::test]
async fn every_change_of_a_credential_or_consent_is_on_record_when_it_returns() {
    let blinded = Blinded::open(2).await;
    let (shop, auth) = (&blinded.shop, &blinded.shop.auth);
    for number in 0..5 {
        blinded.guess(number, ROBOT).await;
    }
    let expect = |expected: &[_], act: &str| {
        let events: Vec<_> = blinded.kept.try_iter().collect();
        assert_eq!(told(&events), expected, "{act}");
    };
    auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    expect(&[], "anybody asks for a reset");
    let token = shop.outbox.reset_token().unwrap();
    auth.reset_password(PasswordReset::new(EMAIL, token, NEW)).await.unwrap();
    expect(&[(Action::PasswordReset, Begun), (Action::PasswordReset, Succeeded)], "a reset");
    let own = shop.sign_in(NEW).await.unwrap();
    for allowed in [false, true] {
        auth.set_remote_shopping_assistance(own.token(), allowed).await.unwrap();
        let action = if allowed { Action::ConsentGiven } else { Action::ConsentWithdrawn };
        expect(&[(action, Succeeded)], "a consent");
    }
    auth.change_password(own.token(), NEW, "An0ther-password").await.unwrap();
    expect(&[(Action::PasswordChange, Succeeded)], "a change");
    auth.revoke_all_customer_tokens(own.token(), Keep::Nothing).await.unwrap();
    expect(&[(Action::AllTokensRevoke, Succeeded)], "signed out everywhere");
    auth.customer_changed(&CustomerId::from(1), CustomerChange::Disabled).await.unwrap();
    expect(&[(Action::AccountChange, Succeeded)], "the host changes an account");
    auth.unlock_admin(support::ADMIN).await.unwrap();
    auth.unlock_admin("nobody").await.unwrap();
    expect(&[(Action::Unlock, Succeeded), (Action::Unlock, Succeeded)], "the host unlocks");
    // An erasure waits until the queue is empty.
    blinded.gate.add_permits(1_000);
    auth.erase_customer(&CustomerId::from(1)).await.unwrap();
    let last = blinded.kept.try_iter().last().unwrap();
    assert_eq!((last.action, last.outcome), (Action::Erasure, Succeeded));
}

#[tokio::test]
async fn half_of_the_queue_is_closed_to_strangers() {
    let blinded = Blinded::open(16).await;
    for number in 0..100 {
        blinded.guess(number, ROBOT).await;
    }
    // The alarm about the source is one of the events that may use the other half of the queue.
    for _ in 0..7 {
        blinded.shop.sign_in(PASSWORD).await.unwrap();
    }
    let stats = blinded.shop.auth.audit_stats();
    assert_eq!(stats.dropped, 0, "{stats:?}");
    blinded.shop.sign_in(PASSWORD).await.expect("no sign-in waits for the sink");
    assert_eq!(blinded.shop.auth.audit_stats().dropped, 1);
    let trail = blinded.trail().await;
    assert_eq!(count(&trail, Action::SignIn, false), 7);
    let single =
        trail.iter().filter(|event| event.action == Action::PasswordReset && event.summed_up.is_none());
    assert_eq!(single.count(), 8, "strangers have the other half");
}

#[tokio::test]
async fn a_sum_says_how_many_more_came_from_one_source() {
    // The queue has room for one stranger's event, and it is taken.
    let blinded = Blinded::open(2).await;
    blinded.shop.advance(1);
    let first = blinded.shop.now();
    for number in 0..4 {
        blinded.guess(number, [192, 0, 2, 1]).await;
        blinded.shop.advance(1);
    }
    for number in 0..3_u16 {
        let household = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, number);
        blinded.guess(number.into(), household).await;
        let sign_in = SignIn::new("nobody@example.com", WRONG).origin(IpAddr::from(household));
        blinded.shop.auth.generate_customer_token(sign_in).await.unwrap_err();
    }
    assert_eq!(blinded.shop.auth.audit_stats().waiting, 1 + 4 + 3 + 3);
    let trail = blinded.trail().await;
    let household = Some(IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 0)));
    let why = Refused(Refusal::UnknownAccount);
    let seen: Vec<_> = trail
        .iter()
        .map(|event| (event.action, event.outcome, event.origin.source, event.summed_up))
        .collect();
    let robot = Some(IpAddr::from([192, 0, 2, 1]));
    assert_eq!(
        seen,
        [
            (Action::PasswordReset, why, None, None),
            (Action::PasswordReset, why, robot, Some(4)),
            (Action::PasswordReset, why, household, Some(3)),
            (Action::SignIn, why, household, Some(3)),
        ]
    );
    let json = serde_json::to_value(&trail[1]).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "version": 1,
            "id": trail[1].id,
            "at": "2026-01-01T12:00:01Z",
            "action": "password_reset",
            "outcome": "refused",
            "why": "unknown_account",
            "summed_up": 4,
            "source": "192.0.2.1",
        })
    );
    assert_eq!(trail[1].at, first, "the time is that of the first");
    let stats = blinded.shop.auth.audit_stats();
    assert_eq!((stats.kept, stats.summed_up, stats.waiting), (1, 10, 0));
}

#[tokio::test]
async fn nothing_grows_with_the_number_of_sources() {
    let blinded = Blinded::open(64).await;
    let sources: u32 = size(2_000, 20_000);
    for number in 0..sources {
        blinded.guess(number, (0x0b00_0000 + number).to_be_bytes()).await;
    }
    let trail = blinded.trail().await;
    // Alarms about the whole shop do not count as strangers' events.
    let refusals: Vec<_> = trail.iter().filter(|event| matches!(event.outcome, Refused(_))).collect();
    assert_eq!(count(&trail, Action::PasswordReset, true), u64::from(sources) + 1);
    assert_eq!(refusals.len(), 32 + 64 + 1, "half the queue, 64 sources, and all others");
    let others: Vec<_> = refusals[1..].iter().filter(|event| event.origin.source.is_none()).collect();
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].summed_up, Some(u64::from(sources) + 1 - 32 - 64));
}

#[tokio::test]
async fn flushing_waits_for_the_sums() {
    let blinded = Blinded::open(2).await;
    blinded.guess(0, ROBOT).await;
    let mut flushed = pin!(blinded.shop.auth.flush_audit());
    assert!(future::poll_once(&mut flushed).await.is_none());
    blinded.gate.add_permits(1);
    // The sum has reached the gate, so that all events before it are recorded.
    blinded.waits.acquire().await.unwrap().forget();
    assert!(future::poll_once(&mut flushed).await.is_none(), "the sum is not recorded yet");
    blinded.gate.add_permits(1);
    flushed.await;
    assert_eq!(blinded.shop.auth.audit_stats().summed_up, 1);
}

/// Queued events are recorded at the end of the process, too.
#[test]
fn sums_are_written_when_the_last_handle_is_gone() {
    let Blinded { shop, gate, kept, .. } = pollster::block_on(async {
        let blinded = Blinded::open(2).await;
        for number in 0..50 {
            blinded.guess(number, ROBOT).await;
        }
        blinded
    });
    drop(shop);
    gate.add_permits(1_000);
    // The loop ends once the queue's thread has dropped the sink.
    let trail: Vec<_> = kept.iter().collect();
    assert_eq!(count(&trail, Action::PasswordReset, true), 51);
}

/// Ten thousand refusals arrive, and the sink stores one in a hundred.
#[tokio::test]
async fn everything_that_matters_is_kept_while_ten_thousand_refusals_arrive() {
    let blinded = Blinded::open(256).await;
    let (shop, auth) = (&blinded.shop, &blinded.shop.auth);
    let mut trail = Vec::new();
    let rounds = 100;
    for round in 0..rounds {
        for number in 0..100 {
            let robot = IpAddr::from([203, 0, 113, u8::try_from(number % 5).unwrap()]);
            blinded.guess(round * 100 + number, robot).await;
        }
        blinded.gate.add_permits(1);
        let own = shop.sign_in(PASSWORD).await.unwrap();
        auth.set_remote_shopping_assistance(own.token(), round % 2 == 0).await.unwrap();
        auth.unlock_customer(&Website::default(), EMAIL).await.unwrap();
        auth.customer_changed(&CustomerId::from(1), CustomerChange::Disabled).await.unwrap();
        trail.extend(blinded.kept.try_iter());
        let lasting =
            trail.iter().filter(|event| event.action != Action::SignIn && event.outcome == Succeeded);
        let lasting = lasting.filter(|event| event.action != Action::AttackSuspected).count();
        assert_eq!(lasting, 3 * usize::try_from(round + 1).unwrap());
    }
    trail.extend(blinded.trail().await);
    let rounds = u64::from(rounds);
    let refused = count(&trail, Action::PasswordReset, true);
    assert_eq!((refused, count(&trail, Action::SignIn, false)), (rounds * 100 + 1, rounds));
    let stats = auth.audit_stats();
    let all = 1 + rounds * 104 + count(&trail, Action::AttackSuspected, false);
    assert_eq!((stats.kept + stats.summed_up, stats.dropped, stats.failed), (all, 0, 0));
    assert_eq!(trail.iter().map(|event| event.summed_up.unwrap_or(1)).sum::<u64>(), all);
    let mut by_source = HashMap::new();
    for event in trail.iter().filter(|event| event.action == Action::PasswordReset).skip(1) {
        *by_source.entry(event.origin.source.unwrap()).or_insert(0) += event.summed_up.unwrap_or(1);
    }
    assert!(by_source.len() == 5 && by_source.values().all(|&count| count == rounds * 20), "{by_source:?}");
}

/// If the sink is down, the actions of customers and the host still take effect.
#[tokio::test]
async fn a_sink_that_fails_changes_no_answer_of_customers_and_hosts() {
    let sink = Breakable::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(sink.clone()));
    let auth = &shop.auth;
    sink.keep(0);
    let own = shop.sign_in(PASSWORD).await.unwrap();
    auth.set_remote_shopping_assistance(own.token(), false).await.unwrap();
    auth.change_password(own.token(), PASSWORD, NEW).await.unwrap();
    auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    let token = shop.outbox.reset_token().unwrap();
    auth.reset_password(PasswordReset::new(EMAIL, token, PASSWORD)).await.unwrap();
    auth.unlock_customer(&Website::default(), EMAIL).await.unwrap();
    auth.customer_changed(&CustomerId::from(1), CustomerChange::Disabled).await.unwrap();
    auth.revoke_everything().await.unwrap();
    shop.sign_in(PASSWORD).await.unwrap();
    auth.flush_audit().await;
    let stats = auth.audit_stats();
    assert_eq!((stats.kept, stats.failed, stats.waiting), (0, 10, 0), "{stats:?}");
}

/// A sink that records how many events it gets in one call, and panics at one of the events.
#[derive(Clone, Debug, Default)]
struct Watching(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    gate: Semaphore,
    now: AtomicUsize,
    most: AtomicUsize,
    begun: Mutex<Vec<AuditEvent>>,
}

impl Default for Watched {
    fn default() -> Self {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { gate: Semaphore::new(0), now, most, begun: Mutex::default() }
    }
}

#[async_trait]
impl AuditSink for Watching {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let Watched { gate, now, most, begun } = &*self.0;
        begun.lock().unwrap().push(event.clone());
        if let Refused(_) = event.outcome {
            gate.acquire().await.expect("the channel stays open").forget();
        }
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        future::yield_now().await;
        now.fetch_sub(1, Ordering::SeqCst);
        assert!(event.action != Action::Unlock && event.action != Action::TokenRevoke, "a bug in the sink");
        Ok(())
    }

    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[tokio::test]
async fn what_waits_is_recorded_together_and_a_panic_loses_one_event() {
    let sink = Watching::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(sink.clone()));
    shop.sign_in(WRONG).await.unwrap_err();
    let mut signed_in = Vec::new();
    for _ in 0..20 {
        signed_in.push(shop.sign_in(PASSWORD).await.unwrap());
    }
    shop.auth.revoke_customer_token(signed_in[0].token()).await.unwrap();
    for _ in 0..20 {
        shop.sign_in(PASSWORD).await.unwrap();
    }
    sink.0.gate.add_permits(1);
    shop.auth.flush_audit().await;
    assert!(sink.0.most.load(Ordering::SeqCst) >= 41, "{sink:?}");
    let begun = told(&sink.0.begun.lock().unwrap());
    assert_eq!(begun[21], (Action::TokenRevoke, Succeeded), "in their order");
    let stats = shop.auth.audit_stats();
    assert_eq!((stats.kept, stats.failed), (41, 1), "{stats:?}");
    shop.auth.unlock_customer(&Website::default(), EMAIL).await.expect("an awaited event that panics");
    assert_eq!(shop.auth.audit_stats().failed, 2);
}
