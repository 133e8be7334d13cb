use super::{steps::ending::conclude, unlock_admin::clear_second_factor};
use crate::{
    account::Username,
    audit::{Action, Draft, Refusal},
    credential::Credential,
    error::{Error, Field, InputError, SignInError},
    service::{
        Services,
        attempts::{Tallies, admin_partition},
        stop::Stop,
    },
    state::budgets::CountedFailure,
    token::{Digest, Origin},
};

pub(crate) async fn unlock_admin_by_link(
    services: &Services,
    username: &str,
    token: Credential,
    origin: &Origin,
) -> Result<(), Error> {
    let username: Username = username.parse().map_err(|_| InputError::Username)?;
    token.check_bounds(Field::UnlockToken)?;
    let mut event =
        Draft::anonymous(Action::Unlock, origin).at_account(admin_partition(&username).account_key());
    let ended = unlock(services, &username, &token, &mut event).await;
    conclude(services, &event, ended).await
}

async fn unlock(
    services: &Services,
    username: &Username,
    token: &Credential,
    event: &mut Draft,
) -> Result<(), Stop> {
    services.admins()?;
    let attempts = &services.attempts;
    let source = Tallies::of_source(event.origin.source, &services.config);
    attempts.admit(source.as_ref()).await?;
    let (account, digest) = (admin_partition(username), Digest::of(token.bytes()));
    let wrong = || Refusal::WrongCredential.told(SignInError::InvalidUnlockToken);
    if !attempts.takes_unlock(&account, digest).await? {
        attempts.count(source.as_ref(), CountedFailure::default(), services.documents.now()).await;
        return Err(wrong());
    }
    event.is_admins();
    // The budgets of wrong codes are cleared before the unlock link is spent. If the store fails
    // after the budgets are cleared, the admin user can use the link again.
    clear_second_factor(services, username, event).await?;
    if attempts.spend_unlock(&account, digest).await? { Ok(()) } else { Err(wrong()) }
}
