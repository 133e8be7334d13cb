use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

use super::{Digest, origin::bounded};
use crate::account::{AdminId, CustomerId, Website};

/// Whom a token speaks for.
///
/// The text form is `customer:` or `admin:` and the id. It is stable, so that a backend can use it as a key: equal subjects
/// have equal texts, and parsing a text gives back its subject. The order is customers before admin users, then by id; it is not
/// the order of the texts.
///
/// ```
/// use commerce_auth::{AdminId, CustomerId, Subject};
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

/// Why a text names no [`Subject`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject is customer: or admin: and an account id")]
#[non_exhaustive]
pub struct SubjectError;

impl Subject {
    /// The word for the kind, and the id: a backend's columns, and the two halves of the text form.
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

/// How a grant was obtained: which credential the sign-in matched.
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
    /// An admin-generated one-time code: assistance.
    OneTimeCode,
    /// Asked for by an admin user directly: assistance.
    AsAdmin,
}

impl Obtained {
    /// True if a second factor was used.
    #[must_use]
    pub const fn has_second_factor(self) -> bool {
        matches!(self, Self::PasswordAndTotp | Self::PasswordAndRecoveryCode)
    }

    /// How whom the token speaks for was authenticated, in the words of RFC 8176 (`amr`). Nothing where an admin user acts,
    /// as the customer was not.
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

/// Assistance: which admin user acts for the customer, through which grant of its own, and why.
///
/// RFC 8693 calls this the `act` of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Assistance {
    /// The admin user who acts.
    pub actor: AdminId,
    /// The admin user's own grant, which must be live whenever the token is used.
    pub parent: Digest,
    /// Why, in the admin user's words.
    pub reason: String,
}

impl Assistance {
    /// Longest reason kept, in bytes.
    pub(crate) const MAX_REASON_BYTES: usize = 1024;

    /// Assistance by `actor`, whose own grant is `parent`. Control characters of the reason become spaces, space at its
    /// ends is trimmed, and what goes beyond 1,024 bytes is cut.
    #[must_use]
    pub fn new(actor: AdminId, parent: Digest, reason: &str) -> Self {
        let reason = bounded(reason, Self::MAX_REASON_BYTES).trim().to_owned();
        Self { actor, parent, reason }
    }
}

/// The stored record behind a bearer token. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grant {
    /// The digest of the bearer token, and the grant's name.
    pub digest: Digest,
    /// Whom the token speaks for.
    pub subject: Subject,
    /// The website it is good for; none for an admin user's, which belong to no website.
    pub website: Option<Website>,
    /// How it was obtained.
    pub obtained: Obtained,
    /// On every token born of assistance: who acts, through what, why.
    pub assistance: Option<Arc<Assistance>>,
    /// The time of its issue.
    #[serde(with = "rfc3339")]
    pub issued_at: OffsetDateTime,
    /// The end: at this instant it is expired.
    #[serde(with = "rfc3339")]
    pub expires_at: OffsetDateTime,
}

impl Grant {
    /// A customer's grant, without assistance.
    #[must_use]
    pub fn customer(
        digest: Digest,
        customer: CustomerId,
        website: Website,
        obtained: Obtained,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let (subject, website) = (Subject::Customer(customer), Some(website));
        Self { digest, subject, website, obtained, assistance: None, issued_at, expires_at }
    }

    /// An admin user's grant.
    #[must_use]
    pub fn admin(
        digest: Digest,
        admin: AdminId,
        obtained: Obtained,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let (subject, website) = (Subject::Admin(admin), None);
        Self { digest, subject, website, obtained, assistance: None, issued_at, expires_at }
    }

    /// The same grant, born of assistance.
    #[must_use]
    pub fn assisted(self, assistance: Assistance) -> Self {
        Self { assistance: Some(Arc::new(assistance)), ..self }
    }
}
