//! A second factor that is replaced or removed.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use commerce_auth::{
    AdminId, AdminSignIn, Auth, Error, ErrorKind, Origin,
    config::SecondFactorPolicy,
    error::{InputError, SecondFactorError, SignInError, TokenError},
    flow::AdminChange,
    notifier::AdminNotice,
    store::memory::MemoryStore,
};
use support::{
    ADMIN, ADMIN_PASSWORD, Shop, WRONG, factors::stored, hooked::Hooked, keyring, with_second_factor,
};

use super::{Authenticator, SECRET, enrolled, enrolled_on, sign_in, token};

/// Returns the authenticator that a signed-in admin user sets up instead.
async fn another(shop: &Shop, presented: &str) -> (String, Authenticator) {
    let begun = shop.auth.begin_admin_enrolment(presented).await.unwrap();
    let enrolment = begun.token().expose().to_owned();
    let setup = shop.auth.set_up_admin_factor(enrolment.as_str(), &Origin::default()).await.unwrap();
    (enrolment, Authenticator::new(setup.secret().to_base32().expose()))
}

#[tokio::test]
async fn another_authenticator_takes_the_place_of_the_first() {
    let (shop, first) = enrolled();
    let presented = token(&shop, &first).await;
    let other = token(&shop, &first).await;
    let recovery = shop.auth.replace_recovery_codes(presented.as_str()).await.unwrap();
    let (enrolment, second) = another(&shop, &presented).await;
    // Until the new authenticator's first right code, the old one stays the second factor.
    let still = token(&shop, &first).await;
    shop.advance(30);
    let code = second.unused_code(shop.now()).unwrap();
    shop.auth.activate_admin_factor(enrolment.as_str(), code.as_str(), &Origin::default()).await.unwrap();
    for ended in [presented, other, still] {
        assert!(matches!(
            shop.auth.verify_admin(ended.as_str()).await,
            Err(Error::Token(TokenError::Invalid))
        ));
    }
    shop.advance(30);
    let old = first.code_at(shop.now());
    assert!(matches!(sign_in(&shop, &old).await, Err(Error::SecondFactor(SecondFactorError::InvalidCode))));
    assert!(matches!(
        sign_in(&shop, recovery[0].expose()).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidCode))
    ));
    token(&shop, &second).await;
}

#[tokio::test]
async fn a_sign_in_in_flight_does_not_outlive_the_activation() {
    // The password is right and there is no second factor. When the token is about to be stored,
    // there is one.
    let (node, armed) = (Arc::new(OnceLock::<Auth>::new()), Arc::new(AtomicBool::new(true)));
    let store = Hooked::new({
        let node = Arc::clone(&node);
        move |verb| {
            if let ("insert", Some(node)) = (verb, node.get())
                && armed.swap(false, Ordering::SeqCst)
            {
                let authenticator = Authenticator::new(SECRET);
                let id = AdminId::from(7);
                let imported = node.import_admin_factor(&id, authenticator.secret());
                pollster::block_on(imported).expect("there is none yet");
            }
            Ok(())
        }
    });
    let mut config = with_second_factor();
    config.admin_second_factor = SecondFactorPolicy::Optional;
    let shop = Shop::open(store, config, |builder| builder.keyring(keyring()));
    node.set(shop.auth.clone()).unwrap();
    let sign_in = || shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD));
    assert!(matches!(sign_in().await, Err(Error::SignIn(SignInError::Refused))));
    assert!(matches!(sign_in().await, Err(Error::SecondFactor(SecondFactorError::Required))));
}

/// As above, but the authenticator is activated with its first right code.
#[tokio::test]
async fn no_token_from_before_an_activation_lives() {
    type Act = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;
    let (node, armed) = (Act::default(), Arc::new(AtomicBool::new(false)));
    let store = Hooked::new({
        let (node, armed) = (Arc::clone(&node), Arc::clone(&armed));
        move |verb| {
            if let ("commit factor", Some(sign_in)) = (verb, node.get())
                && armed.swap(false, Ordering::SeqCst)
            {
                sign_in();
            }
            Ok(())
        }
    });
    let mut config = with_second_factor();
    config.admin_second_factor = SecondFactorPolicy::Optional;
    let shop = Shop::open(store, config, |builder| builder.keyring(keyring()));
    let by_password = || AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
    let presented = shop.auth.generate_admin_token(by_password()).await.unwrap();
    let begun = shop.auth.begin_admin_enrolment(presented.token()).await.unwrap();
    let (enrolment, origin) = (begun.token().expose().to_owned(), Origin::default());
    let setup = shop.auth.set_up_admin_factor(enrolment.as_str(), &origin).await.unwrap();
    let authenticator = Authenticator::new(setup.secret().to_base32().expose());
    // Between the first revocation of all tokens and the activation there is still no second
    // factor.
    let (auth, between) = (shop.auth.clone(), Arc::new(OnceLock::new()));
    let signed_in = Arc::clone(&between);
    let sign_in = move || {
        let by_password = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
        let token = pollster::block_on(auth.generate_admin_token(by_password)).expect("no factor yet");
        signed_in.set(token).expect("it is called once");
    };
    assert!(node.set(Box::new(sign_in)).is_ok());
    armed.store(true, Ordering::SeqCst);
    let code = authenticator.unused_code(shop.now()).unwrap();
    shop.auth.activate_admin_factor(enrolment.as_str(), code.as_str(), &origin).await.unwrap();
    for token in [presented.token(), between.get().expect("it was called").token()] {
        assert!(matches!(shop.auth.verify_admin(token).await, Err(Error::Token(TokenError::Invalid))));
    }
    assert!(matches!(
        shop.auth.generate_admin_token(by_password()).await,
        Err(Error::SecondFactor(SecondFactorError::Required))
    ));
}

#[tokio::test]
async fn a_removed_factor_is_enrolled_anew() {
    let (shop, authenticator) = enrolled();
    let presented = token(&shop, &authenticator).await;
    let recovery = shop.auth.replace_recovery_codes(presented.as_str()).await.unwrap();
    let (enrolment, _) = another(&shop, &presented).await;
    shop.outbox.take_admins();
    assert!(shop.auth.remove_admin_factor(&AdminId::from(7)).await.unwrap());
    let told = shop.outbox.take_admins();
    assert!(matches!(told[..], [ref one] if matches!(one.notice, AdminNotice::FactorRemoved)), "{told:?}");
    assert!(matches!(
        shop.auth.verify_admin(presented.as_str()).await,
        Err(Error::Token(TokenError::Invalid))
    ));
    for code in [authenticator.unused_code(shop.now()).unwrap(), recovery[0].expose().to_owned()] {
        assert!(matches!(
            sign_in(&shop, &code).await,
            Err(Error::SecondFactor(SecondFactorError::NotEnrolled))
        ));
    }
    let setup = shop.auth.set_up_admin_factor(enrolment.as_str(), &Origin::default()).await;
    assert!(matches!(setup, Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))));
    assert!(!shop.auth.remove_admin_factor(&AdminId::from(7)).await.unwrap());
}

#[tokio::test]
async fn removal_opens_the_budget_of_wrong_codes() {
    let (shop, authenticator) = enrolled();
    let wrong = super::wrong_code(&shop, &authenticator);
    for _ in 0..6 {
        sign_in(&shop, &wrong).await.unwrap_err();
    }
    shop.auth.remove_admin_factor(&AdminId::from(7)).await.unwrap();
    shop.auth.import_admin_factor(&AdminId::from(7), authenticator.secret()).await.unwrap();
    token(&shop, &authenticator).await;
}

#[tokio::test]
async fn with_a_deleted_account_goes_its_factor() {
    let (shop, _) = enrolled_on(MemoryStore::new(), with_second_factor());
    shop.auth.admin_changed(&AdminId::from(7), AdminChange::Disabled).await.unwrap();
    assert!(stored(&*shop.store, 7, "factor").await.is_some());
    shop.auth.admin_changed(&AdminId::from(7), AdminChange::Deleted).await.unwrap();
    assert!(stored(&*shop.store, 7, "factor").await.is_none());
}

#[tokio::test]
async fn an_admin_user_changes_the_password() {
    const NEW: &str = "An0ther-passw0rd";
    let (shop, authenticator) = enrolled();
    let (presented, other) = (token(&shop, &authenticator).await, token(&shop, &authenticator).await);
    let change = |current: &'static str, new: &'static str| {
        shop.auth.change_admin_password(presented.as_str(), current, new)
    };
    assert!(matches!(change(WRONG, NEW).await, Err(Error::SignIn(SignInError::WrongPassword))));
    assert!(matches!(change(ADMIN_PASSWORD, "short").await, Err(Error::Input(InputError::Policy(_)))));
    assert!(matches!(change(ADMIN_PASSWORD, ADMIN).await, Err(Error::Input(InputError::Policy(_)))));
    shop.outbox.take_admins();
    change(ADMIN_PASSWORD, NEW).await.unwrap();
    let told = shop.outbox.take_admins();
    assert!(matches!(told[..], [ref one] if matches!(one.notice, AdminNotice::PasswordChanged)), "{told:?}");
    shop.auth.verify_admin(presented.as_str()).await.expect("the presented token stays valid");
    assert!(matches!(shop.auth.verify_admin(other.as_str()).await, Err(Error::Token(TokenError::Invalid))));
    shop.advance(30);
    let code = authenticator.unused_code(shop.now()).unwrap();
    let old = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(code.as_str());
    assert!(matches!(shop.auth.generate_admin_token(old).await, Err(Error::SignIn(SignInError::Refused))));
    shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, NEW).otp(code.as_str())).await.unwrap();
    for _ in 0..6 {
        change(WRONG, NEW).await.unwrap_err();
    }
    assert!(matches!(change(NEW, ADMIN_PASSWORD).await, Err(Error::SignIn(SignInError::Locked))));
}

/// A thief with a fresh token begins a replacement. If the session ends for any reason, the
/// replacement ends, too.
#[tokio::test]
async fn an_enrolment_ends_with_the_session_it_was_begun_with() {
    type Ending = fn(&Shop, &str, &str);
    let endings: [Ending; 4] = [
        |shop, presented, _| pollster::block_on(shop.auth.revoke_admin_token(presented)).unwrap(),
        |shop, _, _| {
            let changed = AdminChange::PasswordChanged;
            pollster::block_on(shop.auth.admin_changed(&AdminId::from(7), changed)).unwrap();
        },
        |shop, _, other| {
            let changed = shop.auth.change_admin_password(other, ADMIN_PASSWORD, "An0ther-passw0rd");
            pollster::block_on(changed).unwrap();
        },
        |shop, _, _| pollster::block_on(shop.auth.revoke_everything()).unwrap(),
    ];
    for ending in endings {
        let (shop, authenticator) = enrolled();
        let (presented, other) = (token(&shop, &authenticator).await, token(&shop, &authenticator).await);
        let (enrolment, thiefs) = another(&shop, &presented).await;
        ending(&shop, &presented, &other);
        let code = thiefs.unused_code(shop.now()).unwrap();
        let origin = Origin::default();
        let activated = shop.auth.activate_admin_factor(enrolment.as_str(), code.as_str(), &origin).await;
        assert!(
            matches!(activated, Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))),
            "{activated:?}"
        );
        let shown = shop.auth.set_up_admin_factor(enrolment.as_str(), &origin).await;
        assert!(
            matches!(shown, Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))),
            "{shown:?}"
        );
    }
}

/// If the tokens cannot be ended, nothing is activated, and the activation can be repeated.
#[tokio::test]
async fn without_an_end_to_earlier_tokens_nothing_is_activated() {
    let down = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let down = Arc::clone(&down);
        move |verb| match verb {
            "revoke_all" if down.load(Ordering::SeqCst) => Err(commerce_auth::error::StoreError::new("down")),
            _ => Ok(()),
        }
    });
    let shop = Shop::open(store, with_second_factor(), |builder| builder.keyring(keyring()));
    let (id, authenticator) = (AdminId::from(7), Authenticator::new(SECRET));
    let by_password = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
    shop.auth.generate_admin_token(by_password).await.unwrap_err();
    let mailed = shop.outbox.enrolment_token().unwrap();
    let origin = Origin::default();
    let setup = shop.auth.set_up_admin_factor(mailed.as_str(), &origin).await.unwrap();
    let own = Authenticator::new(setup.secret().to_base32().expose());
    down.store(true, Ordering::SeqCst);
    let code = own.unused_code(shop.now()).unwrap();
    let activated = shop.auth.activate_admin_factor(mailed.as_str(), code.as_str(), &origin).await;
    assert_eq!(activated.unwrap_err().kind(), ErrorKind::Unavailable);
    let imported = shop.auth.import_admin_factor(&id, authenticator.secret()).await;
    assert_eq!(imported.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(stored(&*shop.store, 7, "factor").await.is_none());
    down.store(false, Ordering::SeqCst);
    shop.auth.activate_admin_factor(mailed.as_str(), code.as_str(), &origin).await.unwrap();
}
