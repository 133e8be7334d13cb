use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Digest, origin::bounded};
use crate::{
    account::{AdminId, CustomerId, Website},
    bytes::{byte_newtype, hex_text},
    clock::micros,
};

/// The account that a token belongs to.
///
/// The text form is `customer:` or `admin:`, followed by the account's id. It does not change
/// between versions, equal subjects have equal texts, and the text can be parsed again. So a
/// backend can store the text, for example in the primary key of a table. `Ord` sorts customers
/// before admin users, and then by id. An alphabetical sort of the texts would place admin users
/// first.
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
    /// Returns the kind of the account (`customer` or `admin`) and its id, for backends that store
    /// the two in separate columns.
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

/// How a grant was obtained, for example by which credential the customer or admin user signed in.
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

    /// Returns the methods by which the account of the token was authenticated, as values of the
    /// claim `amr` (RFC 8176). For assistance the list is empty, because the customer was not
    /// authenticated.
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

/// The assistance that a token belongs to. It has the admin user who acts for the customer, the
/// grant of the admin user's own token, and the reason.
///
/// The claim `act` of RFC 8693 has the same purpose.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Assistance {
    /// The admin user who acts.
    pub actor: AdminId,
    /// The id of the grant of the admin user's own token, with which the admin user obtained the
    /// assistance token. If that grant has ended, the assistance token is refused.
    pub parent: GrantId,
    /// The reason, in the admin user's words.
    pub reason: String,
}

impl Assistance {
    /// Maximum length of a stored reason, in bytes.
    pub(crate) const MAX_REASON_BYTES: usize = 1024;

    /// Creates an assistance by the admin user `actor`, whose own token has the grant `parent`. In
    /// the reason, control characters become spaces, and white space at the beginning and end is
    /// removed. A longer reason is cut after 1,024 bytes.
    #[must_use]
    pub fn new(actor: AdminId, parent: GrantId, reason: &str) -> Self {
        let reason = bounded(reason, Self::MAX_REASON_BYTES).trim().to_owned();
        Self { actor, parent, reason }
    }
}

byte_newtype! {
    /// The id of a grant: the SHA-256 digest of its bearer token.
    ///
    /// The id is not a secret, because nobody can find the token from it. The text form has 64
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

/// The stored record behind a bearer token. It holds only the digest of the token, not the token
/// itself. Its times are whole microseconds, which every backend can store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grant {
    /// The id of the grant: the digest of the bearer token.
    #[serde(rename = "digest")]
    pub id: GrantId,
    /// The account that the token belongs to.
    pub subject: Subject,
    /// The website where the token is valid. `None` for an admin user's token, which belongs to no
    /// website.
    pub website: Option<Website>,
    /// How the grant was obtained.
    pub obtained: Obtained,
    /// The assistance, if the token belongs to one.
    pub assistance: Option<Arc<Assistance>>,
    /// The time of issue, in microseconds since 1970. A verification needs no calendar date, which
    /// would take time to compute.
    #[serde(rename = "issued_at", with = "micros::rfc3339")]
    pub(crate) issued_micros: i64,
    #[serde(rename = "expires_at", with = "micros::rfc3339")]
    pub(crate) expires_micros: i64,
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
        Self::new(id, Subject::Customer(customer), Some(website), obtained, issued_at, expires_at)
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
        Self::new(id, Subject::Admin(admin), None, obtained, issued_at, expires_at)
    }

    fn new(
        id: GrantId,
        subject: Subject,
        website: Option<Website>,
        obtained: Obtained,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let [issued_micros, expires_micros] = [issued_at, expires_at].map(micros::from_time);
        Self { id, subject, website, obtained, assistance: None, issued_micros, expires_micros }
    }

    /// Returns the time of issue.
    #[must_use]
    pub fn issued_at(&self) -> OffsetDateTime {
        micros::to_time(self.issued_micros)
    }

    /// Returns the time at which the grant expires. At exactly this time the grant is already
    /// expired.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        micros::to_time(self.expires_micros)
    }

    /// Returns the same grant with another time of issue.
    #[must_use]
    pub fn issued(self, at: OffsetDateTime) -> Self {
        Self { issued_micros: micros::from_time(at), ..self }
    }

    /// Returns the same grant with another expiry.
    #[must_use]
    pub fn expiring(self, at: OffsetDateTime) -> Self {
        Self { expires_micros: micros::from_time(at), ..self }
    }

    /// Returns the same grant with an assistance.
    #[must_use]
    pub fn assisted(self, assistance: Assistance) -> Self {
        Self { assistance: Some(Arc::new(assistance)), ..self }
    }
}
