//! The passwords of customers and admin users: verification, hashing, and the policy for new
//! passwords.

use std::sync::Arc;

use super::accounts::{Account, Accounts};
use crate::{
    account::{Email, PasswordHash, Username},
    config::AuthConfig,
    credential::{
        BreachedPasswords, Credential, HashingPool, HashingStats, Lane, Line, PasswordPolicy, PasswordSha1,
        Verified, Work,
    },
    error::{Error, Field, InputError, PolicyViolation},
    random::SecureRandom,
};

pub(crate) struct Passwords {
    pool: HashingPool,
    policy: PasswordPolicy,
    breached: Option<Arc<dyn BreachedPasswords>>,
    random: Arc<dyn SecureRandom>,
}

impl Passwords {
    pub(crate) fn new(
        pool: HashingPool,
        config: &AuthConfig,
        breached: Option<Arc<dyn BreachedPasswords>>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let mut policy = config.password_policy.clone();
        policy.context_words.push(config.issuer.clone());
        Self { pool, policy, breached, random }
    }

    /// Verifies a password against a stored hash. A wrong password costs at least the work of one
    /// hash with the current parameters, even if there is no stored hash. So the duration does not
    /// reveal if the account has a password.
    pub(crate) async fn verify(
        &self,
        password: &Credential,
        stored: Option<&PasswordHash>,
        work: &Work,
    ) -> Result<Verified, Error> {
        self.pool.verify(password, stored, work).await
    }

    /// Computes the hash of a new password. The caller has already checked the policy. Refuses a
    /// password that the host's [`BreachedPasswords`] contains.
    pub(crate) async fn hash_new(&self, password: &Credential, line: Line) -> Result<PasswordHash, Error> {
        if let Some(breached) = &self.breached
            && breached.contains(&PasswordSha1::of(password)).await?
        {
            return Err(PolicyViolation::Breached.into());
        }
        self.hash(password, line).await
    }

    /// Waits for a free thread of the hashing pool and computes a hash.
    async fn hash(&self, password: &Credential, line: Line) -> Result<PasswordHash, Error> {
        self.pool.hash(password, line, self.random.as_ref()).await
    }

    /// Replaces a password hash with outdated parameters, after the password was right. If the
    /// replacement fails, the next sign-in tries it again.
    pub(crate) async fn rehash<A: Account>(&self, accounts: &Accounts<A>, row: &A, password: &Credential) {
        if let Ok(new) = self.hash(password, Line::of_host()).await {
            let _ = accounts.replace_hash(row, &new).await;
        }
    }

    /// Refuses a new password that is empty or too long. A flow calls this function before any
    /// costly work.
    pub(crate) fn check_bounds(&self, password: &Credential, field: Field) -> Result<(), Error> {
        password.check_bounds(field).map_err(|error| match error {
            Error::Input(InputError::PasswordTooLong) => {
                PolicyViolation::TooLong(self.policy.max_length).into()
            }
            other => other,
        })
    }

    /// Checks a customer's new password against the policy.
    pub(crate) fn judge(&self, email: &Email, password: &Credential) -> Result<(), Error> {
        Ok(self.policy.judge(email, password)?)
    }

    /// Checks an admin user's new password against the policy.
    pub(crate) fn judge_admins(&self, username: &Username, password: &Credential) -> Result<(), Error> {
        Ok(self.policy.judge_admins(username, password)?)
    }

    /// Returns the rule of the policy that a customer's present password breaks, if any.
    pub(crate) fn violation(&self, email: &Email, password: &Credential) -> Option<PolicyViolation> {
        self.policy.judge(email, password).err()
    }

    /// Returns the rule of the policy that an admin user's present password breaks, if any.
    pub(crate) fn admins_violation(
        &self,
        username: &Username,
        password: &Credential,
    ) -> Option<PolicyViolation> {
        self.policy.judge_admins(username, password).err()
    }

    /// True if the part of the hashing queue for callers of this kind is at least half full.
    pub(crate) fn is_half_full(&self, lane: Lane) -> bool {
        self.pool.is_half_full(lane)
    }

    pub(crate) fn stats(&self) -> HashingStats {
        self.pool.stats()
    }
}
