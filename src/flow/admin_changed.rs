use super::steps::{credentials::end_credentials, ending::conclude};
use crate::{
    account::AdminId,
    audit::{Action, Draft},
    error::Error,
    service::{Services, stop::Stop},
    token::{Origin, Subject},
};

/// What a host did to an admin user's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AdminChange {
    /// The account may no longer sign in.
    Disabled,
    /// The account is gone.
    Deleted,
    /// The account has another password.
    PasswordChanged,
}

pub(crate) async fn admin_changed(
    services: &Services,
    admin: &AdminId,
    change: AdminChange,
) -> Result<(), Error> {
    let event = Draft::awaited(Action::AccountChange, &Origin::default()).of_admin(admin);
    let ended = end(services, admin, change, &event).await;
    conclude(services, &event, ended).await
}

async fn end(services: &Services, admin: &AdminId, change: AdminChange, event: &Draft) -> Result<(), Stop> {
    end_credentials(services, &Subject::Admin(admin.clone()), None, &event.origin).await?;
    match change {
        AdminChange::Deleted => services.factors.remove(admin).await.map(drop)?,
        AdminChange::Disabled | AdminChange::PasswordChanged => {}
    }
    Ok(())
}
