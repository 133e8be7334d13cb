//! Commits whose replies are lost, and callers that go away.

use std::{
    fmt,
    future::{pending, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
};

use async_trait::async_trait;
use commerce_auth::{
    AdminId, AdminSignIn, Error, ErrorKind, Origin, StateStore,
    audit::{
        Action,
        Outcome::{Begun, Failed, Refused, Succeeded},
        Refusal,
    },
    error::{SecondFactorError, StoreError},
    store::{Changes, CommitOutcome, Document, Index, Key, Listed, Partition, Position, memory::MemoryStore},
};
use futures_util::future::{Either, select};
use support::{ADMIN, ADMIN_PASSWORD, Shop, factors::stored, keyring, sink::told, with_second_factor};
use time::OffsetDateTime;

use super::{Authenticator, SECRET, sign_in, token};

/// A store of documents that can lose the replies of commits, or whose caller can go away.
#[derive(Default)]
struct Lossy {
    inner: MemoryStore,
    /// True if commits of factors are made and their replies are lost.
    loses_replies: AtomicBool,
    /// The number of commits of factors.
    commits: AtomicUsize,
    /// The number of moments at which a caller may go away.
    moments: AtomicUsize,
    /// The moment at which the caller goes away.
    last: AtomicUsize,
}

impl Lossy {
    fn new() -> Arc<Self> {
        let store = Self::default();
        store.last.store(usize::MAX, Ordering::SeqCst);
        Arc::new(store)
    }

    fn shop(self: &Arc<Self>) -> Shop {
        let state = Arc::clone(self);
        Shop::open(MemoryStore::new(), with_second_factor(), |builder| {
            builder.keyring(keyring()).state(state)
        })
    }

    async fn moment(&self) {
        if self.moments.fetch_add(1, Ordering::SeqCst) >= self.last.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
    }

    /// Returns the answer to a caller, unless the caller goes away at this moment.
    async fn until<T>(&self, last: usize, caller: impl Future<Output = T>) -> Option<T> {
        self.moments.store(0, Ordering::SeqCst);
        self.last.store(last, Ordering::SeqCst);
        let gone = poll_fn(|context| {
            context.waker().wake_by_ref();
            let gone = self.moments.load(Ordering::SeqCst) > self.last.load(Ordering::SeqCst);
            if gone { Poll::Ready(()) } else { Poll::Pending }
        });
        let answer = match select(pin!(caller), pin!(gone)).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        };
        self.last.store(usize::MAX, Ordering::SeqCst);
        answer
    }
}

impl fmt::Debug for Lossy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lossy(..)")
    }
}

#[async_trait]
impl StateStore for Lossy {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        self.moment().await;
        self.inner.load(partition, keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        self.moment().await;
        let outcome = self.inner.commit(partition, changes, now).await;
        self.moment().await;
        if changes[0].key().kind.as_str() != "factor" {
            return outcome;
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        if self.loses_replies.load(Ordering::SeqCst) { Err(StoreError::new("lost")) } else { outcome }
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        StateStore::list(&self.inner, index, after, limit).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(until, limit).await
    }
}

/// Returns a shop whose admin user has an authenticator and ten recovery codes.
async fn enrolled(store: &Arc<Lossy>) -> (Shop, Authenticator, Vec<String>) {
    let (shop, authenticator) = (store.shop(), Authenticator::new(SECRET));
    shop.auth.import_admin_factor(&AdminId::from(7), authenticator.secret()).await.unwrap();
    let admin = token(&shop, &authenticator).await;
    let codes = shop.auth.replace_recovery_codes(admin.as_str()).await.unwrap();
    shop.advance(60);
    (shop, authenticator, codes.iter().map(|code| code.expose().to_owned()).collect())
}

/// Returns a mailed enrolment token, and the authenticator that was set up with it.
async fn mailed(shop: &Shop) -> (String, Authenticator) {
    let by_password = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await;
    assert!(matches!(by_password, Err(Error::SecondFactor(SecondFactorError::EnrolmentRequired))));
    let token = shop.outbox.enrolment_token().expect("a token was mailed");
    let setup = shop.auth.set_up_admin_factor(token.as_str(), &Origin::default()).await.unwrap();
    let authenticator = Authenticator::new(setup.secret().to_base32().expose());
    (token, authenticator)
}

async fn activate(shop: &Shop, token: &str, code: &str) -> Result<(), Error> {
    shop.auth.activate_admin_factor(token, code, &Origin::default()).await.map(drop)
}

#[tokio::test]
async fn a_code_whose_commit_is_lost_is_no_replay_and_is_not_sent_again() {
    let store = Lossy::new();
    let (shop, authenticator, recovery) = enrolled(&store).await;
    for code in [authenticator.unused_code(shop.now()).unwrap(), recovery[3].clone()] {
        let before = shop.trail().await.len();
        store.commits.store(0, Ordering::SeqCst);
        store.loses_replies.store(true, Ordering::SeqCst);
        let error = sign_in(&shop, &code).await.unwrap_err();
        store.loses_replies.store(false, Ordering::SeqCst);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "neither denied nor allowed");
        assert_eq!(store.commits.load(Ordering::SeqCst), 1);
        let action = Action::AdminSignIn;
        assert_eq!(told(&shop.trail().await.split_off(before)), [(action, Begun), (action, Failed)]);
        // The token is spent: the next caller with it is refused.
        assert!(matches!(
            sign_in(&shop, &code).await,
            Err(Error::SecondFactor(SecondFactorError::InvalidCode))
        ));
        let replay = shop.trail().await.pop().unwrap();
        assert!(matches!(replay.outcome, Refused(Refusal::SpentCode | Refusal::WrongCredential)));
    }
    shop.advance(30);
    token(&shop, &authenticator).await;
    sign_in(&shop, &recovery[4]).await.expect("the other recovery codes are valid");
}

#[tokio::test]
async fn an_activation_whose_commit_is_lost_is_not_sent_again() {
    let store = Lossy::new();
    let shop = store.shop();
    let (token, authenticator) = mailed(&shop).await;
    let code = authenticator.unused_code(shop.now()).unwrap();
    store.loses_replies.store(true, Ordering::SeqCst);
    let error = activate(&shop, &token, &code).await.unwrap_err();
    store.loses_replies.store(false, Ordering::SeqCst);
    assert_eq!((error.kind(), store.commits.load(Ordering::SeqCst)), (ErrorKind::Unavailable, 1));
    // The commit was made in spite of the error.
    assert!(matches!(
        activate(&shop, &token, &code).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
    ));
    shop.advance(30);
    super::token(&shop, &authenticator).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_anywhere_uses_a_code_at_most_once() {
    for kind in ["totp", "recovery"] {
        let (mut outcomes, mut last) = (Vec::new(), 0);
        loop {
            let store = Lossy::new();
            let (shop, authenticator, recovery) = enrolled(&store).await;
            let code = if kind == "totp" {
                authenticator.unused_code(shop.now()).unwrap()
            } else {
                recovery[0].clone()
            };
            let answer = store.until(last, sign_in(&shop, &code)).await;
            let is_done = answer.is_some();
            let mut accepted = usize::from(matches!(answer, Some(Ok(_))));
            for _ in 0..2 {
                match sign_in(&shop, &code).await {
                    Ok(_) => accepted += 1,
                    Err(error) => assert!(
                        matches!(error, Error::SecondFactor(SecondFactorError::InvalidCode)),
                        "{kind}, {last}: {error:?}"
                    ),
                }
            }
            assert!(accepted <= 1, "{kind}: accepted twice after a caller went away at {last}");
            outcomes.push(accepted);
            shop.advance(30);
            token(&shop, &authenticator).await;
            if is_done {
                break;
            }
            last += 1;
        }
        // The code is spent from one moment on until the answer is given. This is not the first
        // moment.
        let spent_from = outcomes.iter().position(|accepted| *accepted == 0).expect("it is spent by then");
        assert!(spent_from > 5 && spent_from + 2 < outcomes.len(), "{kind}: {outcomes:?}");
        assert!(outcomes[spent_from..last].iter().all(|accepted| *accepted == 0), "{kind}: {outcomes:?}");
        assert_eq!(outcomes[last], 1);
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_anywhere_activates_at_most_once() {
    for last in 0.. {
        let store = Lossy::new();
        let shop = store.shop();
        let (token, authenticator) = mailed(&shop).await;
        let code = authenticator.unused_code(shop.now()).unwrap();
        let answer = store.until(last, activate(&shop, &token, &code)).await;
        let is_active = stored(&store.inner, 7, "factor").await.is_some();
        let again = activate(&shop, &token, &code).await;
        assert!(
            matches!(again, Ok(()) | Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken)))
                && !(is_active && again.is_ok()),
            "activated twice after a caller went away at {last}: {again:?}"
        );
        if let Some(answer) = answer {
            answer.unwrap();
            assert!(is_active && last > 5);
            break;
        }
    }
}

/// A token that was handed out earlier no longer works.
#[tokio::test]
async fn a_step_up_whose_commit_is_lost_gives_no_token_and_takes_none() {
    let store = Lossy::new();
    let (shop, authenticator, _) = enrolled(&store).await;
    let admin = token(&shop, &authenticator).await;
    shop.advance(30);
    let code = authenticator.unused_code(shop.now()).unwrap();
    let before = shop.trail().await.len();
    store.loses_replies.store(true, Ordering::SeqCst);
    let error = shop.auth.step_up(admin.as_str(), code.as_str()).await.unwrap_err();
    store.loses_replies.store(false, Ordering::SeqCst);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let action = Action::StepUp;
    assert_eq!(told(&shop.trail().await.split_off(before)), [(action, Begun), (action, Failed)]);
    shop.auth.verify_admin(admin.as_str()).await.expect("the presented token is live");
    shop.advance(30);
    let code = authenticator.unused_code(shop.now()).unwrap();
    shop.auth.step_up(admin.as_str(), code.as_str()).await.unwrap();
    assert_eq!(told(&shop.trail().await).last(), Some(&(action, Succeeded)));
}
