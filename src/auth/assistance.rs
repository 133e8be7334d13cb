use super::Auth;
#[cfg(doc)]
use crate::account::Permission;
#[cfg(doc)]
use crate::error::{AssistanceError, InputError, InternalError, SecondFactorError, SignInError, TokenError};
use crate::{
    account::CustomerId,
    error::Error,
    flow::{self, GeneratedCode, SignedIn},
    token::{AssistanceEntry, Bearer, GrantId},
};

/// # Assistance
///
/// Remote shopping assistance: an admin user acts for a customer who consents to it.
impl Auth {
    /// Issues an assistance token for a customer to an admin user: Commerce's
    /// `generateCustomerTokenAsAdmin`.
    ///
    /// The customer is looked up on the bearer's website. The token allows everything that the
    /// customer may do, except operations that call
    /// [`CustomerIdentity::require_self`](crate::CustomerIdentity::require_self). It contains the
    /// admin user and the reason.
    ///
    /// The token lives for
    /// [`Lifetimes::assistance_token`](crate::config::Lifetimes::assistance_token), but
    /// never longer than the admin user's own token. Every use of it checks the admin user and the
    /// customer's consent again. It is issued only after the audit sink has stored the record of
    /// it.
    ///
    /// A blank reason is replaced by
    /// [`AssistanceRules::default_reason`](crate::config::AssistanceRules::default_reason).
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed. Nothing was
    ///   looked up.
    /// - [`TokenError::Invalid`], [`TokenError::NotAuthorized`]: the bearer token is not a live
    ///   token of an admin user.
    /// - [`AssistanceError::Disabled`], [`AssistanceError::NotPermitted`]: the shop offers no
    ///   assistance, or the admin user has no permission for it. No customer was looked up.
    /// - [`SecondFactorError::StepUpRequired`]: the shop requires a fresh second factor
    ///   ([`AssistanceRules::step_up`](crate::config::AssistanceRules::step_up)). No customer
    ///   was looked up.
    /// - [`AssistanceError::NoSuchEmail`], [`AssistanceError::NoConsent`],
    ///   [`SignInError::NotConfirmed`], [`AssistanceError::CustomerDisabled`]: the customer cannot
    ///   be assisted.
    /// - [`SignInError::Refused`]: another request ended the customer's tokens meanwhile.
    /// - [`Error::Unavailable`], [`Error::Random`], [`InternalError::NotConfigured`]: no token was
    ///   issued.
    #[doc(alias = "generateCustomerTokenAsAdmin")]
    pub async fn generate_customer_token_as_admin(
        &self,
        bearer: impl Into<Bearer<'_>>,
        customer_email: &str,
        reason: &str,
    ) -> Result<SignedIn, Error> {
        flow::generate_customer_token_as_admin(&self.services, bearer.into(), customer_email, reason).await
    }

    /// Generates a one-time code that signs the admin user in as a customer.
    ///
    /// Implements Commerce's `POST /V1/customer/{id}/otp`.
    ///
    /// The code is 32 hexadecimal characters and lives for
    /// [`Lifetimes::one_time_code`](crate::config::Lifetimes::one_time_code). It works
    /// once, together with the customer's e-mail address: as the `password` of
    /// [`generate_customer_token`](Self::generate_customer_token), or through
    /// [`exchange_one_time_code`](Self::exchange_one_time_code). The sign-in repeats all checks of
    /// this method.
    ///
    /// The code is bound to the customer's website. The bearer's website does not matter. A
    /// customer's newest three codes are valid; older ones are refused.
    ///
    /// A blank reason is replaced by
    /// [`AssistanceRules::default_reason`](crate::config::AssistanceRules::default_reason).
    ///
    /// # Errors
    ///
    /// As [`generate_customer_token_as_admin`](Self::generate_customer_token_as_admin), with
    /// [`AssistanceError::NoSuchCustomer`] if no customer has the id. If the customer's tokens are
    /// ended meanwhile, the code is refused at the sign-in.
    #[doc(alias = "/V1/customer/{id}/otp")]
    pub async fn generate_one_time_code(
        &self,
        bearer: impl Into<Bearer<'_>>,
        customer: &CustomerId,
        reason: &str,
    ) -> Result<GeneratedCode, Error> {
        flow::generate_one_time_code(&self.services, bearer.into(), customer, reason).await
    }

    /// Sets the customer's consent to remote shopping assistance: Commerce's
    /// `allow_remote_shopping_assistance`.
    ///
    /// Only the customer can set it. The token of an admin user who assists the customer is
    /// refused.
    ///
    /// Every use of an assistance token reads the consent. Once the consent is withdrawn, the next
    /// use of the token is refused. An outstanding one-time code is refused too, and the attempt
    /// spends it. The withdrawal also closes the customer's assistances in the ledger, and a later
    /// consent does not reopen them.
    ///
    /// # Errors
    ///
    /// - As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for an
    ///   assistance token.
    /// - [`TokenError::Invalid`]: the customer no longer exists, or another request ended the
    ///   customer's tokens meanwhile. In the second case a consent that was given is undone, and
    ///   all tokens end.
    /// - [`Error::Unavailable`]: the consent may have been set. Set it again. If the withdrawal was
    ///   stored, no assistance token or code works.
    #[doc(alias("allow_remote_shopping_assistance", "updateCustomerV2"))]
    pub async fn set_remote_shopping_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
        allowed: bool,
    ) -> Result<(), Error> {
        flow::set_remote_shopping_assistance(&self.services, bearer.into(), allowed).await
    }

    /// Lists past and present assistances of the customer: the newest first, 1,000 at most.
    ///
    /// The call first closes the assistances that are over. An assistance without an
    /// [end](AssistanceEntry::ended_at) is still active.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for an
    /// assistance token.
    pub async fn list_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        flow::list_assistance(&self.services, bearer.into()).await
    }

    /// Lists the active assistances of all customers: the longest first, 1,000 at most.
    ///
    /// The call first closes the assistances that are over.
    ///
    /// # Errors
    ///
    /// As [`verify_admin`](Self::verify_admin), and [`TokenError::NotAuthorized`] for an admin user
    /// without [`Permission::AssistanceLog`].
    pub async fn current_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        flow::current_assistance(&self.services, bearer.into()).await
    }

    /// Ends one assistance of the customer.
    ///
    /// `grant` is the id from [`list_assistance`](Self::list_assistance). No node accepts the token
    /// of the assistance any more. Returns true if the customer was assisted through it. The
    /// customer's consent stays. To end all assistances, withdraw the consent.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for an
    /// assistance token.
    pub async fn end_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
        grant: &GrantId,
    ) -> Result<bool, Error> {
        flow::end_assistance(&self.services, bearer.into(), grant).await
    }
}
