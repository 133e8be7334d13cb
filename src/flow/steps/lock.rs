//! The notice of a lock to the owner of the account.

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

/// A kind of account whose owners are told of a lock.
pub(in crate::flow) trait ToldOfLock: Account {
    /// Tells the owner of the account that its budget over all sources is spent. Nobody is told if no account has
    /// the name; the work is the same.
    ///
    /// # Errors
    ///
    /// The store failed, or the random source.
    fn tell_of_lock(
        services: &Services,
        name: &Self::Name,
        owner: Option<&Self>,
        origin: &Origin,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Tells the owner of an account if its budget over all sources is spent. A lock of one source is not told: it
/// concerns that source alone. A notice that cannot be made changes no answer.
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
        let (_, expires_at) = services.tokens.lifespan(services.config.enrolment_lifetime, None);
        let account = admin_partition(username);
        let token: UnlockToken = services.attempts.offer_unlock(&account, expires_at).await?;
        if let Some(owner) = owner {
            services.notices.tell_admin(owner, AdminNotice::Locked { token, expires_at }, origin);
        }
        Ok(())
    }
}
