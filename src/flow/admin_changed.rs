use super::steps::{credentials::settle_ledger, ending::conclude};
use crate::{
    account::AdminId,
    audit::{Action, Draft},
    error::Error,
    service::Services,
    token::{Origin, Subject},
};

/// A change that a host made to an admin user's account.
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
    let subject = Subject::Admin(admin.clone());
    let mut ended = services.tokens.revoke_all(&subject, None).await;
    if change == AdminChange::Deleted && ended.is_ok() {
        ended = services.factors.remove(admin).await.map(drop).map_err(Into::into);
    }
    settle_ledger(services, &subject, &event.origin).await;
    let forgotten = services.attempts.forget_devices(&subject).await;
    let ended = ended.and(forgotten.map_err(Error::from));
    conclude(services, &event, ended.map_err(Into::into)).await
}
