use super::{
    steps::{
        confirmation::{Confirming, make_token},
        ending::conclude,
        password::confirm,
        request::charge_request,
    },
    verify_customer::customer_self,
};
use crate::{
    account::AccountStatus,
    audit::{Action, Draft},
    credential::Credential,
    error::{Error, Field, InputError},
    notifier::Notice,
    service::{
        Services,
        accounts::{Account, Address},
        attempts::Attempted,
        stop::Stop,
    },
    token::{Bearer, CustomerIdentity, Subject},
};

pub(crate) async fn request_email_change(
    services: &Services,
    bearer: Bearer<'_>,
    password: Credential,
    new_email: &str,
) -> Result<(), Error> {
    if new_email.is_empty() {
        return Err(Error::Input(InputError::Required(Field::Email)));
    }
    let email = new_email.parse().map_err(|_| InputError::Email)?;
    password.check_bounds(Field::Password)?;
    services.notices.require()?;
    let who = customer_self(services, &bearer, Action::EmailChangeRequest).await?;
    let address = Address { website: who.website().clone(), email };
    let mut event = Draft::by_customer(Action::EmailChangeRequest, &who, bearer.origin);
    let ended = mail(services, &who, &password, &address, &mut event).await;
    conclude(services, &event, ended).await
}

async fn mail(
    services: &Services,
    who: &CustomerIdentity,
    password: &Credential,
    address: &Address,
    event: &mut Draft,
) -> Result<(), Stop> {
    let Services { config, customers, tokens, notices, .. } = services;
    let subject = Subject::Customer(who.customer_id().clone());
    let generation = tokens.generation_behind(&subject, who.grant()).await?;
    let own = customers.own(who).await?.name()?;
    let attempted = Attempted::confirmation(&own, config);
    let row = confirm(services, customers, who, password, attempted, event).await?;
    let source = event.origin.source;
    let by_source = source.map(|source| Attempted::confirmation_request_from(source, config));
    let by_address = Attempted::confirmation_request(address, source, config);
    charge_request(services, by_source, Some(by_address), None, event).await?;

    // If an account already has the new e-mail address, a token is stored for the decoy account. So
    // the function does the same work for a free and for a taken e-mail address.
    let holder = customers.find_by_name(address).await?;
    let free_for = Some(&row).filter(|_| holder.is_none());
    let owner = customers.id_or_decoy(free_for, address);
    let (token, expires_at) = make_token(services, owner, Confirming::Changed, address, generation).await?;
    match holder {
        None => {
            event.expires_at = Some(expires_at);
            let notice = Notice::EmailChangeRequested { token, expires_at };
            notices.tell_customer_at(address.email.as_str(), &row, notice, &event.origin);
        }
        // This customer or another one already has the new e-mail address.
        Some(holder) => {
            if holder.id != row.id && holder.status != AccountStatus::Disabled {
                notices.tell_customer(&holder, Notice::RegisteredAgain, &event.origin);
            }
        }
    }
    notices.tell_customer(&row, Notice::EmailChangeAsked, &event.origin);
    Ok(())
}
