//! Confirmation tokens: what one confirms, and how it is made.

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
    /// The one that the account has.
    Own,
    /// The one that the account gets in its place. The current password was asked for.
    Changed,
}

impl Confirming {
    /// The digest that a token of this address is bound to.
    pub(in crate::flow) fn digest(self, address: &Address) -> Digest {
        let kind: &[u8] = match self {
            Self::Own => b"own address",
            Self::Changed => b"changed address",
        };
        let Address { website, email } = address;
        Digest::of_parts(&[kind, website.as_str().as_bytes(), email.as_str().as_bytes()])
    }

    /// The kind of a token of this address that is bound to `digest`. None if it is bound to another address.
    pub(in crate::flow) fn of(digest: Digest, address: &Address) -> Option<Self> {
        [Self::Own, Self::Changed].into_iter().find(|kind| kind.digest(address) == digest)
    }
}

/// Makes a token that confirms this address for a customer, or for the decoy that stands in for none: all requests
/// are the same work. `generation` was read before the row that it is made for.
pub(in crate::flow) async fn make_token(
    services: &Services,
    owner: CustomerId,
    confirming: Confirming,
    address: &Address,
    generation: Generation,
) -> Result<(ConfirmationToken, OffsetDateTime), Error> {
    let (now, expires_at) = services.tokens.lifespan(services.config.confirmation_lifetime, None);
    let token = services.one_time.draw_confirmation_token()?;
    let (digest, confirms, website) = (token.digest(), confirming.digest(address), address.website.clone());
    let record =
        OneTimeCredential::confirmation(digest, website, owner, generation, confirms, now, expires_at);
    services.one_time.put(&record).await?;
    Ok((token, expires_at))
}
