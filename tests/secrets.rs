//! No secret reaches a log: what can be printed is printed, and searched.

mod support;

use std::fmt::Debug;

use commerce_auth::{
    AdminSignIn, Credential, CustomerId, Error, KeyId, Keyring, Notice, OneTimeCode, Origin, PasswordHash,
    PasswordReset, PasswordResetRequest, ResetToken, SignIn, random::danger::SeededRandom,
};
use support::{ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, REASON, shop};

#[tokio::test]
async fn nothing_that_can_be_printed_shows_a_secret() {
    let shop = shop();
    let canary = "Canary-7f3a9c";
    let random = SeededRandom::from_seed([42; 32]);
    let (code, reset_token) =
        (OneTimeCode::generate(&random).unwrap(), ResetToken::generate(&random).unwrap());
    let hash = shop.auth.hash_new_password(EMAIL, canary).await.unwrap();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let who = shop.auth.verify_customer(signed_in.token()).await.unwrap();
    let admin = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await.unwrap();
    let generated =
        shop.auth.generate_one_time_code(admin.token(), &CustomerId::from(1), REASON).await.unwrap();
    shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    let mails = shop.outbox.take();
    let Notice::ResetRequested { token: mailed, .. } = &mails[0].notice else { panic!("a reset token") };
    let secrets = [
        canary.to_owned(),
        PASSWORD.to_owned(),
        code.expose().to_owned(),
        reset_token.expose().to_owned(),
        hash.expose().to_owned(),
        signed_in.token().expose().to_owned(),
        ADMIN_PASSWORD.to_owned(),
        admin.token().expose().to_owned(),
        generated.code().expose().to_owned(),
        mailed.expose().to_owned(),
    ];
    let sign_in = SignIn::new(EMAIL, canary).from(Origin::default().user_agent("Mozilla/5.0"));
    let printed: [&dyn Debug; 19] = [
        &shop.auth,
        &shop.store,
        &shop.customers,
        &shop.admins,
        &sign_in,
        &Credential::from(canary),
        &PasswordHash::from(hash.expose()),
        &(code, reset_token),
        &random,
        &signed_in,
        &who,
        &commerce_auth::Bearer::from(signed_in.token()),
        &AdminSignIn::new(ADMIN, canary),
        &PasswordReset::new(EMAIL, mailed.expose(), canary),
        &Keyring::new(KeyId(1), canary.repeat(3)).unwrap(),
        &(&admin, &generated),
        &mails,
        &shop.trail().await,
        &shop.auth.list_customer_tokens(signed_in.token()).await.unwrap(),
    ];
    let mut printed: Vec<String> =
        printed.iter().flat_map(|thing| [format!("{thing:?}"), format!("{thing:#?}")]).collect();

    // Every error that input can bring about, its message and its debug form.
    let over_long = canary.repeat(100);
    let mut errors: Vec<Error> = Vec::new();
    for (email, password) in [
        (EMAIL, canary),
        (EMAIL, ""),
        ("", canary),
        (canary, canary),
        (EMAIL, &over_long),
        ("x@example.com", canary),
    ] {
        errors.extend(shop.auth.generate_customer_token(SignIn::new(email, password)).await.err());
    }
    errors.extend(shop.auth.verify(canary).await.err());
    errors.extend(shop.auth.confirm_password(signed_in.token(), canary).await.err());
    errors.extend(shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, canary)).await.err());
    errors.extend(shop.auth.generate_admin_token(AdminSignIn::new(canary, canary)).await.err());
    errors.extend(shop.auth.exchange_one_time_code(SignIn::new(EMAIL, canary)).await.err());
    errors.extend(shop.auth.reset_password(PasswordReset::new(EMAIL, canary, "N3w-password")).await.err());
    errors.extend(shop.auth.change_password(signed_in.token(), canary, "N3w-password").await.err());
    errors.extend(shop.auth.generate_one_time_code(canary, &CustomerId::from(1), canary).await.err());
    errors.extend(shop.auth.hash_new_password(EMAIL, "short").await.err());
    errors.extend(shop.auth.hash_new_password(canary, PASSWORD).await.err());
    assert_eq!(errors.len(), 16);
    for error in errors {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        printed.push(format!("{error} {error:?} {source:?}"));
        assert!(!format!("{error} {error:?}").contains(EMAIL), "an error holds no e-mail address: {error:?}");
    }
    for printed in printed {
        for secret in &secrets {
            assert!(!printed.contains(secret), "{secret} is in {printed}");
        }
    }
}
