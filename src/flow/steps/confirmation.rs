//! Confirmation tokens: the e-mail address that a token confirms, and how the token is made.

use time::OffsetDateTime;

use crate::{
    account::CustomerId,
    credential::ConfirmationToken,
    error::Error,
    service::{Services, accounts::Address},
    store::{Generation, OneTimeCredential},
    token::Digest,
};

/// The kind of e-mail address that a confirmation token confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) enum Confirming {
    /// The present e-mail address of the account.
    Own,
    /// The new e-mail address of the account, to which the customer wants to change. The request
    /// for this change has checked the current password.
    Changed,
}

impl Confirming {
    /// Returns the digest of this kind and this e-mail address. The stored record of a confirmation
    /// token contains this digest, so that the token confirms only this e-mail address.
    pub(in crate::flow) fn digest(self, address: &Address) -> Digest {
        let kind: &[u8] = match self {
            Self::Own => b"own address",
            Self::Changed => b"changed address",
        };
        let Address { website, email } = address;
        Digest::of_parts(&[kind, website.as_str().as_bytes(), email.as_str().as_bytes()])
    }

    /// Returns the kind of a confirmation token whose stored record contains `digest`. Returns none
    /// if `digest` was not made from `address`.
    pub(in crate::flow) fn of(digest: Digest, address: &Address) -> Option<Self> {
        [Self::Own, Self::Changed].into_iter().find(|kind| kind.digest(address) == digest)
    }
}

/// Makes and stores a confirmation token for this e-mail address.
///
/// For an unknown account, the caller passes the decoy account's id as `owner`. So a token is
/// stored for known and unknown accounts, and both take the same time. The caller must have read
/// `generation` before the account row.
pub(in crate::flow) async fn make_token(
    services: &Services,
    owner: CustomerId,
    confirming: Confirming,
    address: &Address,
    generation: Generation,
) -> Result<(ConfirmationToken, OffsetDateTime), Error> {
    let (now, expires_at) = services.tokens.lifespan(services.config.lifetimes.confirmation_token, None);
    let token = services.one_time.draw_confirmation_token()?;
    let (digest, confirms, website) = (token.digest(), confirming.digest(address), address.website.clone());
    let record =
        OneTimeCredential::confirmation(digest, website, owner, generation, confirms, now, expires_at);
    services.one_time.put(&record).await?;
    Ok((token, expires_at))
}
