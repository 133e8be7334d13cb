use std::sync::Arc;

use commerce_auth::{
    AdminId, AdminSignIn, Auth, Error, TokenStore,
    audit::{MemoryAudit, Outcome, Refusal},
    config::{ConfigError, SecondFactorPolicy},
    credential::TotpSecret,
    error::{InternalError, Part, SecondFactorError, TokenError},
    store::memory::{MemoryAdmins, MemoryCustomers, MemoryStore},
    token::Subject,
};
use support::{ADMIN, ADMIN_PASSWORD, EMAIL, REASON, Shop, fast, keyring, with_second_factor};

use super::{Authenticator, SECRET};

/// Signs admin user 7 in and returns the result. Fails if a refused sign-in leaves a token of any
/// kind.
async fn answer(
    policy: SecondFactorPolicy,
    row_requires: bool,
    is_enrolled: bool,
    code: Option<&str>,
) -> Result<(), Error> {
    let mut config = fast();
    config.admin_second_factor = policy;
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder.keyring(keyring()));
    shop.set_admin(|row| row.requires_second_factor = row_requires);
    let authenticator = Authenticator::new(SECRET);
    if is_enrolled {
        shop.auth.import_admin_factor(&AdminId::from(7), authenticator.secret()).await.unwrap();
    }
    let mut sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
    if let Some(code) = code {
        let right = authenticator.code_at(shop.now());
        sign_in = sign_in.otp(if code == "right" { right } else { super::wrong_code(&shop, &authenticator) });
    }
    let answer = shop.auth.generate_admin_token(sign_in).await;
    let stored = shop.store.grants(&Subject::Admin(AdminId::from(7)), 100, shop.now()).await.unwrap();
    assert_eq!(stored.len(), usize::from(answer.is_ok()), "{policy:?} {is_enrolled} {code:?}");
    answer.map(drop)
}

#[tokio::test]
async fn no_token_exists_before_the_code_is_checked_whatever_the_policy() {
    use SecondFactorPolicy::{Optional, PerAdmin, Required};
    for (policy, row_requires) in [
        (Required, true),
        (Required, false),
        (Optional, true),
        (Optional, false),
        (PerAdmin, true),
        (PerAdmin, false),
    ] {
        let case = format!("{policy:?}, row {row_requires}");
        let answer = |is_enrolled, code| answer(policy, row_requires, is_enrolled, code);
        // An admin user who has a second factor always needs it.
        answer(true, Some("right")).await.expect(&case);
        assert!(
            matches!(answer(true, None).await, Err(Error::SecondFactor(SecondFactorError::Required))),
            "{case}"
        );
        assert!(
            matches!(
                answer(true, Some("wrong")).await,
                Err(Error::SecondFactor(SecondFactorError::InvalidCode))
            ),
            "{case}"
        );
        assert!(
            matches!(
                answer(false, Some("right")).await,
                Err(Error::SecondFactor(SecondFactorError::NotEnrolled))
            ),
            "{case}"
        );
        let needs_none = policy == Optional || policy == PerAdmin && !row_requires;
        match answer(false, None).await {
            Ok(()) => assert!(needs_none, "{case}"),
            Err(Error::SecondFactor(SecondFactorError::EnrolmentRequired)) => assert!(!needs_none, "{case}"),
            Err(error) => panic!("{case}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn a_shop_that_demands_it_needs_a_keyring() {
    let customers = || Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new()).without_notifier();
    let builder = || customers().admins(MemoryAdmins::new()).audit(MemoryAudit::new());
    assert!(matches!(builder().config(with_second_factor()).build(), Err(ConfigError::NoKeyring)));
    builder().config(with_second_factor()).keyring(keyring()).build().unwrap();
    builder().config(fast()).build().unwrap();
    // Without admin users no second factor is required.
    customers().config(with_second_factor()).build().unwrap();
}

#[tokio::test]
async fn without_a_keyring_nobody_is_enrolled() {
    let mut config = fast();
    config.admin_second_factor = SecondFactorPolicy::PerAdmin;
    let shop = Shop::open(MemoryStore::new(), config, |builder| builder);
    let lacks_keyring = |error| matches!(error, Error::Internal(InternalError::NotConfigured(Part::Keyring)));
    let sign_in = || shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD));
    assert!(lacks_keyring(sign_in().await.unwrap_err()), "the row demands a second factor");
    shop.set_admin(|row| row.requires_second_factor = false);
    let token = sign_in().await.unwrap();
    assert!(lacks_keyring(shop.auth.begin_admin_enrolment(token.token()).await.unwrap_err()));
    let secret = TotpSecret::from_base32(SECRET).unwrap();
    assert!(lacks_keyring(shop.auth.import_admin_factor(&AdminId::from(7), &secret).await.unwrap_err()));
    assert!(lacks_keyring(shop.auth.reseal_factors(10).await.unwrap_err()));
    assert!(shop.outbox.take_admins().is_empty());
}

#[tokio::test]
async fn a_shop_that_begins_to_demand_it_ends_what_was_had_without() {
    use SecondFactorPolicy::{Optional, PerAdmin, Required};
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.keyring(keyring()));
    let admin = shop.admin_token().await;
    let assisting = shop.assisting(&admin, 0).await.unwrap();
    for (policy, row_requires, is_good) in
        [(Optional, true, true), (PerAdmin, false, true), (PerAdmin, true, false), (Required, false, false)]
    {
        let mut config = fast();
        config.admin_second_factor = policy;
        let node = Auth::builder(Arc::clone(&shop.store))
            .customers(shop.customers.clone())
            .admins(shop.admins.clone())
            .audit(shop.audit.clone())
            .keyring(keyring())
            .without_notifier()
            .clock(Arc::clone(&shop.clock))
            .config(config)
            .build()
            .unwrap();
        shop.set_admin(|row| row.requires_second_factor = row_requires);
        let case = format!("{policy:?}, row {row_requires}");
        assert_eq!(node.verify_admin(admin.as_str()).await.is_ok(), is_good, "{case}");
        assert_eq!(node.verify_customer(assisting.as_str()).await.is_ok(), is_good, "{case}");
        let assists = node.generate_customer_token_as_admin(admin.as_str(), EMAIL, REASON).await;
        assert_eq!(assists.is_ok(), is_good, "{case}");
        assert_eq!(node.begin_admin_enrolment(admin.as_str()).await.is_ok(), is_good, "{case}");
        if !is_good {
            assert!(matches!(assists, Err(Error::Token(TokenError::Invalid))), "{case}");
            node.flush_audit().await;
            let last = shop.audit.events().pop().unwrap();
            assert_eq!(last.outcome, Outcome::Refused(Refusal::NoSecondFactor), "{case}");
        }
    }
}
