use std::collections::BTreeSet;

use axum::{Json, extract::State};
use commerce_auth::{
    AccountStatus, AdminId, AdminIdentity, AdminRecord, AdminStore, Assistance, CustomerId, CustomerRecord,
    CustomerStore, Error, Grant, Origin, Permission, StoreError, Subject,
    audit::{Action, AuditEvent, Outcome},
    http::rest::RestError,
};
use serde::Serialize;
use time::OffsetDateTime;

use crate::shop::Shop;

/// So far back the trail is read: more than a shop's staff does within the life of a token.
const EVENTS: usize = 5_000;

/// An admin user who is signed in as a customer.
#[derive(Serialize)]
pub(super) struct UnderWay {
    customer_id: CustomerId,
    email: String,
    admin_id: AdminId,
    admin: String,
    reason: String,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    source: Option<String>,
}

/// Who is assisted at this moment, the newest first.
///
/// No verb of the crate tells it: a store lists the tokens of one customer. So the trail names the customers whom somebody
/// was given a token for, and each is looked at: the tokens that the store has, and whether both sides stand by them, as
/// at every use. What it cannot know: assistance older than the events that are read, and what ends while it is read. A
/// code that was not yet redeemed is nobody's assistance.
pub(super) async fn under_way(
    _: AdminIdentity,
    State(shop): State<Shop>,
) -> Result<Json<Vec<UnderWay>>, RestError> {
    Ok(Json(find(&shop).await.map_err(Error::from)?))
}

async fn find(shop: &Shop) -> Result<Vec<UnderWay>, StoreError> {
    let now = OffsetDateTime::now_utc();
    let events = shop.database.trail.newest(EVENTS).await?;
    let assisted: BTreeSet<_> = events.iter().filter_map(|event| assisted_by(event, now)).collect();
    let mut under_way = Vec::new();
    for id in assisted {
        let Some(customer) = shop.database.customers.find_by_id(id).await? else { continue };
        let grants = shop.database.store.list(&Subject::Customer(id.clone()), now).await?;
        for (grant, origin) in grants {
            let Some(assistance) = grant.assistance.clone() else { continue };
            if let Some(admin) = stands(shop, &customer, &assistance, now).await? {
                under_way.push(told(&customer, &admin, &assistance, &grant, &origin));
            }
        }
    }
    under_way.sort_by_key(|assistance| std::cmp::Reverse(assistance.since));
    Ok(under_way)
}

/// The customer for whom an admin user was given a token that would not be over yet.
fn assisted_by(event: &AuditEvent, now: OffsetDateTime) -> Option<&CustomerId> {
    let given = matches!(event.action, Action::AssistanceToken | Action::CodeRedemption);
    let lives = event.expires_at.is_some_and(|end| end > now);
    match &event.subject {
        Some(Subject::Customer(id)) if given && lives && event.outcome == Outcome::Succeeded => Some(id),
        _ => None,
    }
}

/// The admin user, if a use of the token would be let through: as the crate looks at it.
async fn stands(
    shop: &Shop,
    customer: &CustomerRecord,
    assistance: &Assistance,
    now: OffsetDateTime,
) -> Result<Option<AdminRecord>, StoreError> {
    if !customer.allows_assistance || customer.status != AccountStatus::Active {
        return Ok(None);
    }
    if shop.database.store.find(&assistance.parent, now).await?.is_none() {
        return Ok(None);
    }
    let admin = shop.database.admins.find_by_id(&assistance.actor).await?;
    Ok(admin.filter(|admin| {
        admin.status == AccountStatus::Active
            && Permission::ALL.iter().all(|permission| admin.permissions.contains(permission))
    }))
}

fn told(
    customer: &CustomerRecord,
    admin: &AdminRecord,
    assistance: &Assistance,
    grant: &Grant,
    origin: &Origin,
) -> UnderWay {
    UnderWay {
        customer_id: customer.id.clone(),
        email: customer.email.clone(),
        admin_id: admin.id.clone(),
        admin: admin.username.clone(),
        reason: assistance.reason.clone(),
        since: grant.issued_at,
        expires_at: grant.expires_at,
        source: origin.source.map(|source| source.to_string()),
    }
}
