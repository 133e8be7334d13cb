//! Confirmation tokens: the address that a token confirms, and how the token is made.

use time::OffsetDateTime;

use crate::{
    account::CustomerId,
    credential::ConfirmationToken,
    error::Error,
    service::{Services, accounts::Address},
    store::{Generation, OneTimeCredential},
    token::Digest,
};

/// The address that a confirmation token confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) enum Confirming {
    /// The present address of the account.
    Own,
    /// The new address of the account. The flow that made the token has checked the current
    /// password.
    Changed,
}

impl Confirming {
    /// Returns the digest that a token of this address is bound to.
    pub(in crate::flow) fn digest(self, address: &Address) -> Digest {
        let kind: &[u8] = match self {
            Self::Own => b"own address",
            Self::Changed => b"changed address",
        };
        let Address { website, email } = address;
        Digest::of_parts(&[kind, website.as_str().as_bytes(), email.as_str().as_bytes()])
    }

    /// Returns the kind of a token that is bound to `digest`. Returns none if the token is bound to
    /// another address.
    pub(in crate::flow) fn of(digest: Digest, address: &Address) -> Option<Self> {
        [Self::Own, Self::Changed].into_iter().find(|kind| kind.digest(address) == digest)
    }
}

/// Makes a token that confirms this address.
///
/// For an unknown account, the caller passes the decoy's id, so that all requests do the same work.
/// `generation` was read before the customer's row.
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
