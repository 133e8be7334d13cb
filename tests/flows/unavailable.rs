//! A store that is down gives "unavailable", never "denied" and never "allowed". Service resumes
//! without a restart.

use std::{
    error::Error as _,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use commerce_auth::{
    AdminId, AdminSignIn, CustomerId, CustomerStore, Error, ErrorKind, Origin, SignIn, TokenStore, Website,
    account::AccountStatus,
    error::{SignInError, StoreError},
    flow::{
        AdminChange, ConfirmationRequest, CustomerChange, EmailConfirmation, Keep, PasswordReset,
        PasswordResetRequest, Registration,
    },
    token::Subject,
};
use support::{ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, REASON, Shop, WRONG, fast, hooked::Hooked};

const NEW: &str = "N3w-password";

/// Returns a shop whose store answers a set number of verbs and fails at all later ones.
fn failing() -> (Shop<Hooked>, Arc<AtomicUsize>) {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let store = Hooked::new({
        let left = Arc::clone(&left);
        move |_| match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::new(io::Error::from(io::ErrorKind::ConnectionReset))),
        }
    });
    (Shop::open(store, fast(), |builder| builder), left)
}

fn is_unavailable<T>(result: &Result<T, Error>) -> bool {
    let Err(error) = result else { return false };
    error.kind() == ErrorKind::Unavailable && error.source().is_some()
}

#[tokio::test]
async fn every_flow_answers_unavailable_at_every_verb() {
    let (shop, left) = failing();
    let admin = shop.admin_token().await;
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let code = shop.code().await;
    let assisted = shop.sign_in(&code).await.unwrap();
    let (token, assisted) = (signed_in.token(), assisted.token());
    let customer = CustomerId::from(1);
    macro_rules! fails_at_each_of {
        ($verbs:expr, $flow:expr) => {
            for verb in 0..$verbs {
                left.store(verb, Ordering::SeqCst);
                let result = $flow.await;
                assert!(is_unavailable(&result), "{} at verb {verb}: {:?}", stringify!($flow), result.err());
            }
            left.store(usize::MAX, Ordering::SeqCst);
        };
    }
    fails_at_each_of!(1, shop.auth.verify_customer(token));
    fails_at_each_of!(1, shop.auth.verify(token));
    fails_at_each_of!(2, shop.auth.verify_customer(assisted));
    fails_at_each_of!(2, shop.auth.revoke_customer_token(token));
    fails_at_each_of!(2, shop.auth.revoke_all_customer_tokens(token, Keep::Presented));
    fails_at_each_of!(2, shop.auth.list_customer_tokens(token));
    fails_at_each_of!(1, shop.auth.revoke_everything());
    fails_at_each_of!(3, shop.auth.purge(1));
    // The record, revoke or revoke_all.
    fails_at_each_of!(1, shop.auth.verify_admin(&admin));
    fails_at_each_of!(2, shop.auth.revoke_admin_token(&admin));
    fails_at_each_of!(1, shop.auth.admin_changed(&AdminId::from(7), AdminChange::Disabled));
    fails_at_each_of!(1, shop.auth.set_remote_shopping_assistance(token, true));
    fails_at_each_of!(1, shop.auth.unlock_customer(&Website::default(), EMAIL));
    fails_at_each_of!(1, shop.auth.unlock_admin(ADMIN));
    // find, generation, insert; find, generation, load, put
    fails_at_each_of!(3, shop.auth.generate_customer_token_as_admin(&admin, EMAIL, REASON));
    fails_at_each_of!(4, shop.auth.generate_one_time_code(&admin, &customer, REASON));
    // load, reserve, settle, generation, load, put
    fails_at_each_of!(6, shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)));
    // find, load, reserve; the password was right, so that a failed settlement does not matter
    fails_at_each_of!(3, shop.auth.confirm_password(token, PASSWORD));
    // load, reserve, settle, generation, load and commit the pointer, load, put
    fails_at_each_of!(8, shop.auth.request_confirmation(ConfirmationRequest::new(EMAIL)));
    // find, generation, find, load, reserve; then (the password was right, so that a failed
    // settlement does not matter) the budget of the new address: load, reserve, settle
    fails_at_each_of!(5, shop.auth.request_email_change(token, PASSWORD, "bob@example.org"));
    // load, reserve, load the pointer, generation, load
    fails_at_each_of!(5, shop.auth.confirm_email(EmailConfirmation::new(EMAIL, WRONG)));
    // load, reserve, generation, load
    fails_at_each_of!(4, shop.auth.check_reset_token(&customer, WRONG, &Origin::default()));
    let registration = || Registration::new(EMAIL, None).origin(std::net::IpAddr::from([192, 0, 2, 1]));
    // load, load, reserve, settle
    fails_at_each_of!(4, shop.auth.begin_registration(registration()));
    fails_at_each_of!(1, shop.auth.customer_changed(&customer, CustomerChange::PasswordChanged));
}

#[tokio::test]
async fn a_sign_in_that_a_store_fails_gives_no_token_and_no_denial() {
    // load, reserve, generation, (load, take, (find,)) settle, insert
    for (kind, verbs) in [("password", 5), ("reset token", 7), ("code", 8)] {
        for verb in 0..verbs {
            let (shop, left) = failing();
            let credential = match kind {
                "code" => shop.code().await,
                "reset token" => shop.reset_token().await,
                _ => PASSWORD.to_owned(),
            };
            left.store(verb, Ordering::SeqCst);
            let result = shop.sign_in(&credential).await;
            assert!(is_unavailable(&result), "a {kind} at verb {verb}: {:?}", result.err());
            left.store(usize::MAX, Ordering::SeqCst);
            let subject = Subject::Customer(CustomerId::from(1));
            assert!(
                shop.store.grants(&subject, 100, shop.now()).await.unwrap().is_empty(),
                "a {kind} at verb {verb}"
            );
            shop.sign_in(PASSWORD).await.expect("service resumes without a restart");
        }
    }
}

#[tokio::test]
async fn an_admin_sign_in_or_an_exchange_that_a_store_fails_gives_no_token_and_no_denial() {
    // load, reserve, generation, settle, insert
    for verb in 0..5 {
        let (shop, left) = failing();
        left.store(verb, Ordering::SeqCst);
        let result = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await;
        assert!(is_unavailable(&result), "at verb {verb}: {:?}", result.err());
        left.store(usize::MAX, Ordering::SeqCst);
        let subject = Subject::Admin(AdminId::from(7));
        assert!(shop.store.grants(&subject, 100, shop.now()).await.unwrap().is_empty(), "at verb {verb}");
        shop.admin_token().await;
    }
    // load, reserve, generation, load, take, find, settle, insert
    for verb in 0..8 {
        let (shop, left) = failing();
        let code = shop.code().await;
        left.store(verb, Ordering::SeqCst);
        let result = shop.auth.exchange_one_time_code(SignIn::new(EMAIL, code)).await;
        assert!(is_unavailable(&result), "at verb {verb}: {:?}", result.err());
        left.store(usize::MAX, Ordering::SeqCst);
        let subject = Subject::Customer(CustomerId::from(1));
        assert!(shop.store.grants(&subject, 100, shop.now()).await.unwrap().is_empty(), "at verb {verb}");
    }
}

#[tokio::test]
async fn a_new_password_that_a_store_fails_is_no_denial_and_can_be_tried_again() {
    // load, reserve, generation, load, take, settle, generation, and once the password is written: generation,
    // revoke_all, load
    for verb in 0..10 {
        let (shop, left) = failing();
        let token = shop.reset_token().await;
        left.store(verb, Ordering::SeqCst);
        let result = shop.auth.reset_password(PasswordReset::new(EMAIL, token.as_str(), NEW)).await;
        assert!(is_unavailable(&result), "at verb {verb}: {:?}", result.err());
        left.store(usize::MAX, Ordering::SeqCst);
        // Before the take, the token stays valid. After it, another token is available.
        let again = if verb < 5 { token } else { shop.reset_token().await };
        shop.auth.reset_password(PasswordReset::new(EMAIL, again, NEW)).await.unwrap();
        shop.sign_in(NEW).await.unwrap();
    }
    // find, generation, find, load, reserve, settle, and once the password is written: generation, revoke_all, load, find
    for verb in [0, 1, 2, 3, 4, 5, 6, 7, 9] {
        let (shop, left) = failing();
        let (signed_in, other) =
            (shop.sign_in(PASSWORD).await.unwrap(), shop.sign_in(PASSWORD).await.unwrap());
        left.store(verb, Ordering::SeqCst);
        let result = shop.auth.change_password(signed_in.token(), PASSWORD, NEW).await;
        assert!(is_unavailable(&result), "at verb {verb}: {:?}", result.err());
        left.store(usize::MAX, Ordering::SeqCst);
        // A password that was written is restored, because nothing shows whether it may stay.
        shop.auth.change_password(signed_in.token(), PASSWORD, NEW).await.unwrap();
        assert!(shop.auth.verify_customer(other.token()).await.is_err());
    }
}

#[tokio::test]
async fn a_confirmation_that_a_store_fails_is_no_denial_and_can_be_asked_for_again() {
    let customer = CustomerId::from(1);
    // load, reserve, load the pointer, generation, load, take, settle, generation, and revoke_all before the write
    for verb in [0, 1, 2, 3, 4, 5, 7, 8] {
        let (shop, left) = failing();
        shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
        let mailed = async || {
            shop.auth.request_confirmation(ConfirmationRequest::new(EMAIL)).await.unwrap();
            shop.outbox.confirmation_token().unwrap()
        };
        let token = mailed().await;
        let confirm = async |token: &str| shop.auth.confirm_email(EmailConfirmation::new(EMAIL, token)).await;
        left.store(verb, Ordering::SeqCst);
        let result = confirm(&token).await;
        assert!(is_unavailable(&result), "at verb {verb}: {result:?}");
        left.store(usize::MAX, Ordering::SeqCst);
        let row = shop.customers.find_by_id(&customer).await.unwrap().unwrap();
        assert_eq!(row.status, AccountStatus::Unconfirmed, "at verb {verb}");
        // Before the take, the token stays valid. After it, another token is available.
        let again = if verb < 6 { token } else { mailed().await };
        confirm(&again).await.unwrap_or_else(|error| panic!("after verb {verb}: {error:?}"));
        shop.sign_in(PASSWORD).await.unwrap();
    }
}

#[tokio::test]
async fn an_outage_between_guesses_gives_no_free_ones() {
    // The hash was computed before the store failed: the attempt counts, and the next attempt
    // settles it.
    let (shop, left) = failing();
    for earlier in 0..6 {
        // The settlement of the earlier attempt (load, settle), load, reserve, generation. Then the
        // look-up of one-time credentials fails, and so does settle.
        left.store(2 * usize::from(earlier > 0) + 3, Ordering::SeqCst);
        assert!(is_unavailable(&shop.sign_in(WRONG).await));
        left.store(usize::MAX, Ordering::SeqCst);
    }
    let begun = shop.auth.hashing_stats().begun;
    assert!(matches!(shop.sign_in(PASSWORD).await, Err(Error::SignIn(SignInError::Refused))));
    assert_eq!(shop.auth.hashing_stats().begun, begun);
}

#[tokio::test]
async fn an_outage_before_the_hash_charges_nothing() {
    let (shop, left) = failing();
    for earlier in 0..10 {
        // The settlement of the earlier attempt (load, settle), load, reserve. Then generation
        // fails, and so does settle.
        left.store(2 * usize::from(earlier > 0) + 2, Ordering::SeqCst);
        assert!(is_unavailable(&shop.sign_in(WRONG).await));
        left.store(usize::MAX, Ordering::SeqCst);
    }
    shop.sign_in(PASSWORD).await.expect("no attempt was made");
}
