use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Document, Generation};
use crate::{
    account::{CustomerId, Website},
    error::StoreError,
    token::{Assistance, Digest},
};

/// The purpose of a one-time credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Purpose {
    /// A reset token, mailed to the customer.
    ResetToken,
    /// An admin-generated one-time code: assistance.
    OneTimeCode,
    /// A confirmation token, mailed to an address that the customer has or wants to have.
    Confirmation,
}

/// The purposes that a presented credential may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Purposes {
    /// True if reset tokens are accepted.
    pub reset_token: bool,
    /// True if one-time codes are accepted.
    pub one_time_code: bool,
    /// True if confirmation tokens are accepted.
    pub confirmation: bool,
}

impl Purposes {
    /// Returns a set of this purpose alone.
    #[must_use]
    pub const fn only(purpose: Purpose) -> Self {
        Self { reset_token: false, one_time_code: false, confirmation: false }.and(purpose)
    }

    /// Returns the set with this purpose as well.
    #[must_use]
    pub const fn and(self, purpose: Purpose) -> Self {
        match purpose {
            Purpose::ResetToken => Self { reset_token: true, ..self },
            Purpose::OneTimeCode => Self { one_time_code: true, ..self },
            Purpose::Confirmation => Self { confirmation: true, ..self },
        }
    }

    /// True if the set contains `purpose`.
    #[must_use]
    pub const fn contains(self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::ResetToken => self.reset_token,
            Purpose::OneTimeCode => self.one_time_code,
            Purpose::Confirmation => self.confirmation,
        }
    }
}

/// The stored record of a reset token, a one-time code or a confirmation token. It holds no secret
/// and no address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OneTimeCredential {
    /// The digest of the secret.
    pub digest: Digest,
    /// The purpose of the credential.
    pub purpose: Purpose,
    /// The website of the customer.
    pub website: Website,
    /// The customer that the credential was made for.
    pub customer: CustomerId,
    /// The customer's generation when the credential was made. The library accepts the credential
    /// only while it is current.
    pub generation: Generation,
    /// On a one-time code: the admin user who will act, through which grant, and why.
    pub assistance: Option<Arc<Assistance>>,
    /// On a confirmation token: a digest of the website, of the address, and of whether the
    /// customer has that address already or changes to it.
    pub confirms: Option<Digest>,
    /// The time at which the credential was made.
    pub issued_at: OffsetDateTime,
    /// The expiry. At this instant the credential is already expired.
    pub expires_at: OffsetDateTime,
}

impl OneTimeCredential {
    /// Creates a reset token for a customer.
    #[must_use]
    pub const fn reset_token(
        digest: Digest,
        website: Website,
        customer: CustomerId,
        generation: Generation,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let (purpose, assistance, confirms) = (Purpose::ResetToken, None, None);
        Self { digest, purpose, website, customer, generation, assistance, confirms, issued_at, expires_at }
    }

    /// Creates a one-time code for a customer, with which an admin user will act.
    #[must_use]
    pub fn one_time_code(
        digest: Digest,
        website: Website,
        customer: CustomerId,
        generation: Generation,
        assistance: Assistance,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let (purpose, assistance, confirms) = (Purpose::OneTimeCode, Some(Arc::new(assistance)), None);
        Self { digest, purpose, website, customer, generation, assistance, confirms, issued_at, expires_at }
    }

    /// Creates a confirmation token for a customer, bound to the digest of what it
    /// [`confirms`](Self::confirms).
    #[must_use]
    pub const fn confirmation(
        digest: Digest,
        website: Website,
        customer: CustomerId,
        generation: Generation,
        confirms: Digest,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let (purpose, assistance, confirms) = (Purpose::Confirmation, None, Some(confirms));
        Self { digest, purpose, website, customer, generation, assistance, confirms, issued_at, expires_at }
    }

    /// True if the credential matches the presented one and has not expired. The digests are
    /// compared in constant time.
    pub(crate) fn fits(&self, presented: &Presented, now: OffsetDateTime) -> bool {
        let Presented { website, customer, digest, purposes } = presented;
        self.digest == *digest
            && self.website == *website
            && self.customer == *customer
            && purposes.contains(self.purpose)
            && now < self.expires_at
    }
}

/// A presented credential. A stored credential must match all four fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends read it, and their tests make it.
pub struct Presented {
    /// The website of the sign-in.
    pub website: Website,
    /// The customer of the sign-in.
    pub customer: CustomerId,
    /// The digest of the presented secret.
    pub digest: Digest,
    /// The accepted purposes.
    pub purposes: Purposes,
}

/// A live credential that [`OtcStore::take`] can spend without another look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends make it.
pub struct Offer {
    /// The credential.
    pub credential: OneTimeCredential,
    /// The document in which the credential was found. None for a store that spends with a single
    /// statement.
    pub found_in: Option<Document>,
}

/// A credential that was spent and has not expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends make it.
pub struct Spent {
    /// The purpose of the credential.
    pub purpose: Purpose,
    /// The generation under which the credential was stored.
    pub generation: Generation,
    /// The result of spending the credential: the digest of the issued grant, or of the confirmed
    /// address. None if a new password was set with it.
    pub bought: Option<Digest>,
}

/// The result of [`OtcStore::peek`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Peek {
    /// A live credential, of any generation.
    Live(Offer),
    /// A credential that was spent earlier.
    Spent(Spent),
    /// No credential fits.
    Nothing,
}

/// The result of [`OtcStore::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Take {
    /// This call spent the credential. No other caller gets this result.
    Taken,
    /// Another call spent the credential first.
    Spent(Spent),
    /// The credential is gone or has expired. Nothing is changed.
    Nothing,
}

/// Keeps one-time credentials: reset tokens, one-time codes and confirmation tokens.
///
/// By default the builder makes one from the [`StateStore`](super::StateStore). The library accepts
/// a credential only under the [generation](OneTimeCredential::generation) that it was made under,
/// and checks this itself. No verb has to end a credential.
///
/// Expired credentials may be removed. The mark of a spent credential must stay for one more hour
/// after its expiry, because the clocks of nodes differ. If a customer has more than 128 marks,
/// then those that expire first may be removed.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep one-time credentials",
    label = "it must implement `OtcStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl OtcStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "without `AuthBuilder::one_time_credentials` the `StateStore` keeps them"
)]
pub trait OtcStore: Debug + Send + Sync + 'static {
    /// Stores a credential and returns true. If the customer already has a live or spent credential
    /// of this digest, then nothing is changed and the result is false.
    ///
    /// Only the newest `keep` live credentials of the same customer and purpose stay, on all
    /// websites together. The new credential is one of them.
    ///
    /// # Security
    ///
    /// Reviving a spent credential is a vulnerability. Losing a live one costs the customer another
    /// mail.
    ///
    /// # Errors
    ///
    /// If the backend request failed. The credential may be stored.
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Returns the live credential that matches the presented one, or the mark of a spent one.
    /// Changes nothing.
    ///
    /// # Security
    ///
    /// It is a vulnerability to return a spent credential as live, a credential that was removed,
    /// or a wrong generation. The library checks customer, website, digest, purpose, expiry and
    /// generation of the result again.
    ///
    /// If a live credential is not found, then its holder is refused. If a mark is not found, then
    /// it is a vulnerability: the thief of a credential keeps the session that it was used for.
    ///
    /// # Errors
    ///
    /// If the backend request failed.
    async fn peek(&self, presented: &Presented, now: OffsetDateTime) -> Result<Peek, StoreError>;

    /// Spends an offered credential for exactly one caller, whatever the number of nodes.
    ///
    /// The mark stays until the credential's expiry. It holds the generation and `bought`, the
    /// digest of the issued grant or of the confirmed address. If the customer's other credentials
    /// changed since the offer, then the store tries again and does not refuse.
    ///
    /// # Security
    ///
    /// It is a vulnerability to return [`Take::Taken`] twice or after the expiry, or to lose the
    /// mark.
    ///
    /// # Errors
    ///
    /// If the backend request failed. The credential may be spent. The library does not call again.
    async fn take(
        &self,
        offer: Offer,
        bought: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError>;
}
