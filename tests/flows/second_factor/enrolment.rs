use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use commerce_auth::{
    AdminId, AdminSignIn, Auth, Error, ErrorKind, Origin, Store,
    account::AccountStatus,
    credential::TotpSecret,
    error::{InputError, SecondFactorError, SignInError, StoreError, TokenError},
    flow::AdminChange,
    notifier::AdminNotice,
    store::memory::MemoryStore,
};
use serde_json::json;
use support::{
    ADMIN, ADMIN_PASSWORD, Shop,
    authenticator::Authenticator,
    factors::{meddle, stored},
    hooked::Hooked,
    keyring, with_second_factor,
};

use super::{SECRET, wrong_code};

fn unenrolled() -> Shop {
    Shop::open(MemoryStore::new(), with_second_factor(), |builder| builder.keyring(keyring()))
}

async fn sign_in_by_password<S: Store>(shop: &Shop<S>) -> Error {
    shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await.unwrap_err()
}

/// Returns the enrolment token that is mailed to admin user 7.
async fn mailed<S: Store>(shop: &Shop<S>) -> String {
    assert!(matches!(
        sign_in_by_password(shop).await,
        Error::SecondFactor(SecondFactorError::EnrolmentRequired)
    ));
    shop.outbox.enrolment_token().expect("a token was mailed")
}

/// Returns the authenticator, set up with the secret of the enrolment.
async fn set_up<S: Store>(shop: &Shop<S>, token: &str) -> Result<Authenticator, Error> {
    let setup = shop.auth.set_up_admin_factor(token, &Origin::default()).await?;
    Ok(Authenticator::new(setup.secret().to_base32().expose()))
}

async fn activate<S: Store>(shop: &Shop<S>, token: &str, code: &str) -> Result<Vec<String>, Error> {
    let codes = shop.auth.activate_admin_factor(token, code, &Origin::default()).await?;
    Ok(codes.iter().map(|code| code.expose().to_owned()).collect())
}

#[tokio::test]
async fn an_admin_user_enrols_by_mail() {
    let shop = unenrolled();
    let token = mailed(&shop).await;
    let origin = Origin::default();
    let setup = shop.auth.set_up_admin_factor(token.as_str(), &origin).await.unwrap();
    assert!(
        setup.uri().expose().starts_with("otpauth://totp/Commerce:admin?secret="),
        "{}",
        setup.uri().expose()
    );
    assert_eq!((setup.expires_at() - shop.now()).whole_seconds(), 60 * 60);
    assert!(!format!("{setup:?}").contains(&setup.uri().expose()[38..60]), "its debug form shows nothing");

    // The page can be loaded again.
    let authenticator = set_up(&shop, &token).await.unwrap();
    let wrong = wrong_code(&shop, &authenticator);
    assert!(matches!(
        activate(&shop, &token, &wrong).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidCode))
    ));
    // The enrolment is pending: a right code does not sign in.
    let right = authenticator.code_at(shop.now());
    let early = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(right.as_str());
    assert!(matches!(
        shop.auth.generate_admin_token(early).await,
        Err(Error::SecondFactor(SecondFactorError::NotEnrolled))
    ));

    let recovery = activate(&shop, &token, &right).await.unwrap();
    assert_eq!(recovery.iter().collect::<std::collections::BTreeSet<_>>().len(), 10);
    assert!(matches!(shop.outbox.take_admins().pop().unwrap().notice, AdminNotice::FactorActivated));
    // The code that activated the factor is spent.
    assert!(matches!(
        super::sign_in(&shop, &right).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidCode))
    ));
    assert!(matches!(sign_in_by_password(&shop).await, Error::SecondFactor(SecondFactorError::Required)));
    let mails = shop.outbox.take_admins();
    let [mail] = &mails[..] else { panic!("no further enrolment mail: {mails:?}") };
    assert!(matches!(mail.notice, AdminNotice::CodeReplayed));
    shop.advance(30);
    super::sign_in(&shop, &authenticator.code_at(shop.now())).await.unwrap();
    super::sign_in(&shop, &recovery[3]).await.unwrap();
    // The token is spent as well.
    assert!(matches!(
        set_up(&shop, &token).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
    ));
    let later = authenticator.code_at(shop.now());
    assert!(matches!(
        activate(&shop, &token, &later).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
    ));
}

#[tokio::test]
async fn an_enrolment_token_ends() {
    let shop = unenrolled();
    let expired = mailed(&shop).await;
    shop.advance(60 * 60 - 1);
    let authenticator = set_up(&shop, &expired).await.unwrap();
    shop.advance(1);
    let code = authenticator.code_at(shop.now());
    assert!(matches!(
        activate(&shop, &expired, &code).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
    ));
    let replaced = mailed(&shop).await;
    let newest = mailed(&shop).await;
    assert!(matches!(
        set_up(&shop, &replaced).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
    ));
    let authenticator = set_up(&shop, &newest).await.unwrap();
    shop.set_admin(|row| row.status = AccountStatus::Disabled);
    let code = authenticator.code_at(shop.now());
    assert!(matches!(
        activate(&shop, &newest, &code).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
    ));
    shop.set_admin(|_| ());
    activate(&shop, &newest, &code).await.unwrap();
}

#[tokio::test]
async fn a_malformed_token_is_refused() {
    let shop = unenrolled();
    let token = mailed(&shop).await;
    for unknown in ["0", &token[1..], &token.to_uppercase(), &"x".repeat(1024)] {
        assert!(matches!(
            set_up(&shop, unknown).await,
            Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
        ));
    }
    let error = set_up(&shop, "").await.unwrap_err();
    assert_eq!(error.to_string(), "Specify the \"tfaToken\" value.");
    assert!(matches!(set_up(&shop, &"x".repeat(1025)).await, Err(Error::Input(InputError::PasswordTooLong))));
    let error = activate(&shop, &token, "").await.unwrap_err();
    assert_eq!(error.to_string(), "Specify the \"otp\" value.");
}

#[tokio::test]
async fn wrong_first_codes_are_counted() {
    let shop = unenrolled();
    let token = mailed(&shop).await;
    let authenticator = set_up(&shop, &token).await.unwrap();
    let wrong = wrong_code(&shop, &authenticator);
    for _ in 0..5 {
        assert!(matches!(
            activate(&shop, &token, &wrong).await,
            Err(Error::SecondFactor(SecondFactorError::InvalidCode))
        ));
    }
    let right = authenticator.code_at(shop.now());
    assert!(matches!(
        activate(&shop, &token, &right).await,
        Err(Error::SignIn(SignInError::TooManyRequests))
    ));
}

#[tokio::test]
async fn only_so_many_mails_are_sent() {
    let shop = unenrolled();
    for _ in 0..5 {
        mailed(&shop).await;
    }
    assert!(matches!(sign_in_by_password(&shop).await, Error::SignIn(SignInError::TooManyRequests)));
    assert!(shop.outbox.take_admins().is_empty());
    shop.advance(60 * 60);
    mailed(&shop).await;
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_told() {
    /// A notifier that reaches customers alone.
    #[derive(Debug)]
    struct Customers;
    impl commerce_auth::notifier::Notifier for Customers {
        fn notify(&self, _: commerce_auth::notifier::Notification) -> Result<(), StoreError> {
            Ok(())
        }
    }
    let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| {
        builder.keyring(keyring()).notifier(Customers)
    });
    assert!(matches!(
        sign_in_by_password(&shop).await,
        Error::SecondFactor(SecondFactorError::EnrolmentNotSent)
    ));
}

#[tokio::test]
async fn of_a_hundred_activations_at_once_one_succeeds() {
    let shop = unenrolled();
    let token = mailed(&shop).await;
    let authenticator = set_up(&shop, &token).await.unwrap();
    let right = authenticator.code_at(shop.now());
    let answers = futures_util::future::join_all((0..100).map(|_| activate(&shop, &token, &right))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
}

#[tokio::test]
async fn an_authenticator_is_brought_along() {
    let shop = unenrolled();
    let (id, authenticator) = (AdminId::from(7), Authenticator::new(SECRET));
    let import = |id: AdminId| {
        let auth = shop.auth.clone();
        async move { auth.import_admin_factor(&id, &TotpSecret::from_base32(SECRET).unwrap()).await }
    };
    assert!(
        matches!(import(AdminId::from(99)).await, Err(Error::Token(TokenError::Invalid))),
        "there is no such admin user"
    );
    import(id.clone()).await.unwrap();
    assert!(matches!(import(id).await, Err(Error::SecondFactor(SecondFactorError::AlreadyEnrolled))));
    super::token(&shop, &authenticator).await;
}

#[tokio::test]
async fn a_token_does_not_replace_another_authenticator() {
    let shop = unenrolled();
    let token = mailed(&shop).await;
    let set = set_up(&shop, &token).await.unwrap();
    // The order of events at other nodes does not matter: the enrolment names the factor that it
    // will replace.
    let another = json!("0".repeat(64));
    meddle(&*shop.store, 7, "enrolment", |enrolment| enrolment["document"]["replaces"] = another).await;
    assert!(matches!(
        set_up(&shop, &token).await,
        Err(Error::SecondFactor(SecondFactorError::AlreadyEnrolled))
    ));
    let code = set.code_at(shop.now());
    assert!(matches!(
        activate(&shop, &token, &code).await,
        Err(Error::SecondFactor(SecondFactorError::AlreadyEnrolled))
    ));
}

#[tokio::test]
async fn whatever_ends_the_admin_users_tokens_ends_an_enrolment() {
    type Ending = fn(&Shop);
    let endings: [Ending; 4] = [
        |shop| {
            let id = AdminId::from(7);
            pollster::block_on(shop.auth.admin_changed(&id, AdminChange::PasswordChanged)).unwrap();
        },
        |shop| pollster::block_on(shop.auth.revoke_everything()).unwrap(),
        |shop| {
            let (id, secret) = (AdminId::from(7), TotpSecret::from_base32(SECRET).unwrap());
            pollster::block_on(shop.auth.import_admin_factor(&id, &secret)).unwrap();
        },
        |shop| {
            let removed = pollster::block_on(shop.auth.remove_admin_factor(&AdminId::from(7)));
            assert!(!removed.unwrap(), "there was none");
        },
    ];
    for ending in endings {
        let shop = unenrolled();
        let token = mailed(&shop).await;
        let set = set_up(&shop, &token).await.unwrap();
        ending(&shop);
        assert!(matches!(
            set_up(&shop, &token).await,
            Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
        ));
        let code = set.code_at(shop.now());
        assert!(matches!(
            activate(&shop, &token, &code).await,
            Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
        ));
    }
}

/// The generation is read before the password is checked: a revocation in between ends the
/// enrolment.
#[tokio::test]
async fn an_enrolment_that_is_mailed_meanwhile_does_not_outlive_a_change_of_the_password() {
    let (node, armed) = (Arc::new(OnceLock::<Auth>::new()), Arc::new(AtomicBool::new(true)));
    let store = Hooked::new({
        let node = Arc::clone(&node);
        move |verb| {
            if let ("load factor", Some(node)) = (verb, node.get())
                && armed.swap(false, Ordering::SeqCst)
            {
                let id = AdminId::from(7);
                pollster::block_on(node.admin_changed(&id, AdminChange::PasswordChanged))
                    .expect("it is done");
            }
            Ok(())
        }
    });
    let shop = Shop::open(store, with_second_factor(), |builder| builder.keyring(keyring()));
    node.set(shop.auth.clone()).unwrap();
    let token = mailed(&shop).await;
    assert!(matches!(
        set_up(&shop, &token).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
    ));
    let token = mailed(&shop).await;
    set_up(&shop, &token).await.unwrap();
}

/// The documents are in another engine than the tokens, and the token store is wiped.
#[tokio::test]
async fn an_enrolment_does_not_outlive_the_token_store() {
    let documents = Arc::new(MemoryStore::new());
    let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| {
        builder.keyring(keyring()).state(Arc::clone(&documents))
    });
    let token = mailed(&shop).await;
    let set = set_up(&shop, &token).await.unwrap();
    let wiped = Auth::builder(MemoryStore::new())
        .state(Arc::clone(&documents))
        .customers(shop.customers.clone())
        .admins(shop.admins.clone())
        .audit(shop.audit.clone())
        .without_notifier()
        .keyring(keyring())
        .clock(Arc::clone(&shop.clock))
        .config(shop.auth.config().clone())
        .build()
        .unwrap();
    let (origin, code) = (Origin::default(), set.code_at(shop.now()));
    let shown = wiped.set_up_admin_factor(token.as_str(), &origin).await;
    assert!(matches!(shown, Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))), "{shown:?}");
    let activated = wiped.activate_admin_factor(token.as_str(), code.as_str(), &origin).await;
    assert!(
        matches!(activated, Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))),
        "{activated:?}"
    );
    activate(&shop, &token, &code).await.expect("the other node still has its tokens");
}

/// The outcome of the activation is unknown. So all tokens are ended, and the enrolment with them.
#[tokio::test]
async fn a_failed_activation_ends_the_enrolment() {
    let down = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let down = Arc::clone(&down);
        move |verb| match verb {
            "commit factor" if down.load(Ordering::SeqCst) => Err(StoreError::new("down")),
            _ => Ok(()),
        }
    });
    let shop = Shop::open(store, with_second_factor(), |builder| builder.keyring(keyring()));
    let token = mailed(&shop).await;
    let set = set_up(&shop, &token).await.unwrap();
    let code = set.code_at(shop.now());
    down.store(true, Ordering::SeqCst);
    assert_eq!(activate(&shop, &token, &code).await.unwrap_err().kind(), ErrorKind::Unavailable);
    down.store(false, Ordering::SeqCst);
    assert!(stored(&*shop.store, 7, "factor").await.is_none());
    assert!(matches!(
        activate(&shop, &token, &code).await,
        Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
    ));
    // The enrolment is begun again.
    let token = mailed(&shop).await;
    let set = set_up(&shop, &token).await.unwrap();
    activate(&shop, &token, &set.code_at(shop.now())).await.unwrap();
}

#[tokio::test]
async fn what_expired_is_purged_and_a_factor_is_not() {
    let shop = unenrolled();
    let token = mailed(&shop).await;
    let set = set_up(&shop, &token).await.unwrap();
    activate(&shop, &token, &set.unused_code(shop.now()).unwrap()).await.unwrap();
    let admin = super::token(&shop, &set).await;
    let _ = shop.auth.begin_admin_enrolment(admin.as_str()).await.unwrap();
    assert!(stored(&*shop.store, 7, "enrolment").await.is_some());
    shop.advance(60 * 60 - 1);
    shop.auth.purge(usize::MAX).await.unwrap();
    // One more hour, for the clocks of other nodes.
    shop.advance(60 * 60);
    shop.auth.purge(usize::MAX).await.unwrap();
    assert!(stored(&*shop.store, 7, "enrolment").await.is_some());
    shop.advance(1);
    assert!(shop.auth.purge(usize::MAX).await.unwrap().documents >= 2, "the enrolment and its pointer");
    assert!(stored(&*shop.store, 7, "enrolment").await.is_none());
    assert!(stored(&*shop.store, 7, "factor").await.is_some());
}
