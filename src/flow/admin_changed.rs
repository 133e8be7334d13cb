use crate::{
    account::AdminId,
    audit::{Action, Draft},
    auth::Auth,
    error::Error,
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

impl Auth {
    /// Tells the crate that the host changed an admin user's account: all its tokens end, those of sign-ins in flight
    /// too, and with them every token of a customer that they gave rise to. A disabled or missing admin user is refused
    /// without it, as the account is read at every use; call it after the change is stored all the same, so that nothing
    /// revives with the account. With a deleted account goes its second factor. It may be called again.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some may still live; call it again.
    pub async fn admin_changed(&self, admin: &AdminId, change: AdminChange) -> Result<(), Error> {
        match change {
            AdminChange::Disabled | AdminChange::Deleted | AdminChange::PasswordChanged => {
                let event = Draft::about(Action::AccountChange, &Origin::default()).of_admin(admin);
                let subject = Subject::Admin(admin.clone());
                let mut ended = self.end_tokens(&subject, None).await;
                if change == AdminChange::Deleted && ended.is_ok() {
                    ended = self.parts.factors.remove(admin).await.map(drop).map_err(Into::into);
                }
                self.settle_ledger_by(admin, &event.origin).await;
                self.conclude(&event, ended.map_err(Into::into)).await
            }
        }
    }
}
