use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use commerce_auth::{
    AuditEvent, Error, Subject,
    audit::{Action, Report},
    http::rest::RestError,
};
use serde::{Deserialize, Serialize};

use super::{LOG, Permitted, asked};
use crate::shop::Shop;

/// So far back a filter looks.
const EVENTS: usize = 5_000;

#[derive(Deserialize)]
pub(super) struct Wanted {
    limit: Option<usize>,
    /// `customer:1` or `admin:1`.
    subject: Option<String>,
    actor: Option<String>,
    action: Option<Action>,
}

/// The newest audit events that are wanted, the newest first.
pub(super) async fn events(
    _: Permitted<LOG>,
    State(shop): State<Shop>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Vec<AuditEvent>>, RestError> {
    let Wanted { limit, subject, actor, action } = asked(wanted)?;
    let subject: Option<Subject> = subject.map(|text| text.parse().map_err(|_| no_subject())).transpose()?;
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
    Ok(Json(events.into_iter().rev().filter(is_wanted).take(limit).collect()))
}

const fn no_subject() -> RestError {
    RestError::new(StatusCode::BAD_REQUEST, "A subject is customer:ID or admin:ID.")
}

/// What the verification of the trail found.
#[derive(Serialize)]
pub(super) struct Verification {
    records: u64,
    signed: u64,
    is_clean: bool,
    /// The first of what is wrong.
    findings: Vec<String>,
}

/// Whether the trail is what was written; `null` for one in memory, which is not signed. It is read from its beginning:
/// the page asks for it by a button.
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
