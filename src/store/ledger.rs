use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

use crate::{
    account::{CustomerId, Website},
    error::StoreError,
    token::{Assistance, Digest, Grant, Obtained, Origin, Subject},
};

/// How an assistance ended.
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
    /// Who acts, through what, why.
    pub assistance: Arc<Assistance>,
    /// How the token was obtained.
    pub obtained: Obtained,
    /// From where.
    pub origin: Origin,
    /// When it began.
    #[serde(with = "rfc3339")]
    pub began_at: OffsetDateTime,
    /// When it ends at the latest.
    #[serde(with = "rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When it ended; none while it has not.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<OffsetDateTime>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<AssistanceEnd>,
}

impl AssistanceEntry {
    /// The entry of a grant that is born of assistance to a customer; none for any other grant.
    #[must_use]
    pub fn of(grant: &Grant, origin: &Origin) -> Option<Self> {
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

/// Keeps the ledger of assistance.
///
/// It is the record that customers and supervisors are shown; whether a token is good is never read from it.
#[async_trait]
pub trait LedgerStore: Debug + Send + Sync + 'static {
    /// Enters an assistance that begins. An entry of that grant that is there stays as it is.
    ///
    /// # Security
    ///
    /// To answer `Ok` and lose the entry is a vulnerability: somebody is assisted, and the customer cannot see it.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; it may be entered.
    async fn begin_assistance(&self, entry: &AssistanceEntry) -> Result<(), StoreError>;

    /// Notes the end of an assistance that has not ended. Answers the entry, as it is now, to exactly one caller; none to
    /// all others: whoever gets it tells the customer.
    ///
    /// # Security
    ///
    /// To write over an end falsifies the record.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; it may be noted.
    async fn end_assistance(
        &self,
        grant: &Digest,
        end: AssistanceEnd,
        at: OffsetDateTime,
    ) -> Result<Option<AssistanceEntry>, StoreError>;

    /// The entry of a grant, ended or not.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn find_assistance(&self, grant: &Digest) -> Result<Option<AssistanceEntry>, StoreError>;

    /// At most `limit` entries that have not ended, the oldest first.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn open_assistance(&self, limit: usize) -> Result<Vec<AssistanceEntry>, StoreError>;

    /// At most `limit` entries of a customer, ended or not, the newest first.
    ///
    /// # Security
    ///
    /// To show another customer's is a vulnerability.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn assistance_of(
        &self,
        customer: &CustomerId,
        limit: usize,
    ) -> Result<Vec<AssistanceEntry>, StoreError>;

    /// Removes every entry of a customer that has ended, and answers how many: the customer is to be forgotten.
    ///
    /// # Security
    ///
    /// An entry that stays is personal data kept without right. One that has not ended stays.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; entries may be gone.
    async fn erase_assistance(&self, customer: &CustomerId) -> Result<usize, StoreError>;

    /// Removes at most `limit` entries that ended at or before `until`, and answers how many.
    ///
    /// # Security
    ///
    /// To remove one that has not ended, or ended later, hides an assistance.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn purge_assistance(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
