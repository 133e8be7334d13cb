use super::Bearer;
use crate::{
    account::{AccountStatus, Email},
    auth::Auth,
    credential::Credential,
    error::Error,
    store::Outcome,
    throttle::Attempted,
};

impl Auth {
    /// Checks a signed-in customer's current password, before an act that asks for it again: a new e-mail
    /// address, payment data. Hosts never compare by themselves.
    ///
    /// Failures are counted in a budget of their own, of the size of
    /// [`AuthConfig::source_budget`](crate::AuthConfig::source_budget), and in the account's wider one: a
    /// stolen token does not allow guessing.
    ///
    /// # Errors
    ///
    /// - As [`verify_customer`](Self::verify_customer), and [`Error::NotAuthorized`] for a token born of
    ///   assistance.
    /// - [`Error::Required`], [`Error::PasswordTooLong`]: nothing was looked up.
    /// - [`Error::WrongPassword`]: it is not the password, or the account has none or is not active.
    /// - [`Error::Locked`]: too many wrong ones.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::ForeignRow`]: the customer's row is of another customer or website, or has no valid
    ///   address.
    /// - [`Error::Unavailable`], [`Error::Random`].
    pub async fn confirm_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        password: impl Into<Credential>,
    ) -> Result<(), Error> {
        let (bearer, password) = (bearer.into(), password.into());
        password.check_bounds()?;
        let who = self.verify_customer(bearer).await?;
        who.require_self()?;
        let row = self.parts.customers.find_by_id(who.customer_id()).await?.ok_or(Error::InvalidToken)?;
        let email = row.email.parse::<Email>().map_err(|_| Error::ForeignRow)?;
        if row.id != *who.customer_id() || row.website != *who.website() {
            return Err(Error::ForeignRow);
        }
        let attempted = Attempted::confirmation(who.website(), &email, self.config());
        let Some(charged) = self.parts.gate.reserve(attempted).await? else { return Err(Error::Locked) };
        // Read again: the wait for a turn may have been long.
        let row = self.parts.customers.find_by_id(who.customer_id()).await?.ok_or(Error::WrongPassword)?;
        let right =
            self.parts.evaluator.is_password(&password, row.password_hash.as_ref(), charged.begun()).await;
        let active = row.status == AccountStatus::Active;
        let checked =
            right.and_then(|right| if right && active { Ok(()) } else { Err(Error::WrongPassword) });
        let outcome = match &checked {
            Ok(()) => Outcome::Succeeded,
            Err(Error::WrongPassword) => Outcome::Failed,
            Err(_) => charged.unknown_outcome(),
        };
        let settled = charged.settle(outcome).await;
        checked?;
        Ok(settled?)
    }
}
