//! The notice to a customer or an admin user that the account is locked.

use crate::{
    account::{AdminRecord, CustomerRecord, Username},
    credential::UnlockToken,
    error::Error,
    notifier::{AdminNotice, Notice},
    service::{
        Services,
        accounts::{Account, Address},
        attempts::admin_partition,
    },
    state::budgets::Locks,
    token::Origin,
};

/// A kind of account, customer or admin user, that is notified of its lock.
pub(in crate::flow) trait ToldOfLock: Account {
    /// Notifies the customer or admin user that the account's budget over all sources is spent. If
    /// no account has the name, `owner` is none. The function then makes the same requests to the
    /// store, but sends no notice.
    ///
    /// # Errors
    ///
    /// The storage backend request or the random source failed.
    fn tell_of_lock(
        services: &Services,
        name: &Self::Name,
        owner: Option<&Self>,
        origin: &Origin,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Notifies the customer or admin user if the attempt spent the account's budget over all sources.
///
/// A lock of a single source at the account causes no notice, because the customer or admin user
/// can still sign in from other sources. If the notice cannot be sent, the result of the flow stays
/// the same.
pub(in crate::flow) async fn tell_of_locks<A: ToldOfLock>(
    services: &Services,
    locks: Locks,
    name: &A::Name,
    owner: Option<&A>,
    origin: &Origin,
) {
    if locks.wide {
        let _ = A::tell_of_lock(services, name, owner, origin).await;
    }
}

impl ToldOfLock for CustomerRecord {
    async fn tell_of_lock(
        services: &Services,
        _name: &Address,
        owner: Option<&Self>,
        origin: &Origin,
    ) -> Result<(), Error> {
        if let Some(owner) = owner {
            services.notices.tell_customer(owner, Notice::Locked, origin);
        }
        Ok(())
    }
}

impl ToldOfLock for AdminRecord {
    async fn tell_of_lock(
        services: &Services,
        username: &Username,
        owner: Option<&Self>,
        origin: &Origin,
    ) -> Result<(), Error> {
        let (_, expires_at) = services.tokens.lifespan(services.config.lifetimes.enrolment_token, None);
        let account = admin_partition(username);
        let token: UnlockToken = services.attempts.offer_unlock(&account, expires_at).await?;
        if let Some(owner) = owner {
            services.notices.tell_admin(owner, AdminNotice::Locked { token, expires_at }, origin);
        }
        Ok(())
    }
}
