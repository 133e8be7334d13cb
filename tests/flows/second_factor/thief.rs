//! A thief who has an admin user's password and also reads the mailed enrolment link.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use commerce_auth::{
    AdminId, AdminSignIn, Auth, Error, Origin, Store,
    account::AccountStatus,
    audit::{
        Action,
        Outcome::{Begun, Refused, Succeeded},
        Refusal,
    },
    error::{SecondFactorError, SignInError},
    flow::AdminChange,
    store::memory::MemoryStore,
};
use support::{
    ADMIN, ADMIN_PASSWORD, Shop, factors::stored, hooked::Hooked, keyring, sink::told, with_second_factor,
};

use super::Authenticator;

const NEW: &str = "N3w-admin-password";

fn unenrolled() -> Shop {
    Shop::open(MemoryStore::new(), with_second_factor(), |builder| builder.keyring(keyring()))
}

async fn sign_in<S: Store>(shop: &Shop<S>, password: &str, code: &str) -> Result<(), Error> {
    shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, password).otp(code)).await.map(drop)
}

/// Returns the token that is mailed after a sign-in with the password.
async fn mailed<S: Store>(shop: &Shop<S>, password: &str) -> String {
    let by_password = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, password)).await;
    assert!(matches!(by_password, Err(Error::SecondFactor(SecondFactorError::EnrolmentRequired))));
    shop.outbox.enrolment_token().expect("a token is mailed")
}

/// Returns the secret that a holder of the token sets up.
async fn open(auth: &Auth, token: &str) -> Result<Authenticator, Error> {
    let setup = auth.set_up_admin_factor(token, &Origin::default()).await?;
    Ok(Authenticator::new(setup.secret().to_base32().expose()))
}

async fn activate<S: Store>(shop: &Shop<S>, token: &str, own: &Authenticator) -> Result<(), Error> {
    let code = own.code_at(shop.now());
    shop.auth.activate_admin_factor(token, code, &Origin::default()).await.map(drop)
}

fn is_invalid<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken)))
}

/// Asserts that the token shows no secret and activates none, and that the owner enrols with this
/// password.
async fn is_over(shop: &Shop, token: &str, thiefs: &Authenticator, password: &str) {
    assert!(is_invalid(&open(&shop.auth, token).await));
    assert!(is_invalid(&activate(shop, token, thiefs).await));
    assert!(stored(&*shop.store, 7, "factor").await.is_none());
    let token = mailed(shop, password).await;
    let own = open(&shop.auth, &token).await.unwrap();
    activate(shop, &token, &own).await.unwrap();
    shop.advance(30);
    sign_in(shop, password, &own.code_at(shop.now())).await.unwrap();
    let code = thiefs.code_at(shop.now());
    assert!(matches!(
        sign_in(shop, password, &code).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidCode))
    ));
}

#[tokio::test]
async fn a_mailed_enrolment_ends_with_a_password_that_the_host_sets() {
    let shop = unenrolled();
    let token = mailed(&shop, ADMIN_PASSWORD).await;
    let thiefs = open(&shop.auth, &token).await.unwrap();
    let hash = shop.auth.hash_new_admin_password(ADMIN, NEW).await.unwrap();
    shop.set_admin(|row| row.password_hash = Some(hash));
    shop.auth.admin_changed(&AdminId::from(7), AdminChange::PasswordChanged).await.unwrap();
    is_over(&shop, &token, &thiefs, NEW).await;
}

#[tokio::test]
async fn a_mailed_enrolment_does_not_revive_with_the_account() {
    let shop = unenrolled();
    let token = mailed(&shop, ADMIN_PASSWORD).await;
    let thiefs = open(&shop.auth, &token).await.unwrap();
    shop.set_admin(|row| row.status = AccountStatus::Disabled);
    shop.auth.admin_changed(&AdminId::from(7), AdminChange::Disabled).await.unwrap();
    shop.set_admin(|_| ());
    is_over(&shop, &token, &thiefs, ADMIN_PASSWORD).await;
}

#[tokio::test]
async fn of_two_who_open_a_link_the_last_one_activates_and_the_first_one_has_no_copy() {
    let shop = unenrolled();
    let token = mailed(&shop, ADMIN_PASSWORD).await;
    let thiefs = open(&shop.auth, &token).await.unwrap();
    let owners = open(&shop.auth, &token).await.unwrap();
    assert_ne!(thiefs.code_at(shop.now()), owners.code_at(shop.now()));
    let activated = activate(&shop, &token, &thiefs).await;
    assert!(matches!(activated, Err(Error::SecondFactor(SecondFactorError::InvalidCode))), "{activated:?}");
    activate(&shop, &token, &owners).await.unwrap();
    shop.advance(60 * 60);
    let copied = sign_in(&shop, ADMIN_PASSWORD, &thiefs.code_at(shop.now())).await;
    assert!(matches!(copied, Err(Error::SecondFactor(SecondFactorError::InvalidCode))), "{copied:?}");
    sign_in(&shop, ADMIN_PASSWORD, &owners.code_at(shop.now())).await.unwrap();
}

/// If the thief opens the link last, the owner's first code fails. The owner notices, and opens the
/// link again.
#[tokio::test]
async fn an_owner_whose_link_was_opened_meanwhile_notices() {
    let shop = unenrolled();
    let token = mailed(&shop, ADMIN_PASSWORD).await;
    let before = shop.trail().await.len();
    let owners = open(&shop.auth, &token).await.unwrap();
    let thiefs = open(&shop.auth, &token).await.unwrap();
    let activated = activate(&shop, &token, &owners).await;
    assert!(matches!(activated, Err(Error::SecondFactor(SecondFactorError::InvalidCode))), "{activated:?}");
    let again = open(&shop.auth, &token).await.unwrap();
    activate(&shop, &token, &again).await.unwrap();
    shop.advance(30);
    let copied = sign_in(&shop, ADMIN_PASSWORD, &thiefs.code_at(shop.now())).await;
    assert!(matches!(copied, Err(Error::SecondFactor(SecondFactorError::InvalidCode))), "{copied:?}");
    let mut events = told(&shop.trail().await.split_off(before));
    events.retain(|(action, _)| *action == Action::FactorSetup);
    assert_eq!(events, [(Action::FactorSetup, Begun), (Action::FactorSetup, Succeeded)].repeat(3));
}

/// Only the secret that was checked is activated, or none.
#[tokio::test]
async fn a_link_that_is_opened_between_the_judgement_and_the_activation_stops_it() {
    let (node, armed) = (Arc::new(OnceLock::<(Auth, String)>::new()), Arc::<AtomicBool>::default());
    let store = Hooked::new({
        let (node, armed) = (Arc::clone(&node), Arc::clone(&armed));
        move |verb| {
            if verb == "commit factor" && armed.swap(false, Ordering::SeqCst) {
                let (auth, token) = node.get().expect("there is a link");
                pollster::block_on(open(auth, token)).expect("it is live");
            }
            Ok(())
        }
    });
    let shop = Shop::open(store, with_second_factor(), |builder| builder.keyring(keyring()));
    let token = mailed(&shop, ADMIN_PASSWORD).await;
    let owners = open(&shop.auth, &token).await.unwrap();
    node.set((shop.auth.clone(), token.clone())).unwrap();
    armed.store(true, Ordering::SeqCst);
    assert!(is_invalid(&activate(&shop, &token, &owners).await));
    assert!(!armed.load(Ordering::SeqCst) && stored(&*shop.store, 7, "factor").await.is_none());
    let again = open(&shop.auth, &token).await.unwrap();
    activate(&shop, &token, &again).await.expect("the enrolment is live");
}

#[tokio::test]
async fn what_was_never_shown_is_never_activated() {
    let shop = unenrolled();
    let token = mailed(&shop, ADMIN_PASSWORD).await;
    let invented = Authenticator::new(super::SECRET);
    let activated = activate(&shop, &token, &invented).await;
    assert!(matches!(activated, Err(Error::SecondFactor(SecondFactorError::InvalidCode))), "{activated:?}");
}

/// Each display of the secret is a write.
#[tokio::test]
async fn a_link_is_opened_five_times_in_a_quarter_of_an_hour() {
    let shop = unenrolled();
    let token = mailed(&shop, ADMIN_PASSWORD).await;
    let enrolment = || async { stored(&*shop.store, 7, "enrolment").await.unwrap() };
    for _ in 0..5 {
        let before = enrolment().await;
        open(&shop.auth, &token).await.unwrap();
        assert_ne!(enrolment().await, before);
    }
    let (before, events) = (enrolment().await, shop.trail().await.len());
    for _ in 0..100 {
        let refused = open(&shop.auth, &token).await;
        assert!(matches!(refused, Err(Error::SignIn(SignInError::TooManyRequests))), "{refused:?}");
    }
    assert_eq!(enrolment().await, before);
    let refused = (Action::FactorSetup, Refused(Refusal::BudgetSpent));
    assert!(told(&shop.trail().await.split_off(events)).iter().all(|event| *event == refused));
    // The budget is available again after some time. Another link has a separate budget.
    shop.advance(15 * 60);
    open(&shop.auth, &token).await.unwrap();
    let another = mailed(&shop, ADMIN_PASSWORD).await;
    for _ in 0..5 {
        open(&shop.auth, &another).await.unwrap();
    }
}
