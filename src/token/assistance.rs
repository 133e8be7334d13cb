use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

use super::{Assistance, Digest, Grant, Obtained, Origin, Subject};
use crate::account::{CustomerId, Website};

/// The cause of the end of an assistance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AssistanceEnd {
    /// Its token ran out.
    Expired,
    /// The admin user signed out of it.
    SignedOut,
    /// The customer ended it.
    EndedByCustomer,
    /// The customer withdrew the consent.
    ConsentWithdrawn,
    /// It no longer held: the admin user signed out or may no longer assist, or the customer's tokens were revoked.
    Withdrawn,
    /// Its token was never issued.
    NotIssued,
}

/// An assistance, as the ledger keeps it: who acts for whom, why, from where, since when and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AssistanceEntry {
    /// The grant of the token that was born of it, and the entry's name.
    pub grant: Digest,
    /// The customer who is assisted.
    pub customer: CustomerId,
    /// The customer's website.
    pub website: Website,
    /// The admin user who acts, through which grant, and why.
    pub assistance: Arc<Assistance>,
    /// The way in which the token was obtained.
    pub obtained: Obtained,
    /// The origin of the request that began it.
    pub origin: Origin,
    /// The time at which it began.
    #[serde(with = "rfc3339")]
    pub began_at: OffsetDateTime,
    /// The latest time at which it ends.
    #[serde(with = "rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The time at which it ended. None while it goes on.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<OffsetDateTime>,
    /// The cause of its end. None while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<AssistanceEnd>,
}

impl AssistanceEntry {
    /// The entry of a grant that is born of assistance to a customer; none for any other grant.
    pub(crate) fn of(grant: &Grant, origin: &Origin) -> Option<Self> {
        let (Subject::Customer(customer), Some(website), Some(assistance)) =
            (&grant.subject, &grant.website, &grant.assistance)
        else {
            return None;
        };
        Some(Self {
            grant: grant.digest,
            customer: customer.clone(),
            website: website.clone(),
            assistance: Arc::clone(assistance),
            obtained: grant.obtained,
            origin: origin.clone(),
            began_at: grant.issued_at,
            expires_at: grant.expires_at,
            ended_at: None,
            end: None,
        })
    }
}
