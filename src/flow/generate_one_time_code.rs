use time::OffsetDateTime;

use super::{Bearer, ending::Stop};
use crate::{
    account::{CustomerId, Website},
    audit::{Action, Draft},
    auth::Auth,
    credential::OneTimeCode,
    error::Error,
    store::OneTimeCredential,
    token::{Grant, Subject},
};

/// A one-time code that was generated.
#[derive(Clone, Debug)]
pub struct GeneratedCode {
    code: OneTimeCode,
    customer: CustomerId,
    website: Website,
    expires_at: OffsetDateTime,
}

impl GeneratedCode {
    /// The code, for the admin user alone.
    #[must_use]
    pub const fn code(&self) -> &OneTimeCode {
        &self.code
    }

    /// The customer it is for.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// The website it is good for.
    #[must_use]
    pub const fn website(&self) -> &Website {
        &self.website
    }

    /// When it ends: at this instant it is expired.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

impl Auth {
    /// Generates a one-time code by which the admin user signs in as a customer: Commerce's
    /// `POST /V1/customer/{id}/otp`.
    ///
    /// The code is 32 hexadecimal characters, lives for
    /// [`AuthConfig::one_time_code_lifetime`](crate::AuthConfig::one_time_code_lifetime) and works once, with the
    /// customer's e-mail address: as the `password` of [`generate_customer_token`](Self::generate_customer_token), or
    /// through [`exchange_one_time_code`](Self::exchange_one_time_code). Everything that is checked here is checked again
    /// then. It is bound to the customer's website; the bearer's does not matter. A customer's newest three codes stay
    /// good.
    ///
    /// A blank reason becomes
    /// [`AuthConfig::default_assistance_reason`](crate::AuthConfig::default_assistance_reason).
    ///
    /// # Errors
    ///
    /// As [`generate_customer_token_as_admin`](Self::generate_customer_token_as_admin), with
    /// [`Error::NoSuchCustomer`] for an id that no customer has. If the customer's tokens are ended meanwhile, the
    /// code is good for nothing.
    pub async fn generate_one_time_code(
        &self,
        bearer: impl Into<Bearer<'_>>,
        customer: &CustomerId,
        reason: &str,
    ) -> Result<GeneratedCode, Error> {
        let bearer = bearer.into();
        let own = self.live_grant(&bearer).await?;
        let mut event = Draft::about(Action::CodeMint, bearer.origin()).of_customer(customer);
        let ended = self.mint_code(&own, customer, reason, &mut event).await;
        self.conclude(&event, ended).await
    }

    async fn mint_code(
        &self,
        own: &Grant,
        customer: &CustomerId,
        reason: &str,
        event: &mut Draft,
    ) -> Result<GeneratedCode, Stop> {
        let (assistance, until) = self.assistance_by(own, reason, event).await?;
        let generation = self.generation(&Subject::Customer(customer.clone())).await?;
        let row = self.consenting_customer(customer).await?;
        let code = OneTimeCode::generate(self.parts.random.as_ref())?;
        let (now, end) = self.lifespan(self.config().one_time_code_lifetime, Some(until));
        let record = OneTimeCredential::one_time_code(
            code.digest(),
            row.website.clone(),
            row.id.clone(),
            generation,
            assistance,
            now,
            end,
        );
        event.website = Some(row.website.clone());
        event.grant = Some(record.digest);
        event.expires_at = Some(end);
        self.parts.trail.begin(event).await?;
        self.put_credential(&record).await?;
        Ok(GeneratedCode { code, customer: row.id, website: row.website, expires_at: end })
    }
}
