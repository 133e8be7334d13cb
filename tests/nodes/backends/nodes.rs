//! Two nodes over one database are one shop.

use std::sync::Arc;

use commerce_auth::{
    AdminId, CustomerId, Error, SignIn,
    account::{AccountStatus, Permission},
    error::{SignInError, TokenError},
    flow::{AdminChange, ConfirmationRequest, EmailConfirmation, Keep, PasswordReset, PasswordResetRequest},
    notifier::Notice,
};
use futures_util::FutureExt;

use crate::backends::{
    Result,
    engine::Engine,
    shop::{EMAIL, PASSWORD, Shop, WRONG, at_once},
};

const BOTH: [bool; 2] = [true, true];
const NEITHER: [bool; 2] = [false, false];

pub(crate) async fn a_code_is_redeemed_once(engine: &Engine) -> Result {
    let shop = Arc::new(Shop::open(engine).await?);
    let admin = shop.admin_token(0).await?;
    let code = shop.code(1, &admin).await?;
    let answers = at_once(100, |caller| {
        let (shop, code) = (Arc::clone(&shop), code.clone());
        async move {
            // Each attempt has its own source, or the budget would refuse most of them.
            let source = std::net::IpAddr::from([10, 0, 0, u8::try_from(caller).unwrap_or_default()]);
            let exchange = SignIn::new(EMAIL, code).origin(source);
            shop.node(caller).exchange_one_time_code(exchange).await
        }
        .boxed()
    })
    .await;
    let mut tokens = Vec::new();
    for answer in answers {
        match answer {
            Ok(signed_in) => tokens.push(signed_in.token().expose().to_owned()),
            Err(error) => assert!(matches!(error, Error::SignIn(SignInError::Refused)), "{error:?}"),
        }
    }
    assert_eq!(tokens.len(), 1, "a code was bought {} times", tokens.len());
    assert_eq!(shop.lives(&tokens[0]).await, NEITHER, "the token of a replayed code is still live");
    Ok(())
}

/// An attacker who reads the customer's mail signs in by the link, or sets a password with it,
/// before the customer uses it.
pub(crate) async fn a_reset_token_that_a_thief_used_first_ends_what_it_bought(engine: &Engine) -> Result {
    const NEW: &str = "N3w-password";
    let shop = Shop::open(engine).await?;
    for sets_password in [false, true] {
        let own = shop.sign_in(0, PASSWORD).await?;
        shop.node(0).request_password_reset(PasswordResetRequest::new(EMAIL)).await?;
        let token = shop.outbox.reset_token().ok_or("a mail")?;
        let reset = || PasswordReset::new(EMAIL, token.as_str(), NEW);
        let thief = if sets_password {
            shop.node(0).reset_password(reset()).await?;
            shop.sign_in(0, NEW).await?
        } else {
            shop.sign_in(0, &token).await?
        };
        assert_eq!(shop.lives(&thief).await, BOTH);
        let again = shop.node(1).reset_password(reset()).await;
        assert!(matches!(again, Err(Error::SignIn(SignInError::ResetTokenMismatched))), "{again:?}");
        assert_eq!(shop.lives(&thief).await, NEITHER, "sets a password: {sets_password}");
        assert_eq!(shop.lives(&own).await, if sets_password { NEITHER } else { BOTH });
        let told = shop.outbox.take();
        let replays = told.iter().filter(|mail| matches!(mail.notice, Notice::CredentialReplayed { .. }));
        assert_eq!(replays.count(), 1, "{told:?}");
    }
    Ok(())
}

pub(crate) async fn an_address_is_confirmed_once(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let row = shop.databases[0].customers.find_by_id(&CustomerId::from(1)).await?;
    let row = row.ok_or("customer 1 is there")?;
    let status = AccountStatus::Unconfirmed;
    shop.databases[0].customers.put(row.with_status(status)).await?;
    shop.node(0).request_confirmation(ConfirmationRequest::new(EMAIL)).await?;
    let token = shop.outbox.confirmation_token().ok_or("a mail to the customer")?;
    let shop = confirmed_once(shop, EMAIL, token).await;
    shop.sign_in(1, PASSWORD).await?;
    Ok(())
}

pub(crate) async fn a_changed_address_is_confirmed_once(engine: &Engine) -> Result {
    const NEW: &str = "bob@example.org";
    let shop = Shop::open(engine).await?;
    let signed_in = shop.sign_in(0, PASSWORD).await?;
    shop.node(1).request_email_change(signed_in.as_str(), PASSWORD, NEW).await?;
    let token = shop.outbox.confirmation_token().ok_or("a mail to the new address")?;
    let shop = confirmed_once(shop, NEW, token).await;
    let told = shop.outbox.take();
    let told =
        told.iter().filter(|mail| matches!(mail.notice, Notice::EmailChanged)).map(|mail| &*mail.email);
    assert_eq!(told.collect::<Vec<_>>(), [EMAIL, NEW]);
    assert_eq!(shop.lives(&signed_in).await, NEITHER);
    shop.node(1).generate_customer_token(SignIn::new(NEW, PASSWORD)).await?;
    Ok(())
}

/// A hundred callers present one token: one of them confirms the address.
async fn confirmed_once(shop: Shop, email: &'static str, token: String) -> Arc<Shop> {
    let shop = Arc::new(shop);
    let answers = at_once(100, |caller| {
        let (shop, token) = (Arc::clone(&shop), token.clone());
        async move {
            // Each caller has its own source, or the budget would refuse most of them.
            let source = std::net::IpAddr::from([10, 0, 0, u8::try_from(caller).unwrap_or_default()]);
            shop.node(caller).confirm_email(EmailConfirmation::new(email, token).origin(source)).await
        }
        .boxed()
    })
    .await;
    let confirmed = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(confirmed, 1, "an address was confirmed {confirmed} times");
    for error in answers.into_iter().filter_map(std::result::Result::err) {
        assert!(matches!(error, Error::Confirmation(_)), "{error:?}");
    }
    shop
}

pub(crate) async fn a_budget_is_one_budget(engine: &Engine) -> Result {
    let shop = Arc::new(Shop::open(engine).await?);
    let begun = || shop.nodes.iter().map(|node| node.hashing_stats().begun).sum::<u64>();
    let before = begun();
    let answers = at_once(100, |caller| {
        let shop = Arc::clone(&shop);
        async move { shop.sign_in(caller, WRONG).await }.boxed()
    })
    .await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::SignIn(SignInError::Refused)))));
    assert_eq!(begun() - before, 6, "a budget of six guesses over two nodes");
    for node in 0..2 {
        assert!(
            matches!(shop.sign_in(node, PASSWORD).await, Err(Error::SignIn(SignInError::Refused))),
            "it is locked"
        );
    }
    shop.advance(30 * 60);
    shop.sign_in(1, PASSWORD).await?;
    Ok(())
}

pub(crate) async fn right_sign_ins_wait_their_turn(engine: &Engine) -> Result {
    let shop = Arc::new(Shop::open(engine).await?);
    let answers = at_once(24, |caller| {
        let shop = Arc::clone(&shop);
        async move { shop.sign_in(caller, PASSWORD).await }.boxed()
    })
    .await;
    for answer in answers {
        assert_eq!(shop.lives(&answer?).await, BOTH);
    }
    Ok(())
}

pub(crate) async fn what_one_node_revokes_the_other_refuses(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let (one, other) = (shop.sign_in(0, PASSWORD).await?, shop.sign_in(1, PASSWORD).await?);
    assert_eq!((shop.lives(&one).await, shop.lives(&other).await), (BOTH, BOTH));
    assert_eq!(shop.node(0).list_customer_tokens(other.as_str()).await?.len(), 2);
    shop.node(1).revoke_customer_token(one.as_str()).await?;
    assert_eq!((shop.lives(&one).await, shop.lives(&other).await), (NEITHER, BOTH));

    let third = shop.sign_in(0, PASSWORD).await?;
    shop.node(0).revoke_all_customer_tokens(third.as_str(), Keep::Presented).await?;
    assert_eq!((shop.lives(&other).await, shop.lives(&third).await), (NEITHER, BOTH));

    let admin = shop.admin_token(0).await?;
    shop.node(1).revoke_everything().await?;
    assert_eq!(shop.lives(&third).await, NEITHER);
    assert!(matches!(
        shop.node(0).verify_admin(admin.as_str()).await,
        Err(Error::Token(TokenError::Invalid))
    ));
    let later = shop.sign_in(0, PASSWORD).await?;
    assert_eq!(shop.lives(&later).await, BOTH, "a later sign-in gives a live token");
    shop.advance(60 * 60);
    assert_eq!(shop.lives(&later).await, NEITHER, "for an hour");
    shop.nodes[0].purge(1000).await?;
    Ok(())
}

pub(crate) async fn a_revoke_all_outruns_sign_ins_in_flight(engine: &Engine) -> Result {
    let shop = Arc::new(Shop::open(engine).await?);
    for _ in 0..3 {
        let presented = shop.sign_in(0, PASSWORD).await?;
        let answers = at_once(13, |caller| {
            let (shop, presented) = (Arc::clone(&shop), presented.clone());
            async move {
                if caller == 6 {
                    shop.node(1).revoke_all_customer_tokens(presented.as_str(), Keep::Nothing).await?;
                    // Some sign-ins are answered before the revocation returns, and others later,
                    // because they were in flight.
                    return Ok(None);
                }
                shop.sign_in(caller, PASSWORD).await.map(Some)
            }
            .boxed()
        })
        .await;
        // A token of a sign-in that began after the revocation is live, and one that began before
        // it is not. Both may happen here. Once more without a race:
        let last = shop.sign_in(1, PASSWORD).await?;
        shop.node(0).revoke_all_customer_tokens(last.as_str(), Keep::Nothing).await?;
        for answer in answers {
            match answer {
                Ok(Some(token)) => assert_eq!(shop.lives(&token).await, NEITHER),
                Ok(None) | Err(Error::SignIn(SignInError::Refused)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

pub(crate) async fn assistance_ends_on_both(engine: &Engine) -> Result {
    let shop = Shop::open(engine).await?;
    let own = shop.sign_in(0, PASSWORD).await?;
    let admin = shop.admin_token(0).await?;
    let token = shop.assisting(1, &admin).await?;
    assert_eq!(shop.lives(&token).await, BOTH);
    shop.node(0).set_remote_shopping_assistance(own.as_str(), false).await?;
    assert_eq!(shop.lives(&token).await, NEITHER, "the consent is withdrawn");
    shop.node(1).set_remote_shopping_assistance(own.as_str(), true).await?;

    let token = shop.assisting(0, &admin).await?;
    shop.put_admin(|row| row.permissions = vec![Permission::Login]).await?;
    assert_eq!(shop.lives(&token).await, NEITHER, "a permission was removed");
    shop.put_admin(|row| row.status = AccountStatus::Disabled).await?;
    assert_eq!(shop.lives(&token).await, NEITHER, "the admin user is disabled");
    assert!(matches!(
        shop.node(1).verify_admin(admin.as_str()).await,
        Err(Error::Token(TokenError::Invalid))
    ));
    shop.put_admin(|_| ()).await?;
    assert_eq!(shop.lives(&token).await, BOTH, "and back again");

    let code = shop.code(0, &admin).await?;
    shop.node(0).revoke_admin_token(admin.as_str()).await?;
    assert_eq!(shop.lives(&token).await, NEITHER, "the admin user has signed out");
    assert!(matches!(shop.sign_in(1, &code).await, Err(Error::SignIn(SignInError::Refused))));

    let admin = shop.admin_token(1).await?;
    let token = shop.assisting(0, &admin).await?;
    shop.node(1).admin_changed(&AdminId::from(7), AdminChange::Disabled).await?;
    assert_eq!(shop.lives(&token).await, NEITHER, "the host called customer_changed");
    assert_eq!(shop.lives(&own).await, BOTH, "the customer's own token stays live");
    Ok(())
}

pub(crate) async fn a_new_password_ends_what_the_other_node_issued(engine: &Engine) -> Result {
    const NEW: &str = "N3w-password";
    let shop = Shop::open(engine).await?;
    let (one, other) = (shop.sign_in(0, PASSWORD).await?, shop.sign_in(1, PASSWORD).await?);
    shop.node(0).change_password(one.as_str(), PASSWORD, NEW).await?;
    assert_eq!((shop.lives(&one).await, shop.lives(&other).await), (BOTH, NEITHER));
    assert!(matches!(shop.sign_in(1, PASSWORD).await, Err(Error::SignIn(SignInError::Refused))));

    for node in 0..4 {
        shop.node(node).request_password_reset(PasswordResetRequest::new(EMAIL)).await?;
    }
    let token = shop.outbox.reset_token().ok_or("a reset token was mailed")?;
    shop.node(1).reset_password(PasswordReset::new(EMAIL, token.as_str(), PASSWORD)).await?;
    assert_eq!(shop.lives(&one).await, NEITHER);
    let again = PasswordReset::new(EMAIL, token.as_str(), NEW);
    assert!(matches!(
        shop.node(0).reset_password(again).await,
        Err(Error::SignIn(SignInError::ResetTokenMismatched))
    ));
    shop.sign_in(0, PASSWORD).await?;
    assert!(shop.databases[1].customers.find_by_id(&CustomerId::from(1)).await?.is_some());
    Ok(())
}
