//! The audit records of the second factor, and that nothing is issued without them.

use commerce_auth::{
    AdminId, Error, ErrorKind, Origin,
    audit::{
        Action,
        Outcome::{Begun, Refused, Succeeded},
        Refusal,
    },
    error::{SecondFactorError, StoreError},
    notifier::AdminNotice,
    store::memory::MemoryStore,
    token::Subject,
};
use support::{
    Shop,
    factors::stored,
    hooked::Hooked,
    keyring,
    sink::{Breakable, told},
    with_second_factor,
};

use super::{Authenticator, SECRET, enrolled, sign_in, token, wrong_code};

#[tokio::test]
async fn a_sign_in_and_its_refusals_are_told() {
    let (shop, authenticator) = enrolled();
    let before = shop.trail().await.len();
    let code = authenticator.code_at(shop.now());
    sign_in(&shop, &code).await.unwrap();
    sign_in(&shop, &code).await.unwrap_err();
    sign_in(&shop, &wrong_code(&shop, &authenticator)).await.unwrap_err();
    let events = shop.trail().await.split_off(before);
    let sign_in = Action::AdminSignIn;
    // The code that was used before was right: its event had begun.
    assert_eq!(
        told(&events),
        [
            (sign_in, Begun),
            (sign_in, Succeeded),
            (sign_in, Begun),
            (sign_in, Refused(Refusal::SpentCode)),
            (sign_in, Refused(Refusal::WrongCredential)),
        ]
    );
    for event in &events {
        assert_eq!(event.subject, Some(Subject::Admin(AdminId::from(7))));
        let text = serde_json::to_string(event).unwrap();
        assert!(!text.contains(&code), "{text}");
    }
    assert_eq!(events[1].obtained, Some(commerce_auth::token::Obtained::PasswordAndTotp));
}

#[tokio::test]
async fn what_is_done_to_a_factor_is_told() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    let before = shop.trail().await.len();
    let origin = Origin::from(std::net::IpAddr::from([192, 0, 2, 1]));
    let bearer = || commerce_auth::token::Bearer::from(admin.as_str()).origin(&origin);
    let begun = shop.auth.begin_admin_enrolment(bearer()).await.unwrap();
    let enrolment = begun.token().expose().to_owned();
    shop.auth.replace_recovery_codes(bearer()).await.unwrap();
    let setup = shop.auth.set_up_admin_factor(enrolment.as_str(), &origin).await.unwrap();
    let second = Authenticator::new(setup.secret().to_base32().expose());
    let code = second.code_at(shop.now());
    shop.auth.activate_admin_factor(enrolment.as_str(), code.as_str(), &origin).await.unwrap();
    shop.auth.remove_admin_factor(&AdminId::from(7)).await.unwrap();
    let events = shop.trail().await.split_off(before);
    let actions = [
        Action::FactorEnrolment,
        Action::RecoveryCodes,
        Action::FactorSetup,
        Action::FactorActivation,
        Action::FactorRemoval,
    ];
    let expected: Vec<_> =
        actions.iter().flat_map(|action| [(*action, Begun), (*action, Succeeded)]).collect();
    assert_eq!(told(&events), expected);
    for event in &events[..8] {
        assert_eq!(event.origin, origin);
        assert_eq!(event.subject, Some(Subject::Admin(AdminId::from(7))));
    }
    let text = serde_json::to_string(&events).unwrap();
    for secret in [enrolment, code] {
        assert!(!text.contains(&secret), "{text}");
    }
}

#[tokio::test]
async fn without_a_record_nothing_is_spent_and_nothing_issued() {
    let sink = Breakable::default();
    let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| {
        builder.keyring(keyring()).audit(sink.clone())
    });
    let authenticator = Authenticator::new(SECRET);
    shop.auth.import_admin_factor(&AdminId::from(7), authenticator.secret()).await.unwrap();
    let admin = token(&shop, &authenticator).await;
    let factor = || async { stored(&*shop.store, 7, "factor").await.unwrap() };
    let before = factor().await;
    sink.keep(0);
    let code = authenticator.unused_code(shop.now()).unwrap();
    let is_unavailable = |error: Error| error.kind() == ErrorKind::Unavailable;
    assert!(is_unavailable(sign_in(&shop, &code).await.unwrap_err()));
    assert!(is_unavailable(shop.auth.step_up(admin.as_str(), code.as_str()).await.unwrap_err()));
    assert!(is_unavailable(shop.auth.replace_recovery_codes(admin.as_str()).await.unwrap_err()));
    assert!(is_unavailable(shop.auth.begin_admin_enrolment(admin.as_str()).await.unwrap_err()));
    assert!(is_unavailable(shop.auth.remove_admin_factor(&AdminId::from(7)).await.unwrap_err()));
    assert_eq!(factor().await, before);
    sink.repair();
    // The guess was not counted either.
    sign_in(&shop, &code).await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_down_is_no_refusal() {
    use std::sync::{Arc, Mutex};
    let broken = Arc::new(Mutex::new(None::<&'static str>));
    let store = Hooked::new({
        let broken = Arc::clone(&broken);
        move |verb| match *broken.lock().unwrap() {
            Some(down) if down == verb => Err(StoreError::new("down")),
            _ => Ok(()),
        }
    });
    let (shop, authenticator) = super::enrolled_on(store, with_second_factor());
    for verb in ["load factor", "commit factor"] {
        *broken.lock().unwrap() = Some(verb);
        let code = authenticator.code_at(shop.now());
        for _ in 0..7 {
            let error = sign_in(&shop, &code).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{verb}");
        }
        *broken.lock().unwrap() = None;
        sign_in(&shop, &code).await.expect("no guess was counted");
        shop.advance(30);
    }
}

#[tokio::test]
async fn a_used_recovery_code_is_told_to_its_owner() {
    let (shop, authenticator) = enrolled();
    let admin = token(&shop, &authenticator).await;
    let codes = shop.auth.replace_recovery_codes(admin.as_str()).await.unwrap();
    let notices = shop.outbox.take_admins();
    assert!(
        matches!(notices[..], [ref one] if matches!(one.notice, AdminNotice::RecoveryCodesReplaced)),
        "{notices:?}"
    );
    sign_in(&shop, codes[0].expose()).await.unwrap();
    let notices = shop.outbox.take_admins();
    assert!(
        matches!(notices[..], [ref one, ..] if matches!(one.notice, AdminNotice::RecoveryCodeUsed { left: 9 })),
        "{notices:?}"
    );
}

#[tokio::test]
async fn whoever_has_no_token_makes_no_work_for_the_sink() {
    let sink = Breakable::default();
    let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| {
        builder.keyring(keyring()).audit(sink.clone())
    });
    sink.keep(0);
    let origin = Origin::default();
    for _ in 0..3 {
        let shown = shop.auth.set_up_admin_factor("0".repeat(32), &origin).await;
        assert!(
            matches!(shown, Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))),
            "nobody waits for its record: {shown:?}"
        );
        let activated = shop.auth.activate_admin_factor("0".repeat(32), "000000", &origin).await;
        assert!(
            matches!(activated, Err(Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))),
            "{activated:?}"
        );
    }
}

#[tokio::test]
async fn a_notice_that_cannot_be_queued_is_on_record() {
    /// A notifier whose queue is full.
    #[derive(Debug)]
    struct Full;
    impl commerce_auth::notifier::Notifier for Full {
        fn notify(&self, _: commerce_auth::notifier::Notification) -> Result<(), StoreError> {
            Err(StoreError::new("full"))
        }
        fn notify_admin(&self, _: commerce_auth::notifier::AdminNotification) -> Result<(), StoreError> {
            Err(StoreError::new("full"))
        }
    }
    let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| {
        builder.keyring(keyring()).notifier(Full)
    });
    let (id, authenticator) = (AdminId::from(7), Authenticator::new(SECRET));
    shop.auth.import_admin_factor(&id, authenticator.secret()).await.unwrap();
    // The result does not depend on the status of the account.
    shop.set_admin(|row| row.status = commerce_auth::account::AccountStatus::Disabled);
    assert!(shop.auth.remove_admin_factor(&id).await.unwrap());
    let trail = shop.trail().await;
    let failed = trail.iter().filter(|event| event.action == Action::Notification);
    let failed: Vec<_> = failed.map(|event| (event.outcome, event.subject.clone())).collect();
    let expected = (commerce_auth::audit::Outcome::Failed, Some(Subject::Admin(id)));
    assert_eq!(failed, [expected.clone(), expected]);
}
