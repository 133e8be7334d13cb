use crate::{
    account::{Email, PasswordHash},
    auth::Auth,
    credential::Credential,
    error::{Error, PolicyViolation},
};

impl Auth {
    /// Judges a new password by the policy and makes the hash to store: for a host that creates accounts.
    /// Hosts never hash by themselves.
    ///
    /// # Errors
    ///
    /// - [`Error::Required`], [`Error::InvalidEmail`].
    /// - [`Error::PasswordPolicy`]: which rule it breaks, in Commerce's words.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Random`]: there was no salt to be had.
    pub async fn hash_new_password(
        &self,
        email: &str,
        password: impl Into<Credential>,
    ) -> Result<PasswordHash, Error> {
        let password = password.into();
        match password.check_bounds() {
            Err(Error::PasswordTooLong) => {
                return Err(PolicyViolation::TooLong(self.config().password_policy.max_length).into());
            }
            bounds => bounds?,
        }
        let email: Email = email.parse().map_err(|_| Error::InvalidEmail)?;
        self.config().password_policy.judge(&email, &password)?;
        self.parts.evaluator.pool().hash(&password, self.parts.random.as_ref()).await
    }
}
