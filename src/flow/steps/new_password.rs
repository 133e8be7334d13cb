//! The change of a password by a signed-in customer or admin user, who presents the current
//! password.

use super::{
    credentials::{Ends, let_stand},
    lock::ToldOfLock,
    password::confirm,
};
use crate::{
    account::{AdminRecord, CustomerRecord},
    audit::Draft,
    config::AuthConfig,
    credential::{Credential, Lane, Line},
    error::Error,
    notifier::{AdminNotice, Notice},
    service::{
        Services, accounts::Accounts, attempts::Attempted, notices::Notices, passwords::Passwords, stop::Stop,
    },
    token::Origin,
};

/// A kind of account, customer or admin user, that can change its password.
pub(in crate::flow) trait ChangesPassword: ToldOfLock {
    /// True if the audit trail must record the change before it is made.
    const IS_ANNOUNCED: bool;
    /// The lane of the hashing queue in which the new hash waits.
    const LANE: Lane;

    /// Checks a new password against the policy.
    fn judge(passwords: &Passwords, name: &Self::Name, new: &Credential) -> Result<(), Error>;
    /// Returns the attempt, with its budgets, that a check of the current password makes.
    fn confirmation(name: &Self::Name, config: &AuthConfig) -> Attempted;
    fn tell_of_change(&self, notices: &Notices, origin: &Origin);
}

/// Changes the password of a signed-in customer or admin user. If the change succeeds, the
/// presented token stays valid. All other tokens of the account end, and all one-time credentials
/// and enrolments.
pub(in crate::flow) async fn change<A: ChangesPassword>(
    services: &Services,
    accounts: &Accounts<A>,
    who: &A::Identity,
    (current, new): (&Credential, &Credential),
    event: &Draft,
) -> Result<(), Stop> {
    let (id, grant) = A::proved_by(who);
    let subject = A::subject_of(id);
    let generation = services.tokens.generation_behind(&subject, grant).await?;
    let name = accounts.own(who).await?.name()?;
    A::judge(&services.passwords, &name, new)?;
    let confirm = async || {
        let attempted = A::confirmation(&name, &services.config);
        confirm(services, accounts, who, current, attempted, event).await
    };
    let mut row = confirm().await?;
    let hash = services.passwords.hash_new(new, Line::new(A::LANE, event.origin.source)).await?;
    if A::IS_ANNOUNCED {
        services.trail.begin(event).await?;
    }
    if !accounts.replace_hash(&row, &hash).await? {
        // Another request has replaced the password hash since the current password was checked.
        // Either a sign-in has updated the parameters of the hash, or the password was changed. So
        // the current password is checked once more.
        row = confirm().await?;
        if !accounts.replace_hash(&row, &hash).await? {
            return Err(Error::Conflict.into());
        }
    }
    // The notice is sent before the tokens are ended, so that a caller who disconnects cannot
    // suppress the notice. If the earlier password is restored below, the customer or admin user
    // got a needless notice.
    row.tell_of_change(&services.notices, &event.origin);
    let undo = accounts.restore_hash(&row, &hash);
    let_stand(services, &subject, generation, Ends::AllBut(grant), &event.origin, undo).await
}

impl ChangesPassword for CustomerRecord {
    const IS_ANNOUNCED: bool = false;
    const LANE: Lane = Lane::Known;

    fn judge(passwords: &Passwords, name: &Self::Name, new: &Credential) -> Result<(), Error> {
        passwords.judge(&name.email, new)
    }

    fn confirmation(name: &Self::Name, config: &AuthConfig) -> Attempted {
        Attempted::confirmation(name, config)
    }

    fn tell_of_change(&self, notices: &Notices, origin: &Origin) {
        notices.tell_customer(self, Notice::PasswordChanged, origin);
    }
}

impl ChangesPassword for AdminRecord {
    const IS_ANNOUNCED: bool = true;
    const LANE: Lane = Lane::Admins;

    fn judge(passwords: &Passwords, name: &Self::Name, new: &Credential) -> Result<(), Error> {
        passwords.judge_admins(name, new)
    }

    fn confirmation(name: &Self::Name, config: &AuthConfig) -> Attempted {
        Attempted::admin_confirmation(name, config)
    }

    fn tell_of_change(&self, notices: &Notices, origin: &Origin) {
        notices.tell_admin(self, AdminNotice::PasswordChanged, origin);
    }
}
