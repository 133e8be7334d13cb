use super::steps::{credentials::settle_ledger, ending::conclude};
use crate::{
    account::AdminId,
    audit::{Action, Draft, Outcome},
    error::Error,
    notifier::AdminNotice,
    service::Services,
    token::{Origin, Subject},
};

/// A change that the host made to an admin user's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AdminChange {
    /// The host disabled the account, which may no longer sign in.
    Disabled,
    /// The host deleted the account.
    Deleted,
    /// The host set a new password. The admin user is notified
    /// ([`AdminNotice::PasswordSetByHost`]).
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
    // The admin user is notified of the new password even if the tokens could not be ended, because
    // the host has already stored this password. If the host repeats the call, the admin user is
    // notified once more.
    if change == AdminChange::PasswordChanged {
        tell_of_password(services, admin, &event.origin).await;
    }
    conclude(services, &event, ended.map_err(Into::into)).await
}

/// Notifies the admin user of a password that the host set. If the admin user's account row cannot
/// be read, no notice is sent, and the audit trail records the failure. This failure does not
/// change the result of the host's call.
async fn tell_of_password(services: &Services, admin: &AdminId, origin: &Origin) {
    let Ok(admins) = services.admins() else { return };
    match admins.find_by_id(admin).await {
        Ok(Some(row)) => drop(services.notices.tell_admin(&row, AdminNotice::PasswordSetByHost, origin)),
        Ok(None) => {}
        Err(_) => {
            let event = Draft::queued(Action::Notification, origin).of_admin(admin);
            services.trail.note(&event, Outcome::Failed);
        }
    }
}
