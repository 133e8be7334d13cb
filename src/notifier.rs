//! Notices that the host mails to customers and admin users.

use std::fmt::Debug;

use time::OffsetDateTime;

use crate::{
    account::{AdminId, CustomerId, Website},
    credential::{ConfirmationToken, EnrolmentToken, ResetToken, UnlockToken},
    error::StoreError,
    token::{AssistanceEnd, Digest, Obtained, Origin},
};

/// Something to tell a customer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notification {
    /// The recipient: the account's stored address, never one that a stranger typed. [`Notice::EmailChanged`] also goes
    /// to the stored address of before.
    pub email: String,
    /// The customer whose account it is.
    pub customer: CustomerId,
    /// The customer's website.
    pub website: Website,
    /// The event that the mail reports.
    pub notice: Notice,
    /// The origin of the request that caused it.
    pub origin: Origin,
}

/// An event of a customer's account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// Somebody asked for a new password: the link to set one.
    ResetRequested {
        /// The secret that proves that the mail was read. Build the link from a configured address, never from a request's `Host`.
        token: ResetToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
    /// A new password was set with a reset token.
    PasswordReset,
    /// The customer registered, or asked once more: the link to confirm the address. The mail must say that a person who
    /// did not register must not follow it: see [`Auth::confirm_email`](crate::Auth::confirm_email).
    ConfirmationRequested {
        /// The secret that proves that the mail was read. Build the link from a configured address, never from a request's `Host`.
        token: ConfirmationToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
    /// Somebody tried to register with the customer's address, or to change another account's to it. The customer has an
    /// account already, and the other person was not told so.
    RegisteredAgain,
    /// The signed-in customer asked for another address, to which this mail goes: the link to confirm it.
    EmailChangeRequested {
        /// The secret that proves that the mail was read. Build the link from a configured address, never from a request's `Host`.
        token: ConfirmationToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
    /// The signed-in customer asked for another address. This mail goes to the present one, and does not name the other.
    EmailChangeAsked,
    /// The signed-in customer changed the password.
    PasswordChanged,
    /// Somebody signed in by password from a device and a source that the account does not know
    /// ([`Notification::origin`]).
    ///
    /// It is told only if an earlier sign-in of the account is remembered, for 90 days. Otherwise every customer of a shop
    /// that moves to this crate would be told at the first sign-in. A client that sends no device secret
    /// ([`SignIn::device`](crate::SignIn::device)) is known by its address alone. If the host gives no address either,
    /// every such sign-in is told.
    NewDevice,
    /// Somebody signed in by a reset token instead of setting a new password with it. [`NewDevice`](Self::NewDevice) is
    /// not told as well.
    SignedInByResetToken,
    /// A reset token or one-time code was presented that had been used before: somebody else has it. The session that
    /// it bought has ended. If a new password was set with it, all of the customer's sessions have ended, and the
    /// customer should ask for a new link, since the password may be a stranger's.
    CredentialReplayed {
        /// The sign-in that the credential is for: by reset token or by one-time code.
        obtained: Obtained,
    },
    /// The host set another password, and said so with
    /// [`CustomerChange::PasswordChanged`](crate::CustomerChange::PasswordChanged).
    PasswordSetByHost,
    /// The host stored another e-mail address for the account. It is told at the new address and at the one before.
    /// Do not show either address in the mail: the reader of the other mailbox may be a stranger.
    EmailChanged,
    /// Too many sign-ins failed over all sources
    /// ([`AuthConfig::account_budget`](crate::AuthConfig::account_budget)): unknown devices must wait. Devices from which
    /// the customer has signed in before are not affected. A password reset ends the wait.
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
        /// Names the assistance, in [`Auth::end_assistance`](crate::Auth::end_assistance).
        grant: Digest,
        /// The latest time at which the assistance ends.
        expires_at: OffsetDateTime,
    },
    /// An admin user acts for the customer no more.
    AssistanceEnded {
        /// The admin user who acted.
        actor: AdminId,
        /// The time at which the assistance began.
        began_at: OffsetDateTime,
        /// The cause of the end.
        end: AssistanceEnd,
    },
}

/// Something to tell an admin user. Where the mail goes is for the host to know: its own table has the address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdminNotification {
    /// The admin user whose account it is.
    pub admin: AdminId,
    /// The stored user name.
    pub username: String,
    /// The event that the mail reports.
    pub notice: AdminNotice,
    /// The origin of the request that caused it.
    pub origin: Origin,
}

/// An event of an admin user's account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AdminNotice {
    /// Somebody signed in with the right password, and there is no authenticator yet: the link to set one up.
    EnrolmentRequested {
        /// The secret that proves that the mail was read. Build the link from a configured address, never from a request's `Host`.
        token: EnrolmentToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
    /// An authenticator was set up; all earlier tokens have ended.
    FactorActivated,
    /// The second factor was removed.
    FactorRemoved,
    /// A recovery code was used to sign in.
    RecoveryCodeUsed {
        /// The number of recovery codes that are left.
        left: usize,
    },
    /// The recovery codes were made anew; those before are no good any more.
    RecoveryCodesReplaced,
    /// The admin user set a new password.
    PasswordChanged,
    /// Somebody signed in, with the second factor if there is one, from a device and a source that the account does
    /// not know. It is told as [`Notice::NewDevice`].
    NewDevice,
    /// A code that had been used before was presented, behind the right password or a live token: somebody may have
    /// seen it. Nobody was signed in.
    CodeReplayed,
    /// A wrong code was presented behind the right password or a live token: somebody else may know the password.
    /// It is told once for each source in the window of
    /// [`AuthConfig::second_factor_budget`](crate::AuthConfig::second_factor_budget).
    SecondFactorFailed,
    /// The host set another password, and said so with
    /// [`AdminChange::PasswordChanged`](crate::AdminChange::PasswordChanged).
    PasswordSetByHost,
    /// Too many sign-ins failed over all sources
    /// ([`AuthConfig::account_budget`](crate::AuthConfig::account_budget)): the link to let unknown devices in again.
    /// Devices from which the admin user has signed in before are not affected.
    Locked {
        /// The secret for [`Auth::unlock_admin_by_link`](crate::Auth::unlock_admin_by_link). Build the link from a
        /// configured address, never from a request's `Host`.
        token: UnlockToken,
        /// The time at which the token expires.
        expires_at: OffsetDateTime,
    },
}

/// Tells customers what happened to their accounts, by mail as a rule.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not notify customers",
    label = "it must implement `Notifier`, or be an `Arc` of a type that does",
    note = "write `impl Notifier for {Self}` with the function `notify`, which puts the notification into a queue",
    note = "a shop that notifies nobody calls `AuthBuilder::without_notifier`"
)]
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
    /// It could not be queued. The audit trail says so; the caller of the flow is not told.
    fn notify(&self, notification: Notification) -> Result<(), StoreError>;

    /// As [`notify`](Self::notify), for an admin user. A notifier that does not say how cannot, and nobody is enrolled by
    /// mail.
    ///
    /// # Errors
    ///
    /// It could not be queued. An admin user who waits for a link is told so.
    fn notify_admin(&self, _notification: AdminNotification) -> Result<(), StoreError> {
        Err(StoreError::new("this notifier does not reach admin users"))
    }
}
