//! Notices that the host mails to customers and admin users.

use std::fmt::Debug;

use time::OffsetDateTime;

use crate::{
    account::{AdminId, CustomerId, Website},
    credential::{ConfirmationToken, EnrolmentToken, ResetToken, UnlockToken},
    error::StoreError,
    token::{AssistanceEnd, GrantId, Obtained, Origin},
};

/// A notification to a customer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notification {
    /// The recipient's stored address, never an address that a caller typed.
    /// [`Notice::EmailChanged`] also goes to the previous stored address.
    pub email: String,
    /// The customer whose account it is.
    pub customer: CustomerId,
    /// The customer's website.
    pub website: Website,
    /// The event that the mail reports.
    pub notice: Notice,
    /// The origin of the request that caused the notification.
    pub origin: Origin,
}

/// An event of a customer's account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A new password was requested. The mail has the link to set one.
    ResetRequested {
        /// The secret that proves that the mail was read. Build the link from a configured address,
        /// never from a request's `Host`.
        token: ResetToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
    /// A new password was set with a reset token.
    PasswordReset,
    /// The customer registered, or asked again. The mail has the link to confirm the address. It
    /// must say that a person who did not register must not follow the link: see
    /// [`Auth::confirm_email`](crate::Auth::confirm_email).
    ConfirmationRequested {
        /// The secret that proves that the mail was read. Build the link from a configured address,
        /// never from a request's `Host`.
        token: ConfirmationToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
    /// A caller tried to register with the customer's address, or to change another account's
    /// address to it. The customer already has an account. The caller was not told so.
    RegisteredAgain,
    /// The signed-in customer asked for another address. This mail goes to the new address and has
    /// the link to confirm it.
    EmailChangeRequested {
        /// The secret that proves that the mail was read. Build the link from a configured address,
        /// never from a request's `Host`.
        token: ConfirmationToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
    /// The signed-in customer asked for another address. This mail goes to the present address and
    /// does not name the new one.
    EmailChangeAsked,
    /// The signed-in customer changed the password.
    PasswordChanged,
    /// A password sign-in came from a device and a source that the account does not know
    /// ([`Notification::origin`]).
    ///
    /// It is sent only if the store remembers an earlier sign-in of the account, which it does for
    /// 90 days. Otherwise every customer of a shop that moves to this crate would get it at the
    /// first sign-in.
    ///
    /// A client that sends no device secret ([`SignIn::device`](crate::SignIn::device)) is
    /// recognised only by its address. If the host passes no address either, then every such
    /// sign-in is reported.
    NewDevice,
    /// A sign-in used a reset token instead of setting a new password with it.
    /// [`NewDevice`](Self::NewDevice) is not sent for this sign-in.
    SignedInByResetToken,
    /// A reset token or one-time code was presented after it had been used, so a second person may
    /// have it. The session that it started has ended.
    ///
    /// If a new password was set with it, then all of the customer's sessions have ended. The
    /// customer should then ask for a new link, because the password may be an attacker's.
    CredentialReplayed {
        /// The kind of the credential: reset token or one-time code.
        obtained: Obtained,
    },
    /// The host set another password and reported it with
    /// [`CustomerChange::PasswordChanged`](crate::flow::CustomerChange::PasswordChanged).
    PasswordSetByHost,
    /// The host stored another e-mail address for the account. The mail goes to the new address and
    /// to the previous one. Do not show either address in the mail, because the reader of the other
    /// mailbox may be a stranger.
    EmailChanged,
    /// Too many sign-ins failed over all sources
    /// ([`Budgets::account`](crate::config::Budgets::account)), so unknown devices must
    /// wait. Devices from which the customer has signed in before are not affected. A password
    /// reset ends the wait.
    Locked,
    /// The customer's consent to remote shopping assistance changed.
    AssistanceConsent {
        /// True if the customer consents from now on.
        allowed: bool,
    },
    /// An admin user begins to act for the customer.
    AssistanceBegan {
        /// The admin user who acts.
        actor: AdminId,
        /// The reason, in the admin user's words.
        reason: String,
        /// The id of the assistance, for [`Auth::end_assistance`](crate::Auth::end_assistance).
        grant: GrantId,
        /// The latest time at which the assistance ends.
        expires_at: OffsetDateTime,
    },
    /// An admin user no longer acts for the customer.
    AssistanceEnded {
        /// The admin user who acted.
        actor: AdminId,
        /// The time at which the assistance began.
        began_at: OffsetDateTime,
        /// The cause of the end.
        end: AssistanceEnd,
    },
}

/// A notification to an admin user. The host takes the recipient's address from its own table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdminNotification {
    /// The admin user whose account it is.
    pub admin: AdminId,
    /// The stored user name.
    pub username: String,
    /// The event that the mail reports.
    pub notice: AdminNotice,
    /// The origin of the request that caused the notification.
    pub origin: Origin,
}

/// An event of an admin user's account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AdminNotice {
    /// A sign-in with the right password found no authenticator. The mail has the link to set one
    /// up.
    EnrolmentRequested {
        /// The secret that proves that the mail was read. Build the link from a configured address,
        /// never from a request's `Host`.
        token: EnrolmentToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
    /// An authenticator was set up. All earlier tokens have ended.
    FactorActivated,
    /// The second factor was removed.
    FactorRemoved,
    /// A recovery code was used to sign in.
    RecoveryCodeUsed {
        /// The number of recovery codes that are left.
        left: usize,
    },
    /// The recovery codes were replaced. The earlier ones are no longer valid.
    RecoveryCodesReplaced,
    /// The admin user set a new password.
    PasswordChanged,
    /// A sign-in, with the second factor if there is one, came from a device and a source that the
    /// account does not know. It is sent under the same conditions as [`Notice::NewDevice`].
    NewDevice,
    /// A used code was presented again, with the right password or a live token. An attacker may
    /// have seen the code. Nobody was signed in.
    CodeReplayed,
    /// A wrong code was presented with the right password or a live token. An attacker may know the
    /// password. It is sent once for each source in the window of
    /// [`Budgets::second_factor`](crate::config::Budgets::second_factor).
    SecondFactorFailed,
    /// The host set another password and reported it with
    /// [`AdminChange::PasswordChanged`](crate::flow::AdminChange::PasswordChanged).
    PasswordSetByHost,
    /// Too many sign-ins failed over all sources
    /// ([`Budgets::account`](crate::config::Budgets::account)). The mail has the link
    /// that lets unknown devices sign in again. Devices from which the admin user has signed in
    /// before are not affected.
    Locked {
        /// The secret for [`Auth::unlock_admin_by_link`](crate::Auth::unlock_admin_by_link). Build
        /// the link from a configured address, never from a request's `Host`.
        token: UnlockToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
}

/// Notifies customers and admin users of events of their accounts, usually by mail.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not notify customers",
    label = "it must implement `Notifier`, or be an `Arc` of a type that does",
    note = "write `impl Notifier for {Self}` with the function `notify`, which puts the notification into a queue",
    note = "a shop that notifies nobody calls `AuthBuilder::without_notifier`"
)]
pub trait Notifier: Debug + Send + Sync + 'static {
    /// Adds a notification to the host's queue, and returns at once.
    ///
    /// # Security
    ///
    /// Reset requests for known and unknown addresses get the same answer, but only known addresses
    /// cause a notification. A slow notifier would therefore reveal which addresses have an
    /// account. Add the notification to a queue in memory or to a channel, and deliver it
    /// elsewhere.
    ///
    /// # Errors
    ///
    /// If the notification could not be queued. The failure is recorded in the audit trail. The
    /// caller of the flow does not see it.
    fn notify(&self, notification: Notification) -> Result<(), StoreError>;

    /// Adds a notification to an admin user to the host's queue, like [`notify`](Self::notify).
    ///
    /// The default returns an error. Without an implementation, admin users cannot enrol by mail.
    ///
    /// # Errors
    ///
    /// If the notification could not be queued. An admin user who waits for a link gets an error.
    fn notify_admin(&self, _notification: AdminNotification) -> Result<(), StoreError> {
        Err(StoreError::new("this notifier does not support admin users"))
    }
}
