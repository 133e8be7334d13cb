//! The notices that owners of accounts get: which, when, where to, and what they never hold.

use commerce_auth::{
    AccountStatus, AdminChange, AdminId, AdminNotice, CustomerChange, CustomerId, MemoryStore, Notice,
    Notification, Notifier, Origin, StoreError,
    audit::{Action, Outcome},
};
use support::{EMAIL, PASSWORD, Shop, fast, shop};

const NEW_ADDRESS: &str = "bob@example.com";

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

/// The notices to customer 1 since the last look, with their addresses.
fn told<S: commerce_auth::store::Store>(shop: &Shop<S>) -> Vec<(String, Notice)> {
    let mails = shop.outbox.take();
    assert!(mails.iter().all(|mail| mail.customer == customer()));
    mails.into_iter().map(|mail| (mail.email, mail.notice)).collect()
}

// ---- What the host changed ----------------------------------------------------------------------------------

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
    // A host that tries again, and has only the stored address.
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
        shop.auth.customer_changed(&gone, change).await.expect("a missing row is no error");
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

/// The trail is told in the customer's place.
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
