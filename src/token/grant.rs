use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

use super::{Digest, origin::bounded};
use crate::{
    account::{AdminId, CustomerId, Website},
    bytes::{byte_newtype, hex_text},
};

/// The account that a token belongs to.
///
/// The text form is `customer:` or `admin:` followed by the id. It is stable, so a backend can use
/// it as a key: equal subjects have equal texts, and parsing a text returns its subject. `Ord`
/// sorts customers before admin users, and then by id. This order differs from the order of the
/// texts.
///
/// ```
/// use commerce_auth::{AdminId, CustomerId, token::Subject};
///
/// let subject = Subject::Customer(CustomerId::from(7));
/// assert_eq!(subject.to_string(), "customer:7");
/// assert_eq!("admin:3".parse(), Ok(Subject::Admin(AdminId::from(3))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Subject {
    /// A customer.
    Customer(CustomerId),
    /// An admin user.
    Admin(AdminId),
}

/// A text does not name a [`Subject`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject must be customer: or admin: and an account id")]
#[non_exhaustive]
pub struct SubjectError;

impl Subject {
    /// Returns the word for the kind, and the id. Backends store the two in separate columns.
    pub(crate) fn parts(&self) -> (&'static str, &dyn fmt::Display) {
        match self {
            Self::Customer(id) => (CUSTOMER, id),
            Self::Admin(id) => (ADMIN, id),
        }
    }

    pub(crate) fn from_parts(kind: &str, id: &str) -> Result<Self, SubjectError> {
        match kind {
            CUSTOMER => id.parse().map(Self::Customer).map_err(|_| SubjectError),
            ADMIN => id.parse().map(Self::Admin).map_err(|_| SubjectError),
            _ => Err(SubjectError),
        }
    }
}

const CUSTOMER: &str = "customer";
const ADMIN: &str = "admin";

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = self.parts();
        write!(f, "{kind}:{id}")
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let (kind, id) = text.split_once(':').ok_or(SubjectError)?;
        Self::from_parts(kind, id)
    }
}

/// How a grant was obtained: the credential that the sign-in matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Obtained {
    /// The account's password.
    Password,
    /// An admin user's password and a code of an authenticator (TOTP).
    PasswordAndTotp,
    /// An admin user's password and a recovery code.
    PasswordAndRecoveryCode,
    /// A one-time reset token.
    ResetToken,
    /// A one-time code that an admin user generated, for assistance.
    OneTimeCode,
    /// A direct request of an admin user, for assistance.
    AsAdmin,
}

impl Obtained {
    /// True if a second factor was presented.
    #[must_use]
    pub const fn has_second_factor(self) -> bool {
        matches!(self, Self::PasswordAndTotp | Self::PasswordAndRecoveryCode)
    }

    /// Returns how the token's subject was authenticated, in the terms of RFC 8176 (`amr`). It is
    /// empty for assistance, because the customer was not authenticated.
    #[must_use]
    pub const fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::PasswordAndTotp | Self::PasswordAndRecoveryCode => &["pwd", "otp", "mfa"],
            Self::ResetToken => &["otp"],
            Self::OneTimeCode | Self::AsAdmin => &[],
        }
    }
}

/// The assistance behind a token: the admin user who acts for the customer, the admin user's own
/// grant, and the reason.
///
/// RFC 8693 calls it the `act` claim of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Assistance {
    /// The admin user who acts.
    pub actor: AdminId,
    /// The admin user's own grant. It must be live whenever the token is used.
    pub parent: GrantId,
    /// The reason, in the admin user's words.
    pub reason: String,
}

impl Assistance {
    /// Maximum length of a stored reason, in bytes.
    pub(crate) const MAX_REASON_BYTES: usize = 1024;

    /// Creates an assistance by `actor`, whose own grant is `parent`. Control characters of the
    /// reason become spaces, white space at its ends is removed, and the reason is cut after 1,024
    /// bytes.
    #[must_use]
    pub fn new(actor: AdminId, parent: GrantId, reason: &str) -> Self {
        let reason = bounded(reason, Self::MAX_REASON_BYTES).trim().to_owned();
        Self { actor, parent, reason }
    }
}

byte_newtype! {
    /// The id of a grant: the SHA-256 digest of its bearer token.
    ///
    /// It is not a secret, because the token cannot be found from it. The text form is 64
    /// lower-case hexadecimal digits.
    ///
    /// ```
    /// use commerce_auth::token::GrantId;
    ///
    /// let id = GrantId::of(b"ibwthvpqgkqfwhcpcpqhqcvyu6rx0vvs");
    /// assert_eq!(id.to_string().parse(), Ok(id));
    /// ```
    #[derive(PartialEq)]
    pub struct GrantId([u8; 32]);
}

hex_text!(GrantId);

impl GrantId {
    /// Returns the id of the grant behind a bearer token.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self::from_digest(Digest::of(token))
    }

    pub(crate) const fn from_digest(digest: Digest) -> Self {
        Self::from_bytes(*digest.as_bytes())
    }

    pub(crate) const fn digest(self) -> Digest {
        Digest::from_bytes(self.0)
    }
}

/// The stored record behind a bearer token. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grant {
    /// The id of the grant: the digest of the bearer token.
    #[serde(rename = "digest")]
    pub id: GrantId,
    /// The account that the token belongs to.
    pub subject: Subject,
    /// The website where the token is valid. None for an admin user, who belongs to no website.
    pub website: Option<Website>,
    /// How the grant was obtained.
    pub obtained: Obtained,
    /// The assistance, if the token belongs to one.
    pub assistance: Option<Arc<Assistance>>,
    /// The time of issue.
    #[serde(with = "rfc3339")]
    pub issued_at: OffsetDateTime,
    /// The expiry. At this instant the grant is already expired.
    #[serde(with = "rfc3339")]
    pub expires_at: OffsetDateTime,
}

impl Grant {
    /// Creates a customer's grant, without assistance.
    #[must_use]
    pub fn customer(
        id: GrantId,
        customer: CustomerId,
        website: Website,
        obtained: Obtained,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let (subject, website) = (Subject::Customer(customer), Some(website));
        Self { id, subject, website, obtained, assistance: None, issued_at, expires_at }
    }

    /// Creates an admin user's grant.
    #[must_use]
    pub fn admin(
        id: GrantId,
        admin: AdminId,
        obtained: Obtained,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let (subject, website) = (Subject::Admin(admin), None);
        Self { id, subject, website, obtained, assistance: None, issued_at, expires_at }
    }

    /// Returns the same grant with an assistance.
    #[must_use]
    pub fn assisted(self, assistance: Assistance) -> Self {
        Self { assistance: Some(Arc::new(assistance)), ..self }
    }
}
