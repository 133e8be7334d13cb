//! One-time credentials that are presented again: which tokens end, who is notified, and what is
//! recorded.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use commerce_auth::{
    Auth, BearerToken, CustomerId, Error, SignIn, Store,
    audit::{Action, Outcome, Refusal},
    error::{SignInError, TokenError},
    flow::{PasswordReset, PasswordResetRequest},
    notifier::Notice,
    store::memory::MemoryStore,
    token::{GrantId, Obtained},
};
use support::{EMAIL, PASSWORD, REASON, Shop, fast, hooked::Hooked, shop};

use crate::native::NativeCodes;

const NEW: &str = "N3w-password";
const NEWER: &str = "N3wer-password";

/// Returns a shop with documents and one with a host's own store.
fn both() -> [Shop; 2] {
    let native = Shop::open(MemoryStore::new(), fast(), |builder| {
        builder.one_time_credentials(NativeCodes::default())
    });
    [shop(), native]
}

/// Returns a reset token that this shop has mailed.
async fn mailed<S: Store>(shop: &Shop<S>) -> String {
    shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    shop.outbox.reset_token().expect("a mail")
}

/// Returns a one-time code that was generated in this shop.
async fn generated(shop: &Shop) -> String {
    let admin = shop.admin_token().await;
    let code = shop.auth.generate_one_time_code(&admin, &CustomerId::from(1), REASON).await.unwrap();
    code.code().expose().to_owned()
}

async fn reset(auth: &Auth, token: &str, new: &str) -> Result<(), Error> {
    auth.reset_password(PasswordReset::new(EMAIL, token, new)).await
}

async fn is_ended<S: Store>(shop: &Shop<S>, token: &BearerToken) -> bool {
    matches!(shop.auth.verify_customer(token).await, Err(Error::Token(TokenError::Invalid)))
}

/// Asserts that customer 1 is notified of a replay once, and that the trail records it once.
/// Returns the grant of the event.
async fn assert_told(shop: &Shop, secret: &str) -> Option<GrantId> {
    let mails = shop.outbox.take();
    let told: Vec<_> = mails
        .iter()
        .filter_map(|mail| match mail.notice {
            Notice::CredentialReplayed { obtained } => Some((&*mail.email, obtained)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(EMAIL, Obtained::ResetToken)]);
    assert!(!format!("{mails:?}").contains(secret));
    let trail = shop.trail().await;
    let replays: Vec<_> = trail.iter().filter(|event| event.action == Action::CodeReplay).collect();
    let [replay] = replays[..] else { panic!("{replays:?}") };
    assert_eq!(replay.outcome, Outcome::Refused(Refusal::SpentCode));
    replay.grant
}

/// An attacker who reads the customer's mail signs in by the link before she uses it.
#[tokio::test]
async fn a_reset_by_a_token_that_a_thief_signed_in_by_ends_the_thiefs_session() {
    for shop in both() {
        let own = shop.sign_in(PASSWORD).await.unwrap();
        let token = mailed(&shop).await;
        let thief = shop.sign_in(&token).await.unwrap();
        shop.auth.verify_customer(thief.token()).await.unwrap();
        assert!(matches!(
            reset(&shop.auth, &token, NEW).await,
            Err(Error::SignIn(SignInError::ResetTokenMismatched))
        ));
        assert!(is_ended(&shop, thief.token()).await);
        shop.auth.verify_customer(own.token()).await.expect("the customer's own session stays");
        let grant = assert_told(&shop, &token).await;
        assert_eq!(grant, Some(GrantId::of(thief.token().expose().as_bytes())));
        assert!(shop.sign_in(NEW).await.is_err(), "no password was set");
    }
}

#[tokio::test]
async fn a_sign_in_by_a_token_that_a_thief_signed_in_by_ends_the_thiefs_session() {
    for shop in both() {
        let token = mailed(&shop).await;
        let thief = shop.sign_in(&token).await.unwrap();
        assert!(matches!(shop.sign_in(&token).await, Err(Error::SignIn(SignInError::Refused))));
        assert!(is_ended(&shop, thief.token()).await);
        assert_told(&shop, &token).await;
    }
}

/// An attacker who reads the mail sets a password by the link, and signs in with it.
#[tokio::test]
async fn a_token_that_a_thief_set_a_password_with_ends_all_sessions() {
    for by_sign_in in [false, true] {
        for shop in both() {
            let token = mailed(&shop).await;
            reset(&shop.auth, &token, NEW).await.unwrap();
            let thief = shop.sign_in(NEW).await.unwrap();
            let code = generated(&shop).await;
            if by_sign_in {
                assert!(matches!(shop.sign_in(&token).await, Err(Error::SignIn(SignInError::Refused))));
            } else {
                assert!(matches!(
                    reset(&shop.auth, &token, NEWER).await,
                    Err(Error::SignIn(SignInError::ResetTokenMismatched))
                ));
            }
            assert!(is_ended(&shop, thief.token()).await);
            assert_eq!(assert_told(&shop, &token).await, None, "no single grant");
            assert!(shop.sign_in(&code).await.is_err(), "one-time codes end, too");
            shop.sign_in(NEW).await.expect("the password stays, until she asks for a new link");
        }
    }
}

#[tokio::test]
async fn a_code_presented_again_is_told_to_its_customer() {
    for shop in both() {
        let code = generated(&shop).await;
        let exchange = || shop.auth.exchange_one_time_code(SignIn::new(EMAIL, code.as_str()));
        exchange().await.unwrap();
        shop.outbox.take();
        exchange().await.unwrap_err();
        let told = shop.outbox.take();
        let replays: Vec<_> = told
            .iter()
            .filter(|mail| {
                matches!(mail.notice, Notice::CredentialReplayed { obtained: Obtained::OneTimeCode })
            })
            .collect();
        assert!(matches!(replays[..], [one] if one.email == EMAIL), "{told:?}");
        assert!(!format!("{told:?}").contains(&code));
    }
}

/// A credential that is wrong, expired, another customer's or ended for another reason is not a
/// replay.
#[tokio::test]
async fn what_was_not_spent_is_no_replay() {
    for shop in both() {
        let (expired, spent_elsewhere) = (mailed(&shop).await, mailed(&shop).await);
        let own = shop.sign_in(&expired).await.unwrap();
        shop.advance(7200);
        shop.outbox.take();
        let ended = mailed(&shop).await;
        shop.auth.revoke_everything().await.unwrap();
        for token in [&expired, &spent_elsewhere, &ended, &"0".repeat(32)] {
            reset(&shop.auth, token, NEW).await.unwrap_err();
            shop.sign_in(token).await.unwrap_err();
        }
        assert!(is_ended(&shop, own.token()).await, "it expired");
        assert_eq!(shop.outbox.take().len(), 0);
        assert!(shop.trail().await.iter().all(|event| event.action != Action::CodeReplay));
    }
}

/// A double click. Whichever of the two requests spends the token, its new password stays, and
/// everything before it ends.
#[tokio::test]
async fn a_reset_stands_whenever_its_token_is_presented_again() {
    for verb in 1.. {
        let (act, left) =
            (Arc::<OnceLock<Box<dyn Fn() + Send + Sync>>>::default(), Arc::<AtomicUsize>::default());
        let store = Hooked::new({
            let (act, left) = (Arc::clone(&act), Arc::clone(&left));
            move |_| {
                let count = |left: usize| left.checked_sub(1);
                if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) == Ok(1) {
                    act.get().expect("there is an event")();
                }
                Ok(())
            }
        });
        let shop = Shop::open(store, fast(), |builder| builder);
        let (own, token) = (shop.sign_in(PASSWORD).await.unwrap(), mailed(&shop).await);
        let second = Arc::new(OnceLock::new());
        let _ = act.set(Box::new({
            let (auth, token, second) = (shop.auth.clone(), token.clone(), Arc::clone(&second));
            move || {
                let ended = pollster::block_on(reset(&auth, &token, NEWER));
                second.set(ended.is_ok()).expect("once");
            }
        }));
        left.store(verb, Ordering::SeqCst);
        let first = reset(&shop.auth, &token, NEW).await;
        let Some(second) = second.get() else {
            assert!(verb > 9, "{verb} verbs");
            return;
        };
        assert_ne!(first.is_ok(), *second, "before verb {verb}: {first:?}");
        let password = if *second { NEWER } else { NEW };
        shop.auth.generate_customer_token(SignIn::new(EMAIL, password)).await.expect("the password was set");
        assert!(is_ended(&shop, own.token()).await, "before verb {verb}");
    }
}
