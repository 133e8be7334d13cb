use super::steps::{ending::conclude, second_factor::clear_budgets};
use crate::{
    account::Username,
    audit::{Action, Draft},
    error::{Error, InputError},
    service::{Services, attempts::admin_partition, stop::Stop},
    token::Origin,
};

pub(crate) async fn unlock_admin(services: &Services, username: &str) -> Result<(), Error> {
    let username: Username = username.parse().map_err(|_| InputError::Username)?;
    let account = admin_partition(&username).account_key();
    let mut event = Draft::awaited(Action::Unlock, &Origin::default()).at_account(account);
    let cleared = clear(services, &username, &mut event).await;
    conclude(services, &event, cleared).await
}

async fn clear(services: &Services, username: &Username, event: &mut Draft) -> Result<(), Stop> {
    clear_second_factor(services, username, event).await?;
    Ok(services.attempts.clear(&admin_partition(username)).await?)
}

/// Clears the budgets of wrong codes and wrong recovery codes of the admin user with this username.
/// Also adds the admin user to the event for the audit trail. If no admin user has the username,
/// the function does nothing.
pub(super) async fn clear_second_factor(
    services: &Services,
    username: &Username,
    event: &mut Draft,
) -> Result<(), Stop> {
    if let Ok(admins) = services.admins()
        && let Some(row) = admins.find_by_name(username).await?
    {
        *event = event.clone().of_admin(&row.id);
        clear_budgets(services, &row.id).await?;
    }
    Ok(())
}
