use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

use crate::{
    account::{CustomerId, Website},
    error::StoreError,
    token::{Assistance, Digest},
};

/// What a one-time credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Purpose {
    /// A reset token, mailed to the customer.
    ResetToken,
    /// An admin-generated one-time code: assistance.
    OneTimeCode,
}

/// Which purposes a presented credential may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // Backends read it.
pub struct Purposes {
    /// Reset tokens are taken.
    pub reset_token: bool,
    /// One-time codes are taken.
    pub one_time_code: bool,
}

impl Purposes {
    /// Whether `purpose` is among them.
    #[must_use]
    pub const fn contains(self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::ResetToken => self.reset_token,
            Purpose::OneTimeCode => self.one_time_code,
        }
    }
}

/// The stored record of a reset token or a one-time code. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OneTimeCredential {
    /// The digest of the secret.
    pub digest: Digest,
    /// What it is for.
    pub purpose: Purpose,
    /// The website of the customer.
    pub website: Website,
    /// The customer it was made for.
    pub customer: CustomerId,
    /// On a one-time code: who acts, through what, why.
    pub assistance: Option<Arc<Assistance>>,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub issued_at: OffsetDateTime,
    /// When it ends: at this instant it is expired.
    #[serde(with = "rfc3339")]
    pub expires_at: OffsetDateTime,
}

impl OneTimeCredential {
    /// A reset token for a customer.
    #[must_use]
    pub const fn reset_token(
        digest: Digest,
        website: Website,
        customer: CustomerId,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let purpose = Purpose::ResetToken;
        Self { digest, purpose, website, customer, assistance: None, issued_at, expires_at }
    }

    /// A one-time code for a customer, through which an admin user will act.
    #[must_use]
    pub fn one_time_code(
        digest: Digest,
        website: Website,
        customer: CustomerId,
        assistance: Assistance,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let (purpose, assistance) = (Purpose::OneTimeCode, Some(Arc::new(assistance)));
        Self { digest, purpose, website, customer, assistance, issued_at, expires_at }
    }
}

/// A credential as it is presented: all four must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends read it, and their tests make it.
pub struct Presented {
    /// The website of the sign-in.
    pub website: Website,
    /// The customer of the sign-in.
    pub customer: CustomerId,
    /// The digest of what was presented.
    pub digest: Digest,
    /// The purposes that will do.
    pub purposes: Purposes,
}

/// What [`OtcStore::take`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Take {
    /// A live credential. It is spent now: no other caller gets it.
    Taken(OneTimeCredential),
    /// A credential that was spent before, and has not expired since.
    Spent {
        /// What it was for.
        purpose: Purpose,
        /// The grant it was taken for.
        bought: Option<Digest>,
    },
    /// Nothing that fits. Nothing was changed.
    Nothing,
}

/// Keeps one-time credentials: reset tokens and one-time codes.
#[async_trait]
pub trait OtcStore: Debug + Send + Sync + 'static {
    /// Stores a credential. Of the live, unspent ones of the same purpose and customer only the newest `keep`
    /// stay, this one among them. Answers whether it was stored: a digest that the customer has already
    /// stays as it is.
    ///
    /// # Security
    ///
    /// To revive a spent credential is a vulnerability. To lose one costs the customer another mail.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the credential may be stored.
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// The live, unspent credential that [`take`](Self::take) would hand out now. Nothing is changed.
    ///
    /// A flow asks before it takes, so that the audit trail knows of a code before the code is spent. Another caller may
    /// take it in between.
    ///
    /// # Security
    ///
    /// To show an expired, spent or other credential records an assistance that does not happen. To show none where
    /// there is one is a vulnerability: the code would be refused, or, in a backend that takes it nevertheless, spent
    /// without a record.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn peek(
        &self,
        presented: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError>;

    /// Hands a live credential of exactly this website, customer, digest and purpose to exactly one caller,
    /// whatever the number of nodes. It stays until its expiry, marked as spent for the grant `buys`; whoever
    /// presents it again learns that grant.
    ///
    /// # Security
    ///
    /// To hand it out twice, after its expiry, or for another tuple is a vulnerability, and so is to forget
    /// the mark. A tuple that does not fit consumes nothing.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the credential may be spent.
    async fn take(
        &self,
        presented: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError>;

    /// Ends every outstanding credential of a customer, of all purposes. Marks of spent ones stay.
    ///
    /// # Security
    ///
    /// A credential that stays is a vulnerability.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; credentials may be gone.
    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError>;

    /// Removes at most `limit` expired records and answers how many.
    ///
    /// # Security
    ///
    /// To remove the mark of a spent credential before its expiry is a vulnerability: it could be presented
    /// again unnoticed.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
