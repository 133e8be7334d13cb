//! No secret reaches a log: everything printable is printed and searched.

use std::fmt::Debug;

use commerce_auth::{
    AdminSignIn, CustomerId, Error, Origin, PasswordHash, SignIn,
    credential::{Credential, OneTimeCode, ResetToken, UnlockToken},
    flow::{EmailConfirmation, PasswordReset, PasswordResetRequest, Registration},
    keyring::{KeyId, Keyring},
    notifier::{AdminNotice, Notice},
    random::danger::SeededRandom,
    store::memory::MemoryStore,
};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, REASON, Shop, authenticator::Authenticator, factors::stored,
    keyring, shop, with_second_factor,
};

/// The printable results of an admin user's second factor.
struct SecondFactor {
    secrets: Vec<String>,
    printed: Vec<String>,
}

impl SecondFactor {
    async fn of_another_shop() -> Self {
        let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| builder.keyring(keyring()));
        let (auth, origin) = (&shop.auth, Origin::default());
        let by_password = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
        let required = auth.generate_admin_token(by_password.clone()).await.unwrap_err();
        let mails = shop.outbox.take_admins();
        let AdminNotice::EnrolmentRequested { token, .. } = &mails[0].notice else { panic!("{mails:?}") };
        let setup = auth.set_up_admin_factor(token.expose(), &origin).await.unwrap();
        let base32 = setup.secret().to_base32();
        let authenticator = Authenticator::new(base32.expose());
        let wrong = auth.activate_admin_factor(token.expose(), "000000", &origin).await.unwrap_err();
        let code = authenticator.unused_code(shop.now()).unwrap();
        let recovery = auth.activate_admin_factor(token.expose(), code.as_str(), &origin).await.unwrap();
        let spent = auth.set_up_admin_factor(token.expose(), &origin).await.unwrap_err();
        let sign_in = by_password.otp(recovery[0].expose());
        let signed_in = auth.generate_admin_token(sign_in.clone()).await.unwrap();
        let begun = auth.begin_admin_enrolment(signed_in.token()).await.unwrap();
        let again = auth.generate_admin_token(sign_in.clone()).await.unwrap_err();
        let factor = stored(&*shop.store, 7, "factor").await.unwrap();
        let (status, qr) =
            (auth.admin_factor(signed_in.token()).await.unwrap(), setup.uri().expose().to_owned());
        let printed: [&dyn Debug; 16] = [
            &mails,
            &shop.outbox.take_admins(),
            &setup,
            &setup.secret(),
            &base32,
            setup.uri(),
            &authenticator,
            &recovery,
            &sign_in,
            &signed_in,
            &begun,
            &(factor, status),
            &shop.store,
            &shop.trail().await,
            &[required, wrong, spent, again],
            &shop.auth,
        ];
        let printed =
            printed.iter().flat_map(|thing| [format!("{thing:?}"), format!("{thing:#?}")]).collect();
        let mut secrets = vec![
            token.expose().to_owned(),
            base32.expose().to_owned(),
            qr,
            begun.token().expose().to_owned(),
            signed_in.token().expose().to_owned(),
        ];
        secrets.extend(recovery.iter().map(|code| code.expose().to_owned()));
        Self { secrets, printed }
    }
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_a_secret() {
    let shop = shop();
    let canary = "Canary-7f3a9c";
    let random = SeededRandom::from_seed([42; 32]);
    let (code, reset_token) =
        (OneTimeCode::generate(&random).unwrap(), ResetToken::generate(&random).unwrap());
    let unlock = UnlockToken::generate(&random).unwrap();
    let hash = shop.auth.hash_new_password(EMAIL, canary).await.unwrap();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let who = shop.auth.verify_customer(signed_in.token()).await.unwrap();
    let admin = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await.unwrap();
    let generated =
        shop.auth.generate_one_time_code(admin.token(), &CustomerId::from(1), REASON).await.unwrap();
    shop.auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await.unwrap();
    shop.auth.request_email_change(signed_in.token(), PASSWORD, "bob@example.org").await.unwrap();
    let second = SecondFactor::of_another_shop().await;
    let mails = shop.outbox.take();
    let confirmation = mails.iter().find_map(|mail| match &mail.notice {
        Notice::EmailChangeRequested { token, .. } => Some(token.expose().to_owned()),
        _ => None,
    });
    let confirmation = confirmation.expect("a mail to the new address");
    let registration = Registration::new(EMAIL, Some(canary.into()));
    let new_account = shop.auth.begin_registration(registration.clone()).await.unwrap();
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
        unlock.expose().to_owned(),
        confirmation.clone(),
        new_account.password_hash.as_ref().unwrap().expose().to_owned(),
        signed_in.device().unwrap().expose().to_owned(),
        admin.device().unwrap().expose().to_owned(),
    ]
    .into_iter()
    .chain(second.secrets.iter().cloned());
    let secrets: Vec<String> = secrets.collect();
    let sign_in = SignIn::new(EMAIL, canary).origin(Origin::default().user_agent("Mozilla/5.0"));
    let device = signed_in.device().unwrap().expose();
    let printed: [&dyn Debug; 23] = [
        &(registration, new_account),
        &EmailConfirmation::new(EMAIL, confirmation.as_str()).password(canary),
        &shop.auth,
        &shop.store,
        &shop.customers,
        &shop.admins,
        &sign_in,
        &Credential::from(canary),
        &PasswordHash::from(hash.expose()),
        &(code, reset_token, unlock),
        &(sign_in.clone().device(device), AdminSignIn::new(ADMIN, canary).device(device)),
        &random,
        &signed_in,
        &who,
        &commerce_auth::token::Bearer::from(signed_in.token()),
        &AdminSignIn::new(ADMIN, canary),
        &PasswordReset::new(EMAIL, mailed.expose(), canary),
        &Keyring::new(KeyId(1), canary.repeat(3)).unwrap(),
        &(&admin, &generated),
        &mails,
        &shop.trail().await,
        &shop.auth.list_customer_tokens(signed_in.token()).await.unwrap(),
        &second.printed,
    ];
    let mut printed: Vec<String> =
        printed.iter().flat_map(|thing| [format!("{thing:?}"), format!("{thing:#?}")]).collect();

    // Every error that input can cause, with its message and its debug form.
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
    errors
        .extend(shop.auth.confirm_email(EmailConfirmation::new(EMAIL, canary).password(canary)).await.err());
    errors.extend(shop.auth.request_email_change(signed_in.token(), canary, EMAIL).await.err());
    errors.extend(shop.auth.check_reset_token(&CustomerId::from(1), canary, &Origin::default()).await.err());
    errors.extend(shop.auth.begin_registration(Registration::new(EMAIL, Some("short".into()))).await.err());
    errors.extend(shop.auth.change_password(signed_in.token(), canary, "N3w-password").await.err());
    errors.extend(shop.auth.generate_one_time_code(canary, &CustomerId::from(1), canary).await.err());
    errors.extend(shop.auth.hash_new_password(EMAIL, "short").await.err());
    errors.extend(shop.auth.hash_new_password(canary, PASSWORD).await.err());
    assert_eq!(errors.len(), 20);
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
