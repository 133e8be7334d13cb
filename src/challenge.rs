//! A hook for a captcha or a proof of work, checked before a password is hashed or a mail is sent.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::{account::Website, error::StoreError, token::Origin};

/// Verifies a client's response to a challenge, which is a captcha such as reCAPTCHA or a proof of
/// work.
///
/// A host sets the challenge with [`AuthBuilder::challenge`](crate::AuthBuilder::challenge). The
/// challenge protects the operations of [`ChallengeAction`], which a client can call without a
/// bearer token. Each of them hashes a password, accepts a one-time credential or sends a mail.
///
/// If [`is_asked`](Self::is_asked) returns true, the client must send a right response with the
/// attempt. If the response is missing or wrong, the library refuses the attempt with
/// [`SignInError::ChallengeRequired`](crate::error::SignInError::ChallengeRequired), before it
/// looks up an account, hashes a password or counts the attempt. If a budget is already spent, the
/// library refuses the attempt because of the budget, and does not verify the response.
///
/// ```
/// use commerce_auth::{
///     Auth, async_trait,
///     challenge::{Challenge, ChallengeAction, ChallengeAnswer, Pressure},
///     error::StoreError,
///     store::memory::{MemoryCustomers, MemoryStore},
/// };
///
/// # #[derive(Debug)]
/// # struct Captcha;
/// # impl Captcha {
/// #     async fn site_verify(&self, _: &str, _: Option<std::net::IpAddr>) -> Result<(bool, String), std::io::Error> {
/// #         Ok((true, "customer_login".into()))
/// #     }
/// # }
/// #[derive(Debug)]
/// struct ShopChallenge {
///     captcha: Captcha, // the host's client of the captcha's service
/// }
///
/// #[async_trait]
/// impl Challenge for ShopChallenge {
///     async fn verify(&self, answer: &ChallengeAnswer<'_>) -> Result<bool, StoreError> {
///         let verified = self.captcha.site_verify(answer.response, answer.origin.source).await;
///         let (is_right, action) = verified.map_err(StoreError::new)?; // or `Ok(true)`, to fail open
///         Ok(is_right && action == answer.action.form_id())
///     }
///
///     // Admin users always, others when the shop is under pressure.
///     fn is_asked(&self, pressure: &Pressure) -> bool {
///         pressure.action == ChallengeAction::AdminSignIn || pressure.is_high()
///     }
/// }
///
/// let auth = Auth::builder(MemoryStore::new())
///     .customers(MemoryCustomers::new())
///     .challenge(ShopChallenge { captcha: Captcha })
///     .without_notifier()
///     .build()?;
/// # Ok::<(), commerce_auth::config::ConfigError>(())
/// ```
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not verify answers to challenges",
    label = "it must implement `Challenge`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl Challenge for {Self}` with the function `verify`; the attribute is `commerce_auth::async_trait`"
)]
pub trait Challenge: Debug + Send + Sync + 'static {
    /// Returns true if the client's response is right. The library calls this method at most once
    /// for an attempt.
    ///
    /// # Security
    ///
    /// The response and the account name come from an untrusted client. If this method sends a
    /// request to an external service, set a time limit for the request, because the client's
    /// attempt waits for it. Accept a response only for the action and the account for which the
    /// client solved the challenge, and only for a short time. Otherwise an attacker solves one
    /// challenge for many attempts.
    ///
    /// # Errors
    ///
    /// If the response could not be verified, for example because the captcha's service is down.
    /// The operation then fails with [`Error::Unavailable`](crate::Error::Unavailable). To accept
    /// attempts whose response could not be verified (to fail open), return `Ok(true)` instead.
    async fn verify(&self, answer: &ChallengeAnswer<'_>) -> Result<bool, StoreError>;

    /// Returns true if an attempt needs a right response to a challenge. The default implementation
    /// returns true if the pressure [is high](Pressure::is_high). If the host requires a challenge
    /// for every sign-in from an unknown device, its implementation always returns true.
    ///
    /// If a client signs in with the device secret of a known device, the library does not call
    /// this method, and the sign-in needs no response. The other operations of [`ChallengeAction`]
    /// ignore device secrets, so they have no such exception.
    fn is_asked(&self, pressure: &Pressure) -> bool {
        pressure.is_high()
    }
}

/// The operation that a client attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChallengeAction {
    /// [`generate_customer_token`](crate::Auth::generate_customer_token).
    CustomerSignIn,
    /// [`exchange_one_time_code`](crate::Auth::exchange_one_time_code).
    CodeExchange,
    /// [`generate_admin_token`](crate::Auth::generate_admin_token).
    AdminSignIn,
    /// [`request_password_reset`](crate::Auth::request_password_reset).
    ResetRequest,
    /// [`reset_password`](crate::Auth::reset_password).
    PasswordReset,
    /// [`begin_registration`](crate::Auth::begin_registration).
    Registration,
    /// [`request_confirmation`](crate::Auth::request_confirmation).
    ConfirmationRequest,
    /// [`confirm_email`](crate::Auth::confirm_email).
    EmailConfirmation,
}

impl ChallengeAction {
    /// Returns Commerce's id of the form for which a shop can enable reCAPTCHA. Two actions can
    /// have the same id. For example, the reCAPTCHA of the customer login form also protects the
    /// exchange of a one-time code.
    #[must_use]
    pub const fn form_id(self) -> &'static str {
        match self {
            Self::CustomerSignIn | Self::CodeExchange => "customer_login",
            Self::AdminSignIn => "user_login",
            Self::ResetRequest | Self::PasswordReset => "customer_forgot_password",
            Self::ConfirmationRequest => "resend_confirmation_email",
            // Commerce has no form for a confirmation.
            Self::Registration | Self::EmailConfirmation => "customer_create",
        }
    }
}

/// The load of the shop and the behaviour of the source at the time of an attempt. The host uses
/// them to decide if the attempt needs a response to a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pressure {
    /// The operation of the attempt.
    pub action: ChallengeAction,
    /// True if a queue of password hashes is at least half full. For an admin user's sign-in, this
    /// is the queue of admin users. For all other actions, it is the queue of customers who are not
    /// signed in. See [`Hashing::queue`](crate::config::Hashing::queue).
    pub queue_is_half_full: bool,
    /// True if the source of the attempt has failed at many accounts (a tenth of
    /// [`Budgets::source_total`](crate::config::Budgets::source_total), so 10 by default). Also
    /// true if this node assumes an attack on the whole shop.
    pub is_suspicious: bool,
}

impl Pressure {
    /// True if the queue of password hashes is half full, or the attempt is suspicious.
    #[must_use]
    pub const fn is_high(&self) -> bool {
        self.queue_is_half_full || self.is_suspicious
    }
}

/// A client's response to a challenge, with the attempt that it belongs to. `Debug` does not show
/// the response.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ChallengeAnswer<'a> {
    /// The text of the client's response. It has at least one byte and at most
    /// [`ChallengeResponse::MAX_BYTES`].
    pub response: &'a str,
    /// The operation of the attempt.
    pub action: ChallengeAction,
    /// The website of the account. It is `None` for an admin user.
    pub website: Option<&'a Website>,
    /// The e-mail address or the user name as the client sent it. The account may not exist.
    pub account: &'a str,
    /// The origin of the request.
    pub origin: &'a Origin,
}

impl Debug for ChallengeAnswer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ChallengeAnswer");
        shown.field("action", &self.action).field("website", &self.website).field("origin", &self.origin);
        shown.finish_non_exhaustive()
    }
}

/// A client's response to a challenge, such as the value of the `X-ReCaptcha` header. The default
/// value means that there is no response. `Debug` does not show the response.
///
/// A text of more than [`MAX_BYTES`](Self::MAX_BYTES) counts as no response.
#[derive(Clone, Debug, Default)]
pub struct ChallengeResponse(SecretString);

impl ChallengeResponse {
    /// Maximum length of a response, in bytes. A response of reCAPTCHA v3 has about 2 KiB, and
    /// becomes longer from year to year. HTTP servers accept headers of at least 8 KiB.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// Returns the response, if there is one.
    pub(crate) fn text(&self) -> Option<&str> {
        Some(self.0.expose_secret()).filter(|text| !text.is_empty())
    }
}

impl From<&str> for ChallengeResponse {
    fn from(text: &str) -> Self {
        if text.len() > Self::MAX_BYTES { Self::default() } else { Self(text.into()) }
    }
}

impl From<String> for ChallengeResponse {
    fn from(text: String) -> Self {
        if text.len() > Self::MAX_BYTES { Self::default() } else { Self(text.into()) }
    }
}
