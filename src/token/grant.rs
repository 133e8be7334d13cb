use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

use super::Digest;
use crate::account::{AdminId, CustomerId, Website};

/// Whom a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Subject {
    /// A customer.
    Customer(CustomerId),
    /// An admin user.
    Admin(AdminId),
}

/// How a grant was obtained: which credential the sign-in matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Obtained {
    /// The account's password.
    Password,
    /// A one-time reset token.
    ResetToken,
    /// An admin-generated one-time code: assistance.
    OneTimeCode,
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
    const MAX_REASON_BYTES: usize = 1024;

    /// Assistance by `actor`, whose own grant is `parent`. Control characters of the reason become spaces,
    /// and what goes beyond 1,024 bytes is cut.
    #[must_use]
    pub fn new(actor: AdminId, parent: Digest, reason: &str) -> Self {
        Self { actor, parent, reason: bounded(reason, Self::MAX_REASON_BYTES) }
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
    /// When it was issued.
    #[serde(with = "rfc3339")]
    pub issued_at: OffsetDateTime,
    /// When it ends: at this instant it is expired.
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

/// Where a grant was obtained from: what a customer is shown to recognise a device by.
///
/// Kept beside the grant and read only to list it, so that verifying a token never pays for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Origin {
    /// The source address, where the transport told it.
    pub source: Option<IpAddr>,
    /// The user agent, where the transport told it.
    pub user_agent: Option<String>,
}

impl Origin {
    /// Longest user agent kept, in bytes.
    const MAX_USER_AGENT_BYTES: usize = 512;

    /// An origin from what a client sent. An IPv4-mapped IPv6 address becomes the IPv4 address it is; control
    /// characters of the user agent become spaces, and what goes beyond 512 bytes is cut.
    #[must_use]
    pub fn new(source: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        Self {
            source: source.map(|address| address.to_canonical()),
            user_agent: user_agent.map(|text| bounded(text, Self::MAX_USER_AGENT_BYTES)),
        }
    }
}

/// A stranger's text, fit to be stored and shown: no control characters, at most `max` bytes.
fn bounded(text: &str, max: usize) -> String {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end)
        .unwrap_or_default()
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_is_bounded() {
        let origin = Origin::new(None, Some(&format!("a\0b\x1b[31m\r\n{}", "é".repeat(1 << 20))));
        let kept = origin.user_agent.unwrap();
        assert!(kept.starts_with("a b [31m  é"));
        assert!(kept.len() <= 512 && kept.len() > 510);
        let mapped = Origin::new(Some("::ffff:192.0.2.1".parse().unwrap()), None);
        assert_eq!(mapped.source, Some("192.0.2.1".parse().unwrap()));
    }
}
