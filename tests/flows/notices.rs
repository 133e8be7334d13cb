//! The notices that owners of accounts get: which, when, at which address, and what they never
//! contain.

use std::net::IpAddr;

use commerce_auth::{
    AdminId, AdminSignIn, CustomerId, Error, Origin, SignIn, SignedIn,
    account::AccountStatus,
    audit::{Action, Outcome},
    error::StoreError,
    flow::{AdminChange, CustomerChange},
    notifier::{AdminNotice, Notice, Notification, Notifier},
    store::memory::MemoryStore,
};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, authenticator::Authenticator, fast, keyring, shop,
    with_second_factor,
};

const NEW_ADDRESS: &str = "bob@example.com";
const HOME: &str = "192.0.2.77";
const ELSEWHERE: &str = "203.0.113.9";
const FAR: &str = "198.51.100.3";
const DAY: u64 = 86_400;

/// A notifier whose queue is full.
#[derive(Debug)]
struct Full;

impl Notifier for Full {
    fn notify(&self, _: Notification) -> Result<(), StoreError> {
        Err(StoreError::new("full"))
    }
}

fn customer() -> CustomerId {
    CustomerId::from(1)
}

/// Returns the notices to customer 1 since the last call, with their addresses.
fn told<S: commerce_auth::Store>(shop: &Shop<S>) -> Vec<(String, Notice)> {
    let mails = shop.outbox.take();
    assert!(mails.iter().all(|mail| mail.customer == customer()));
    mails.into_iter().map(|mail| (mail.email, mail.notice)).collect()
}

// ---- Changes by the host ------------------------------------------------------------------------------------

#[tokio::test]
async fn a_customer_is_told_of_a_password_that_the_host_set() {
    let shop = shop();
    shop.auth.customer_changed(&customer(), CustomerChange::PasswordChanged).await.unwrap();
    let mails = shop.outbox.take();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert!(matches!(mail.notice, Notice::PasswordSetByHost), "{mail:?}");
    assert_eq!((&*mail.email, &mail.origin), (EMAIL, &Origin::default()));
}

#[tokio::test]
async fn a_customer_is_told_of_another_address_at_both() {
    let shop = shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    shop.set_customer(|row| row.email = NEW_ADDRESS.into());
    let change = CustomerChange::EmailChanged { from: EMAIL.into() };
    shop.auth.customer_changed(&customer(), change.clone()).await.unwrap();
    assert!(shop.auth.verify_customer(signed_in.token()).await.is_err());
    let mails = told(&shop);
    let [(old, Notice::EmailChanged), (new, Notice::EmailChanged)] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!((&**old, &**new), (EMAIL, NEW_ADDRESS));
    // The host tries again, and has only the stored address.
    let again = CustomerChange::EmailChanged { from: NEW_ADDRESS.into() };
    shop.auth.customer_changed(&customer(), again).await.unwrap();
    assert_eq!(told(&shop).len(), 1);
}

#[tokio::test]
async fn nobody_is_told_of_a_disabled_or_deleted_account() {
    let shop = shop();
    for change in [CustomerChange::Disabled, CustomerChange::Deleted] {
        shop.auth.customer_changed(&customer(), change).await.unwrap();
    }
    for change in [
        CustomerChange::Deleted,
        CustomerChange::PasswordChanged,
        CustomerChange::EmailChanged { from: EMAIL.into() },
    ] {
        let gone = CustomerId::from(2);
        shop.auth.customer_changed(&gone, change).await.expect("a missing row is not an error");
    }
    for change in [AdminChange::Disabled, AdminChange::Deleted] {
        shop.auth.admin_changed(&AdminId::from(7), change).await.unwrap();
    }
    shop.auth.admin_changed(&AdminId::from(8), AdminChange::PasswordChanged).await.unwrap();
    assert_eq!((told(&shop).len(), shop.outbox.take_admins().len()), (0, 0));
}

#[tokio::test]
async fn an_admin_user_is_told_of_a_password_that_the_host_set() {
    let shop = shop();
    shop.set_admin(|row| row.status = AccountStatus::Disabled);
    shop.auth.admin_changed(&AdminId::from(7), AdminChange::PasswordChanged).await.unwrap();
    let mails = shop.outbox.take_admins();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert!(
        matches!(mail.notice, AdminNotice::PasswordSetByHost) && mail.admin == AdminId::from(7),
        "{mail:?}"
    );
}

/// The trail records the change in the customer's place.
#[tokio::test]
async fn a_notice_that_cannot_be_queued_changes_no_answer_of_the_host() {
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.notifier(Full));
    shop.auth.customer_changed(&customer(), CustomerChange::PasswordChanged).await.unwrap();
    let change = CustomerChange::EmailChanged { from: NEW_ADDRESS.into() };
    shop.auth.customer_changed(&customer(), change).await.unwrap();
    shop.auth.admin_changed(&AdminId::from(7), AdminChange::PasswordChanged).await.unwrap();
    let trail = shop.trail().await;
    let failed =
        trail.iter().filter(|event| (event.action, event.outcome) == (Action::Notification, Outcome::Failed));
    assert_eq!(failed.count(), 4);
}

// ---- Sign-in from a new device ------------------------------------------------------------------------------

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

async fn by_device(shop: &Shop, source: &str, device: &str) -> Result<SignedIn, Error> {
    shop.auth.generate_customer_token(SignIn::new(EMAIL, PASSWORD).origin(ip(source)).device(device)).await
}

/// Returns the origins of the notices of a new device. Fails if there are other notices.
fn new_devices(shop: &Shop) -> Vec<Origin> {
    let mails = shop.outbox.take();
    assert!(mails.iter().all(|mail| matches!(mail.notice, Notice::NewDevice) && mail.email == EMAIL));
    mails.into_iter().map(|mail| mail.origin).collect()
}

#[tokio::test]
async fn a_customer_is_told_once_of_a_sign_in_from_a_new_device() {
    let shop = shop();
    let first = shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    assert_eq!(new_devices(&shop), [], "no sign-in is remembered before the first");
    let device = first.device().expect("a new device has a secret").expose().to_owned();
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    by_device(&shop, ELSEWHERE, &device).await.unwrap();
    assert_eq!(new_devices(&shop), [], "the source is known, then the device");
    shop.sign_in_from(FAR, WRONG).await.unwrap_err();
    assert_eq!(new_devices(&shop), [], "no sign-in succeeded");
    for _ in 0..2 {
        shop.sign_in_from(FAR, PASSWORD).await.unwrap();
    }
    assert_eq!(new_devices(&shop), [Origin::from(ip(FAR))], "the second time it is known");
}

#[tokio::test]
async fn a_new_device_is_told_while_an_earlier_one_is_remembered() {
    for (forget, is_told) in
        [("nothing", true), ("time", false), ("the host", false), ("another owner", false)]
    {
        let shop = shop();
        shop.sign_in_from(HOME, PASSWORD).await.unwrap();
        match forget {
            "time" => shop.advance(90 * DAY),
            "the host" => {
                shop.auth.customer_changed(&customer(), CustomerChange::Disabled).await.unwrap();
            }
            "another owner" => {
                shop.set_customer(|row| row.email = NEW_ADDRESS.into());
                shop.set_customer(|row| row.id = CustomerId::from(2));
            }
            _ => shop.advance(90 * DAY - 1),
        }
        shop.sign_in_from(FAR, PASSWORD).await.unwrap();
        assert_eq!(new_devices(&shop).len(), usize::from(is_told), "{forget}");
    }
}

/// Assistance has separate notices.
#[tokio::test]
async fn assistance_is_no_new_device() {
    let shop = shop();
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    let admin = shop.admin_token().await;
    for road in 0..3 {
        shop.assisting(&admin, road).await.unwrap();
        let told = told(&shop);
        assert!(matches!(told[..], [(_, Notice::AssistanceBegan { .. })]), "{told:?}");
    }
}

#[tokio::test]
async fn an_admin_user_is_told_of_a_sign_in_from_a_new_device() {
    let shop = shop();
    let sign_in = async |source: &str, password: &str| {
        shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, password).origin(ip(source))).await
    };
    sign_in(HOME, ADMIN_PASSWORD).await.unwrap();
    sign_in(HOME, ADMIN_PASSWORD).await.unwrap();
    sign_in(FAR, WRONG).await.unwrap_err();
    assert_eq!(shop.outbox.take_admins().len(), 0);
    sign_in(FAR, ADMIN_PASSWORD).await.unwrap();
    sign_in(FAR, ADMIN_PASSWORD).await.unwrap();
    let mails = shop.outbox.take_admins();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert!(matches!(mail.notice, AdminNotice::NewDevice), "{mail:?}");
    assert_eq!((&mail.admin, &mail.origin), (&AdminId::from(7), &Origin::from(ip(FAR))));
}

// ---- Sign-in by reset token ---------------------------------------------------------------------------------

#[tokio::test]
async fn a_customer_is_told_of_a_sign_in_by_reset_token_and_not_of_its_device() {
    for signed_in_before in [false, true] {
        let shop = shop();
        if signed_in_before {
            shop.sign_in_from(HOME, PASSWORD).await.unwrap();
        }
        let token = shop.reset_token().await;
        shop.sign_in_from(FAR, &"0".repeat(32)).await.unwrap_err();
        assert_eq!(told(&shop).len(), 0);
        shop.sign_in_from(FAR, &token).await.unwrap();
        let mails = shop.outbox.take();
        let [mail] = &mails[..] else { panic!("{mails:?}") };
        assert!(matches!(mail.notice, Notice::SignedInByResetToken), "{mail:?}");
        assert_eq!((&*mail.email, &mail.origin), (EMAIL, &Origin::from(ip(FAR))));
        assert!(!format!("{mails:?}").contains(&token));
    }
}

// ---- The second factor --------------------------------------------------------------------------------------

fn enrolled() -> (Shop, Authenticator) {
    let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| builder.keyring(keyring()));
    let authenticator = Authenticator::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    let id = AdminId::from(7);
    let imported = shop.auth.import_admin_factor(&id, authenticator.secret());
    pollster::block_on(imported).expect("there is none yet");
    shop.outbox.take_admins();
    (shop, authenticator)
}

/// Returns the notices of admin user 7 after a sign-in.
async fn after_admin_sign_in(shop: &Shop, source: &str, password: &str, code: &str) -> Vec<AdminNotice> {
    let sign_in = AdminSignIn::new(ADMIN, password).otp(code).origin(ip(source));
    let _ = shop.auth.generate_admin_token(sign_in).await;
    let mails = shop.outbox.take_admins();
    assert!(
        mails.iter().all(|mail| mail.admin == AdminId::from(7) && mail.origin == Origin::from(ip(source)))
    );
    mails.into_iter().map(|mail| mail.notice).collect()
}

#[tokio::test]
async fn an_admin_user_is_told_of_wrong_codes_once_for_each_source() {
    let (shop, _) = enrolled();
    let wrong =
        async |source: &str, code: &str| after_admin_sign_in(&shop, source, ADMIN_PASSWORD, code).await;
    assert!(after_admin_sign_in(&shop, FAR, WRONG, "000000").await.is_empty(), "the password was wrong, too");
    let told = wrong(FAR, "000000").await;
    assert!(matches!(told[..], [AdminNotice::SecondFactorFailed]), "{told:?}");
    assert!(wrong(FAR, "000001").await.is_empty());
    // A wrong recovery code counts as well.
    let told = wrong(ELSEWHERE, "aaaa-aaaa-aaaa-aaaa-aaaa").await;
    assert!(matches!(told[..], [AdminNotice::SecondFactorFailed]), "{told:?}");
    let window = shop.auth.config().second_factor_budget.window.as_secs();
    shop.advance(window - 1);
    assert!(wrong(FAR, "000000").await.is_empty());
    shop.advance(1);
    assert_eq!(wrong(FAR, "000000").await.len(), 1);
}

#[tokio::test]
async fn an_admin_user_is_told_of_a_code_that_was_used_before() {
    let (shop, authenticator) = enrolled();
    let code = authenticator.code_at(shop.now());
    assert!(after_admin_sign_in(&shop, HOME, ADMIN_PASSWORD, &code).await.is_empty());
    assert!(after_admin_sign_in(&shop, FAR, WRONG, &code).await.is_empty(), "the password was wrong");
    let told = after_admin_sign_in(&shop, FAR, ADMIN_PASSWORD, &code).await;
    assert!(matches!(told[..], [AdminNotice::CodeReplayed]), "{told:?}");
}

#[tokio::test]
async fn a_sign_in_without_a_code_is_no_wrong_code() {
    let (shop, _) = enrolled();
    let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).origin(ip(FAR));
    shop.auth.generate_admin_token(sign_in).await.unwrap_err();
    assert_eq!(shop.outbox.take_admins().len(), 0);
}

// ---- A notifier that fails ----------------------------------------------------------------------------------

#[tokio::test]
async fn a_notice_that_cannot_be_queued_changes_no_answer_of_a_sign_in() {
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.notifier(Full));
    shop.sign_in_from(HOME, PASSWORD).await.unwrap();
    shop.sign_in_from(FAR, PASSWORD).await.expect("a new device");
    let token = shop.reset_token().await;
    shop.sign_in_from(FAR, &token).await.expect("a reset token");
    assert!(matches!(
        shop.sign_in_from(FAR, &token).await,
        Err(Error::SignIn(commerce_auth::error::SignInError::Refused))
    ));
    for source in [HOME, FAR] {
        let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).origin(ip(source));
        shop.auth.generate_admin_token(sign_in).await.expect("a new device of an admin user");
    }
    let trail = shop.trail().await;
    assert_eq!(trail.iter().filter(|event| event.action == Action::Notification).count(), 4);
}
