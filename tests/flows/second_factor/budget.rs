use commerce_auth::{
    AdminSignIn, Error,
    error::{SecondFactorError, SignInError},
};
use support::{ADMIN, ADMIN_PASSWORD, WRONG};

use super::{enrolled, sign_in, token, wrong_code};

#[tokio::test]
async fn five_wrong_codes_lock_the_factor_and_a_right_password_does_not_open_it() {
    let (shop, authenticator) = enrolled();
    let wrong = wrong_code(&shop, &authenticator);
    for _ in 0..5 {
        assert!(matches!(
            sign_in(&shop, &wrong).await,
            Err(Error::SecondFactor(SecondFactorError::InvalidCode))
        ));
        // The password is right each time, but alone it does not clear the budget.
        let password = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await;
        assert!(matches!(password, Err(Error::SecondFactor(SecondFactorError::Required))));
    }
    let right = authenticator.code_at(shop.now());
    assert!(matches!(sign_in(&shop, &right).await, Err(Error::SignIn(SignInError::Refused))));
    // A request from another source does not clear it either.
    let elsewhere = std::net::IpAddr::from([203, 0, 113, 9]);
    let elsewhere = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(right.as_str()).origin(elsewhere);
    assert!(matches!(
        shop.auth.generate_admin_token(elsewhere).await,
        Err(Error::SignIn(SignInError::Refused))
    ));
    shop.advance(15 * 60 - 1);
    assert!(matches!(
        sign_in(&shop, &authenticator.code_at(shop.now())).await,
        Err(Error::SignIn(SignInError::Refused))
    ));
    shop.advance(1);
    token(&shop, &authenticator).await;
}

#[tokio::test]
async fn a_right_code_opens_the_budget_again() {
    let (shop, authenticator) = enrolled();
    let wrong = wrong_code(&shop, &authenticator);
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(matches!(
                sign_in(&shop, &wrong).await,
                Err(Error::SecondFactor(SecondFactorError::InvalidCode))
            ));
        }
        shop.advance(30);
        token(&shop, &authenticator).await;
    }
}

#[tokio::test]
async fn a_support_desk_opens_it_too() {
    let (shop, authenticator) = enrolled();
    let wrong = wrong_code(&shop, &authenticator);
    for _ in 0..5 {
        sign_in(&shop, &wrong).await.unwrap_err();
    }
    assert!(matches!(sign_in(&shop, &wrong).await, Err(Error::SignIn(SignInError::Refused))));
    shop.auth.unlock_admin(ADMIN).await.unwrap();
    token(&shop, &authenticator).await;
}

#[tokio::test]
async fn a_wrong_password_spends_no_code_and_no_guess() {
    let (shop, authenticator) = enrolled();
    let code = authenticator.code_at(shop.now());
    for _ in 0..5 {
        let wrong = AdminSignIn::new(ADMIN, WRONG).otp(code.as_str());
        assert!(matches!(
            shop.auth.generate_admin_token(wrong).await,
            Err(Error::SignIn(SignInError::Refused))
        ));
    }
    sign_in(&shop, &code).await.unwrap();
}

#[tokio::test]
async fn a_hundred_wrong_codes_at_once_are_five_guesses() {
    let (shop, authenticator) = enrolled();
    let wrong = wrong_code(&shop, &authenticator);
    let answers = futures_util::future::join_all((0..100).map(|_| sign_in(&shop, &wrong))).await;
    let guesses = answers
        .iter()
        .filter(|answer| matches!(answer, Err(Error::SecondFactor(SecondFactorError::InvalidCode))))
        .count();
    assert_eq!(guesses, 5);
}

#[tokio::test]
async fn whoever_locks_the_authenticator_does_not_lock_its_owner_out() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    let codes = shop.auth.replace_recovery_codes(admin.as_str()).await.unwrap();
    let wrong = wrong_code(&shop, &authenticator);
    for _ in 0..6 {
        sign_in(&shop, &wrong).await.unwrap_err();
    }
    assert!(matches!(sign_in(&shop, &wrong).await, Err(Error::SignIn(SignInError::Refused))), "it is locked");
    sign_in(&shop, codes[0].expose()).await.expect("no recovery code was guessed");
    // Wrong codes have a separate budget for each source.
    let from = |source: [u8; 4], code: &str| {
        let source = std::net::IpAddr::from(source);
        let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(code).origin(source);
        shop.auth.generate_admin_token(sign_in)
    };
    let (attacker, owner) = ([203, 0, 113, 9], [192, 0, 2, 1]);
    for _ in 0..5 {
        assert!(matches!(
            from(attacker, &"0".repeat(32)).await,
            Err(Error::SecondFactor(SecondFactorError::InvalidCode))
        ));
    }
    assert!(matches!(from(attacker, codes[1].expose()).await, Err(Error::SignIn(SignInError::Refused))));
    from(owner, codes[1].expose()).await.unwrap();
}
