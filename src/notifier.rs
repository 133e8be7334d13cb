//! Notices to customers and admin users, which the host mails.

use std::fmt::Debug;

use time::OffsetDateTime;

use crate::{
    account::{AdminId, CustomerId, Website},
    credential::{ConfirmationToken, EnrolmentToken, ResetToken, UnlockToken},
    error::StoreError,
    token::{AssistanceEnd, GrantId, Obtained, Origin},
};

/// A notification to a customer: the notice and its recipient.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notification {
    /// The e-mail address to which the notice is mailed: the stored address of the account, never
    /// an address from a request's input. There are two exceptions. [`Notice::EmailChanged`] also
    /// goes to the previous stored address. [`Notice::EmailChangeRequested`] goes to the new
    /// address that the signed-in customer asked for.
    pub email: String,
    /// The customer whose account the notice is about.
    pub customer: CustomerId,
    /// The customer's website.
    pub website: Website,
    /// The event that the mail reports.
    pub notice: Notice,
    /// The origin of the request that caused the notice.
    pub origin: Origin,
}

/// An event of a customer's account, which a mail reports to the customer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The customer, or another person, has requested a password reset. The mail contains the link
    /// to set a new password.
    ResetRequested {
        /// The secret for the link, which proves that a person read the mail. Build the link from a
        /// base URL in the host's configuration, never from the `Host` header of a request, which
        /// an attacker can choose.
        token: ResetToken,
        /// The time at which the token in the link expires.
        expires_at: OffsetDateTime,
    },
    /// The customer has set a new password with a reset token.
    PasswordReset,
    /// A person has registered with the e-mail address, or has requested another confirmation mail.
    /// The mail contains the link to confirm the e-mail address. The mail must say that a person
    /// who did not register must not follow the link: see
    /// [`Auth::confirm_email`](crate::Auth::confirm_email).
    ConfirmationRequested {
        /// The secret for the link, which proves that a person read the mail. Build the link from a
        /// base URL in the host's configuration, never from the `Host` header of a request, which
        /// an attacker can choose.
        token: ConfirmationToken,
        /// The time at which the token in the link expires.
        expires_at: OffsetDateTime,
    },
    /// A person tried to register with the customer's e-mail address, or to change the e-mail
    /// address of another account to it. The response did not reveal that the customer already has
    /// an account.
    RegisteredAgain,
    /// The signed-in customer has requested a change of the e-mail address. This mail goes to the
    /// new address and contains the link to confirm it.
    EmailChangeRequested {
        /// The secret for the link, which proves that a person read the mail. Build the link from a
        /// base URL in the host's configuration, never from the `Host` header of a request, which
        /// an attacker can choose.
        token: ConfirmationToken,
        /// The time at which the token in the link expires.
        expires_at: OffsetDateTime,
    },
    /// The signed-in customer has requested a change of the e-mail address. This mail goes to the
    /// present address and does not mention the new one.
    EmailChangeAsked,
    /// The signed-in customer changed the password.
    PasswordChanged,
    /// A password sign-in came from a device and a source that the account does not know
    /// ([`Notification::origin`]).
    ///
    /// This notice is sent only if the account has signed in during the last 90 days, as far as the
    /// store knows. Without this rule, if a shop moves to this crate, every customer would get the
    /// notice at the first sign-in.
    ///
    /// If a client sends no device secret ([`SignIn::device`](crate::SignIn::device)), the library
    /// recognises it only by its IP address. If the host does not pass the IP address either, the
    /// library sends a notice for each sign-in of such a client.
    NewDevice,
    /// A client signed in with a reset token in place of a password, and no new password was set.
    /// [`NewDevice`](Self::NewDevice) is not sent for this sign-in.
    SignedInByResetToken,
    /// A spent reset token or one-time code was presented again, so a second person may have it.
    /// The bearer token that was obtained with it has ended.
    ///
    /// If a new password was set with the reset token, all of the customer's bearer tokens have
    /// ended. The customer should then ask for a new link, because the password may be an
    /// attacker's.
    CredentialReplayed {
        /// The kind of the credential: reset token or one-time code.
        obtained: Obtained,
    },
    /// The host has set another password and has reported the change with
    /// [`CustomerChange::PasswordChanged`](crate::flow::CustomerChange::PasswordChanged).
    PasswordSetByHost,
    /// The account has a new e-mail address: the customer has confirmed it, or the host has stored
    /// it. The mail goes to the new and to the previous address. Do not show either address in the
    /// mail, because the two mailboxes may belong to different persons.
    EmailChanged,
    /// Too many sign-ins failed over all sources
    /// ([`Budgets::account`](crate::config::Budgets::account)), so sign-ins from unknown devices
    /// are refused for some time. Devices from which the customer has signed in before are not
    /// affected. A password reset clears the lock.
    Locked,
    /// The customer has given or withdrawn the consent to remote shopping assistance.
    AssistanceConsent {
        /// True if the customer consents from now on.
        allowed: bool,
    },
    /// An admin user has begun to act for the customer.
    AssistanceBegan {
        /// The admin user who acts.
        actor: AdminId,
        /// The reason, in the admin user's words.
        reason: String,
        /// The id of the assistance, for [`Auth::end_assistance`](crate::Auth::end_assistance).
        grant: GrantId,
        /// The time at which the assistance ends at the latest.
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

/// A notification to an admin user: the notice and its recipient. The host knows the e-mail address
/// from its own table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdminNotification {
    /// The admin user whose account the notice is about.
    pub admin: AdminId,
    /// The stored user name.
    pub username: String,
    /// The event that the mail reports.
    pub notice: AdminNotice,
    /// The origin of the request that caused the notice.
    pub origin: Origin,
}

/// An event of an admin user's account, which a mail reports to the admin user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AdminNotice {
    /// The admin user signed in with the right password but has no authenticator. The mail contains
    /// the link to set one up.
    EnrolmentRequested {
        /// The secret for the link, which proves that a person read the mail. Build the link from a
        /// base URL in the host's configuration, never from the `Host` header of a request, which
        /// an attacker can choose.
        token: EnrolmentToken,
        /// The time at which the token in the link expires.
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
    /// A sign-in came from a device and a source that the account does not know. The password was
    /// right, and so was the second factor, if the admin user has one. This notice is sent under
    /// the same conditions as [`Notice::NewDevice`].
    NewDevice,
    /// A spent second-factor code was presented again, together with the right password or a live
    /// token. An attacker may have seen the code. The attempt was refused.
    CodeReplayed,
    /// A wrong second-factor code was presented, together with the right password or a live token.
    /// An attacker may know the password. This notice is sent once for each source in the window of
    /// [`Budgets::second_factor`](crate::config::Budgets::second_factor).
    SecondFactorFailed,
    /// The host has set another password and has reported the change with
    /// [`AdminChange::PasswordChanged`](crate::flow::AdminChange::PasswordChanged).
    PasswordSetByHost,
    /// Too many sign-ins failed over all sources
    /// ([`Budgets::account`](crate::config::Budgets::account)). The mail contains the link that
    /// clears the lock, so that unknown devices can sign in again. Devices from which the admin
    /// user has signed in before are not affected.
    Locked {
        /// The secret for [`Auth::unlock_admin_by_link`](crate::Auth::unlock_admin_by_link). Build
        /// the link from a base URL in the host's configuration, never from the `Host` header of a
        /// request.
        token: UnlockToken,
        /// The time at which the token in the link expires.
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
    /// Requests for a password reset get the same response for a known and for an unknown e-mail
    /// address. Only a request for a known address causes a notification. If the notifier were
    /// slow, the duration of the response would reveal which e-mail addresses have an account. So
    /// only add the notification to a queue in memory or to a channel, and send the mail in another
    /// task.
    ///
    /// # Errors
    ///
    /// If the notification could not be queued. The audit trail records the failure. The operation
    /// that caused the notification succeeds nevertheless.
    fn notify(&self, notification: Notification) -> Result<(), StoreError>;

    /// Adds a notification to an admin user to the host's queue, like [`notify`](Self::notify).
    ///
    /// The default implementation returns an error, so admin users cannot set up an authenticator
    /// by mail.
    ///
    /// # Errors
    ///
    /// If the notification could not be queued. If the notification has an enrolment token, the
    /// sign-in that caused it fails with
    /// [`SecondFactorError::EnrolmentNotSent`](crate::error::SecondFactorError::EnrolmentNotSent).
    fn notify_admin(&self, _notification: AdminNotification) -> Result<(), StoreError> {
        Err(StoreError::new("this notifier does not support admin users"))
    }
}
