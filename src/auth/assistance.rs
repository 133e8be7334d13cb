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
/// Remote shopping assistance: an admin user acts for a customer who has consented to assistance.
impl Auth {
    /// Issues an assistance token, with which an admin user acts for a customer: Commerce's
    /// `generateCustomerTokenAsAdmin`.
    ///
    /// The customer is looked up on the website of the request ([`Bearer`]). With the assistance
    /// token, the admin user may do what the customer may do. Some operations refuse the assistance
    /// token: for example a change of the password, and each operation of the host that calls
    /// [`CustomerIdentity::require_self`](crate::CustomerIdentity::require_self). The token's grant
    /// contains the admin user and the reason.
    ///
    /// The assistance token is valid for
    /// [`Lifetimes::assistance_token`](crate::config::Lifetimes::assistance_token), but it expires
    /// no later than the admin user's own token. Every use of the assistance token checks the admin
    /// user and the customer's consent again. The token is issued only after the audit sink has
    /// stored the record of the assistance.
    ///
    /// If the reason is blank, the library stores
    /// [`AssistanceRules::default_reason`](crate::config::AssistanceRules::default_reason) instead.
    /// If this setting is `None`, the library refuses a blank reason.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed. Nothing was
    ///   looked up.
    /// - [`TokenError::Invalid`], [`TokenError::NotAuthorized`]: the bearer token is not a live
    ///   token of an admin user.
    /// - [`AssistanceError::Disabled`], [`AssistanceError::NotPermitted`]: the shop offers no
    ///   assistance, or the admin user has no permission for assistance. No customer was looked up.
    /// - [`SecondFactorError::StepUpRequired`]: the shop requires a fresh second factor
    ///   ([`AssistanceRules::step_up`](crate::config::AssistanceRules::step_up)). No customer
    ///   was looked up.
    /// - [`AssistanceError::NoSuchEmail`], [`AssistanceError::NoConsent`],
    ///   [`SignInError::NotConfirmed`], [`AssistanceError::CustomerDisabled`]: the customer cannot
    ///   be assisted.
    /// - [`SignInError::Refused`]: another request ended the customer's tokens during this call.
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

    /// Generates a one-time code, with which the admin user signs in to act for a customer.
    ///
    /// Implements Commerce's `POST /V1/customer/{id}/otp`.
    ///
    /// The one-time code has 32 hexadecimal characters and is valid for
    /// [`Lifetimes::one_time_code`](crate::config::Lifetimes::one_time_code). It works once,
    /// together with the customer's e-mail address. It is either the `password` of
    /// [`generate_customer_token`](Self::generate_customer_token) or the code of
    /// [`exchange_one_time_code`](Self::exchange_one_time_code). When the code is presented, the
    /// library checks the admin user, the permission, the customer and the consent again.
    ///
    /// The one-time code is valid on the website of the customer's account, even if this request is
    /// for another website. Only a customer's newest three codes are valid.
    ///
    /// If the reason is blank, the library stores
    /// [`AssistanceRules::default_reason`](crate::config::AssistanceRules::default_reason) instead.
    /// If this setting is `None`, the library refuses a blank reason.
    ///
    /// # Errors
    ///
    /// The errors of [`generate_customer_token_as_admin`](Self::generate_customer_token_as_admin),
    /// with [`AssistanceError::NoSuchCustomer`] if no customer has the id. If another request ends
    /// the customer's tokens during this call, the call succeeds, but the code is refused at the
    /// sign-in.
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
    /// Only the customer can set the consent. An assistance token is refused.
    ///
    /// Every use of an assistance token reads the consent. So after the customer has withdrawn the
    /// consent, the next use of the token is refused. A one-time code that was generated before the
    /// withdrawal is refused too, and the attempt spends the code. The withdrawal also closes the
    /// customer's assistances in the ledger. If the customer consents again later, the closed
    /// assistances stay closed.
    ///
    /// # Errors
    ///
    /// - The errors of [`verify_customer`](Self::verify_customer), and
    ///   [`TokenError::NotAuthorized`] for an assistance token.
    /// - [`TokenError::Invalid`]: the customer no longer exists, or another request ended the
    ///   customer's tokens during this call. If the tokens ended during a call that gives consent,
    ///   the library undoes this new consent and ends all tokens.
    /// - [`Error::Unavailable`]: the consent may have been set. Call the method again. If the call
    ///   was to withdraw consent and the withdrawal was stored, all assistance tokens and one-time
    ///   codes of the customer are refused already.
    #[doc(alias("allow_remote_shopping_assistance", "updateCustomerV2"))]
    pub async fn set_remote_shopping_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
        allowed: bool,
    ) -> Result<(), Error> {
        flow::set_remote_shopping_assistance(&self.services, bearer.into(), allowed).await
    }

    /// Lists the past and present assistances of the signed-in customer: the newest first, 1,000 at
    /// most.
    ///
    /// Before it returns the list, the method closes the listed assistances that are no longer
    /// valid. An assistance without an [end](AssistanceEntry::ended_at) is still active.
    ///
    /// # Errors
    ///
    /// The errors of [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`]
    /// for an assistance token.
    pub async fn list_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        flow::list_assistance(&self.services, bearer.into()).await
    }

    /// Lists the active assistances of all customers: the oldest first, 1,000 at most.
    ///
    /// The method reads the 1,000 oldest open assistances. It closes those that are no longer
    /// valid, and returns the others.
    ///
    /// # Errors
    ///
    /// The errors of [`verify_admin`](Self::verify_admin), and [`TokenError::NotAuthorized`] for an
    /// admin user without [`Permission::AssistanceLog`].
    pub async fn current_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        flow::current_assistance(&self.services, bearer.into()).await
    }

    /// Ends one assistance of the signed-in customer.
    ///
    /// `grant` is the id of the assistance from [`list_assistance`](Self::list_assistance). After
    /// the call, no node accepts the assistance token. Returns true if the assistance belonged to
    /// the customer and was active. The call does not change the customer's consent, so an admin
    /// user can begin a new assistance. To end all assistances and prevent new ones, the customer
    /// withdraws the consent.
    ///
    /// # Errors
    ///
    /// The errors of [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`]
    /// for an assistance token.
    pub async fn end_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
        grant: &GrantId,
    ) -> Result<bool, Error> {
        flow::end_assistance(&self.services, bearer.into(), grant).await
    }
}
