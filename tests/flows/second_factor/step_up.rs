use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use commerce_auth::{
    AdminId, AdminSignIn, AuthConfig, CustomerId, Error, SignIn, TokenStore,
    audit::Refusal,
    config::SecondFactorPolicy,
    error::{SecondFactorError, SignInError, TokenError},
    flow::AdminChange,
    store::memory::MemoryStore,
    token::Subject,
};
use support::{ADMIN, ADMIN_PASSWORD, EMAIL, REASON, Shop, hooked::Hooked, keyring, with_second_factor};

use super::{Authenticator, enrolled, enrolled_in, enrolled_on, sign_in, token, wrong_code};

const FRESH: Duration = Duration::from_secs(15 * 60);

/// Returns the strictest settings for step-up.
fn strict() -> AuthConfig {
    let mut config = with_second_factor();
    config.assistance_step_up = AuthConfig::strict().assistance_step_up;
    config.fresh_for = AuthConfig::strict().fresh_for;
    config
}

fn needs_step_up<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::SecondFactor(SecondFactorError::StepUpRequired(limit))) if *limit == FRESH)
}

/// Tries both ways to assist.
async fn may_assist(shop: &Shop, admin: &str) -> bool {
    let token = shop.auth.generate_customer_token_as_admin(admin, EMAIL, REASON).await;
    let code = shop.auth.generate_one_time_code(admin, &CustomerId::from(1), REASON).await;
    assert_eq!(token.is_ok(), code.is_ok());
    if token.is_err() {
        assert!(needs_step_up(&token) && needs_step_up(&code));
        return false;
    }
    true
}

#[tokio::test]
async fn assistance_wants_a_fresh_second_factor_in_strict() {
    assert!(AuthConfig::strict().assistance_step_up && !AuthConfig::commerce().assistance_step_up);
    let (shop, authenticator) = enrolled_in(strict());
    let admin = token(&shop, &authenticator).await;
    assert!(may_assist(&shop, &admin).await);
    shop.advance(FRESH.as_secs() - 1);
    assert!(may_assist(&shop, &admin).await);
    shop.advance(1);
    assert!(!may_assist(&shop, &admin).await);
    shop.auth.verify_admin(admin.as_str()).await.expect("the token is valid for other operations");
    let refused = shop
        .trail()
        .await
        .into_iter()
        .filter(|event| event.outcome == commerce_auth::audit::Outcome::Refused(Refusal::NotFresh));
    assert_eq!(refused.count(), 2, "the trail says why");

    let code = authenticator.unused_code(shop.now()).unwrap();
    let fresh = shop.auth.step_up(admin.as_str(), code.as_str()).await.unwrap();
    assert!(may_assist(&shop, fresh.token().expose()).await);
    assert!(matches!(shop.auth.verify_admin(admin.as_str()).await, Err(Error::Token(TokenError::Invalid))));
    let who = shop.auth.verify_admin(fresh.token()).await.unwrap();
    assert_eq!(who.auth_time(), shop.now());
    assert!(matches!(
        shop.auth.step_up(fresh.token(), code.as_str()).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidCode))
    ));
}

#[tokio::test]
async fn in_commerce_it_does_not() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    shop.advance(FRESH.as_secs());
    assert!(may_assist(&shop, &admin).await);
}

#[tokio::test]
async fn a_password_alone_is_never_fresh_enough_for_assistance() {
    let mut config = strict();
    config.admin_second_factor = SecondFactorPolicy::Optional;
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder.keyring(keyring()));
    let admin = shop.admin_token().await;
    assert!(!may_assist(&shop, &admin).await);
    assert!(matches!(
        shop.auth.step_up(admin.as_str(), "123456").await,
        Err(Error::SecondFactor(SecondFactorError::NotEnrolled))
    ));
}

#[tokio::test]
async fn a_fresh_token_lives_no_longer_than_the_one_before() {
    let (shop, authenticator) = enrolled();
    let code = authenticator.unused_code(shop.now()).unwrap();
    let first = sign_in(&shop, &code).await.unwrap();
    shop.advance(3 * 60 * 60);
    let code = authenticator.unused_code(shop.now()).unwrap();
    let second = shop.auth.step_up(first.token(), code.as_str()).await.unwrap();
    assert_eq!(second.expires_at(), first.expires_at());
    shop.advance(60 * 60);
    assert!(matches!(shop.auth.verify_admin(second.token()).await, Err(Error::Token(TokenError::Invalid))));
}

#[tokio::test]
async fn assistance_ends_with_the_token_that_was_stepped_up() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    let assisting = shop.assisting(&admin, 0).await.unwrap();
    let code = authenticator.unused_code(shop.now()).unwrap();
    shop.auth.step_up(admin.as_str(), code.as_str()).await.unwrap();
    assert!(matches!(
        shop.auth.verify_customer(assisting.as_str()).await,
        Err(Error::Token(TokenError::Invalid))
    ));
}

#[tokio::test]
async fn a_step_up_is_no_way_around_the_budget_of_codes() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    let wrong = wrong_code(&shop, &authenticator);
    for _ in 0..5 {
        assert!(matches!(
            shop.auth.step_up(admin.as_str(), wrong.as_str()).await,
            Err(Error::SecondFactor(SecondFactorError::InvalidCode))
        ));
    }
    let right = authenticator.unused_code(shop.now()).unwrap();
    assert!(matches!(
        shop.auth.step_up(admin.as_str(), right.as_str()).await,
        Err(Error::SignIn(SignInError::Refused))
    ));
    assert!(
        matches!(sign_in(&shop, &right).await, Err(Error::SignIn(SignInError::Refused))),
        "it is one budget"
    );
    shop.auth.verify_admin(admin.as_str()).await.expect("a failed step-up ends nothing");
    let customer = shop.auth.generate_customer_token(SignIn::new(EMAIL, support::PASSWORD)).await.unwrap();
    assert!(matches!(
        shop.auth.step_up(customer.token(), right.as_str()).await,
        Err(Error::Token(TokenError::NotAuthorized))
    ));
    let empty = shop.auth.step_up(admin.as_str(), "").await.unwrap_err();
    assert_eq!(empty.to_string(), "Specify the \"otp\" value.");
}

#[tokio::test]
async fn an_admin_users_own_credentials_change_after_a_fresh_sign_in_only() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    shop.advance(FRESH.as_secs());
    let admin = admin.as_str();
    assert!(needs_step_up(&shop.auth.begin_admin_enrolment(admin).await));
    assert!(needs_step_up(&shop.auth.replace_recovery_codes(admin).await));
    assert!(needs_step_up(&shop.auth.change_admin_password(admin, ADMIN_PASSWORD, "An0ther-passw0rd").await));
    let code = authenticator.unused_code(shop.now()).unwrap();
    let fresh = shop.auth.step_up(admin, code.as_str()).await.unwrap();
    shop.auth.begin_admin_enrolment(fresh.token()).await.unwrap();
    shop.auth.replace_recovery_codes(fresh.token()).await.unwrap();
    shop.auth.change_admin_password(fresh.token(), ADMIN_PASSWORD, "An0ther-passw0rd").await.unwrap();
}

#[tokio::test]
async fn without_a_second_factor_a_fresh_password_will_do_for_them() {
    let mut config = with_second_factor();
    config.admin_second_factor = SecondFactorPolicy::Optional;
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder.keyring(keyring()));
    let admin = shop.admin_token().await;
    assert!(matches!(
        shop.auth.replace_recovery_codes(admin.as_str()).await,
        Err(Error::SecondFactor(SecondFactorError::NotEnrolled))
    ));
    assert_eq!(shop.auth.admin_factor(admin.as_str()).await.unwrap(), None);
    shop.auth.begin_admin_enrolment(admin.as_str()).await.unwrap();
    shop.advance(FRESH.as_secs());
    assert!(needs_step_up(&shop.auth.begin_admin_enrolment(admin.as_str()).await));
    let again = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await.unwrap();
    shop.auth.begin_admin_enrolment(again.token()).await.unwrap();
}

#[tokio::test]
async fn an_authenticator_is_needed_for_the_step_up_of_its_own_admin_user() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    let stranger = Authenticator::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    let code = stranger.code_at(shop.now());
    assert!(matches!(
        shop.auth.step_up(admin.as_str(), code.as_str()).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidCode))
    ));
}

/// If the presented token ends while it is stepped up, the new token ends as well.
#[tokio::test]
async fn a_token_that_ends_meanwhile_is_not_exchanged() {
    for (at, all) in [
        ("generation", true),
        ("load factor", true),
        ("commit factor", true),
        ("commit factor", false),
        ("insert", false),
    ] {
        type End = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;
        let (end, armed) = (End::default(), Arc::new(AtomicBool::new(false)));
        let store = Hooked::new({
            let (end, armed) = (Arc::clone(&end), Arc::clone(&armed));
            move |verb| {
                if let (true, Some(end)) = (verb == at, end.get())
                    && armed.swap(false, Ordering::SeqCst)
                {
                    end();
                }
                Ok(())
            }
        });
        let (shop, authenticator) = enrolled_on(store, with_second_factor());
        let admin = token(&shop, &authenticator).await;
        let (auth, presented) = (shop.auth.clone(), admin.clone());
        let ends = move || {
            let id = AdminId::from(7);
            let ended = match all {
                true => pollster::block_on(auth.admin_changed(&id, AdminChange::PasswordChanged)),
                false => pollster::block_on(auth.revoke_admin_token(presented.as_str())),
            };
            ended.unwrap();
        };
        assert!(end.set(Box::new(ends)).is_ok());
        let code = authenticator.unused_code(shop.now()).unwrap();
        armed.store(true, Ordering::SeqCst);
        let stepped_up = shop.auth.step_up(admin.as_str(), code.as_str()).await;
        assert!(
            matches!(
                stepped_up,
                Err(Error::Token(TokenError::Invalid) | Error::SignIn(SignInError::Refused))
            ),
            "{at} {all}"
        );
        let live = shop.store.grants(&Subject::Admin(AdminId::from(7)), 100, shop.now()).await.unwrap();
        assert_eq!(live, [], "{at} {all}");
    }
}

#[tokio::test]
async fn one_token_is_exchanged_for_one() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    shop.advance(60);
    let codes: Vec<_> = (0..3).map(|_| authenticator.unused_code(shop.now()).unwrap()).collect();
    let stepped_up = codes.iter().map(|code| shop.auth.step_up(admin.as_str(), code.as_str()));
    let answers = futures_util::future::join_all(stepped_up).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let live = shop.store.grants(&Subject::Admin(AdminId::from(7)), 100, shop.now()).await.unwrap();
    assert_eq!(live.len(), 1);
}
