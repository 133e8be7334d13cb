use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

use super::{Assistance, Grant, GrantId, Obtained, Origin, Subject};
use crate::account::{CustomerId, Website};

/// The reason why an assistance ended, in the ledger and in notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AssistanceEnd {
    /// The assistance token expired.
    Expired,
    /// The admin user ended the session.
    SignedOut,
    /// The customer ended the assistance.
    EndedByCustomer,
    /// The customer withdrew the consent to assistance.
    ConsentWithdrawn,
    /// The assistance token became invalid, because the admin user signed out or may no longer
    /// assist, or because the customer's tokens were revoked.
    Withdrawn,
    /// The assistance token was never issued, because a later step failed after the entry was
    /// written.
    NotIssued,
}

/// An entry of the ledger: one assistance with its admin user, customer, reason, origin, beginning
/// and end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AssistanceEntry {
    /// The id of the assistance token's grant. It is also the id of the entry.
    pub grant: GrantId,
    /// The customer who is assisted.
    pub customer: CustomerId,
    /// The customer's website.
    pub website: Website,
    /// The admin user who acts, the grant of the admin user's own token, and the reason.
    pub assistance: Arc<Assistance>,
    /// How the assistance token was obtained.
    pub obtained: Obtained,
    /// The origin of the request that began the assistance.
    pub origin: Origin,
    /// The time at which the assistance began.
    #[serde(with = "rfc3339")]
    pub began_at: OffsetDateTime,
    /// The time at which the assistance token expires, if the assistance does not end before.
    #[serde(with = "rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The time at which the assistance ended. It is `None` while the assistance continues.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<OffsetDateTime>,
    /// The reason why the assistance ended. It is `None` while the assistance continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<AssistanceEnd>,
}

impl AssistanceEntry {
    /// Returns the new ledger entry for the grant of an assistance token. Returns `None` for a
    /// grant without assistance.
    pub(crate) fn of(grant: &Grant, origin: &Origin) -> Option<Self> {
        let (Subject::Customer(customer), Some(website), Some(assistance)) =
            (&grant.subject, &grant.website, &grant.assistance)
        else {
            return None;
        };
        Some(Self {
            grant: grant.id,
            customer: customer.clone(),
            website: website.clone(),
            assistance: Arc::clone(assistance),
            obtained: grant.obtained,
            origin: origin.clone(),
            began_at: grant.issued_at(),
            expires_at: grant.expires_at(),
            ended_at: None,
            end: None,
        })
    }
}
