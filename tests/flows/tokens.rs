//! The life of a token: verified, expired, revoked and listed; and the operations that a token of
//! assistance may not do.

use std::sync::Arc;

use commerce_auth::{
    AdminId, Auth, AuthConfig, CustomerId, Error, ErrorKind, Origin, SignIn, TokenStore, Website,
    account::{AccountStatus, Permission},
    config::RevokeScope,
    error::{InputError, InternalError, SignInError, TokenError},
    flow::{CustomerChange, Keep},
    random::danger::SeededRandom,
    store::memory::MemoryStore,
    token::{Bearer, Grant, GrantId, Identity, Obtained},
};
use support::{
    EMAIL, PASSWORD, Shop, WRONG, fast,
    fresh::{CAP, fresh},
    shop,
};

#[tokio::test]
async fn a_token_looks_like_commerces_and_verifies_until_its_instant() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let token = signed_in.token().expose();
    assert_eq!(token.len(), 32);
    assert!(token.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
    shop.advance(3599);
    let who = shop.auth.verify_customer(token).await.unwrap();
    assert_eq!((who.customer_id(), who.website()), (&CustomerId::from(1), &Website::default()));
    assert_eq!(who.expires_at(), signed_in.expires_at());
    assert!(who.actor().is_none() && who.reason().is_none() && who.require_self().is_ok());
    assert!(matches!(shop.auth.verify(token).await, Ok(Identity::Customer(_))));
    shop.advance(1);
    let error = shop.auth.verify_customer(token).await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        ("Composite reader could not read a token", ErrorKind::Authentication)
    );
}

#[tokio::test]
async fn each_sign_in_mints_another_token() {
    let shop = shop();
    let (one, other) = (shop.sign_in(PASSWORD).await.unwrap(), shop.sign_in(PASSWORD).await.unwrap());
    assert_ne!(one.token().expose(), other.token().expose());
    for signed_in in [one, other] {
        shop.auth.verify_customer(signed_in.token()).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_that_was_drawn_before_is_not_issued_again() {
    // Two nodes with the same random numbers: the second overwrites nothing, and its error gives
    // the reason.
    let shop = shop();
    let node = || {
        Auth::builder(Arc::clone(&shop.store))
            .customers(shop.customers.clone())
            .without_notifier()
            .clock(Arc::clone(&shop.clock))
            .config(fast())
            .random(SeededRandom::from_seed([1; 32]))
            .build()
            .unwrap()
    };
    let first = node().generate_customer_token(SignIn::new(EMAIL, PASSWORD)).await.unwrap();
    let second = node().generate_customer_token(SignIn::new(EMAIL, PASSWORD)).await;
    assert!(matches!(second, Err(Error::Internal(InternalError::RepeatedSecret))));
    shop.auth.verify_customer(first.token()).await.unwrap();
}

#[tokio::test]
async fn kinds_do_not_cross() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    // The id of a grant is not a token, and neither is a code or a reset token.
    let who = shop.auth.verify_customer(signed_in.token()).await.unwrap();
    for text in [who.grant().to_string(), shop.code().await, shop.reset_token().await] {
        assert!(matches!(shop.auth.verify(&text).await, Err(Error::Token(TokenError::Invalid))));
    }
    // An admin user's token is not a customer's. The test puts its grant in the place of the
    // customer's.
    let id = GrantId::of(signed_in.token().expose().as_bytes());
    shop.auth.revoke_customer_token(signed_in.token()).await.unwrap();
    shop.advance(120);
    let now = shop.now();
    let grant = Grant::admin(id, AdminId::from(7), Obtained::Password, now, now + time::Duration::HOUR);
    let generation = shop.store.generation(&grant.subject, fresh()).await.unwrap();
    let _ = shop.store.insert(&grant, &Origin::default(), generation, CAP, now).await.unwrap();
    let error = shop.auth.verify_customer(signed_in.token()).await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        ("The current customer isn't authorized.", ErrorKind::Authorization)
    );
    let Ok(Identity::Admin(admin)) = shop.auth.verify(signed_in.token()).await else {
        panic!("an admin user's token")
    };
    assert_eq!(admin.admin_id(), &AdminId::from(7));
    // The rights of an admin token are read at each use.
    shop.set_admin(|row| row.permissions = vec![Permission::Login]);
    let Ok(Identity::Admin(admin)) = shop.auth.verify(signed_in.token()).await else {
        panic!("an admin user's token")
    };
    assert!(
        admin.has_permission(Permission::Login) && !admin.has_permission(Permission::AllowShoppingAssistance)
    );
    shop.set_admin(|row| row.status = AccountStatus::Disabled);
    assert!(matches!(shop.auth.verify(signed_in.token()).await, Err(Error::Token(TokenError::Invalid))));
    shop.admins.remove(&AdminId::from(7));
    assert!(matches!(shop.auth.verify(signed_in.token()).await, Err(Error::Token(TokenError::Invalid))));
}

#[tokio::test]
async fn a_token_of_one_website_is_refused_on_another() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let outlet: Website = "outlet".parse().unwrap();
    let elsewhere = || Bearer::from(signed_in.token()).website(outlet.clone());
    assert!(matches!(
        shop.auth.verify_customer(elsewhere()).await,
        Err(Error::Token(TokenError::NotAuthorized))
    ));
    assert!(matches!(shop.auth.verify(elsewhere()).await, Err(Error::Token(TokenError::NotAuthorized))));
    assert!(matches!(
        shop.auth.revoke_customer_token(elsewhere()).await,
        Err(Error::Token(TokenError::NotAuthorized))
    ));
    shop.auth.verify_customer(signed_in.token()).await.expect("the token is still valid on its own website");
}

#[tokio::test]
async fn revoking_ends_one_token_or_all_as_configured() {
    for (scope, others_live) in [(RevokeScope::Presented, true), (RevokeScope::All, false)] {
        let mut config = fast();
        config.revoke = scope;
        let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
        let (one, other) = (shop.sign_in(PASSWORD).await.unwrap(), shop.sign_in(PASSWORD).await.unwrap());
        shop.auth.revoke_customer_token(one.token()).await.unwrap();
        assert!(shop.auth.verify_customer(one.token()).await.is_err());
        assert_eq!(shop.auth.verify_customer(other.token()).await.is_ok(), others_live);
        assert!(matches!(
            shop.auth.revoke_customer_token(one.token()).await,
            Err(Error::Token(TokenError::Invalid))
        ));
        shop.sign_in(PASSWORD)
            .await
            .expect("a sign-in after a revoke at the same instant gives a live token");
    }
}

#[tokio::test]
async fn revoking_all_keeps_the_one_presented_or_none() {
    let shop = shop();
    for (keep, lives) in [(Keep::Presented, true), (Keep::Nothing, false)] {
        let (one, other) = (shop.sign_in(PASSWORD).await.unwrap(), shop.sign_in(PASSWORD).await.unwrap());
        shop.auth.revoke_all_customer_tokens(one.token(), keep).await.unwrap();
        assert_eq!(shop.auth.verify_customer(one.token()).await.is_ok(), lives);
        assert!(shop.auth.verify_customer(other.token()).await.is_err());
    }
}

#[tokio::test]
async fn a_customer_sees_and_ends_her_own_tokens_only() {
    let shop = shop();
    let agent = SignIn::new(EMAIL, PASSWORD)
        .origin(Origin::from(std::net::IpAddr::from([192, 0, 2, 1])).user_agent("Mozilla/5.0"));
    let phone = shop.auth.generate_customer_token(agent).await.unwrap();
    shop.advance(1);
    let laptop = shop.sign_in(PASSWORD).await.unwrap();
    let code = shop.code().await;
    shop.advance(1);
    let assisted = shop.sign_in(&code).await.unwrap();
    let listed = shop.auth.list_customer_tokens(laptop.token()).await.unwrap();
    let seen: Vec<_> = listed.iter().map(|token| (token.grant.obtained, token.presented)).collect();
    assert_eq!(
        seen,
        [(Obtained::OneTimeCode, false), (Obtained::Password, true), (Obtained::Password, false)],
        "the newest first"
    );
    assert_eq!(
        listed[0].grant.assistance.as_ref().map(|assistance| assistance.reason.as_str()),
        Some("cannot pay")
    );
    assert_eq!(listed[2].origin.user_agent.as_deref(), Some("Mozilla/5.0"));
    let shown = format!("{listed:?}") + &serde_json::to_string(&listed[0].grant).unwrap();
    for token in [&phone, &laptop, &assisted] {
        assert!(!shown.contains(token.token().expose()), "a list shows no secret");
    }
    assert!(shop.auth.revoke_listed_customer_token(laptop.token(), &listed[0].grant.id).await.unwrap());
    assert!(shop.auth.verify_customer(assisted.token()).await.is_err());
    assert!(!shop.auth.revoke_listed_customer_token(laptop.token(), &listed[0].grant.id).await.unwrap());
    let admins = shop.admin_grant().await;
    assert!(!shop.auth.revoke_listed_customer_token(laptop.token(), &admins).await.unwrap());
    assert!(
        shop.store.find(&admins, shop.now()).await.unwrap().is_some(),
        "a customer cannot end another customer's grant"
    );
}

#[tokio::test]
async fn what_the_host_changes_ends_tokens_and_codes() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let (reset_token, code) = (shop.reset_token().await, shop.code().await);
    shop.auth.customer_changed(&CustomerId::from(1), CustomerChange::Disabled).await.unwrap();
    assert!(shop.auth.verify_customer(signed_in.token()).await.is_err());
    for credential in [reset_token, code] {
        assert!(matches!(shop.sign_in(&credential).await, Err(Error::SignIn(SignInError::Refused))));
    }
    shop.auth
        .customer_changed(&CustomerId::from(1), CustomerChange::Disabled)
        .await
        .expect("it may be called again");
    shop.sign_in(PASSWORD).await.unwrap();
}

#[tokio::test]
async fn revoking_everything_ends_everybodys_tokens() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let code = shop.code().await;
    shop.auth.revoke_everything().await.unwrap();
    assert!(shop.auth.verify_customer(signed_in.token()).await.is_err());
    assert!(shop.sign_in(&code).await.is_err(), "the admin user behind the code is signed out, too");
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    shop.auth.verify_customer(signed_in.token()).await.unwrap();
}

#[tokio::test]
async fn the_current_password_is_confirmed_within_a_budget_of_its_own() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let confirm = |password: &str| shop.auth.confirm_password(signed_in.token(), password.to_owned());
    confirm(PASSWORD).await.unwrap();
    assert!(matches!(confirm("").await, Err(Error::Input(InputError::Required(_)))));
    assert!(matches!(confirm(&"x".repeat(1025)).await, Err(Error::Input(InputError::PasswordTooLong))));
    // A one-time credential is not a password, and is not spent here.
    let reset_token = shop.reset_token().await;
    assert!(matches!(confirm(&reset_token).await, Err(Error::SignIn(SignInError::WrongPassword))));
    confirm(PASSWORD).await.expect("a right password clears the failure");
    for _ in 0..6 {
        let error = confirm(WRONG).await.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            ("Invalid login or password.", ErrorKind::Authentication)
        );
    }
    let error = confirm(PASSWORD).await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        ("The account is locked.", ErrorKind::Authentication)
    );
    shop.sign_in(&reset_token).await.expect("sign-in has a separate budget");
    shop.advance(1800);
    confirm(PASSWORD).await.unwrap();
    shop.set_customer(|row| row.status = AccountStatus::Disabled);
    assert!(matches!(confirm(PASSWORD).await, Err(Error::SignIn(SignInError::WrongPassword))));
}

#[tokio::test]
async fn new_passwords_are_judged_in_commerces_words() {
    let shop = shop();
    let hash = |password: &str| shop.auth.hash_new_password(EMAIL, password.to_owned());
    assert!(hash(PASSWORD).await.is_ok());
    let over_long = "aB3".repeat(1000);
    for (password, message) in [
        (over_long.as_str(), "Please enter a password with at most 256 characters."),
        ("", "Specify the \"password\" value."),
        ("short", "The password needs at least 8 characters. Create a new password and try again."),
        (EMAIL, "The password can't be the same as the email address. Create a new password and try again."),
    ] {
        let error = hash(password).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (message, ErrorKind::Input));
    }
    assert!(matches!(
        shop.auth.hash_new_password("nobody", PASSWORD).await,
        Err(Error::Input(InputError::Email))
    ));
    let mut config = fast();
    config.password_policy = AuthConfig::strict().password_policy;
    let strict = Shop::open(MemoryStore::new(), config, |builder| builder).auth;
    assert!(strict.hash_new_password(EMAIL, "correct horse battery").await.is_ok());
    assert!(matches!(
        strict.hash_new_password(EMAIL, PASSWORD).await,
        Err(Error::Input(InputError::Policy(_)))
    ));
}

/// Every event that ends an assistance, at its redemption and at every later use.
#[tokio::test]
async fn assistance_is_checked_live() {
    type Change = fn(&Shop);
    let changes: [(&str, Change); 9] = [
        ("the customer withdrew her consent", |shop| shop.set_customer(|row| row.allows_assistance = false)),
        ("the customer is disabled", |shop| shop.set_customer(|row| row.status = AccountStatus::Disabled)),
        ("the customer is gone", |shop| assert!(shop.customers.remove(&CustomerId::from(1)))),
        ("the admin user is disabled", |shop| shop.set_admin(|row| row.status = AccountStatus::Disabled)),
        ("the admin user is gone", |shop| assert!(shop.admins.remove(&AdminId::from(7)))),
        ("the admin user may not sign in as a customer", |shop| {
            shop.set_admin(|row| row.permissions = vec![Permission::AllowShoppingAssistance]);
        }),
        ("the admin user may not assist", |shop| {
            shop.set_admin(|row| row.permissions = vec![Permission::Login]);
        }),
        ("the admin user signed out", |shop| {
            let id = pollster::block_on(shop.admin_grant());
            assert!(pollster::block_on(shop.store.revoke(&id, shop.now(), shop.now())).unwrap());
        }),
        ("the admin user was signed out everywhere", |shop| {
            let subject = commerce_auth::token::Subject::Admin(AdminId::from(7));
            pollster::block_on(shop.store.revoke_all(&subject, None, fresh(), shop.now())).unwrap();
        }),
    ];
    for (what, change) in changes {
        let shop = shop();
        let code = shop.code().await;
        change(&shop);
        assert!(
            matches!(shop.sign_in(&code).await, Err(Error::SignIn(SignInError::Refused))),
            "{what}, at redemption"
        );

        let shop = support::shop();
        let code = shop.code().await;
        let assisted = shop.sign_in(&code).await.unwrap();
        shop.auth.verify_customer(assisted.token()).await.unwrap();
        change(&shop);
        assert!(
            matches!(
                shop.auth.verify_customer(assisted.token()).await,
                Err(Error::Token(TokenError::Invalid))
            ),
            "{what}, in use"
        );
    }
    // The admin user's own token expires.
    let shop = shop();
    shop.admin_grant().await;
    shop.advance(4 * 3600 - 10);
    let code = shop.code().await;
    let assisted = shop.sign_in(&code).await.unwrap();
    assert_eq!(
        assisted.expires_at() - shop.now(),
        time::Duration::seconds(10),
        "never longer than the admin user's own token"
    );
    shop.auth.verify_customer(assisted.token()).await.unwrap();
    shop.advance(10);
    assert!(matches!(
        shop.auth.verify_customer(assisted.token()).await,
        Err(Error::Token(TokenError::Invalid))
    ));
}

#[tokio::test]
async fn an_assistance_token_cannot_overstep() {
    let shop = shop();
    let own = shop.sign_in(PASSWORD).await.unwrap();
    let code = shop.code().await;
    let assisted = shop.sign_in(&code).await.unwrap();
    let token = assisted.token();
    let who = shop.auth.verify_customer(token).await.unwrap();
    assert_eq!((who.actor(), who.reason()), (Some(&AdminId::from(7)), Some("cannot pay")));
    let own_grant = *shop.auth.verify_customer(own.token()).await.unwrap().grant();
    for refused in [
        who.require_self(),
        shop.auth.list_customer_tokens(token).await.map(drop),
        shop.auth.revoke_all_customer_tokens(token, Keep::Presented).await,
        shop.auth.revoke_all_customer_tokens(token, Keep::Nothing).await,
        shop.auth.revoke_listed_customer_token(token, &own_grant).await.map(drop),
        shop.auth.confirm_password(token, PASSWORD).await,
    ] {
        assert!(matches!(refused, Err(Error::Token(TokenError::NotAuthorized))));
    }
    shop.auth.revoke_customer_token(token).await.expect("the token may revoke itself");
    assert!(shop.auth.verify_customer(token).await.is_err());
    shop.auth.verify_customer(own.token()).await.expect("and nothing else");
}

#[tokio::test]
async fn an_assistance_token_ends_only_itself_even_where_a_sign_out_ends_all() {
    let mut config = fast();
    config.revoke = RevokeScope::All;
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    let own = shop.sign_in(PASSWORD).await.unwrap();
    let code = shop.code().await;
    let assisted = shop.sign_in(&code).await.unwrap();
    shop.auth.revoke_customer_token(assisted.token()).await.unwrap();
    assert!(shop.auth.verify_customer(assisted.token()).await.is_err());
    shop.auth.verify_customer(own.token()).await.unwrap();
}

#[tokio::test]
async fn purging_removes_what_is_over() {
    let shop = shop();
    let lives = shop.sign_in(PASSWORD).await.unwrap();
    shop.reset_token().await;
    shop.sign_in_from("192.0.2.1", WRONG).await.unwrap_err();
    assert_eq!(shop.auth.purge(100).await.unwrap(), commerce_auth::flow::Purged::default());
    shop.auth.verify_customer(lives.token()).await.unwrap();
    shop.advance(24 * 60 * 60);
    let purged = shop.auth.purge(100).await.unwrap();
    assert_eq!(
        (purged.tokens, purged.documents),
        (1, 4),
        "a source's failure at the account and over all, a reset token, and its request"
    );
    shop.advance(60 * 60);
    assert_eq!(shop.auth.purge(100).await.unwrap().documents, 1, "the account's, an hour later");
}
