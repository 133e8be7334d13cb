use super::Auth;
#[cfg(doc)]
use crate::account::Permission;
#[cfg(doc)]
use crate::error::{AssistanceError, InputError, InternalError, SecondFactorError, SignInError, TokenError};
use crate::{
    account::CustomerId,
    error::Error,
    flow::{self, GeneratedCode, SignedIn},
    token::{AssistanceEntry, Bearer, Digest},
};

/// # Assistance
///
/// Remote shopping assistance: an admin user acts for a customer who consents to it.
impl Auth {
    /// Gives an admin user a token to assist a customer with: Commerce's `generateCustomerTokenAsAdmin`.
    ///
    /// The customer is looked for on the bearer's website. The token is the customer's in all but what
    /// [`CustomerIdentity::require_self`](crate::CustomerIdentity::require_self) guards; it names the admin
    /// user and the reason, lives for
    /// [`AuthConfig::assistance_token_lifetime`](crate::AuthConfig::assistance_token_lifetime) and never longer
    /// than the admin user's own token, and is checked live at every use. Nothing is issued unless the audit
    /// sink has kept the record of it.
    ///
    /// A blank reason becomes
    /// [`AuthConfig::default_assistance_reason`](crate::AuthConfig::default_assistance_reason).
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: nothing was looked up.
    /// - [`TokenError::Invalid`], [`TokenError::NotAuthorized`]: the bearer is no live admin user's token.
    /// - [`AssistanceError::Disabled`], [`AssistanceError::NotPermitted`]: the shop offers no assistance, or the admin
    ///   user may not give it. No customer was looked up.
    /// - [`SecondFactorError::StepUpRequired`]: the shop demands a fresh second factor
    ///   ([`AuthConfig::assistance_step_up`](crate::AuthConfig::assistance_step_up)). No customer was looked up.
    /// - [`AssistanceError::NoSuchEmail`], [`AssistanceError::NoConsent`], [`SignInError::NotConfirmed`],
    ///   [`AssistanceError::CustomerDisabled`]: the customer cannot be assisted.
    /// - [`SignInError::Refused`]: the customer's tokens were revoked meanwhile.
    /// - [`Error::Unavailable`], [`Error::Random`], [`InternalError::NotConfigured`]: no token was issued.
    #[doc(alias = "generateCustomerTokenAsAdmin")]
    pub async fn generate_customer_token_as_admin(
        &self,
        bearer: impl Into<Bearer<'_>>,
        customer_email: &str,
        reason: &str,
    ) -> Result<SignedIn, Error> {
        flow::generate_customer_token_as_admin(&self.services, bearer.into(), customer_email, reason).await
    }

    /// Generates a one-time code by which the admin user signs in as a customer: Commerce's
    /// `POST /V1/customer/{id}/otp`.
    ///
    /// The code is 32 hexadecimal characters, lives for
    /// [`AuthConfig::one_time_code_lifetime`](crate::AuthConfig::one_time_code_lifetime) and works once, with the
    /// customer's e-mail address: as the `password` of [`generate_customer_token`](Self::generate_customer_token), or
    /// through [`exchange_one_time_code`](Self::exchange_one_time_code). Everything that is checked here is
    /// checked again then. It is bound to the customer's website; the bearer's does not matter. A customer's
    /// newest three codes stay good.
    ///
    /// A blank reason becomes
    /// [`AuthConfig::default_assistance_reason`](crate::AuthConfig::default_assistance_reason).
    ///
    /// # Errors
    ///
    /// As [`generate_customer_token_as_admin`](Self::generate_customer_token_as_admin), with
    /// [`AssistanceError::NoSuchCustomer`] for an id that no customer has. If the customer's tokens are ended
    /// meanwhile, the code is good for nothing.
    #[doc(alias = "/V1/customer/{id}/otp")]
    pub async fn generate_one_time_code(
        &self,
        bearer: impl Into<Bearer<'_>>,
        customer: &CustomerId,
        reason: &str,
    ) -> Result<GeneratedCode, Error> {
        flow::generate_one_time_code(&self.services, bearer.into(), customer, reason).await
    }

    /// Sets the customer's consent to remote shopping assistance: Commerce's `allow_remote_shopping_assistance`. Only
    /// the customer does, never an admin user acting for the customer.
    ///
    /// Consent is read live: once it is withdrawn, the very next use of a token born of assistance is refused,
    /// and so is an outstanding code, which is spent by it. The assistance of the ledger ends with the consent:
    /// a later one does not revive it.
    ///
    /// # Errors
    ///
    /// - As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for a token born of
    ///   assistance.
    /// - [`TokenError::Invalid`]: the customer is gone, or the customer's tokens were ended by somebody else meanwhile. A
    ///   consent does not stand then, and all tokens end.
    /// - [`Error::Unavailable`]: it may be set; set it again. Once it is withdrawn, no assistance is good for anything.
    #[doc(alias("allow_remote_shopping_assistance", "updateCustomerV2"))]
    pub async fn set_remote_shopping_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
        allowed: bool,
    ) -> Result<(), Error> {
        flow::set_remote_shopping_assistance(&self.services, bearer.into(), allowed).await
    }

    /// Who has assisted the customer, and who does now: the newest first, 1,000 at most. One that has no
    /// [end](AssistanceEntry::ended_at) goes on: each is checked live.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for a token born of assistance.
    pub async fn list_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        flow::list_assistance(&self.services, bearer.into()).await
    }

    /// Who is assisting whom now, over all customers: the longest first, 1,000 at most. Each is checked live.
    ///
    /// # Errors
    ///
    /// As [`verify_admin`](Self::verify_admin), and [`TokenError::NotAuthorized`] for an admin user without
    /// [`Permission::AssistanceLog`].
    pub async fn current_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        flow::current_assistance(&self.services, bearer.into()).await
    }

    /// Ends an assistance of the customer's, named as [`list_assistance`](Self::list_assistance) names it: its
    /// token is no good any more, on any node. Answers whether the customer was assisted through it. The
    /// consent stays: withdraw it to end all of them.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for a token born of assistance.
    pub async fn end_assistance(&self, bearer: impl Into<Bearer<'_>>, grant: &Digest) -> Result<bool, Error> {
        flow::end_assistance(&self.services, bearer.into(), grant).await
    }
}
