use std::sync::Arc;

use commerce_auth::{
    AdminId, AdminSignIn, AuthConfig, Error,
    account::{AdminRecord, Permission},
    error::{InputError, SecondFactorError, SignInError},
    token::Obtained,
};
use support::{ADMIN, ADMIN_PASSWORD, Shop, with_second_factor};
use time::OffsetDateTime;

use super::{Authenticator, SECRET, enrolled, enrolled_in, sign_in, token, wrong_code};

async fn is_accepted(shop: &Shop, code: &str) -> bool {
    match sign_in(shop, code).await {
        Ok(_) => true,
        Err(Error::SecondFactor(SecondFactorError::InvalidCode)) => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// Returns settings whose budgets allow a hundred attempts at once.
fn unhindered() -> AuthConfig {
    let mut config = with_second_factor();
    config.budgets.second_factor.failures = 200;
    config.budgets.account.failures = 200;
    config.budgets.source.failures = 200;
    config
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

#[tokio::test]
async fn the_token_says_how_the_admin_user_was_authenticated() {
    let (shop, authenticator) = enrolled();
    let signed_in = sign_in(&shop, &authenticator.code_at(shop.now())).await.unwrap();
    assert_eq!(signed_in.obtained(), Obtained::PasswordAndTotp);
    let who = shop.auth.verify_admin(signed_in.token()).await.unwrap();
    assert_eq!((who.auth_time(), who.amr()), (shop.now(), &["pwd", "otp", "mfa"][..]));
    assert_eq!(who.obtained(), Obtained::PasswordAndTotp);
}

#[tokio::test]
async fn a_code_works_once() {
    let (shop, authenticator) = enrolled();
    let code = authenticator.code_at(shop.now());
    assert!(is_accepted(&shop, &code).await);
    for seconds in [0, 1, 28] {
        shop.advance(seconds);
        assert!(!is_accepted(&shop, &code).await, "{seconds} s later");
    }
    // In the next window the code would still be within one step.
    shop.advance(1);
    assert!(!is_accepted(&shop, &code).await);
    assert!(is_accepted(&shop, &authenticator.code_at(shop.now())).await, "the next one is good");
}

#[tokio::test]
async fn after_a_code_no_earlier_one_is_good() {
    let (shop, authenticator) = enrolled();
    let now = shop.now().unix_timestamp();
    let [before, present, next] = [-30, 0, 30].map(|apart| authenticator.code_at(at(now + apart)));
    assert!(is_accepted(&shop, &next).await, "a clock may be a step ahead");
    assert!(!is_accepted(&shop, &present).await);
    assert!(!is_accepted(&shop, &before).await);
    let (shop, authenticator) = enrolled();
    let mut accepted = Vec::new();
    for code in [&before, &present, &next] {
        accepted.push(is_accepted(&shop, code).await);
    }
    assert_eq!(accepted, [true; 3], "in their order each is good");
    assert!(!is_accepted(&shop, &authenticator.code_at(at(now + 60))).await, "two steps ahead is too far");
    assert!(!is_accepted(&shop, &authenticator.code_at(at(now - 60))).await, "and so is two behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn of_a_hundred_at_once_one_is_signed_in() {
    let (shop, authenticator) = enrolled_in(unhindered());
    let code = authenticator.code_at(shop.now());
    let shop = Arc::new(shop);
    let callers = (0..100).map(|_| {
        let (shop, code) = (Arc::clone(&shop), code.clone());
        tokio::spawn(async move { sign_in(&shop, &code).await })
    });
    let mut signed_in = 0;
    for caller in callers.collect::<Vec<_>>() {
        match caller.await.unwrap() {
            Ok(_) => signed_in += 1,
            Err(
                Error::SecondFactor(SecondFactorError::InvalidCode) | Error::SignIn(SignInError::Refused),
            ) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(signed_in, 1);
}

#[tokio::test]
async fn two_admin_users_with_the_same_code_are_both_signed_in() {
    let (shop, authenticator) = enrolled();
    let hash = shop.auth.hash_new_admin_password("second", ADMIN_PASSWORD).await.unwrap();
    let second = AdminRecord::new(8, "second")
        .with_password(hash)
        .with_permissions(Permission::ALL.to_vec())
        .with_second_factor_required(true);
    shop.admins.upsert(second).unwrap();
    shop.auth.import_admin_factor(&AdminId::from(8), authenticator.secret()).await.unwrap();
    let code = authenticator.code_at(shop.now());
    for (username, id) in [(ADMIN, 7), ("second", 8)] {
        let sign_in = AdminSignIn::new(username, ADMIN_PASSWORD).otp(code.as_str());
        let signed_in = shop.auth.generate_admin_token(sign_in).await.unwrap();
        assert_eq!(signed_in.admin_id(), &AdminId::from(id));
    }
}

#[tokio::test]
async fn what_is_no_code_is_refused() {
    let (shop, authenticator) = enrolled();
    let right = authenticator.code_at(shop.now());
    for code in [
        wrong_code(&shop, &authenticator),
        format!("+{right}"),
        format!("{right}0"),
        right[..5].to_owned(),
        "0".repeat(32),
        "x".repeat(1024),
        SECRET.to_owned(),
    ] {
        assert!(!is_accepted(&shop, &code).await, "{code}");
        // Another test covers the budget of codes.
        shop.auth.unlock_admin(ADMIN).await.unwrap();
    }
    let sign_in = |code: &str| AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(code);
    let empty = shop.auth.generate_admin_token(sign_in("")).await.unwrap_err();
    assert_eq!(empty.to_string(), "Specify the \"otp\" value.");
    let long = shop.auth.generate_admin_token(sign_in(&"1".repeat(1025))).await.unwrap_err();
    assert!(matches!(long, Error::Input(InputError::PasswordTooLong)));
    assert!(is_accepted(&shop, &right).await);
}

/// Returns the recovery codes of admin user 7.
async fn recovery_codes(shop: &Shop, authenticator: &Authenticator) -> Vec<String> {
    let token = token(shop, authenticator).await;
    let codes = shop.auth.replace_recovery_codes(token.as_str()).await.unwrap();
    codes.iter().map(|code| code.expose().to_owned()).collect()
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_a_code_once() {
    let (shop, authenticator) = enrolled();
    let codes = recovery_codes(&shop, &authenticator).await;
    assert_eq!(codes.len(), 10);
    let signed_in = sign_in(&shop, &codes[0]).await.unwrap();
    assert_eq!(signed_in.obtained(), Obtained::PasswordAndRecoveryCode);
    let who = shop.auth.verify_admin(signed_in.token()).await.unwrap();
    assert_eq!(who.amr(), ["pwd", "otp", "mfa"]);
    assert!(!is_accepted(&shop, &codes[0]).await, "it is spent");
    // Grouped, as people write codes down.
    let grouped: Vec<_> = codes[1].as_bytes().chunks(8).map(|group| String::from_utf8_lossy(group)).collect();
    assert!(is_accepted(&shop, &grouped.join("-").to_uppercase()).await);
    assert!(!is_accepted(&shop, &codes[1]).await);
    let factor = shop.auth.admin_factor(signed_in.token()).await.unwrap().unwrap();
    assert_eq!(factor.recovery_codes_left, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn of_a_hundred_with_one_recovery_code_one_is_signed_in() {
    let (shop, authenticator) = enrolled_in(unhindered());
    let codes = recovery_codes(&shop, &authenticator).await;
    let shop = Arc::new(shop);
    let callers = (0..100).map(|_| {
        let (shop, code) = (Arc::clone(&shop), codes[0].clone());
        tokio::spawn(async move { sign_in(&shop, &code).await.is_ok() })
    });
    let mut signed_in = 0;
    for caller in callers.collect::<Vec<_>>() {
        signed_in += usize::from(caller.await.unwrap());
    }
    assert_eq!(signed_in, 1);
}

#[tokio::test]
async fn new_recovery_codes_end_the_old_ones() {
    let (shop, authenticator) = enrolled();
    let old = recovery_codes(&shop, &authenticator).await;
    let new = recovery_codes(&shop, &authenticator).await;
    for code in &old[..4] {
        assert!(!is_accepted(&shop, code).await);
    }
    assert!(is_accepted(&shop, &new[9]).await);
    assert!(is_accepted(&shop, &new[0]).await);
}
