//! A hook for a captcha or a proof of work, checked before a password is hashed or a mail is sent.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::{account::Website, error::StoreError, token::Origin};

/// Verifies responses to a host's challenges: a captcha such as reCAPTCHA, or a proof of work.
///
/// A host sets it with [`AuthBuilder::challenge`](crate::AuthBuilder::challenge). It protects the
/// flows of [`ChallengeAction`]: a caller without a token can start them, and they hash a password,
/// take a one-time credential or send a mail.
///
/// If [`is_asked`](Self::is_asked) returns true, then an attempt needs a right answer. Without one,
/// it is refused with
/// [`SignInError::ChallengeRequired`](crate::error::SignInError::ChallengeRequired). This happens
/// before any account is looked up and before anything is hashed or written, and costs no budget.
/// An attempt beyond a spent budget is refused as usual, and its answer is not verified.
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
    /// Returns true if the answer is right. It is called at most once for an attempt.
    ///
    /// # Security
    ///
    /// The response and the account come from an untrusted caller. Set a time limit for a request
    /// to an external service, because the attempt waits for it. If a response can be used again,
    /// then a caller can solve one challenge for many attempts. Bind the response to the action, to
    /// the account, and to a short time.
    ///
    /// # Errors
    ///
    /// If the answer could not be verified, for example because the captcha's service is down. The
    /// caller then gets [`Error::Unavailable`](crate::Error::Unavailable). To fail open and accept
    /// attempts that could not be verified, return `Ok(true)` instead.
    async fn verify(&self, answer: &ChallengeAnswer<'_>) -> Result<bool, StoreError>;

    /// Returns true if an attempt must have an answer. By default, this is so if the pressure [is
    /// high](Pressure::is_high). Return true to ask always.
    ///
    /// It is not called for an attempt with the secret of a device from which the account has
    /// signed in.
    fn is_asked(&self, pressure: &Pressure) -> bool {
        pressure.is_high()
    }
}

/// The operation of an attempt.
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
    /// Returns Commerce's id of the form for which reCAPTCHA can be enabled. Some actions share an
    /// id: the reCAPTCHA of the customer login also protects the exchange of a one-time code.
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

/// The load and the suspicion at the time of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pressure {
    /// The operation of the attempt.
    pub action: ChallengeAction,
    /// True if at least half of the queue places for callers of this kind are taken: customers or
    /// admin users. See [`Hashing::queue`](crate::config::Hashing::queue).
    pub queue_is_half_full: bool,
    /// True if the source of the attempt, or the whole shop, is under suspicion.
    pub is_suspicious: bool,
}

impl Pressure {
    /// True if the queue is half full, or the attempt is suspicious.
    #[must_use]
    pub const fn is_high(&self) -> bool {
        self.queue_is_half_full || self.is_suspicious
    }
}

/// An answer to verify. Its `Debug` does not show the response.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ChallengeAnswer<'a> {
    /// The client's response text. It is not empty, and has at most
    /// [`ChallengeResponse::MAX_BYTES`].
    pub response: &'a str,
    /// The operation of the attempt.
    pub action: ChallengeAction,
    /// The website of the account. None for an admin user.
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

/// A client's response to a challenge, such as the `X-ReCaptcha` header. The default is no
/// response. Its `Debug` shows nothing.
///
/// A text longer than [`MAX_BYTES`](Self::MAX_BYTES) counts as no response.
#[derive(Clone, Debug, Default)]
pub struct ChallengeResponse(SecretString);

impl ChallengeResponse {
    /// Maximum length of a response, in bytes. A response of reCAPTCHA v3 has about 2 KiB, and
    /// grows from year to year. HTTP servers accept headers of at least 8 KiB.
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
