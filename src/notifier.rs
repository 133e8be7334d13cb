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
    /// The e-mail address to which the notice is mailed: the stored address of the account, and not
    /// an address from a request's input. There are two exceptions. [`Notice::EmailChanged`] also
    /// goes to the address that was stored before. [`Notice::EmailChangeRequested`] goes to the new
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
        /// The secret for the link in the mail. A client that presents it proves that a person has
        /// read the mail. Build the link from a base URL in the host's configuration. Do not build
        /// it from the `Host` header of a request, because an attacker can choose this header.
        token: ResetToken,
        /// The time at which the token in the link expires.
        expires_at: OffsetDateTime,
    },
    /// The customer has set a new password with a reset token.
    PasswordReset,
    /// A person has registered with the e-mail address, or has requested another confirmation mail.
    /// The mail contains the link to confirm the e-mail address. Say in the mail that a person who
    /// did not register must not follow the link, because an attacker may have registered: see
    /// [`Auth::confirm_email`](crate::Auth::confirm_email).
    ConfirmationRequested {
        /// The secret for the link in the mail. A client that presents it proves that a person has
        /// read the mail. Build the link from a base URL in the host's configuration. Do not build
        /// it from the `Host` header of a request, because an attacker can choose this header.
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
        /// The secret for the link in the mail. A client that presents it proves that a person has
        /// read the mail. Build the link from a base URL in the host's configuration. Do not build
        /// it from the `Host` header of a request, because an attacker can choose this header.
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
    /// This notice is sent only if the store knows a sign-in of the account during the last 90
    /// days. So if a shop moves to this crate, its customers do not get the notice at their first
    /// sign-in.
    ///
    /// If a client sends no device secret ([`SignIn::device`](crate::SignIn::device)), the library
    /// recognises it only by its IP address. If the host does not pass the IP address either, the
    /// library recognises no such client. After the first sign-in of the account, it then sends a
    /// notice for each sign-in.
    NewDevice,
    /// A client signed in with a reset token in place of a password, and no new password was set.
    /// [`NewDevice`](Self::NewDevice) is not sent for this sign-in.
    SignedInByResetToken,
    /// A spent reset token or one-time code was presented again, so a second person may have it. If
    /// the first use was a sign-in, the bearer token that it returned has ended.
    ///
    /// If the first use of a reset token set a new password, all of the customer's bearer tokens
    /// have ended. The customer should then request a new link and reset the password again,
    /// because an attacker may have set the new password.
    CredentialReplayed {
        /// The kind of the credential: reset token or one-time code.
        obtained: Obtained,
    },
    /// The host has set a new password for the customer and has reported the change with
    /// [`CustomerChange::PasswordChanged`](crate::flow::CustomerChange::PasswordChanged).
    PasswordSetByHost,
    /// The account has a new e-mail address: the customer has confirmed it, or the host has stored
    /// it. The mail goes to the new and to the previous address. Do not show either address in the
    /// mail, because the two mailboxes can belong to two persons.
    EmailChanged,
    /// Too many sign-ins failed over all sources
    /// ([`Budgets::account`](crate::config::Budgets::account)), so sign-ins from unknown devices
    /// and sources are refused. The setting says for how long. Devices and sources from which the
    /// customer has signed in within 90 days are not affected. A password reset clears the lock.
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
    /// At a sign-in, the admin user presented the right password, but must have a second factor and
    /// has none. The mail contains the link to set up an authenticator.
    EnrolmentRequested {
        /// The secret for the link in the mail. A client that presents it proves that a person has
        /// read the mail. Build the link from a base URL in the host's configuration. Do not build
        /// it from the `Host` header of a request, because an attacker can choose this header.
        token: EnrolmentToken,
        /// The time at which the token in the link expires.
        expires_at: OffsetDateTime,
    },
    /// An authenticator was set up. All earlier tokens have ended.
    FactorActivated,
    /// The second factor was removed.
    FactorRemoved,
    /// A recovery code was used, to sign in or to step up.
    RecoveryCodeUsed {
        /// The number of recovery codes that are left.
        left: usize,
    },
    /// The recovery codes were replaced. The earlier ones are no longer valid.
    RecoveryCodesReplaced,
    /// The admin user set a new password.
    PasswordChanged,
    /// A sign-in came from a device and a source that the account does not know. The password was
    /// right, and so was the second factor, if the admin user has one. This notice is sent only if
    /// the store knows a sign-in of the account during the last 90 days, as for
    /// [`Notice::NewDevice`].
    NewDevice,
    /// A spent second-factor code was presented again, together with the right password or a live
    /// token. An attacker may have seen the code. The attempt was refused.
    CodeReplayed,
    /// A wrong second-factor code was presented, together with the right password or a live token.
    /// An attacker may know the password. For each source, this notice is sent at most once in 15
    /// minutes (the window of [`Budgets::second_factor`](crate::config::Budgets::second_factor)).
    SecondFactorFailed,
    /// The host has set a new password for the admin user and has reported the change with
    /// [`AdminChange::PasswordChanged`](crate::flow::AdminChange::PasswordChanged).
    PasswordSetByHost,
    /// Too many sign-ins failed over all sources
    /// ([`Budgets::account`](crate::config::Budgets::account)). So sign-ins from unknown devices
    /// and sources are refused. The mail contains the link that clears the lock. Devices and
    /// sources from which the admin user has signed in within 90 days are not affected.
    Locked {
        /// The secret for [`Auth::unlock_admin_by_link`](crate::Auth::unlock_admin_by_link). Build
        /// the link from a base URL in the host's configuration. Do not build it from the `Host`
        /// header of a request, because an attacker can choose this header.
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
    /// address. Only a request for a known address causes a notification. If this method were slow,
    /// the duration of the response would reveal which e-mail addresses have an account. So in this
    /// method, only add the notification to a queue in memory or to a channel, and send the mail in
    /// another task.
    ///
    /// # Errors
    ///
    /// If the notification could not be queued. The audit trail records the failure. The operation
    /// that caused the notification does not fail because of it.
    fn notify(&self, notification: Notification) -> Result<(), StoreError>;

    /// Adds a notification to an admin user to the host's queue, like [`notify`](Self::notify).
    ///
    /// The default implementation returns an error. Then the library cannot mail an enrolment
    /// token, so an admin user without an authenticator cannot set one up by mail.
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
