//! The store's part of a sign-in, a refusal and a redemption, without hashes and look-ups of accounts: the verbs that flows
//! call today, beside the document verbs that take their place, by one caller and by 64 at once.
//!
//! Both take turns on one store. Prints a line of JSON a row; `ratio` is the time of the documents over that of the verbs.

use std::sync::Arc;

use commerce_auth::{
    CustomerId, Digest, PostgresStore, SqliteStore, Website,
    store::{
        Attempt, AttemptId, Budget, Change, Changes, Charge, CommitOutcome, DocumentId, Generation, Insert,
        Key, Lock, OneTimeCredential, OtcStore, Outcome, Partition, Presented, Purposes, Put, Reserve,
        StateStore, Take, ThrottleKey, ThrottleStore, TokenStore, Version,
    },
};
use commerce_auth_benches::{Turns, grant_of, origin_of, random_digests, sizes, timed};
use commerce_auth_test_servers::Postgres;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tokio::runtime::Runtime;

/// Callers at once.
const CALLERS: [usize; 2] = [1, 64];
/// The most that the documents may take of the verbs' time.
const LIMIT: f64 = 1.5;
/// Accounts that have failures, and live tokens, all the while.
fn held() -> usize {
    if sizes().len() > 1 { 5_000 } else { 100 }
}

fn main() {
    let tokio = Runtime::new().expect("tokio starts");
    let only = std::env::var("BACKEND").ok();
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("sqlite") {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("auth.db");
        measure(&tokio, "sqlite", SqliteStore::open(path).expect("a file can be made"));
    }
    if wanted("postgres")
        && let Some(server) = Postgres::start()
    {
        let store = tokio.block_on(PostgresStore::connect(&server.url())).expect("the server listens");
        measure(&tokio, "postgres", store);
    }
}

/// What a client wants, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flow {
    /// A right password; nothing is counted at the account.
    SignIn,
    /// A right password after a wrong one.
    SignInAfterFailure,
    /// A wrong password within the budget.
    Failure,
    /// A wrong password within the budget; the documents also count it at the source, which the verbs do not.
    FailureCountedAtSource,
    /// An attempt at an account that is locked.
    Refusal,
    /// A reset token is looked at and taken.
    Take,
    /// A one-time code is redeemed for a token.
    Redemption,
}

impl Flow {
    const ALL: [Self; 7] = [
        Self::SignIn,
        Self::SignInAfterFailure,
        Self::Failure,
        Self::FailureCountedAtSource,
        Self::Refusal,
        Self::Take,
        Self::Redemption,
    ];

    /// A failure was counted at the account before.
    const fn has_failure(self) -> bool {
        matches!(self, Self::SignInAfterFailure)
    }

    const fn has_code(self) -> bool {
        matches!(self, Self::Take | Self::Redemption)
    }
}

trait Kept: TokenStore + OtcStore + ThrottleStore + StateStore {}
impl<S: TokenStore + OtcStore + ThrottleStore + StateStore> Kept for S {}

fn measure<S: Kept>(tokio: &Runtime, name: &str, store: S) {
    let store = Arc::new(store);
    let fill = || random_digests(held()).into_iter().map(Step::of).collect();
    for flow in [Flow::Failure, Flow::SignIn] {
        let (store, other) = (Arc::clone(&store), Arc::clone(&store));
        timed(tokio, 64, fill(), move |step| {
            let store = Arc::clone(&store);
            async move { verbs(&*store, flow, step).await }
        });
        timed(tokio, 64, fill(), move |step| {
            let store = Arc::clone(&other);
            async move { documents(&*store, flow, step).await }
        });
    }
    let locked = Step::of(Digest::of(b"locked"));
    tokio.block_on(async {
        for number in 0..6 {
            let again = Step { id: AttemptId([number; 16]), ..locked.clone() };
            verbs(&*store, Flow::Failure, again).await;
        }
        let changes = locked.reservation([None, None], [locked.version(1), locked.version(2)]);
        assert_eq!(commit(&*store, &locked.account, changes).await, CommitOutcome::Committed);
    });
    for flow in Flow::ALL {
        for callers in CALLERS {
            let turn = |is_by_documents: bool, count: usize| {
                let step = |digest| match flow {
                    Flow::Refusal => Step { id: AttemptId(first(digest)), ..locked.clone() },
                    _ => Step::of(digest),
                };
                let steps: Vec<_> = random_digests(count).into_iter().map(step).collect();
                let (prepared, run) = (Arc::clone(&store), Arc::clone(&store));
                timed(tokio, 64, steps.clone(), move |step| {
                    let store = Arc::clone(&prepared);
                    async move { prepare(&*store, flow, is_by_documents, step).await }
                });
                timed(tokio, callers, steps, move |step| {
                    let store = Arc::clone(&run);
                    async move {
                        if is_by_documents {
                            documents(&*store, flow, step).await;
                        } else {
                            verbs(&*store, flow, step).await;
                        }
                    }
                })
            };
            let turns = Turns::take(callers, |steps| turn(false, steps), |steps| turn(true, steps));
            let verdict = if turns.ratio <= LIMIT { "go" } else { "stop" };
            let row = json!({
                "backend": name, "flow": format!("{flow:?}"), "callers": callers, "verbs": turns.first.round(),
                "documents": turns.second.round(), "ratio": (turns.ratio * 100.0).round() / 100.0, "limit": verdict,
            });
            println!("{row}");
        }
    }
}

/// An attempt at an account of its own, from a source of its own.
#[derive(Clone)]
struct Step {
    digest: Digest,
    id: AttemptId,
    now: OffsetDateTime,
    account: Partition,
    source: Partition,
}

impl Step {
    fn of(digest: Digest) -> Self {
        let bytes = &digest.as_bytes()[..];
        let (account, source) = (Partition::of(&[b"account", bytes]), Partition::of(&[b"source", bytes]));
        Self { digest, id: AttemptId(first(digest)), now: OffsetDateTime::now_utc(), account, source }
    }

    fn customer(&self) -> usize {
        usize::try_from(u32::from_be_bytes(first(self.digest))).expect("a customer's number")
    }

    fn attempt(&self) -> Attempt {
        let window = std::time::Duration::from_secs(1800);
        let budget = Budget { failures: 6, window, lock: Lock::For(window) };
        let key = ThrottleKey::of(&[self.digest.as_bytes()]);
        let charges = vec![
            Charge { scope: key, budget },
            Charge { scope: ThrottleKey::of(&[b"all sources"]), budget: Budget { failures: 100, ..budget } },
        ];
        Attempt { id: self.id, account: key, charges, lease_until: self.now + Duration::MINUTE }
    }

    fn code(&self) -> OneTimeCredential {
        let customer = CustomerId::from(self.customer() as i64);
        let end = self.now + Duration::HOUR;
        OneTimeCredential::reset_token(self.digest, Website::default(), customer, self.now, end)
    }

    fn presented(&self) -> Presented {
        let code = self.code();
        let purposes = Purposes { reset_token: true, one_time_code: true };
        Presented { website: code.website, customer: code.customer, digest: code.digest, purposes }
    }

    /// The partition of the customer's codes.
    fn codes(&self) -> Partition {
        Partition::of(&[b"codes", self.digest.as_bytes()])
    }

    fn version(&self, number: u8) -> Version {
        let mut bytes = first(self.digest);
        bytes[0] ^= number;
        bytes[1..9].iter_mut().zip(self.id.0).for_each(|(byte, id)| *byte ^= id);
        Version::from_bytes(bytes)
    }

    fn put(&self, key: Key, expects: Option<Version>, version: Version, bytes: usize) -> Change {
        let keep_until = Some(self.now + Duration::hours(i64::from(bytes % 7 == 0) + 1));
        // JSON of a counter, over and over.
        let bytes = br#"{"failures":3,"window":1800}"#.iter().copied().cycle().take(bytes).collect();
        Change::Put(Put { key, expects, version, keep_until, expendable: true, index: Vec::new(), bytes })
    }

    /// Puts the head and the narrow scope.
    fn reservation(&self, expects: [Option<Version>; 2], versions: [Version; 2]) -> Vec<Change> {
        let keys = budget_keys(self);
        let changes = keys.into_iter().zip(expects).zip(versions);
        changes.map(|((key, expects), version)| self.put(key, expects, version, 600)).collect()
    }
}

fn first<const N: usize>(digest: Digest) -> [u8; N] {
    std::array::from_fn(|place| digest.as_bytes()[place])
}

fn key(kind: &str, id: DocumentId) -> Key {
    Key { kind: kind.parse().expect("a name"), id }
}

fn budget_keys(step: &Step) -> [Key; 2] {
    [key("budgets", DocumentId::ONLY), key("budget-scope", step.digest.into())]
}

/// What must be there before the clock starts.
async fn prepare(store: &impl Kept, flow: Flow, is_by_documents: bool, step: Step) {
    if flow.has_failure() {
        if is_by_documents {
            let changes = step.reservation([None, None], [step.version(101), step.version(102)]);
            assert_eq!(commit(store, &step.account, changes).await, CommitOutcome::Committed);
        } else {
            verbs(store, Flow::Failure, step.clone()).await;
        }
    }
    if flow.has_code() {
        if is_by_documents {
            let codes = step.put(key("codes", DocumentId::ONLY), None, step.version(103), 600);
            assert_eq!(commit(store, &step.codes(), vec![codes]).await, CommitOutcome::Committed);
        } else {
            assert!(store.put(&step.code(), 3, step.now).await.expect("the store answers"));
        }
    }
}

/// What the flows call today.
async fn verbs(store: &impl Kept, flow: Flow, step: Step) {
    let grant = grant_of(step.customer(), step.digest, step.now);
    let attempt = step.attempt();
    if flow != Flow::Take {
        let answer = store.reserve(&attempt, step.now).await.expect("the store answers");
        if flow == Flow::Refusal {
            return assert_eq!(answer, Reserve::Spent);
        }
        assert_eq!(answer, Reserve::Reserved);
    }
    let mut generation = Generation { subject: 0, everything: 0 };
    if flow != Flow::Take {
        generation = store.generation(&grant.subject).await.expect("the store answers");
    }
    if flow.has_code() {
        let presented = step.presented();
        assert!(store.peek(&presented, step.now).await.expect("the store answers").is_some());
        let taken = store.take(&presented, Some(&step.digest), step.now).await;
        assert!(matches!(taken, Ok(Take::Taken(_))), "{taken:?}");
    }
    let settle = async |outcome| {
        store.settle(&attempt, outcome, step.now).await.expect("the store answers");
    };
    match flow {
        Flow::Take | Flow::Refusal => {}
        Flow::Failure | Flow::FailureCountedAtSource => settle(Outcome::Failed).await,
        Flow::SignIn | Flow::SignInAfterFailure | Flow::Redemption => {
            let outcome = if flow == Flow::Redemption { Outcome::Withdrawn } else { Outcome::Succeeded };
            let origin = origin_of(step.customer());
            let insert = store.insert(&grant, &origin, generation, step.now);
            let (inserted, ()) = tokio::join!(insert, settle(outcome));
            assert_eq!(inserted.expect("the store answers"), Insert::Stored);
        }
    }
}

async fn commit(store: &impl StateStore, partition: &Partition, changes: Vec<Change>) -> CommitOutcome {
    let changes = Changes::new(changes).expect("few changes");
    store.commit(partition, &changes, OffsetDateTime::now_utc()).await.expect("the store answers")
}

/// The same by documents, as the flows are to call them.
async fn documents(store: &impl Kept, flow: Flow, step: Step) {
    let grant = grant_of(step.customer(), step.digest, step.now);
    let (keys, source) = (budget_keys(&step), [key("budgets", DocumentId::ONLY)]);
    let codes = [key("codes", DocumentId::ONLY)];
    let mut generation = Generation { subject: 0, everything: 0 };
    let mut present = [None, None];
    if flow != Flow::Take {
        let (account, of_source, read) = tokio::join!(
            store.load(&step.account, &keys),
            store.load(&step.source, &source),
            store.generation(&grant.subject),
        );
        let account = account.expect("the store answers");
        present = [0, 1].map(|place| account[place].as_ref().map(|document| document.version));
        assert!(of_source.expect("the store answers")[0].is_none());
        generation = read.expect("the store answers");
    }
    if flow == Flow::Refusal {
        return assert!(present[0].is_some());
    }
    let reserved = [step.version(1), step.version(2)];
    if flow != Flow::Take {
        let reservation = step.reservation(present, reserved);
        assert_eq!(commit(store, &step.account, reservation).await, CommitOutcome::Committed);
    }
    if flow.has_code() {
        let found = store.load(&step.codes(), &codes).await.expect("the store answers");
        let expects = found[0].as_ref().map(|document| document.version);
        assert!(expects.is_some());
        let [code] = codes;
        let taken = vec![step.put(code, expects, step.version(3), 500)];
        assert_eq!(commit(store, &step.codes(), taken).await, CommitOutcome::Committed);
    }
    match flow {
        Flow::Take | Flow::Refusal => {}
        Flow::Failure | Flow::FailureCountedAtSource => {
            let failed = step.reservation(reserved.map(Some), [step.version(4), step.version(5)]);
            let settle = commit(store, &step.account, failed);
            if flow == Flow::Failure {
                return assert_eq!(settle.await, CommitOutcome::Committed);
            }
            let [key] = source;
            let counted = vec![step.put(key, None, step.version(6), 200)];
            let (settled, counted) = tokio::join!(settle, commit(store, &step.source, counted));
            assert_eq!((settled, counted), (CommitOutcome::Committed, CommitOutcome::Committed));
        }
        Flow::SignIn | Flow::SignInAfterFailure | Flow::Redemption => {
            // Nothing is counted any more.
            let over = keys.into_iter().zip(reserved).map(|(key, expects)| Change::Delete { key, expects });
            let origin = origin_of(step.customer());
            let insert = store.insert(&grant, &origin, generation, step.now);
            let (inserted, settled) = tokio::join!(insert, commit(store, &step.account, over.collect()));
            assert_eq!(inserted.expect("the store answers"), Insert::Stored);
            assert_eq!(settled, CommitOutcome::Committed);
        }
    }
}
