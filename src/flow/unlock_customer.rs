use super::steps::ending::conclude;
use crate::{
    account::Website,
    audit::{Action, Draft},
    error::{Error, InputError},
    service::{Services, accounts::Address, attempts::account_partition},
    token::Origin,
};

pub(crate) async fn unlock_customer(
    services: &Services,
    website: &Website,
    email: &str,
) -> Result<(), Error> {
    let email = email.parse().map_err(|_| InputError::Email)?;
    let account = account_partition(&Address { website: website.clone(), email });
    let event =
        Draft::awaited(Action::Unlock, &Origin::default()).website(website).at_account(account.account_key());
    let cleared = services.attempts.clear(&account).await;
    conclude(services, &event, cleared.map_err(Into::into)).await
}
