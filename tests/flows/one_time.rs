//! One-time credentials through the flows: in documents, and in a host's own store.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
};

use async_trait::async_trait;
use commerce_auth::{
    Auth, CustomerId, Error, ErrorKind, SignIn, SignedIn, StateStore, TokenStore,
    audit::{Action, Outcome, Refusal},
    error::{SignInError, StoreError, TokenError},
    flow::{CustomerChange, Keep, PasswordReset, PasswordResetRequest},
    notifier::Notice,
    store::{
        Change, Changes, CommitOutcome, Document, Index, Key, Listed, Partition, Position,
        memory::MemoryStore,
    },
    token::{Obtained, Subject},
};
use support::{EMAIL, PASSWORD, REASON, Shop, fast, hooked::Hooked, shop, sink::told};
use time::OffsetDateTime;

use crate::native::NativeCodes;

const NEW: &str = "N3w-password";

fn customer() -> CustomerId {
    CustomerId::from(1)
}

/// Returns a reset token that this shop has mailed.
async fn mailed<S: commerce_auth::Store>(shop: &Shop<S>) -> String {
    shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    shop.outbox.reset_token().expect("a mail")
}

/// Returns a one-time code that was generated in this shop.
async fn generated<S: commerce_auth::Store>(shop: &Shop<S>, admin: &str) -> String {
    let code = shop.auth.generate_one_time_code(admin, &customer(), REASON).await.unwrap();
    code.code().expose().to_owned()
}

async fn exchanged(auth: &Auth, code: &str) -> Result<SignedIn, Error> {
    auth.exchange_one_time_code(SignIn::new(EMAIL, code)).await
}

async fn reset(auth: &Auth, token: &str) -> Result<(), Error> {
    auth.reset_password(PasswordReset::new(EMAIL, token, NEW)).await
}

/// Returns a shop with documents and one with a host's own store.
fn both() -> [Shop; 2] {
    let native = Shop::open(MemoryStore::new(), fast(), |builder| {
        builder.one_time_credentials(NativeCodes::default())
    });
    [shop(), native]
}

#[tokio::test]
async fn each_kind_works_once_and_a_replay_ends_what_it_bought() {
    for shop in both() {
        let admin = shop.admin_token().await;
        let (token, code) = (mailed(&shop).await, generated(&shop, &admin).await);
        let by_token = shop.sign_in(&token).await.unwrap();
        assert_eq!(by_token.obtained(), Obtained::ResetToken);
        assert!(matches!(shop.sign_in(&token).await, Err(Error::SignIn(SignInError::Refused))));
        assert!(shop.auth.verify_customer(by_token.token()).await.is_err());
        assert!(matches!(
            reset(&shop.auth, &token).await,
            Err(Error::SignIn(SignInError::ResetTokenMismatched))
        ));
        let bought = exchanged(&shop.auth, &code).await.unwrap();
        shop.auth.verify_customer(bought.token()).await.unwrap();
        assert!(matches!(exchanged(&shop.auth, &code).await, Err(Error::SignIn(SignInError::Refused))));
        assert!(matches!(
            shop.auth.verify_customer(bought.token()).await,
            Err(Error::Token(TokenError::Invalid))
        ));
    }
}

#[tokio::test]
async fn the_newest_three_stay_and_no_other_purpose_pushes_them_out() {
    for shop in both() {
        let admin = shop.admin_token().await;
        let mut tokens = Vec::new();
        for _ in 0..4 {
            tokens.push(mailed(&shop).await);
            generated(&shop, &admin).await;
        }
        assert!(matches!(shop.sign_in(&tokens[0]).await, Err(Error::SignIn(SignInError::Refused))));
        for token in &tokens[1..] {
            shop.sign_in(token).await.unwrap();
        }
    }
}

/// Credentials end with the generation: no verb of a store of one-time credentials ends any.
#[tokio::test]
async fn whatever_ends_all_tokens_ends_them() {
    type End = fn(&Auth, &SignedIn) -> Result<(), Error>;
    let ends: [(&str, End); 6] = [
        ("a changed account", |auth, _| {
            pollster::block_on(auth.customer_changed(&customer(), CustomerChange::Disabled))
        }),
        ("a changed password", |auth, own| {
            pollster::block_on(auth.change_password(own.token(), PASSWORD, NEW))
        }),
        ("a sign-out everywhere", |auth, own| {
            pollster::block_on(auth.revoke_all_customer_tokens(own.token(), Keep::Nothing))
        }),
        ("a sign-out everywhere else", |auth, own| {
            pollster::block_on(auth.revoke_all_customer_tokens(own.token(), Keep::Presented))
        }),
        ("an erasure", |auth, _| pollster::block_on(auth.erase_customer(&customer()))),
        ("everybody's", |auth, _| pollster::block_on(auth.revoke_everything())),
    ];
    for (what, end) in ends {
        for shop in both() {
            let own = shop.sign_in(PASSWORD).await.unwrap();
            let admin = shop.admin_token().await;
            let (token, code) = (mailed(&shop).await, generated(&shop, &admin).await);
            end(&shop.auth, &own).unwrap();
            assert!(matches!(shop.sign_in(&token).await, Err(Error::SignIn(SignInError::Refused))), "{what}");
            assert!(
                matches!(
                    reset(&shop.auth, &token).await,
                    Err(Error::SignIn(SignInError::ResetTokenMismatched))
                ),
                "{what}"
            );
            assert!(
                matches!(exchanged(&shop.auth, &code).await, Err(Error::SignIn(SignInError::Refused))),
                "{what}"
            );
            // Credentials that are made later are valid.
            shop.sign_in(&mailed(&shop).await).await.unwrap();
            let admin = shop.admin_token().await;
            exchanged(&shop.auth, &generated(&shop, &admin).await).await.unwrap();
        }
    }
}

/// Withdrawn consent moves no generation: a code is refused, and the attempt spends it.
#[tokio::test]
async fn withdrawn_consent_refuses_a_code_under_the_same_generation() {
    for shop in both() {
        let own = shop.sign_in(PASSWORD).await.unwrap();
        let admin = shop.admin_token().await;
        let codes = [generated(&shop, &admin).await, generated(&shop, &admin).await];
        shop.auth.set_remote_shopping_assistance(own.token(), false).await.unwrap();
        assert!(matches!(exchanged(&shop.auth, &codes[0]).await, Err(Error::SignIn(SignInError::Refused))));
        let told = told(&shop.trail().await);
        assert!(told.contains(&refused(Action::CodeRedemption, Refusal::NoConsent)), "{told:?}");
        shop.auth.set_remote_shopping_assistance(own.token(), true).await.unwrap();
        assert!(
            matches!(exchanged(&shop.auth, &codes[0]).await, Err(Error::SignIn(SignInError::Refused))),
            "it is spent"
        );
        exchanged(&shop.auth, &codes[1]).await.unwrap();
    }
}

fn refused(action: Action, why: Refusal) -> (Action, Outcome) {
    (action, Outcome::Refused(why))
}

/// Codes are in another engine than tokens, and survive the wipe of the token store. The wiped
/// token store never gets a generation again under which the codes were made.
#[tokio::test]
async fn a_token_store_wiped_between_making_and_taking_leaves_no_credential_good() {
    for moved_before in [false, true] {
        let tokens = Arc::new(Hooked::default());
        let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.tokens(tokens.clone()));
        let end = async || shop.auth.customer_changed(&customer(), CustomerChange::Disabled).await;
        if moved_before {
            end().await.unwrap();
        }
        let (first, second) = (mailed(&shop).await, mailed(&shop).await);
        let code = generated(&shop, &shop.admin_token().await).await;
        tokens.wipe();
        if moved_before {
            // As many revocations as before the wipe: a counter would have the same value again.
            end().await.unwrap();
        }
        assert!(matches!(shop.sign_in(&first).await, Err(Error::SignIn(SignInError::Refused))));
        assert!(matches!(
            reset(&shop.auth, &second).await,
            Err(Error::SignIn(SignInError::ResetTokenMismatched))
        ));
        assert!(matches!(exchanged(&shop.auth, &code).await, Err(Error::SignIn(SignInError::Refused))));
        shop.sign_in(PASSWORD).await.expect("the password is unchanged");
    }
}

/// As above, but wiped between the look-up of the credential and its taking.
#[tokio::test]
async fn a_token_store_wiped_while_a_credential_is_taken_gives_nothing_for_it() {
    let tokens = Arc::new(Hooked::default());
    let armed = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let (tokens, armed) = (tokens.clone(), Arc::clone(&armed));
        move |verb| {
            if verb == "commit codes" && armed.swap(false, Ordering::SeqCst) {
                tokens.wipe();
            }
            Ok(())
        }
    });
    let shop = Shop::open(store, fast(), |builder| builder.tokens(tokens.clone()));
    let token = mailed(&shop).await;
    armed.store(true, Ordering::SeqCst);
    assert!(matches!(shop.sign_in(&token).await, Err(Error::SignIn(SignInError::Refused))));
    let token = mailed(&shop).await;
    armed.store(true, Ordering::SeqCst);
    assert!(matches!(reset(&shop.auth, &token).await, Err(Error::SignIn(SignInError::ResetTokenMismatched))));
    let code = generated(&shop, &shop.admin_token().await).await;
    armed.store(true, Ordering::SeqCst);
    assert!(matches!(exchanged(&shop.auth, &code).await, Err(Error::SignIn(SignInError::Refused))));
    shop.sign_in(PASSWORD).await.expect("the password is unchanged");
}

/// Keeps documents, and can lose the replies to commits of one-time credentials: the commit is
/// made, and the caller gets an error.
#[derive(Clone, Debug, Default)]
struct Losing {
    inner: Arc<MemoryStore>,
    loses: Arc<AtomicBool>,
    /// The number of commits whose replies were lost.
    commits: Arc<AtomicUsize>,
    /// The number of deleted documents of one-time credentials.
    deleted: Arc<AtomicUsize>,
}

#[async_trait]
impl StateStore for Losing {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        self.inner.load(partition, keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        let outcome = self.inner.commit(partition, changes, now).await?;
        let is_codes = changes[0].key().kind.as_str() == "codes";
        if is_codes && matches!(changes[0], Change::Delete { .. }) {
            self.deleted.fetch_add(1, Ordering::SeqCst);
        }
        if is_codes && self.loses.load(Ordering::SeqCst) {
            self.commits.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::new("the reply is lost"));
        }
        Ok(outcome)
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        StateStore::list(&*self.inner, index, after, limit).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(until, limit).await
    }
}

#[tokio::test]
async fn a_take_whose_reply_is_lost_is_not_run_again_and_is_no_replay() {
    let losing = Losing::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.state(losing.clone()));
    let admin = shop.admin_token().await;
    let code = generated(&shop, &admin).await;
    let (for_sign_in, for_reset) = (mailed(&shop).await, mailed(&shop).await);
    let loses = |loses| losing.loses.store(loses, Ordering::SeqCst);
    loses(true);
    let unavailable = |error: Error| assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    unavailable(exchanged(&shop.auth, &code).await.unwrap_err());
    unavailable(shop.sign_in(&for_sign_in).await.unwrap_err());
    unavailable(reset(&shop.auth, &for_reset).await.unwrap_err());
    assert_eq!(losing.commits.load(Ordering::SeqCst), 3, "one for each");
    let told = told(&shop.trail().await);
    assert!(told.iter().all(|(action, _)| *action != Action::CodeReplay), "{told:?}");
    assert!(told.contains(&(Action::CodeRedemption, Outcome::Failed)), "{told:?}");
    loses(false);
    // The credentials are spent, and no token was issued for them.
    for spent in [&code, &for_sign_in] {
        assert!(matches!(shop.sign_in(spent).await, Err(Error::SignIn(SignInError::Refused))));
    }
    assert!(matches!(
        reset(&shop.auth, &for_reset).await,
        Err(Error::SignIn(SignInError::ResetTokenMismatched))
    ));
    assert!(matches!(shop.sign_in(NEW).await, Err(Error::SignIn(SignInError::Refused))));
    shop.sign_in(PASSWORD).await.expect("the password is unchanged");
}

/// If the reply to the making of a credential is lost, no credential is handed out, and another one
/// is valid.
#[tokio::test]
async fn a_put_whose_reply_is_lost_mails_nothing() {
    let losing = Losing::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.state(losing.clone()));
    let admin = shop.admin_token().await;
    losing.loses.store(true, Ordering::SeqCst);
    let asked = shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await;
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::Unavailable);
    let made = shop.auth.generate_one_time_code(&admin, &customer(), REASON).await;
    assert_eq!(made.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(losing.commits.load(Ordering::SeqCst), 2, "one for each");
    assert!(shop.outbox.take().is_empty());
    losing.loses.store(false, Ordering::SeqCst);
    shop.sign_in(&mailed(&shop).await).await.unwrap();
    exchanged(&shop.auth, &generated(&shop, &admin).await).await.unwrap();
}

/// Polls a flow until it is pending in the store for the `number`th time, and drops it there.
/// Returns the result of the flow if it ends earlier.
async fn dropped_at<T>(number: usize, pending: &AtomicUsize, flow: impl Future<Output = T>) -> Option<T> {
    pending.store(0, Ordering::SeqCst);
    let mut flow = pin!(flow);
    poll_fn(|context| match flow.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if pending.load(Ordering::SeqCst) >= number => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Returns a shop whose verbs are pending once each, before they are done, and the count of these
/// moments.
fn counted() -> (Shop<Hooked>, Arc<AtomicUsize>) {
    let pending = Arc::new(AtomicUsize::new(0));
    let store = Hooked::new({
        let pending = Arc::clone(&pending);
        move |_| {
            pending.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    (Shop::open(store, fast(), |builder| builder), pending)
}

/// Runs a test of a flow that is dropped at its first pending verb, at its second, and so on, until
/// the flow ends. Returns the number of verbs.
async fn at_each_pending(mut test: impl AsyncFnMut(usize) -> bool) -> usize {
    for number in 1..50 {
        if test(number).await {
            return number - 1;
        }
    }
    panic!("a flow of fifty verbs")
}

#[tokio::test]
async fn an_exchange_dropped_at_any_verb_leaves_at_most_one_token() {
    let verbs = at_each_pending(async |number| {
        let (shop, pending) = counted();
        let code = shop.code().await;
        let exchanged_first = dropped_at(number, &pending, exchanged(&shop.auth, &code)).await;
        let is_done = exchanged_first.is_some();
        let again = exchanged(&shop.auth, &code).await;
        let live = shop.store.grants(&Subject::Customer(customer()), 10, shop.now()).await.unwrap().len();
        match again {
            Ok(_) => assert!(!is_done && live == 1, "dropped at {number}: {live} live"),
            Err(Error::SignIn(SignInError::Refused)) => {
                assert_eq!(live, 0, "dropped at {number}: what it bought ends");
            }
            Err(error) => panic!("dropped at {number}: {error:?}"),
        }
        is_done
    })
    .await;
    assert!(verbs > 6, "{verbs} verbs");
}

#[tokio::test]
async fn a_reset_dropped_at_any_verb_leaves_one_password_and_can_be_asked_for_again() {
    let verbs = at_each_pending(async |number| {
        let (shop, pending) = counted();
        let token = shop.reset_token().await;
        let done = dropped_at(number, &pending, reset(&shop.auth, &token)).await;
        let mut works = 0;
        for password in [PASSWORD, NEW] {
            works += usize::from(shop.sign_in(password).await.is_ok());
        }
        assert_eq!(works, 1, "dropped at {number}");
        match reset(&shop.auth, &token).await {
            Ok(()) => assert!(done.is_none(), "twice"),
            Err(Error::SignIn(SignInError::ResetTokenMismatched)) => {
                reset(&shop.auth, &shop.reset_token().await).await.unwrap();
            }
            Err(error) => panic!("dropped at {number}: {error:?}"),
        }
        shop.sign_in(NEW).await.unwrap();
        done.is_some()
    })
    .await;
    assert!(verbs > 8, "{verbs} verbs");
}

#[tokio::test]
async fn a_request_dropped_at_any_verb_costs_no_earlier_credential_and_no_later_one() {
    at_each_pending(async |number| {
        let (shop, pending) = counted();
        let earlier = shop.reset_token().await;
        let request = shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL));
        let done = dropped_at(number, &pending, request).await;
        let later = shop.reset_token().await;
        shop.sign_in(&later).await.unwrap();
        shop.sign_in(&earlier).await.unwrap();
        done.is_some()
    })
    .await;
    at_each_pending(async |number| {
        let (shop, pending) = counted();
        let (admin, earlier) = (shop.admin_token().await, shop.code().await);
        let customer = customer();
        let code = shop.auth.generate_one_time_code(&admin, &customer, REASON);
        let done = dropped_at(number, &pending, code).await;
        let later = shop.code().await;
        exchanged(&shop.auth, &later).await.unwrap();
        exchanged(&shop.auth, &earlier).await.unwrap();
        done.is_some()
    })
    .await;
}

/// A presented code is not refused if the customer's other codes change at the same time.
#[tokio::test]
async fn another_credential_of_the_customer_costs_a_redemption_nothing() {
    let armed = Arc::new(OnceLock::<Auth>::new());
    let once = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let (armed, once) = (Arc::clone(&armed), Arc::clone(&once));
        move |verb| {
            if verb == "commit codes" && once.swap(false, Ordering::SeqCst) {
                let asked = armed.get().unwrap().request_password_reset(PasswordResetRequest::new(EMAIL));
                pollster::block_on(asked).unwrap();
            }
            Ok(())
        }
    });
    let shop = Shop::open(store, fast(), |builder| builder);
    armed.set(shop.auth.clone()).unwrap();
    let code = shop.code().await;
    once.store(true, Ordering::SeqCst);
    let bought = exchanged(&shop.auth, &code).await.unwrap();
    shop.auth.verify_customer(bought.token()).await.unwrap();
    let token = shop.outbox.take().into_iter().find_map(|mail| match mail.notice {
        Notice::ResetRequested { token, .. } => Some(token),
        _ => None,
    });
    shop.sign_in(token.expect("a mail").expose()).await.expect("the two attempts do not affect each other");
}

#[tokio::test]
async fn an_erased_customers_document_is_gone() {
    let documents = Losing::default();
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.state(documents.clone()));
    mailed(&shop).await;
    let admin = shop.admin_token().await;
    exchanged(&shop.auth, &generated(&shop, &admin).await).await.unwrap();
    shop.auth.erase_customer(&customer()).await.unwrap();
    assert_eq!(documents.deleted.load(Ordering::SeqCst), 1, "with what is outstanding, and the marks");
    shop.auth.erase_customer(&customer()).await.unwrap();
    assert_eq!(documents.deleted.load(Ordering::SeqCst), 1, "there is none any more");
}
