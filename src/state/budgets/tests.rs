//! Tests of the documents: their limits in size, and their stored form.

mod histories;
mod known;
mod model;
mod tallies;
mod times;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use model::Size;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    state::{DocumentError, Transition, Write},
    store::Key,
};

/// The documents of one account as a store keeps them.
#[derive(Clone, Default)]
struct Account(BTreeMap<Key, (Vec<u8>, Option<OffsetDateTime>)>);

impl Account {
    fn run<T: Transition>(&mut self, transition: &T, now: OffsetDateTime) -> T::Answer {
        let keys = transition.keys();
        let documents: Vec<_> = keys.iter().map(|key| self.0.get(key).map(|(bytes, _)| &**bytes)).collect();
        let step = transition.apply(&documents, now).unwrap();
        assert_eq!(step.writes.len(), keys.len());
        for (key, write) in keys.into_iter().zip(step.writes) {
            match write {
                Write::Keep => {}
                Write::Put(content) => {
                    assert!(content.expendable == (key.kind.as_str() != "devices"));
                    assert!(content.bytes.len() <= 64 * 1024);
                    self.0.insert(key, (content.bytes, content.keep_until));
                }
                Write::Delete => assert!(self.0.remove(&key).is_some()),
            }
        }
        step.answer
    }

    fn reserve(&mut self, draw: &Draw, now: OffsetDateTime) -> Reserve {
        self.run(
            &Reserving {
                draw,
                lease: AccountBudgets::LEASE,
                epoch: epoch(),
                crowded: false,
                expendable: true,
            },
            now,
        )
        .room
    }

    fn settle(&mut self, draw: &Draw, outcome: AttemptOutcome, now: OffsetDateTime) -> bool {
        let settling = Settling { draw, outcome, at: now, remembered: None, expendable: true };
        self.run(&settling, now) != Locks::default()
    }

    /// Fails an attempt if the budgets have room for it.
    fn fail(&mut self, draw: &Draw, now: OffsetDateTime) -> Reserve {
        let answer = self.reserve(draw, now);
        self.settle(draw, AttemptOutcome::Failed, now);
        answer
    }

    fn sweep(&mut self, until: OffsetDateTime) {
        self.0.retain(|_, (_, keep_until)| keep_until.is_none_or(|keep_until| until < keep_until));
    }

    fn bytes(&self) -> usize {
        self.0.values().map(|(bytes, _)| bytes.len()).sum()
    }
}

/// Returns the next epoch. Outside of tests, epochs are random.
fn epoch() -> Epoch {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Epoch(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1_764_000_000 + seconds)
}

fn scope(number: u32) -> DocumentId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    DocumentId::from_bytes(bytes)
}

fn attempt(number: u32) -> AttemptId {
    AttemptId(number.into())
}

fn budget(size: Size) -> Budget {
    let span = |seconds: i64| Duration::from_secs(seconds.try_into().unwrap());
    let lock = size.lock.map_or(Lock::UntilCleared { kept_for_known: 0 }, |lock| Lock::For(span(lock)));
    Budget { failures: size.failures, window: span(size.window), lock }
}

/// The budgets of Commerce: 6 failures for a source, and 100 for an account.
const SOURCE: Size = Size { failures: 6, window: 1800, lock: Some(1800) };
const ALL: Size = Size { failures: 100, window: 86_400, lock: Some(86_400) };

fn sign_in(number: u32, source: u32) -> Draw {
    let narrow = Some((scope(source), budget(SOURCE)));
    Draw {
        attempt: attempt(number),
        wide: Some(budget(ALL)),
        narrow,
        caller: None,
        standing: Standing::Unknown,
    }
}

// ---- Many scopes
// ------------------------------------------------------------------------------------------

/// An attempt without a wide budget, such as the redemption of a one-time credential.
fn redemption(number: u32, source: u32) -> Draw {
    Draw { wide: None, ..sign_in(number, source) }
}

#[test]
fn from_128_scopes_on_new_ones_share_a_counter() {
    let mut account = Account::default();
    for source in 0..128 {
        assert_eq!(account.fail(&redemption(source, source), at(0)), Reserve::Reserved);
    }
    for number in 0..6 {
        assert_eq!(account.fail(&redemption(1000 + number, 1000 + number), at(1)), Reserve::Reserved);
    }
    assert_eq!(
        account.reserve(&redemption(2000, 2000), at(1)),
        Reserve::Spent,
        "the shared counter is spent"
    );
    for number in 0..5 {
        assert_eq!(
            account.fail(&redemption(3000 + number, 0), at(1)),
            Reserve::Reserved,
            "a scope of its own"
        );
    }
    assert_eq!(account.fail(&redemption(3005, 0), at(1)), Reserve::Spent);
    assert_eq!(account.0.len(), 129);
    // A success in one scope does not clear the failures of the other scopes. Once the scopes have
    // ended, there is room again.
    let later = at(1800 + 120);
    assert_eq!(account.fail(&redemption(4000, 4000), later), Reserve::Reserved);
    account.sweep(later);
    assert_eq!(account.0.len(), 2, "the head and the new scope");
}

#[test]
fn a_success_clears_nothing_that_other_scopes_share() {
    let mut account = Account::default();
    for source in 0..128 {
        let _ = account.fail(&redemption(source, source), at(0));
    }
    for number in 0..5 {
        let _ = account.fail(&redemption(1000 + number, 1000 + number), at(0));
    }
    let right = redemption(2000, 2000);
    assert_eq!(account.reserve(&right, at(0)), Reserve::Reserved);
    account.settle(&right, AttemptOutcome::Succeeded, at(0));
    assert_eq!(account.fail(&redemption(2001, 2001), at(0)), Reserve::Reserved);
    assert_eq!(account.reserve(&redemption(2002, 2002), at(0)), Reserve::Spent);
}

#[test]
fn ten_thousand_scopes_cost_no_more_than_128() {
    let mut account = Account::default();
    for source in 0..10_000 {
        let _ = account.fail(&redemption(source, source), at(i64::from(source / 1000)));
    }
    assert_eq!(account.0.len(), 129);
    let head = account.run(&Probe, at(10));
    assert!(head < 3 * 1024, "a head of {head} bytes");
}

/// Reads the size of the head.
struct Probe;

impl Transition for Probe {
    type Answer = usize;

    fn keys(&self) -> Vec<Key> {
        Clearing { epoch: Epoch(0) }.keys()
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        _now: OffsetDateTime,
    ) -> Result<crate::state::Step<usize>, DocumentError> {
        let answer = documents[0].map_or(0, <[u8]>::len);
        Ok(crate::state::Step { answer, writes: vec![Write::Keep] })
    }
}

#[test]
fn a_slow_trickle_of_scopes_never_fills_the_account() {
    let mut account = Account::default();
    // One source every 20 minutes for 50 days: two or three are live at a time.
    for source in 0..3_600 {
        let now = at(i64::from(source) * 1200);
        assert_eq!(account.fail(&redemption(source, source), now), Reserve::Reserved);
        assert!(account.0.keys().any(|key| key.id == scope(source)), "source {source} shares a counter");
        account.sweep(now - time::Duration::HOUR);
    }
    assert!(account.0.len() < 10, "{} documents", account.0.len());
}

#[test]
fn a_success_leaves_no_document() {
    let mut account = Account::default();
    let right = sign_in(0, 0);
    assert_eq!(account.reserve(&right, at(0)), Reserve::Reserved);
    assert_eq!(account.0.len(), 2);
    account.settle(&right, AttemptOutcome::Succeeded, at(1));
    assert_eq!(account.0.len(), 0);
}

#[test]
fn a_success_elsewhere_keeps_the_lock_of_a_scope() {
    let mut account = Account::default();
    for number in 0..6 {
        let _ = account.fail(&sign_in(number, 1), at(0));
    }
    let right = sign_in(10, 2);
    let _ = account.reserve(&right, at(1));
    account.settle(&right, AttemptOutcome::Succeeded, at(2));
    assert_eq!(account.reserve(&sign_in(11, 1), at(3)), Reserve::Spent);
}

// ---- Documents
// --------------------------------------------------------------------------------------------

#[test]
fn documents_are_text_that_an_operator_can_read() {
    let mut account = Account::default();
    let draw = |number| Draw {
        wide: Some(Budget { lock: Lock::UntilCleared { kept_for_known: 0 }, ..budget(ALL) }),
        ..sign_in(number, 0)
    };
    let _ = account.run(
        &Reserving {
            draw: &draw(1),
            lease: AccountBudgets::LEASE,
            epoch: Epoch(7),
            crowded: false,
            expendable: true,
        },
        at(0),
    );
    account.settle(&draw(1), AttemptOutcome::Failed, at(1));
    let _ = account.reserve(&draw(2), at(2));
    let texts: Vec<_> = account.0.values().map(|(bytes, _)| std::str::from_utf8(bytes).unwrap()).collect();
    let reserved = r#""reserved":[[2,1764000062000000]]"#;
    let scope = format!(
        r#"{{"format":1,"document":{{"epoch":7,"counter":{{"budget":{{"failures":6,"window":1800000000,"lock":{{"for":1800000000}}}},"failures":1,"window_ends":1764001801000000,"locked":null,{reserved}}}}}}}"#
    );
    let head = format!(
        r#"{{"format":1,"document":{{"epoch":7,"wide":{{"budget":{{"failures":100,"window":86400000000,"lock":{{"until_cleared":0}}}},"failures":1,"window_ends":1764086401000000,"locked":null,{reserved}}},"overflow":null,"scopes":[1764001862],"longest":1921}}}}"#
    );
    assert_eq!(texts, [scope, head]);
}

#[test]
fn a_newer_format_is_refused() {
    let draw = sign_in(0, 0);
    let reserving = Reserving {
        draw: &draw,
        lease: AccountBudgets::LEASE,
        epoch: Epoch(0),
        crowded: false,
        expendable: true,
    };
    let newer = br#"{"format":2,"document":{"epoch":"other"}}"#;
    let error = reserving.apply(&[Some(newer), None], at(0)).unwrap_err();
    assert_eq!(error, DocumentError::Newer { found: 2, known: 1 });
}

#[test]
fn unknown_and_missing_fields_are_refused() {
    let mut account = Account::default();
    let _ = account.reserve(&sign_in(0, 0), at(0));
    let draw = sign_in(1, 0);
    let reserving = Reserving {
        draw: &draw,
        lease: AccountBudgets::LEASE,
        epoch: Epoch(0),
        crowded: false,
        expendable: true,
    };
    let texts: Vec<_> = reserving.keys().iter().map(|key| account.0[key].0.clone()).collect();
    let [head, scope] = [0, 1].map(|place| String::from_utf8(texts[place].clone()).unwrap());
    let read = |head: &str, scope: &str| {
        reserving.apply(&[Some(head.as_bytes()), Some(scope.as_bytes())], at(0)).map(|step| step.answer.room)
    };
    assert_eq!(read(&head, &scope), Ok(Reserve::Reserved));
    let more = |text: &str| text.replacen(r#"{"epoch""#, r#"{"new":1,"epoch""#, 1);
    let less = [r#""overflow":null,"#, r#""locked":null,"#, r#""failures":0,"#];
    let bent = [(more(&head), scope.clone()), (head.clone(), more(&scope))];
    let bent = bent.into_iter().chain(less.map(|field| (head.replacen(field, "", 1), scope.clone())));
    for (bent_head, bent_scope) in bent {
        assert_ne!((&bent_head, &bent_scope), (&head, &scope));
        let answer = read(&bent_head, &bent_scope);
        assert!(matches!(answer, Err(DocumentError::Malformed { .. })), "{bent_head} {bent_scope}");
    }
}

#[test]
fn the_largest_budget_fits_into_its_documents() {
    let mut account = Account::default();
    let large = Budget { failures: u32::MAX, ..budget(ALL) };
    let draw = |number| Draw {
        attempt: attempt(number),
        wide: Some(large),
        narrow: Some((scope(number), large)),
        caller: None,
        standing: Standing::Unknown,
    };
    for number in 0..256 {
        assert_eq!(account.reserve(&draw(number), at(0)), Reserve::Reserved);
    }
    assert_eq!(account.reserve(&draw(256), at(0)), Reserve::Busy);
    assert!(account.bytes() < 100 * 1024);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// A transition returns an answer or an error for any stored bytes, and does not panic.
    #[test]
    fn no_stored_bytes_end_the_process(
        random in vec(any::<u8>(), 0..200),
        places in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        numbers in any::<(i64, u64, i64, u32)>(),
        seconds: i32,
    ) {
        let (window_ends, span, lease_until, failures) = numbers;
        let counter = format!(
            r#"{{"budget":{{"failures":{failures},"window":{span},"lock":{{"for":{span}}}}},"failures":{failures},"window_ends":{window_ends},"locked":{{"until":{lease_until}}},"reserved":[[2,{lease_until}]]}}"#
        );
        let head = format!(
            r#"{{"format":1,"document":{{"epoch":7,"wide":{counter},"overflow":{counter},"scopes":[{window_ends},null],"longest":{span}}}}}"#
        );
        let scope = format!(r#"{{"format":1,"document":{{"epoch":7,"counter":{counter}}}}}"#);
        let mut bent = head.clone().into_bytes();
        for (place, byte) in places {
            let place = place.index(bent.len());
            bent[place] = byte;
        }
        let draw = Draw { attempt: attempt(2), ..sign_in(0, 0) };
        for head in [head.into_bytes(), bent, random] {
            let documents = [Some(&*head), Some(scope.as_bytes())];
            let now = at(seconds.into());
            let reserving = Reserving { draw: &draw, lease: AccountBudgets::LEASE, epoch: Epoch(0), crowded: false, expendable: true };
            let _ = reserving.apply(&documents, now);
            let _ = Settling { draw: &draw, outcome: AttemptOutcome::Failed, at: now, remembered: None, expendable: true }.apply(&documents, now);
            let _ = Clearing { epoch: Epoch(1) }.apply(&documents[..1], now);
        }
    }
}
