use super::ending::Stop;
use crate::{
    account::{AccountStatus, Email, Website},
    audit::{Action, Draft, Outcome, Refusal},
    auth::Auth,
    credential::ResetToken,
    error::{Error, Field, Part},
    notifier::Notice,
    service::attempts::{Attempted, account_partition},
    state::budgets,
    store::OneTimeCredential,
    token::{Origin, Subject},
};

/// A customer who has forgotten the password, as a client sent it.
#[derive(Clone, Debug)]
#[must_use]
pub struct PasswordResetRequest {
    email: String,
    website: Website,
    origin: Origin,
}

impl PasswordResetRequest {
    /// A request on the default website with the `email` argument as it came.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), website: Website::default(), origin: Origin::default() }
    }

    /// The website of the account.
    pub fn on(self, website: Website) -> Self {
        Self { website, ..self }
    }

    /// Where the request came from. Requests are counted by the address.
    pub fn from(self, origin: impl Into<Origin>) -> Self {
        Self { origin: origin.into(), ..self }
    }
}

impl Auth {
    /// Makes a reset token for the customer with this address, if there is one, and hands it to the
    /// [`Notifier`](crate::Notifier): Commerce's `requestPasswordResetEmail`.
    ///
    /// Known and unknown addresses, locked and disabled accounts are the same work and the same answer; so are the
    /// limits, which count the address as it was typed. The token lives for
    /// [`AuthConfig::reset_token_lifetime`](crate::AuthConfig::reset_token_lifetime) and works once, in
    /// [`reset_password`](Self::reset_password) or as the `password` of
    /// [`generate_customer_token`](Self::generate_customer_token). The newest three stay good, so a stranger's request
    /// does not kill the link in the customer's mail. A disabled account gets none.
    ///
    /// # Errors
    ///
    /// - [`Error::Required`], [`Error::InvalidEmail`]: nothing was looked up.
    /// - [`Error::NotConfigured`]: there is no notifier.
    /// - [`Error::TooManyRequests`]: for this address, or from this source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made; none was mailed.
    pub async fn request_password_reset(&self, request: PasswordResetRequest) -> Result<(), Error> {
        if request.email.is_empty() {
            return Err(Error::Required(Field::ResetEmail));
        }
        let email: Email = request.email.parse().map_err(|_| Error::InvalidEmail)?;
        if self.parts.notifier.is_none() {
            return Err(Error::NotConfigured(Part::Notifier));
        }
        let mut event = Draft::about(Action::ResetRequest, &request.origin)
            .on(&request.website)
            .at_account(account_partition(&request.website, &email).digest());
        match self.mail_reset_token(&request, &email, &mut event).await {
            // Whether there is such an account is for the trail alone.
            Ok(Some(why)) => {
                self.tell(&event, Outcome::Refused(why)).await?;
                Ok(())
            }
            Ok(None) => self.conclude(&event, Ok(())).await,
            Err(stop) => self.conclude(&event, Err(stop)).await,
        }
    }

    /// Answers why no token was mailed, if none was.
    async fn mail_reset_token(
        &self,
        request: &PasswordResetRequest,
        email: &Email,
        event: &mut Draft,
    ) -> Result<Option<Refusal>, Stop> {
        let by_source =
            request.origin.source.map(|source| Attempted::reset_request_from(source, self.config()));
        let by_address = Attempted::reset_request(&request.website, email, self.config());
        for attempted in by_source.into_iter().chain([by_address]) {
            let charged = self.parts.attempts.reserve(attempted).await?;
            let charged = charged.ok_or(Refusal::BudgetSpent.told(Error::TooManyRequests))?;
            // Each request counts, whatever comes of it.
            self.settle(charged, budgets::Outcome::Failed, event).await?;
        }
        let row = self.parts.customers.find_by_email(&request.website, email).await?;
        let row = row.filter(|row| row.is_of(&request.website, email));
        let decoy = self.parts.decoys.customer(&request.website, email);
        let customer = row.as_ref().map_or(&decoy, |row| &row.id).clone();
        let generation = self.generation(&Subject::Customer(customer.clone())).await?;
        // Read again: a change from here on moves the generation, and the token is good for nothing.
        let row = self.parts.customers.find_by_id(&customer).await?;
        let row = row.filter(|row| row.id == customer && row.is_of(&request.website, email));
        event.subject = row.as_ref().map(|row| Subject::Customer(row.id.clone()));
        let disabled = row.as_ref().is_some_and(|row| row.status == AccountStatus::Disabled);
        let row = row.filter(|_| !disabled);

        let token = ResetToken::generate(self.parts.random.as_ref())?;
        let (now, expires_at) = self.lifespan(self.config().reset_token_lifetime, None);
        let (owner, website) = (row.as_ref().map_or(&decoy, |row| &row.id), request.website.clone());
        let (digest, owner) = (token.digest(), owner.clone());
        let record = OneTimeCredential::reset_token(digest, website, owner, generation, now, expires_at);
        self.put_credential(&record).await?;
        Ok(match row {
            Some(row) => {
                event.expires_at = Some(expires_at);
                self.notify(&row, Notice::ResetRequested { token, expires_at }, &request.origin);
                None
            }
            None if disabled => Some(Refusal::AccountDisabled),
            None => Some(Refusal::UnknownAccount),
        })
    }
}
