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

/// The purposes that a presented credential may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // Backends read it.
pub struct Purposes {
    /// True if reset tokens are taken.
    pub reset_token: bool,
    /// True if one-time codes are taken.
    pub one_time_code: bool,
    /// True if confirmation tokens are taken.
    pub confirmation: bool,
}

impl Purposes {
    /// This purpose alone.
    #[must_use]
    pub const fn only(purpose: Purpose) -> Self {
        let none = Self { reset_token: false, one_time_code: false, confirmation: false };
        match purpose {
            Purpose::ResetToken => Self { reset_token: true, ..none },
            Purpose::OneTimeCode => Self { one_time_code: true, ..none },
            Purpose::Confirmation => Self { confirmation: true, ..none },
        }
    }

    /// True if `purpose` is among them.
    #[must_use]
    pub const fn contains(self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::ResetToken => self.reset_token,
            Purpose::OneTimeCode => self.one_time_code,
            Purpose::Confirmation => self.confirmation,
        }
    }
}

/// The stored record of a reset token, a one-time code or a confirmation token. It holds no secret and no address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OneTimeCredential {
    /// The digest of the secret.
    pub digest: Digest,
    /// The purpose of the credential.
    pub purpose: Purpose,
    /// The website of the customer.
    pub website: Website,
    /// The customer that it was made for.
    pub customer: CustomerId,
    /// The customer's generation at the time it was made. The library accepts it under no other.
    pub generation: Generation,
    /// On a one-time code: the admin user who will act, through which grant, and why.
    pub assistance: Option<Arc<Assistance>>,
    /// On a confirmation token: the digest of the website and the address that it confirms, and of whether the customer
    /// has the address or gets it.
    pub confirms: Option<Digest>,
    /// The time at which it was made.
    pub issued_at: OffsetDateTime,
    /// The time at which it ends: at this instant it is expired.
    pub expires_at: OffsetDateTime,
}

impl OneTimeCredential {
    /// A reset token for a customer.
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

    /// A one-time code for a customer, through which an admin user will act.
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

    /// A confirmation token for a customer, bound to the digest of what it [`confirms`](Self::confirms).
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

    /// True if it fits what was presented, and has not expired. The digests are compared in constant time.
    pub(crate) fn fits(&self, presented: &Presented, now: OffsetDateTime) -> bool {
        let Presented { website, customer, digest, purposes } = presented;
        self.digest == *digest
            && self.website == *website
            && self.customer == *customer
            && purposes.contains(self.purpose)
            && now < self.expires_at
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
    /// The digest of the presented secret.
    pub digest: Digest,
    /// The purposes that will do.
    pub purposes: Purposes,
}

/// A live credential that [`OtcStore::take`] can take without another look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends make it.
pub struct Offer {
    /// The credential.
    pub credential: OneTimeCredential,
    /// The document that the credential was found in. A store that takes by a single statement needs none.
    pub found_in: Option<Document>,
}

/// A credential that was spent before and has not expired since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends make it.
pub struct Spent {
    /// The purpose of the credential.
    pub purpose: Purpose,
    /// The generation that the credential was put with.
    pub generation: Generation,
    /// What it was taken for: the digest of a grant, or, of a confirmation token, that of the confirmed address. None if a
    /// new password was set with it.
    pub bought: Option<Digest>,
}

/// The result of [`OtcStore::peek`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Peek {
    /// A live credential, of whatever generation.
    Live(Offer),
    /// A credential that was spent before.
    Spent(Spent),
    /// No credential fits.
    Nothing,
}

/// The result of [`OtcStore::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Take {
    /// The credential is spent by this call: no other caller gets this answer.
    Taken,
    /// Another call was faster.
    Spent(Spent),
    /// The credential is gone or has expired. Nothing is changed.
    Nothing,
}

/// Keeps one-time credentials: reset tokens, one-time codes and confirmation tokens.
///
/// The builder makes one from the [`StateStore`](super::StateStore). No verb ends a credential: the library
/// accepts it only under the [generation](OneTimeCredential::generation) that it was made under, and
/// compares that itself. What has expired may be removed; the mark of a spent credential stays for an hour
/// longer, since the clocks of nodes differ. Of more than 128 marks of a customer, those that expire first
/// may be removed.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep one-time credentials",
    label = "it must implement `OtcStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl OtcStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "without `AuthBuilder::one_time_credentials` the `StateStore` keeps them"
)]
pub trait OtcStore: Debug + Send + Sync + 'static {
    /// Stores a credential and returns true. If the customer has one of this digest already, live or spent,
    /// that one stays as it is and the answer is false.
    ///
    /// Of the live, unspent credentials of the same customer and purpose, on all websites, only the newest
    /// `keep` stay, this one among them.
    ///
    /// # Security
    ///
    /// To revive a spent credential is a vulnerability. To lose a live one costs the customer another mail.
    ///
    /// # Errors
    ///
    /// The backend failed; the credential may be stored.
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Returns the credential that fits what was presented, or the mark that it was spent. Nothing is
    /// changed.
    ///
    /// # Security
    ///
    /// To show a spent credential as live, one that was forgotten, or another generation than it was put
    /// with is a vulnerability. The library compares customer, website, digest, purpose, expiry and
    /// generation of the answer again. To show nothing where there is a credential refuses its holder;
    /// where there is a mark, it is a vulnerability: the thief of a credential keeps what it bought.
    ///
    /// # Errors
    ///
    /// The backend failed.
    async fn peek(&self, presented: &Presented, now: OffsetDateTime) -> Result<Peek, StoreError>;

    /// Spends an offered credential for exactly one caller, whatever the number of nodes. Its mark stays
    /// until its expiry, with its generation and the digest of what it `bought`: a grant, or a confirmed address.
    ///
    /// A change of the customer's other credentials since the offer costs another try and no refusal.
    ///
    /// # Security
    ///
    /// To answer [`Take::Taken`] twice, or after the expiry, is a vulnerability, and so is to forget the
    /// mark.
    ///
    /// # Errors
    ///
    /// The backend failed; the credential may be spent. The library does not call again.
    async fn take(
        &self,
        offer: Offer,
        bought: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError>;
}
