use super::{Bearer, SignedIn, ending::Stop};
use crate::{
    account::Email,
    audit::{Action, Draft, Refusal},
    auth::Auth,
    error::{Error, Field},
    service::attempts::account_partition,
    token::{Grant, Obtained, Subject},
};

impl Auth {
    /// Gives an admin user a token to assist a customer with: Commerce's `generateCustomerTokenAsAdmin`.
    ///
    /// The customer is looked for on the bearer's website. The token is the customer's in all but what
    /// [`CustomerIdentity::require_self`](crate::CustomerIdentity::require_self) guards; it names the admin user and the
    /// reason, lives for [`AuthConfig::assistance_token_lifetime`](crate::AuthConfig::assistance_token_lifetime) and never
    /// longer than the admin user's own token, and is checked live at every use. Nothing is issued unless the audit sink
    /// has kept the record of it.
    ///
    /// A blank reason becomes
    /// [`AuthConfig::default_assistance_reason`](crate::AuthConfig::default_assistance_reason).
    ///
    /// # Errors
    ///
    /// - [`Error::Required`], [`Error::InvalidEmail`]: nothing was looked up.
    /// - [`Error::InvalidToken`], [`Error::NotAuthorized`]: the bearer is no live admin user's token.
    /// - [`Error::AssistanceDisabled`], [`Error::AssistanceNotPermitted`]: the shop offers no assistance, or the admin
    ///   user may not give it. No customer was looked up.
    /// - [`Error::StepUpRequired`]: the shop demands a fresh second factor
    ///   ([`AuthConfig::assistance_step_up`](crate::AuthConfig::assistance_step_up)). No customer was looked up.
    /// - [`Error::NoSuchEmail`], [`Error::NoConsent`], [`Error::NotConfirmed`], [`Error::CustomerDisabled`]: the
    ///   customer cannot be assisted.
    /// - [`Error::SignInRefused`]: the customer's tokens were revoked meanwhile.
    /// - [`Error::Unavailable`], [`Error::Random`], [`Error::NotConfigured`]: no token was issued.
    pub async fn generate_customer_token_as_admin(
        &self,
        bearer: impl Into<Bearer<'_>>,
        customer_email: &str,
        reason: &str,
    ) -> Result<SignedIn, Error> {
        let bearer = bearer.into();
        if customer_email.trim().is_empty() {
            return Err(Error::Required(Field::CustomerEmail));
        }
        let email = customer_email.parse::<Email>().map_err(|_| Error::InvalidEmail)?;
        let own = self.live_grant(&bearer).await?;
        let mut event = Draft::about(Action::AssistanceToken, bearer.origin())
            .on(&bearer.website)
            .at_account(account_partition(&bearer.website, &email).digest());
        let ended = self.assist(&own, &bearer, &email, reason, &mut event).await;
        self.conclude(&event, ended).await
    }

    async fn assist(
        &self,
        own: &Grant,
        bearer: &Bearer<'_>,
        email: &Email,
        reason: &str,
        event: &mut Draft,
    ) -> Result<SignedIn, Stop> {
        let (assistance, until) = self.assistance_by(own, reason, event).await?;
        let row = self.parts.customers.find_by_email(&bearer.website, email).await?;
        let row = row.filter(|row| row.is_of(&bearer.website, email));
        let customer = row.ok_or(Refusal::UnknownAccount.told(Error::NoSuchEmail))?.id;
        let subject = Subject::Customer(customer.clone());
        event.subject = Some(subject.clone());
        let generation = self.generation(&subject).await?;
        // Read again: what ends tokens from here on raises the generation, and the grant is not stored; consent is looked at
        // again at every use.
        let row = self.consenting_customer(&customer).await?;
        if !row.is_of(&bearer.website, email) {
            return Err(Refusal::UnknownAccount.told(Error::NoSuchEmail));
        }
        let drawn = self.draw_token()?;
        let (now, end) = self.lifespan(self.config().assistance_token_lifetime, Some(until));
        let website = bearer.website.clone();
        let grant = Grant::customer(drawn.digest, customer.clone(), website, Obtained::AsAdmin, now, end);
        let grant = grant.assisted(assistance);
        event.about_grant(&grant);
        self.parts.trail.begin(event).await?;
        self.store_assistance(&row, &grant, bearer.origin(), generation).await?;
        Ok(SignedIn::new(drawn.token, customer, &grant))
    }
}
