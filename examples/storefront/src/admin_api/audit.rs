use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use commerce_auth::{
    AdminStore, CustomerStore, Email, Error, Website,
    account::Username,
    audit::{Action, AuditEvent, Report},
    error::StoreError,
    http::rest::RestError,
    token::Subject,
};
use serde::{Deserialize, Serialize};

use super::{LOG, Permitted, asked};
use crate::shop::Shop;

/// So far back a filter looks.
const EVENTS: usize = 5_000;

#[derive(Deserialize)]
pub(super) struct Wanted {
    limit: Option<usize>,
    /// A customer's e-mail address, an admin user's name, or `customer:1` or `admin:1`.
    subject: Option<String>,
    /// An admin user's name or id.
    actor: Option<String>,
    action: Option<Action>,
}

/// An event, with the names that the shop has for its ids. An account that is gone since has none.
#[derive(Serialize)]
pub(super) struct NamedEvent {
    #[serde(flatten)]
    event: AuditEvent,
    subject_name: Option<String>,
    actor_name: Option<String>,
}

/// The newest audit events that are wanted, the newest first.
pub(super) async fn events(
    _: Permitted<LOG>,
    State(shop): State<Shop>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Vec<NamedEvent>>, RestError> {
    let Wanted { limit, subject, actor, action } = asked(wanted)?;
    let subject = match subject {
        Some(text) => Some(named(&shop, &text).await.map_err(Error::from)?.ok_or_else(no_subject)?),
        None => None,
    };
    let actor = match actor {
        Some(text) => Some(admin_named(&shop, &text).await.map_err(Error::from)?.unwrap_or(text)),
        None => None,
    };
    let limit = limit.unwrap_or(50).min(500);
    let is_filtered = subject.is_some() || actor.is_some() || action.is_some();
    let look_at = if is_filtered { EVENTS } else { limit };
    let events = shop.database.trail.newest(look_at).await.map_err(Error::from)?;
    let is_wanted = |event: &AuditEvent| {
        subject.as_ref().is_none_or(|wanted| event.subject.as_ref() == Some(wanted))
            && action.is_none_or(|wanted| event.action == wanted)
            && actor
                .as_ref()
                .is_none_or(|wanted| event.actor.as_ref().is_some_and(|actor| actor.to_string() == *wanted))
    };
    let events = events.into_iter().rev().filter(is_wanted).take(limit).collect();
    Ok(Json(with_names(&shop, events).await.map_err(Error::from)?))
}

const fn no_subject() -> RestError {
    RestError::new(
        StatusCode::BAD_REQUEST,
        "No customer has this e-mail address, and no admin user this name.",
    )
}

/// Reads a subject. An id is taken as it is: the account may be gone since.
async fn named(shop: &Shop, text: &str) -> Result<Option<Subject>, StoreError> {
    let text = text.trim();
    if let Ok(subject) = text.parse() {
        return Ok(Some(subject));
    }
    if let Ok(email) = text.parse::<Email>() {
        let customer = shop.database.customers.find_by_email(&Website::default(), &email).await?;
        if let Some(customer) = customer {
            return Ok(Some(Subject::Customer(customer.id)));
        }
    }
    let Ok(username) = text.parse::<Username>() else { return Ok(None) };
    let admin = shop.database.admins.find_by_username(&username).await?;
    Ok(admin.map(|admin| Subject::Admin(admin.id)))
}

/// The id of the admin user of a name, if there is one.
async fn admin_named(shop: &Shop, text: &str) -> Result<Option<String>, StoreError> {
    let Ok(username) = text.trim().parse::<Username>() else { return Ok(None) };
    let admin = shop.database.admins.find_by_username(&username).await?;
    Ok(admin.map(|admin| admin.id.to_string()))
}

async fn with_names(shop: &Shop, events: Vec<AuditEvent>) -> Result<Vec<NamedEvent>, StoreError> {
    let mut names: BTreeMap<Subject, Option<String>> = BTreeMap::new();
    for event in &events {
        names.extend(event.subject.clone().map(|subject| (subject, None)));
        names.extend(event.actor.clone().map(|actor| (Subject::Admin(actor), None)));
    }
    for (subject, name) in &mut names {
        *name = match subject {
            Subject::Customer(id) => shop.database.customers.find_by_id(id).await?.map(|row| row.email),
            Subject::Admin(id) => shop.database.admins.find_by_id(id).await?.map(|row| row.username),
            _ => None,
        };
    }
    let name_of = |subject: &Subject| names.get(subject).cloned().flatten();
    let named = events.into_iter().map(|event| NamedEvent {
        subject_name: event.subject.as_ref().and_then(name_of),
        actor_name: event.actor.clone().map(Subject::Admin).as_ref().and_then(name_of),
        event,
    });
    Ok(named.collect())
}

/// The result of a verification of the trail.
#[derive(Serialize)]
pub(super) struct Verification {
    records: u64,
    signed: u64,
    is_clean: bool,
    /// The first of what is wrong.
    findings: Vec<String>,
}

/// True if the trail is as it was written, and `null` for a trail in memory, which is not signed. The
/// trail is read from its beginning, so the page asks for it by a button.
pub(super) async fn verification(
    _: Permitted<LOG>,
    State(shop): State<Shop>,
) -> Result<Json<Option<Verification>>, RestError> {
    let report = shop.database.trail.verify(&shop.database.keyring).await.map_err(Error::from)?;
    Ok(Json(report.as_ref().map(told)))
}

fn told(report: &Report) -> Verification {
    let findings = report.findings.iter().take(10).map(ToString::to_string).collect();
    Verification { records: report.records, signed: report.signed, is_clean: report.is_clean(), findings }
}
