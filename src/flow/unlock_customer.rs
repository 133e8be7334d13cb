use crate::{
    account::{Email, Website},
    auth::Auth,
    error::Error,
    throttle::account_key,
};

impl Auth {
    /// Forgets the failed attempts at an account, and the locks they led to, over all sources: for a support
    /// desk that has made sure who is calling.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidEmail`].
    /// - [`Error::Unavailable`]: they may be forgotten.
    pub async fn unlock_customer(&self, website: &Website, email: &str) -> Result<(), Error> {
        let email: Email = email.parse().map_err(|_| Error::InvalidEmail)?;
        Ok(self.parts.throttle.clear(&account_key(website, &email)).await?)
    }
}
