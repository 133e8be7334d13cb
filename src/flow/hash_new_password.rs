use crate::{
    account::{Email, PasswordHash, Username},
    auth::Auth,
    credential::Credential,
    error::{Error, Field, PolicyViolation},
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
        let email: Email = email.parse().map_err(|_| Error::InvalidEmail)?;
        self.judge_new_password(&email, &password, Field::Password)?;
        self.parts.evaluator.pool().hash(&password, self.parts.random.as_ref()).await
    }

    /// As [`hash_new_password`](Self::hash_new_password), for an admin user.
    ///
    /// # Errors
    ///
    /// As [`hash_new_password`](Self::hash_new_password), with [`Error::InvalidUsername`].
    pub async fn hash_new_admin_password(
        &self,
        username: &str,
        password: impl Into<Credential>,
    ) -> Result<PasswordHash, Error> {
        let password = password.into();
        let username: Username = username.parse().map_err(|_| Error::InvalidUsername)?;
        self.check_new_password_bounds(&password, Field::Password)?;
        self.config().password_policy.judge_admins(&username, &password)?;
        self.parts.evaluator.pool().hash(&password, self.parts.random.as_ref()).await
    }

    /// Judges a customer's new password, which is bounded first.
    pub(super) fn judge_new_password(
        &self,
        email: &Email,
        password: &Credential,
        field: Field,
    ) -> Result<(), Error> {
        self.check_new_password_bounds(password, field)?;
        Ok(self.config().password_policy.judge(email, password)?)
    }

    pub(super) fn check_new_password_bounds(&self, password: &Credential, field: Field) -> Result<(), Error> {
        password.check_bounds(field).map_err(|error| match error {
            Error::PasswordTooLong => {
                PolicyViolation::TooLong(self.config().password_policy.max_length).into()
            }
            other => other,
        })
    }
}
