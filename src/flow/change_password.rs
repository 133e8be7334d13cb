use super::{Bearer, ending::Stop};
use crate::{
    account::{CustomerRecord, Email, PasswordHash},
    audit::{Action, Draft, Refusal},
    auth::Auth,
    credential::Credential,
    error::{Error, Field, StoreError},
    notifier::Notice,
    token::{CustomerIdentity, Subject},
};

impl Auth {
    /// Changes a signed-in customer's password: Commerce's `changeCustomerPassword`.
    ///
    /// The current password is checked as by [`confirm_password`](Self::confirm_password). Success ends all the
    /// customer's other tokens, reset tokens and one-time codes; the token presented stays good.
    ///
    /// # Errors
    ///
    /// - [`Error::Required`], [`Error::PasswordPolicy`]: nothing was checked.
    /// - As [`confirm_password`](Self::confirm_password).
    /// - [`Error::InvalidToken`]: the customer's tokens were ended by somebody else meanwhile. The password does not
    ///   stand: the earlier one is back, and all tokens end.
    /// - [`Error::Unavailable`], [`Error::Random`]: the password may be changed, and other tokens may live. Try again
    ///   with either password.
    ///
    /// The same holds for a call that is dropped midway, as some servers do when a client goes away: run it to its end
    /// (in a task of its own).
    pub async fn change_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        current: impl Into<Credential>,
        new: impl Into<Credential>,
    ) -> Result<(), Error> {
        let (bearer, current, new) = (bearer.into(), current.into(), new.into());
        current.check_bounds(Field::CurrentPassword)?;
        self.check_new_password_bounds(&new, Field::NewPassword)?;
        let who = self.customer_self(&bearer, Action::PasswordChange).await?;
        let event = Draft::by_customer(Action::PasswordChange, &who, bearer.origin());
        let ended = self.change(&who, &current, &new, &event).await;
        self.conclude(&event, ended).await
    }

    async fn change(
        &self,
        who: &CustomerIdentity,
        current: &Credential,
        new: &Credential,
        event: &Draft,
    ) -> Result<(), Stop> {
        let subject = Subject::Customer(who.customer_id().clone());
        let generation = self.generation_behind(&subject, who.grant()).await?;
        let row = self.own_row(who).await?;
        let email = row.email.parse::<Email>().map_err(|_| Error::ForeignRow)?;
        self.config().password_policy.judge(&email, new).map_err(Error::from)?;
        let mut row = self.confirm(who, current, event).await?;
        let hash = self.parts.evaluator.pool().hash(new, self.parts.random.as_ref()).await?;
        if !self.replace_hash(&row, &hash).await? {
            // The hash is not the one that was checked: made anew by a sign-in, or changed by somebody else.
            row = self.confirm(who, current, event).await?;
            if !self.replace_hash(&row, &hash).await? {
                return Err(Error::Overloaded.into());
            }
        }
        // First, so that a caller who goes away cannot keep it from the customer. If the password is undone below, the
        // notice was needless.
        self.notify(&row, Notice::PasswordChanged, &event.origin);
        // A password was checked, so there is one.
        let earlier = row.password_hash.as_ref().unwrap_or(&hash);
        let undo = self.parts.customers.replace_password_hash(&row.id, Some(&hash), earlier);
        let end = self.end_credentials(&row.id, None, &event.origin);
        if !self.lets_stand(&subject, generation, undo, end).await? {
            return Err(Refusal::RevokedMeanwhile.told(Error::InvalidToken));
        }
        Ok(self.end_credentials(&row.id, Some(who.grant()), &event.origin).await?)
    }

    async fn replace_hash(&self, row: &CustomerRecord, new: &PasswordHash) -> Result<bool, StoreError> {
        self.parts.customers.replace_password_hash(&row.id, row.password_hash.as_ref(), new).await
    }
}
