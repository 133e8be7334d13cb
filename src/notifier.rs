//! What the host tells its customers by mail.

use std::{fmt::Debug, sync::Arc};

use time::OffsetDateTime;

use crate::{
    account::{CustomerId, Website},
    credential::ResetToken,
    error::StoreError,
    token::Origin,
};

/// Something to tell a customer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notification {
    /// Where to: the account's stored address, never one that a stranger typed.
    pub email: String,
    /// The customer.
    pub customer: CustomerId,
    /// The customer's website.
    pub website: Website,
    /// What to tell.
    pub notice: Notice,
    /// Where the request came from that brought it about.
    pub origin: Origin,
}

/// What to tell a customer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// Somebody asked for a new password: the link to set one.
    ResetRequested {
        /// What proves that the mail was read. Build the link from a configured address, never from a request's `Host`.
        token: ResetToken,
        /// When the token ends.
        expires_at: OffsetDateTime,
    },
    /// A new password was set with a reset token.
    PasswordReset,
    /// The signed-in customer changed the password.
    PasswordChanged,
    /// The customer's consent to remote shopping assistance changed.
    AssistanceConsent {
        /// Whether the customer consents now.
        allowed: bool,
    },
}

/// Tells customers what happened to their accounts, by mail as a rule.
pub trait Notifier: Debug + Send + Sync + 'static {
    /// Puts a notification into the host's queue, and returns at once.
    ///
    /// # Security
    ///
    /// A reset is answered alike for known and unknown addresses, and only known ones get here: whatever takes time
    /// here tells strangers who has an account. Push to a queue in memory or to a channel; deliver elsewhere.
    ///
    /// # Errors
    ///
    /// When it could not be queued. The audit trail says so; the caller of the flow is not told.
    fn notify(&self, notification: Notification) -> Result<(), StoreError>;
}

impl<N: Notifier + ?Sized> Notifier for Arc<N> {
    fn notify(&self, notification: Notification) -> Result<(), StoreError> {
        (**self).notify(notification)
    }
}
