//! The parts of a new account that the crate decides, and the check of a reset token, which does
//! not spend it.

use std::{collections::BTreeSet, net::IpAddr};

use commerce_auth::{
    CustomerId, Error, Origin, Website,
    account::AccountStatus,
    audit::{Action, Outcome, Refusal},
    config::Confirmation,
    error::{Field, InputError, PolicyViolation, SignInError},
    flow::{PasswordReset, Registration},
    store::memory::MemoryStore,
};
use support::{EMAIL, Shop, WRONG, fast, shop, sink::told};

const GOOD: &str = "N3w-password";

fn from(source: &str) -> IpAddr {
    source.parse().unwrap()
}

#[tokio::test]
async fn a_registration_gives_what_the_row_needs_and_looks_nothing_up() {
    let shop = shop();
    let register = async |email: &str, password: Option<&str>| {
        shop.auth.begin_registration(Registration::new(email, password.map(Into::into))).await
    };
    // The second address has an account already, and gets the same answer.
    for email in ["New@Example.com", EMAIL] {
        let account = register(email, Some(GOOD)).await.unwrap();
        assert_eq!(account.email.as_str(), email.to_lowercase());
        assert_eq!(account.status, AccountStatus::Unconfirmed);
        shop.set_customer(|row| row.password_hash = account.password_hash);
        shop.sign_in(GOOD).await.unwrap();
        assert!(register(email, None).await.unwrap().password_hash.is_none());
    }
    let refused = register("", Some(GOOD)).await.unwrap_err();
    assert!(matches!(refused, Error::Input(InputError::Required(Field::Email))), "{refused:?}");
    let refused = register("nobody", Some(GOOD)).await.unwrap_err();
    assert!(matches!(refused, Error::Input(InputError::Email)), "{refused:?}");
    for (password, violation) in
        [("short", PolicyViolation::TooShort(8)), ("new@example.com", PolicyViolation::SameAsEmail)]
    {
        let refused = register("new@example.com", Some(password)).await.unwrap_err();
        assert!(
            matches!(&refused, Error::Input(InputError::Policy(own)) if *own == violation),
            "{refused:?}"
        );
    }
    let registrations = told(&shop.trail().await);
    let registrations = registrations.into_iter().filter(|(action, _)| *action == Action::Registration);
    assert_eq!(registrations.map(|(_, outcome)| outcome).collect::<Vec<_>>(), [Outcome::Succeeded; 4]);
}

#[tokio::test]
async fn a_new_account_is_unconfirmed_where_the_website_demands_it() {
    let outlet: Website = "outlet".parse().unwrap();
    let mut config = fast();
    config.confirmation = Confirmation::Only(BTreeSet::from([outlet.clone()]));
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    for (website, status) in
        [(Website::default(), AccountStatus::Active), (outlet, AccountStatus::Unconfirmed)]
    {
        let registration = Registration::new("new@example.com", None).website(website);
        assert_eq!(shop.auth.begin_registration(registration).await.unwrap().status, status);
    }
}

#[tokio::test]
async fn a_source_registers_ten_times_in_an_hour_and_no_hash_is_made_beyond_it() {
    let shop = shop();
    let register = async |source: &str, number: usize| {
        let registration = Registration::new(format!("{number}@example.com"), Some(GOOD.into()));
        shop.auth.begin_registration(registration.origin(from(source))).await
    };
    for number in 0..10 {
        register("192.0.2.1", number).await.unwrap();
    }
    let begun = shop.auth.hashing_stats().begun;
    let beyond = register("192.0.2.1", 10).await;
    assert!(matches!(beyond, Err(Error::SignIn(SignInError::TooManyRequests))), "{beyond:?}");
    assert_eq!(shop.auth.hashing_stats().begun, begun);
    register("192.0.2.2", 10).await.unwrap();
    shop.advance(60 * 60);
    register("192.0.2.1", 10).await.unwrap();
}

#[tokio::test]
async fn a_reset_token_is_looked_at_and_not_spent() {
    let shop = shop();
    let (one, origin) = (CustomerId::from(1), Origin::default());
    let token = shop.reset_token().await;
    for _ in 0..10 {
        shop.auth.check_reset_token(&one, token.as_str(), &origin).await.unwrap();
    }
    let mismatched = async |customer: &CustomerId, token: &str, of: &str| {
        let refused = shop.auth.check_reset_token(customer, token, &Origin::from(from("192.0.2.9"))).await;
        let is = matches!(refused, Err(Error::SignIn(SignInError::ResetTokenMismatched)));
        assert!(is, "{of}: {refused:?}");
    };
    mismatched(&one, WRONG, "a wrong token").await;
    mismatched(&one, &"x".repeat(5000), "an over-long token").await;
    mismatched(&CustomerId::from(2), &token, "an unknown customer").await;
    shop.set_customer(|row| row.status = AccountStatus::Disabled);
    mismatched(&one, &token, "a disabled account").await;
    shop.set_customer(|_| ());
    shop.auth.reset_password(PasswordReset::new(EMAIL, token.as_str(), GOOD)).await.unwrap();
    mismatched(&one, &token, "a spent token").await;
    let token = shop.reset_token().await;
    shop.advance(2 * 60 * 60);
    mismatched(&one, &token, "an expired token").await;
    let trail = told(&shop.trail().await);
    let looks = trail.iter().filter(|(action, _)| *action == Action::ResetTokenCheck).collect::<Vec<_>>();
    assert!(looks.iter().all(|(_, outcome)| matches!(outcome, Outcome::Refused(_))), "{looks:?}");
    assert!(looks.contains(&&(Action::ResetTokenCheck, Outcome::Refused(Refusal::UnknownAccount))));
}

#[tokio::test]
async fn looks_at_reset_tokens_are_limited_for_each_customer_and_source() {
    let shop = shop();
    let token = shop.reset_token().await;
    for customer in [CustomerId::from(1), CustomerId::from(2)] {
        let look = async |source: &str, token: &str| {
            shop.auth.check_reset_token(&customer, token, &Origin::from(from(source))).await
        };
        for _ in 0..6 {
            look("192.0.2.1", WRONG).await.unwrap_err();
        }
        let beyond = look("192.0.2.1", &token).await;
        assert!(matches!(beyond, Err(Error::SignIn(SignInError::TooManyRequests))), "{beyond:?}");
        assert_eq!(look("192.0.2.2", &token).await.is_ok(), customer == CustomerId::from(1));
    }
    // One source and many customers.
    let mut refused = 0;
    for number in 0..100 {
        let origin = Origin::from(from("192.0.2.3"));
        let look = shop.auth.check_reset_token(&CustomerId::from(number + 10), WRONG, &origin).await;
        refused += usize::from(matches!(look, Err(Error::SignIn(SignInError::ResetTokenMismatched))));
    }
    assert_eq!(refused, 100);
    let beyond = shop
        .auth
        .check_reset_token(&CustomerId::from(1), token.as_str(), &Origin::from(from("192.0.2.3")))
        .await;
    assert!(matches!(beyond, Err(Error::SignIn(SignInError::TooManyRequests))), "{beyond:?}");
}
