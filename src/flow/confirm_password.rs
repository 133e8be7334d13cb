use super::{Bearer, ending::Stop};
use crate::{
    account::{AccountStatus, CustomerRecord, Email},
    audit::{Action, Draft, Refusal},
    auth::Auth,
    credential::Credential,
    error::{Error, Field},
    service::attempts::Attempted,
    state::budgets::Outcome,
    token::CustomerIdentity,
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
        password.check_bounds(Field::Password)?;
        let who = self.customer_self(&bearer, Action::PasswordConfirmation).await?;
        let event = Draft::by_customer(Action::PasswordConfirmation, &who, bearer.origin());
        let ended = self.confirm(&who, &password, &event).await;
        self.conclude(&event, ended.map(drop)).await
    }

    /// Checks the current password within its budget; answers the row whose hash it was checked against.
    pub(super) async fn confirm(
        &self,
        who: &CustomerIdentity,
        password: &Credential,
        event: &Draft,
    ) -> Result<CustomerRecord, Stop> {
        let row = self.own_row(who).await?;
        let email = row.email.parse::<Email>().map_err(|_| Error::ForeignRow)?;
        let attempted = Attempted::confirmation(who.website(), &email, self.config());
        let charged = self.parts.attempts.reserve(attempted).await?;
        let charged = charged.ok_or(Refusal::BudgetSpent.told(Error::Locked))?;
        // Read again: the wait for a turn may have been long.
        let row = self.own_row(who).await?;
        let hash = row.password_hash.as_ref();
        let right = self.parts.evaluator.is_password(password, hash, charged.begun()).await;
        let checked = match right {
            Ok(true) => match row.status {
                AccountStatus::Active => Ok(row),
                AccountStatus::Unconfirmed => Err(Refusal::AccountUnconfirmed.told(Error::WrongPassword)),
                AccountStatus::Disabled => Err(Refusal::AccountDisabled.told(Error::WrongPassword)),
            },
            Ok(false) => Err(Refusal::WrongCredential.told(Error::WrongPassword)),
            Err(error) => Err(error.into()),
        };
        let outcome = match &checked {
            Ok(_) => Outcome::Succeeded,
            Err(Stop { told: Error::WrongPassword, .. }) => Outcome::Failed,
            Err(_) => charged.unknown_outcome(),
        };
        let settled = self.settle(charged, outcome, event).await;
        // If the password is right, a charge that could not be settled now is settled later.
        drop(settled);
        checked
    }

    /// The row of a customer who presented a token.
    pub(super) async fn own_row(&self, who: &CustomerIdentity) -> Result<CustomerRecord, Stop> {
        let row = self.parts.customers.find_by_id(who.customer_id()).await?;
        let row = row.ok_or(Refusal::UnknownAccount.told(Error::InvalidToken))?;
        if row.id != *who.customer_id() || row.website != *who.website() {
            return Err(Error::ForeignRow.into());
        }
        Ok(row)
    }
}
