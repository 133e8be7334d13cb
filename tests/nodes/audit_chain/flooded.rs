//! A flood of refusals during normal work, with the trail in a database.

use std::{net::IpAddr, sync::Arc};

use commerce_auth::{
    CustomerId, Website,
    audit::{Action, AuditSink, Outcome, Verifier},
    flow::{CustomerChange, PasswordReset},
    store::memory::MemoryStore,
};
use support::{EMAIL, PASSWORD, Shop, fast};

use crate::audit_chain::{database::Database, keyring};

const REFUSALS: u64 = 10_000;
const CALLERS: u64 = 8;

/// Ten thousand refusals arrive as fast as possible, at the same time as actions of customers and
/// the host. The trail contains all events, and verifies.
async fn every_event_is_kept_or_summed_up(database: Database) {
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    let sink: Arc<dyn AuditSink> = trail.clone();
    let shop = Arc::new(Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(sink)));
    let robots: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move {
                for number in 0..REFUSALS / CALLERS {
                    let email = format!("{caller}-{number}@example.com");
                    let reset = PasswordReset::new(email, "x", "N3w-password");
                    let source = IpAddr::from([198, 51, 100, u8::try_from(caller).unwrap()]);
                    shop.auth.reset_password(reset.origin(source)).await.unwrap_err();
                }
            })
        })
        .collect();
    let auth = &shop.auth;
    let mut acts = 0;
    loop {
        let own = shop.sign_in(PASSWORD).await.unwrap();
        auth.set_remote_shopping_assistance(own.token(), acts % 2 == 0).await.unwrap();
        auth.unlock_customer(&Website::default(), EMAIL).await.unwrap();
        auth.customer_changed(&CustomerId::from(1), CustomerChange::Disabled).await.unwrap();
        acts += 1;
        if robots.iter().all(|robot| robot.is_finished()) {
            break;
        }
    }
    for robot in robots {
        robot.await.unwrap();
    }
    auth.flush_audit().await;

    let events = trail.events().await;
    let count = |is_counted: fn(&commerce_auth::audit::AuditEvent) -> bool| -> u64 {
        events.iter().filter(|event| is_counted(event)).map(|event| event.summed_up.unwrap_or(1)).sum()
    };
    assert_eq!(count(|event| matches!(event.outcome, Outcome::Refused(_))), REFUSALS);
    assert_eq!(count(|event| event.action == Action::SignIn), acts);
    assert_eq!(count(|event| matches!(event.action, Action::ConsentGiven | Action::ConsentWithdrawn)), acts);
    assert_eq!(count(|event| event.action == Action::Unlock), acts);
    assert_eq!(count(|event| event.action == Action::AccountChange), acts);
    let alarms = count(|event| event.action == Action::AttackSuspected);
    let stats = auth.audit_stats();
    assert_eq!(stats.kept + stats.summed_up, REFUSALS + 4 * acts + alarms, "{stats:?}");
    assert_eq!((stats.dropped, stats.failed, stats.waiting), (0, 0, 0), "{stats:?}");
    let report = trail.verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_or_sums_up_every_event() {
    every_event_is_kept_or_summed_up(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_or_sums_up_every_event() {
    if let Some(database) = Database::postgres() {
        every_event_is_kept_or_summed_up(database).await;
    }
}
