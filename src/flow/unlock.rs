use crate::{
    account::{Email, Username, Website},
    audit::{Action, Draft},
    auth::Auth,
    error::Error,
    service::attempts::{account_partition, admin_partition},
    store::Partition,
    token::Origin,
};

impl Auth {
    /// Forgets the failed attempts at a customer's account, and the locks they led to, over all sources: for a support
    /// desk that has made sure who is calling.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidEmail`].
    /// - [`Error::Unavailable`]: they may be forgotten.
    pub async fn unlock_customer(&self, website: &Website, email: &str) -> Result<(), Error> {
        let email: Email = email.parse().map_err(|_| Error::InvalidEmail)?;
        let event = Draft::about(Action::Unlock, &Origin::default()).on(website);
        self.unlock(account_partition(website, &email), event).await
    }

    /// As [`unlock_customer`](Self::unlock_customer), for an admin user: the password and the second factor.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidUsername`].
    /// - [`Error::Unavailable`]: they may be forgotten.
    pub async fn unlock_admin(&self, username: &str) -> Result<(), Error> {
        let username: Username = username.parse().map_err(|_| Error::InvalidUsername)?;
        let mut event = Draft::about(Action::Unlock, &Origin::default());
        if let Some(admins) = &self.parts.admins
            && let Some(row) = admins.find_by_username(&username).await?.filter(|row| row.is_of(&username))
        {
            event = event.of_admin(&row.id);
            let cleared = self.clear_code_budgets(&row.id).await;
            if cleared.is_err() {
                return self.conclude(&event, cleared.map_err(Into::into)).await;
            }
        }
        self.unlock(admin_partition(&username), event).await
    }

    async fn unlock(&self, account: Partition, event: Draft) -> Result<(), Error> {
        let cleared = self.parts.attempts.clear(&account).await;
        self.conclude(&event.at_account(account.digest()), cleared.map_err(Into::into)).await
    }
}
