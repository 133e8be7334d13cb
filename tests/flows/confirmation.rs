//! An account's own e-mail address is confirmed by a mailed token: once, and only by the holder of
//! the token. Strangers learn nothing from it.

use std::collections::BTreeSet;

use commerce_auth::{
    Auth, AuthConfig, CustomerId, CustomerStore, Error, ErrorKind, Website,
    account::{AccountStatus, CustomerRecord},
    audit::{Action, Outcome, Refusal},
    config::Confirmation,
    error::{ConfirmationError, SignInError},
    flow::{ConfirmationRequest, CustomerChange, EmailConfirmation, PasswordReset},
    notifier::Notice,
    store::memory::MemoryStore,
};
use support::{EMAIL, PASSWORD, Shop, WRONG, fast, shop, sink::told};

const DAY: u64 = 24 * 60 * 60;

fn unconfirmed() -> Shop {
    unconfirmed_with(fast())
}

/// Returns a shop with which customer 1 has registered.
fn unconfirmed_with(config: AuthConfig) -> Shop {
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    shop
}

async fn mailed(shop: &Shop) -> String {
    shop.auth.request_confirmation(ConfirmationRequest::new(EMAIL)).await.unwrap();
    shop.outbox.confirmation_token().expect("a mail to the customer")
}

async fn confirm(auth: &Auth, email: &str, token: &str) -> Result<(), Error> {
    auth.confirm_email(EmailConfirmation::new(email, token)).await.map(drop)
}

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(result: &Result<T, Error>, of: &str) {
    let invalid = matches!(result, Err(Error::Confirmation(ConfirmationError::InvalidToken)));
    assert!(invalid, "{of}: {result:?}");
}

async fn status(shop: &Shop) -> AccountStatus {
    shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap().status
}

#[tokio::test]
async fn a_confirmed_customer_signs_in() {
    let shop = unconfirmed();
    let token = mailed(&shop).await;
    assert!(matches!(shop.sign_in(PASSWORD).await, Err(Error::SignIn(SignInError::NotConfirmed))));
    let confirmed = shop.auth.confirm_email(EmailConfirmation::new("BobLobLaw@Example.com", token)).await;
    let confirmed = confirmed.unwrap();
    assert_eq!((confirmed.customer, confirmed.replaced), (CustomerId::from(1), false));
    shop.sign_in(PASSWORD).await.unwrap();
    let trail = told(&shop.trail().await);
    let expected = [
        (Action::ConfirmationRequest, Outcome::Succeeded),
        (Action::SignIn, Outcome::Refused(Refusal::AccountUnconfirmed)),
        (Action::EmailConfirmation, Outcome::Begun),
        (Action::EmailConfirmation, Outcome::Succeeded),
        (Action::SignIn, Outcome::Succeeded),
    ];
    for expected in &expected {
        assert!(trail.contains(expected), "{expected:?} is not in {trail:?}");
    }
    assert_eq!(trail.len(), expected.len(), "{trail:?}");
}

#[tokio::test]
async fn a_token_works_once_and_only_its_holder_is_told_that_it_did() {
    let shop = unconfirmed();
    let token = mailed(&shop).await;
    confirm(&shop.auth, EMAIL, &token).await.unwrap();
    let again = confirm(&shop.auth, EMAIL, &token).await;
    let already = Error::Confirmation(ConfirmationError::AlreadyConfirmed);
    assert_eq!(again.unwrap_err().to_string(), already.to_string());
    assert_eq!(already.to_string(), "The account is already active.");
    assert_invalid(&confirm(&shop.auth, "other@example.com", &token).await, "the token at another address");
    assert_invalid(&confirm(&shop.auth, EMAIL, &"0".repeat(32)).await, "another token at the address");
    // The host has given the account another address. The holder of the token does not learn which
    // one.
    shop.set_customer(|row| row.email = "moved@example.com".into());
    for email in [EMAIL, "moved@example.com"] {
        assert_invalid(&confirm(&shop.auth, email, &token).await, email);
    }
    shop.set_customer(|_| ());
    shop.advance(DAY);
    assert_invalid(&confirm(&shop.auth, EMAIL, &token).await, "the token once it has expired");
}

#[tokio::test]
async fn a_token_ends_at_the_instant_of_its_expiry() {
    for (seconds, is_good) in [(DAY - 1, true), (DAY, false)] {
        let shop = unconfirmed();
        let token = mailed(&shop).await;
        shop.advance(seconds);
        let confirmed = confirm(&shop.auth, EMAIL, &token).await;
        assert_eq!(confirmed.is_ok(), is_good, "after {seconds} s: {confirmed:?}");
    }
}

#[tokio::test]
async fn every_wrong_token_gets_one_answer() {
    let shop = unconfirmed();
    let outlet: Website = "outlet".parse().unwrap();
    let other = |id: i64, website: &Website, email: &str| {
        CustomerRecord::new(id, email).with_website(website.clone()).with_status(AccountStatus::Unconfirmed)
    };
    shop.customers.upsert(other(2, &Website::default(), "other@example.com")).unwrap();
    shop.customers.upsert(other(3, &outlet, EMAIL)).unwrap();
    let ask = async |request: ConfirmationRequest| {
        shop.auth.request_confirmation(request).await.unwrap();
        shop.outbox.confirmation_token().unwrap()
    };
    let (own, others, reset) = (
        mailed(&shop).await,
        ask(ConfirmationRequest::new("other@example.com")).await,
        shop.reset_token().await,
    );
    let elsewhere = ask(ConfirmationRequest::new(EMAIL).website(outlet.clone())).await;
    let over_long = "x".repeat(5000);
    for (email, token) in [
        (EMAIL, others.as_str()),
        (EMAIL, elsewhere.as_str()),
        (EMAIL, reset.as_str()),
        (EMAIL, WRONG),
        (EMAIL, &own[1..]),
        (EMAIL, &over_long),
        ("other@example.com", own.as_str()),
        ("nobody@example.com", own.as_str()),
        ("nobody@example.com", WRONG),
    ] {
        let from = EmailConfirmation::new(email, token).origin(source(&format!("{email}{token}")));
        assert_invalid(&shop.auth.confirm_email(from).await, email);
    }
    let on_outlet =
        shop.auth.confirm_email(EmailConfirmation::new(EMAIL, own.as_str()).website(outlet)).await;
    assert_invalid(&on_outlet, "a token of the other website");
    assert_eq!(status(&shop).await, AccountStatus::Unconfirmed);
    // The token is no password and no reset token.
    let nothing = shop.sign_in(&own).await;
    assert!(matches!(nothing, Err(Error::SignIn(SignInError::Refused))), "{nothing:?}");
    let nothing = shop.auth.reset_password(PasswordReset::new(EMAIL, own.as_str(), "N3w-password")).await;
    assert!(matches!(nothing, Err(Error::SignIn(SignInError::ResetTokenMismatched))), "{nothing:?}");
    confirm(&shop.auth, EMAIL, &own).await.expect("the credential was not spent");
}

/// Returns a source that depends on the text.
fn source(text: &str) -> std::net::IpAddr {
    let bits = text.bytes().fold(7_u32, |bits, byte| bits.wrapping_mul(31).wrapping_add(byte.into()));
    std::net::Ipv4Addr::from_bits(bits).into()
}

#[tokio::test]
async fn the_newest_three_tokens_stay_good() {
    let shop = unconfirmed();
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(mailed(&shop).await);
    }
    assert_invalid(&confirm(&shop.auth, EMAIL, &tokens[0]).await, "the oldest of four");
    confirm(&shop.auth, EMAIL, &tokens[1]).await.unwrap();
    for token in &tokens[2..] {
        assert_invalid(&confirm(&shop.auth, EMAIL, token).await, "one that the confirmation has ended");
    }
}

#[tokio::test]
async fn whatever_ends_a_customers_credentials_ends_the_tokens() {
    let shop = unconfirmed();
    let token = mailed(&shop).await;
    shop.auth.customer_changed(&CustomerId::from(1), CustomerChange::PasswordChanged).await.unwrap();
    assert_invalid(&confirm(&shop.auth, EMAIL, &token).await, "after customer_changed");
    let (token, reset) = (mailed(&shop).await, shop.reset_token().await);
    shop.auth.reset_password(PasswordReset::new(EMAIL, reset, "N3w-password")).await.unwrap();
    assert_invalid(&confirm(&shop.auth, EMAIL, &token).await, "after a reset");
    let token = mailed(&shop).await;
    shop.set_customer(|row| row.status = AccountStatus::Disabled);
    assert_invalid(&confirm(&shop.auth, EMAIL, &token).await, "of a disabled account");
    assert_eq!(status(&shop).await, AccountStatus::Disabled);
    shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    confirm(&shop.auth, EMAIL, &token).await.expect("the credential was not spent");
}

#[tokio::test]
async fn a_request_tells_nobody_who_has_an_account() {
    let shop = unconfirmed();
    for (status, after_registration, expected) in [
        (Some(AccountStatus::Unconfirmed), false, Some("ConfirmationRequested")),
        (Some(AccountStatus::Unconfirmed), true, Some("ConfirmationRequested")),
        (Some(AccountStatus::Active), false, None),
        (Some(AccountStatus::Active), true, Some("RegisteredAgain")),
        (Some(AccountStatus::Disabled), true, None),
        (None, true, None),
    ] {
        shop.customers.remove(&CustomerId::from(1));
        if let Some(status) = status {
            shop.set_customer(|row| row.status = status);
        }
        shop.advance(60 * 60);
        let request = ConfirmationRequest::new(EMAIL);
        let request = if after_registration { request.after_registration() } else { request };
        shop.auth.request_confirmation(request).await.expect("one answer");
        let mails = shop.outbox.take();
        let told = mails.iter().map(|mail| match &mail.notice {
            Notice::ConfirmationRequested { .. } => "ConfirmationRequested",
            Notice::RegisteredAgain => "RegisteredAgain",
            _ => "something else",
        });
        let of = format!("{status:?}, {after_registration}");
        assert_eq!(told.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>(), "{of}");
        assert!(mails.iter().all(|mail| mail.email == EMAIL), "{of}");
    }
}

#[tokio::test]
async fn requests_have_budgets_of_their_own_for_the_address_and_the_source() {
    let shop = unconfirmed();
    let ask = async |email: &str, source: Option<&str>| {
        let request = ConfirmationRequest::new(email);
        let request = match source {
            Some(source) => request.origin(source.parse::<std::net::IpAddr>().unwrap()),
            None => request,
        };
        shop.auth.request_confirmation(request).await
    };
    for email in [EMAIL, "nobody@example.com"] {
        for _ in 0..5 {
            ask(email, None).await.unwrap();
        }
        let beyond = ask(email, None).await;
        assert!(matches!(beyond, Err(Error::SignIn(SignInError::TooManyRequests))), "{beyond:?}");
    }
    for number in 0..20 {
        ask(&format!("{number}@example.com"), Some("192.0.2.1")).await.unwrap();
    }
    let beyond = ask("one@example.com", Some("192.0.2.1")).await;
    assert!(matches!(beyond, Err(Error::SignIn(SignInError::TooManyRequests))), "{beyond:?}");
    ask("one@example.com", Some("192.0.2.2")).await.unwrap();
    shop.reset_token().await;
}

#[tokio::test]
async fn wrong_tokens_are_limited_for_each_source() {
    let shop = unconfirmed();
    let token = mailed(&shop).await;
    for email in [EMAIL, "nobody@example.com"] {
        for _ in 0..6 {
            assert_invalid(&confirm(&shop.auth, email, WRONG).await, email);
        }
        let beyond = confirm(&shop.auth, email, WRONG).await;
        assert!(matches!(beyond, Err(Error::SignIn(SignInError::TooManyRequests))), "{beyond:?}");
    }
    let elsewhere = EmailConfirmation::new(EMAIL, token).origin(source("another source"));
    shop.auth.confirm_email(elsewhere).await.unwrap();
}

#[tokio::test]
async fn where_the_website_does_not_demand_it_an_unconfirmed_customer_is_like_an_active_one() {
    let outlet: Website = "outlet".parse().unwrap();
    for (confirmation, is_demanded) in [
        (Confirmation::Everywhere, true),
        (Confirmation::Only(BTreeSet::from([Website::default(), outlet.clone()])), true),
        (Confirmation::Only(BTreeSet::from([outlet])), false),
        (Confirmation::Nowhere, false),
    ] {
        let mut config = fast();
        config.confirmation = confirmation;
        let shop = unconfirmed_with(config);
        let of = format!("{:?}", shop.auth.config().confirmation);
        assert_eq!(shop.auth.config().confirmation.is_demanded_on(&Website::default()), is_demanded);
        let admin = shop.admin_token().await;
        assert_eq!(shop.assisting(&admin, 0).await.is_err(), is_demanded, "{of}");
        match shop.sign_in(PASSWORD).await {
            Ok(signed_in) if !is_demanded => {
                shop.auth.confirm_password(signed_in.token(), PASSWORD).await.unwrap();
            }
            Err(Error::SignIn(SignInError::NotConfirmed)) if is_demanded => {}
            other => panic!("{of}: {other:?}"),
        }
        assert_eq!(status(&shop).await, AccountStatus::Unconfirmed);
        let token = mailed(&shop).await;
        confirm(&shop.auth, EMAIL, &token).await.unwrap();
        assert_eq!(status(&shop).await, AccountStatus::Active);
    }
}

/// An attacker registers another person's address and waits for the owner to confirm it.
#[tokio::test]
async fn what_was_obtained_before_the_confirmation_ends_with_it() {
    let mut config = fast();
    config.confirmation = Confirmation::Nowhere;
    let shop = unconfirmed_with(config);
    let strangers = shop.sign_in(PASSWORD).await.unwrap();
    shop.auth.request_email_change(strangers.token(), PASSWORD, "stranger@example.com").await.unwrap();
    let change = shop.outbox.confirmation_token().unwrap();
    let token = mailed(&shop).await;
    confirm(&shop.auth, EMAIL, &token).await.unwrap();
    assert!(shop.auth.verify_customer(strangers.token()).await.is_err(), "the stranger's token has ended");
    assert_invalid(&confirm(&shop.auth, "stranger@example.com", &change).await, "the stranger's change");
}

#[tokio::test]
async fn a_host_that_asks_for_the_password_confirms_nobody_without_it() {
    let shop = unconfirmed();
    let token = mailed(&shop).await;
    let with = async |password: &str| {
        shop.auth.confirm_email(EmailConfirmation::new(EMAIL, token.as_str()).password(password)).await
    };
    for _ in 0..2 {
        let refused = with(WRONG).await;
        assert!(matches!(refused, Err(Error::SignIn(SignInError::WrongPassword))), "{refused:?}");
    }
    assert_eq!(status(&shop).await, AccountStatus::Unconfirmed);
    let begun = shop.auth.hashing_stats().begun;
    let wrong = EmailConfirmation::new(EMAIL, WRONG).password(PASSWORD);
    assert_invalid(&shop.auth.confirm_email(wrong).await, "a wrong token");
    assert_eq!(shop.auth.hashing_stats().begun, begun, "no hash without the token");
    with(PASSWORD).await.unwrap();
    // Wrong passwords are counted like wrong tokens.
    let shop = unconfirmed();
    let token = mailed(&shop).await;
    let with = |password: &'static str| {
        shop.auth.confirm_email(EmailConfirmation::new(EMAIL, token.as_str()).password(password))
    };
    for _ in 0..6 {
        with(WRONG).await.unwrap_err();
    }
    let beyond = with(PASSWORD).await;
    assert!(matches!(beyond, Err(Error::SignIn(SignInError::TooManyRequests))), "{beyond:?}");
}

#[tokio::test]
async fn a_table_without_the_verbs_makes_it_unavailable() {
    /// A customer table with only the required verbs.
    struct Old(commerce_auth::store::memory::MemoryCustomers);

    #[async_trait::async_trait]
    impl CustomerStore for Old {
        type Row = CustomerRecord;

        async fn find_by_email(
            &self,
            website: &Website,
            email: &commerce_auth::Email,
        ) -> Result<Option<CustomerRecord>, commerce_auth::error::StoreError> {
            self.0.find_by_email(website, email).await
        }

        async fn find_by_id(
            &self,
            id: &CustomerId,
        ) -> Result<Option<CustomerRecord>, commerce_auth::error::StoreError> {
            self.0.find_by_id(id).await
        }

        async fn replace_password_hash(
            &self,
            id: &CustomerId,
            expected: Option<&commerce_auth::PasswordHash>,
            new: &commerce_auth::PasswordHash,
        ) -> Result<bool, commerce_auth::error::StoreError> {
            self.0.replace_password_hash(id, expected, new).await
        }

        async fn set_assistance(
            &self,
            id: &CustomerId,
            allowed: bool,
        ) -> Result<bool, commerce_auth::error::StoreError> {
            self.0.set_assistance(id, allowed).await
        }
    }

    let own = shop();
    own.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    let shop =
        Shop::open(MemoryStore::new(), fast(), |builder| builder.customers(Old(own.customers.clone())));
    let token = mailed(&shop).await;
    let refused = confirm(&shop.auth, EMAIL, &token).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    let source = std::error::Error::source(&refused).and_then(std::error::Error::source).unwrap();
    assert_eq!(source.to_string(), "the customer table does not support CustomerStore::confirm");
    assert_eq!(status(&own).await, AccountStatus::Unconfirmed);
}
