use commerce_auth::{CustomerId, Website, audit::AuditEvent, token::Subject};
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::audit_chain::database::Trail;

/// The number of customers in the events of a trail.
pub const CUSTOMERS: u64 = 5;

pub fn customer(number: u64) -> Subject {
    Subject::Customer(CustomerId::from(number % CUSTOMERS))
}

/// Returns the digest under which attempts at a customer's account are counted.
pub fn account(number: u64) -> String {
    commerce_auth::token::Digest::of(format!("account {}", number % CUSTOMERS).as_bytes()).to_string()
}

/// Returns an event of one of several kinds.
pub fn event(number: u64) -> AuditEvent {
    let Subject::Customer(customer) = customer(number) else { unreachable!() };
    let customer = customer.to_string();
    let mut event = json!({
        "version": 1,
        "id": format!("b5d1fcbe-9d2f-4a2e-8a86-{number:012x}"),
        "at": format!("2026-01-01T12:00:{:02}.{:06}Z", number % 60, number % 1_000_000),
        "website": Website::default(),
    });
    let more = match number % 6 {
        0 => json!({
            "action": "sign_in", "outcome": "succeeded", "subject": {"customer": customer}, "account": account(number),
            "source": "192.0.2.1", "user_agent": "it's \"me\" 🦀", "correlation_id": format!("request {number}"),
            "grant": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "obtained": "password",
            "expires_at": "2026-01-01T13:00:00Z",
        }),
        1 => json!({
            "action": "assistance_token", "outcome": "begun", "subject": {"customer": customer}, "actor": "7",
            "source": "2001:db8::1", "reason": format!("ticket {number}: cannot find the voucher field"),
        }),
        2 => json!({
            "action": "sign_in", "outcome": "refused", "why": "budget_spent", "account": account(number),
            "source": "198.51.100.7",
        }),
        3 => json!({
            "action": "admin_sign_in", "outcome": "refused", "why": "wrong_credential", "subject": {"admin": "7"},
            "source": "192.0.2.9",
        }),
        4 => json!({"action": "everything_revoke", "outcome": "succeeded"}),
        _ => json!({"action": "consent_given", "outcome": "failed", "subject": {"customer": customer}}),
    };
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(event).expect("an event")
}

/// Records the events with these numbers, many at once.
pub async fn record(trail: &dyn Trail, numbers: impl IntoIterator<Item = u64>) {
    let record = |number| async move { trail.record(&event(number)).await.expect("it can be recorded") };
    stream::iter(numbers).map(record).buffered(256).collect::<Vec<()>>().await;
}
