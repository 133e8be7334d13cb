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

/// The digest of a website and an address on it, which a confirmation token is bound to.
pub(in crate::flow) fn digest_of(address: &Address) -> Digest {
    let Address { website, email } = address;
    Digest::of_parts(&[b"confirmation", website.as_str().as_bytes(), email.as_str().as_bytes()])
}

/// Makes a token that confirms this address for a customer, or for the decoy that stands in for none: all requests
/// are the same work. `generation` was read before the row that it is made for.
pub(in crate::flow) async fn make_token(
    services: &Services,
    owner: CustomerId,
    address: &Address,
    generation: Generation,
) -> Result<(ConfirmationToken, OffsetDateTime), Error> {
    let (now, expires_at) = services.tokens.lifespan(services.config.confirmation_lifetime, None);
    let token = services.one_time.draw_confirmation_token()?;
    let (digest, confirms, website) = (token.digest(), digest_of(address), address.website.clone());
    let record =
        OneTimeCredential::confirmation(digest, website, owner, generation, confirms, now, expires_at);
    services.one_time.put(&record).await?;
    Ok((token, expires_at))
}
