use super::{
    SignedIn,
    steps::{
        ending::conclude,
        seek::{Sought, seek},
    },
};
use crate::{
    audit::{Action, Draft, Refusal},
    error::{AssistanceError, Error, Field, InputError},
    service::{Services, accounts::Address, attempts::account_partition, stop::Stop},
    token::{Bearer, Grant, Obtained, Subject},
};

pub(crate) async fn generate_customer_token_as_admin(
    services: &Services,
    bearer: Bearer<'_>,
    customer_email: &str,
    reason: &str,
) -> Result<SignedIn, Error> {
    if customer_email.trim().is_empty() {
        return Err(Error::Input(InputError::Required(Field::CustomerEmail)));
    }
    let email = customer_email.parse().map_err(|_| InputError::Email)?;
    let address = Address { website: bearer.website.clone(), email };
    let own = services.tokens.present(bearer.token).await?;
    let mut event = Draft::awaited(Action::AssistanceToken, bearer.origin)
        .website(&address.website)
        .at_account(account_partition(&address).account_key());
    let ended = assist(services, &own, &address, reason, &mut event).await;
    conclude(services, &event, ended).await
}

async fn assist(
    services: &Services,
    own: &Grant,
    address: &Address,
    reason: &str,
    event: &mut Draft,
) -> Result<SignedIn, Stop> {
    let Services { assistance, customers, tokens, config, .. } = services;
    let (offered, until) = assistance.offered_by(own, reason, event).await?;
    let unknown = || Refusal::UnknownAccount.told(AssistanceError::NoSuchEmail);
    let Sought { row, id, generation } = seek(customers, tokens, address).await?;
    if row.is_none() {
        return Err(unknown());
    }
    event.subject = Some(Subject::Customer(id.clone()));
    // The account row is read a second time, because `seek` read the row before the generation. If
    // another request ends the customer's tokens after this point, the generation changes, so the
    // grant is not stored. If the customer withdraws the consent later, the token is refused,
    // because each verification of the token reads the consent again.
    let row = assistance.consenting(&id).await?;
    if !row.is_of(&address.website, &address.email) {
        return Err(unknown());
    }
    let drawn = tokens.draw()?;
    let (now, end) = tokens.lifespan(config.lifetimes.assistance_token, Some(until));
    let website = address.website.clone();
    let grant = Grant::customer(drawn.id, id.clone(), website, Obtained::AsAdmin, now, end);
    let grant = grant.assisted(offered);
    event.about_grant(&grant);
    services.trail.begin(event).await?;
    let origin = event.origin.clone();
    assistance.begin(&row, &grant, &origin, generation).await?;
    Ok(SignedIn::new(drawn.token, id, &grant))
}
