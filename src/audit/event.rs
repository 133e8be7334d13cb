use std::{fmt, mem, str::FromStr};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};
use uuid::{Builder, Uuid};

use crate::{
    account::{AdminId, Website},
    bytes::{byte_newtype, hex_text},
    random::{RandomError, SecureRandom, draw},
    token::{GrantId, Obtained, Origin, Subject},
};

/// The action that was done or tried. Most actions have the name of an operation of
/// [`Auth`](crate::Auth).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A customer's sign-in by password or reset token.
    SignIn,
    /// An admin user's sign-in.
    AdminSignIn,
    /// A step-up: a new token for an admin user who presented a code of the second factor again.
    StepUp,
    /// An enrolment of an authenticator was begun: by mail, or by the signed-in admin user.
    FactorEnrolment,
    /// The TOTP secret of an enrolment was shown to a person who presented the enrolment token.
    FactorSetup,
    /// An authenticator was activated by its first right code, or imported by the host.
    FactorActivation,
    /// An admin user's second factor was removed by the host.
    FactorRemoval,
    /// An admin user's recovery codes were replaced.
    RecoveryCodes,
    /// An admin user requested a token to act for a customer: `generateCustomerTokenAsAdmin`.
    AssistanceToken,
    /// An admin user requested a one-time code, to act for a customer.
    CodeMint,
    /// A one-time code was presented, to exchange it for a token.
    CodeRedemption,
    /// A one-time code or reset token was presented again, after it had been used. The library ends
    /// the bearer token that was issued for the first use. If a new password was set by the first
    /// use, then the library ends all of the customer's tokens.
    CodeReplay,
    /// The customer ended an assistance.
    AssistanceEnd,
    /// The ledger of assistance was requested. This action is recorded only if the request is
    /// refused.
    AssistanceList,
    /// A customer was erased. This removes the customer's ended assistances from the ledger, and
    /// the personal data from the audit trail.
    Erasure,
    /// The token of an assistance was used although the assistance was no longer allowed. For
    /// example, the customer had withdrawn the consent.
    AssistanceUse,
    /// An admin user's token was used, but the admin user is no longer allowed to act. For example,
    /// the admin user's account was disabled.
    AdminUse,
    /// The list of the customer's tokens was requested. This action is recorded only if the request
    /// is refused.
    TokenList,
    /// One token was revoked.
    TokenRevoke,
    /// All tokens of a subject were revoked, or all except one.
    AllTokensRevoke,
    /// All tokens of the shop were revoked.
    EverythingRevoke,
    /// The customer's current password was verified again.
    PasswordConfirmation,
    /// A signed-in customer changed the password.
    PasswordChange,
    /// A reset token was requested.
    ResetRequest,
    /// A password was set with a reset token.
    PasswordReset,
    /// A reset token was checked, but not spent. This action is recorded only if the request is
    /// refused.
    ResetTokenCheck,
    /// A registration was begun. The account does not exist yet, because the host creates it later.
    Registration,
    /// A confirmation token was requested for the account's present e-mail address.
    ConfirmationRequest,
    /// A confirmation token was presented, to confirm the account's e-mail address.
    EmailConfirmation,
    /// The signed-in customer requested a change of the e-mail address.
    EmailChangeRequest,
    /// A confirmation token was presented, to replace the account's e-mail address.
    EmailChange,
    /// The customer consented to assistance.
    ConsentGiven,
    /// The customer withdrew the consent to assistance.
    ConsentWithdrawn,
    /// A failed attempt spent a budget, so the account's password or second factor is locked, for
    /// this source or for all sources. If the caller disconnected during the attempt, then this
    /// event may be missing. In that case, only the events of later refused attempts show the lock.
    Lock,
    /// The failed attempts and locks of an account were cleared: by the host, for example for its
    /// support desk, or by an admin user with a mailed link.
    Unlock,
    /// So many sign-ins failed that an automated attack is likely: from one source, or from all
    /// sources together. The event's reason has the counts of sign-ins. If the event has no source,
    /// then the counts are those of the whole shop.
    AttackSuspected,
    /// The host disabled or deleted an account, or changed the account's e-mail address or
    /// password.
    AccountChange,
    /// A notification to a customer or an admin user. This action is recorded only if the notifier
    /// failed to queue the notification.
    Notification,
}

impl Action {
    /// True if a success of this action changes a customer's credential, e-mail address or consent,
    /// or ends all of a customer's tokens.
    pub(super) const fn changes_account(self) -> bool {
        matches!(
            self,
            Self::PasswordChange
                | Self::PasswordReset
                | Self::EmailConfirmation
                | Self::EmailChange
                | Self::ConsentGiven
                | Self::ConsentWithdrawn
                | Self::AllTokensRevoke
        )
    }
}

/// The outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The checks have passed, and the action is about to be done. A later event has the outcome of
    /// the action. If this later event is missing, then the process stopped before the action had
    /// an outcome, or the sink failed to store the later event.
    Begun,
    /// The action succeeded.
    Succeeded,
    /// The action was refused, for the given reason.
    Refused(Refusal),
    /// A store, a table or the system failed. The action may have taken effect.
    Failed,
}

/// The reason for a refusal. It has more detail than the response to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// Too many failed attempts, or too many requests.
    BudgetSpent,
    /// Too many failures from this source over all accounts.
    SourceBudgetSpent,
    /// The solution of the host's challenge was missing or wrong. The library did not look up an
    /// account.
    UnansweredChallenge,
    /// The account does not exist.
    UnknownAccount,
    /// The credential does not belong to the account, has expired or is spent.
    WrongCredential,
    /// The account is disabled.
    AccountDisabled,
    /// The account is not confirmed.
    AccountUnconfirmed,
    /// The account's e-mail address is already confirmed, or the account did not request this
    /// e-mail address.
    AlreadyConfirmed,
    /// Another account of the website already has the e-mail address.
    AddressTaken,
    /// The account's tokens were revoked during the operation.
    RevokedMeanwhile,
    /// A one-time code or a code of an authenticator was presented again.
    SpentCode,
    /// A second factor was required and not presented.
    NoSecondFactor,
    /// The admin user needs a second factor and has none.
    NotEnrolled,
    /// The admin user has a second factor already.
    AlreadyEnrolled,
    /// The admin user must step up, because the sign-in was too long ago or had no second factor.
    NotFresh,
    /// The shop does not offer assistance.
    AssistanceOff,
    /// The customer has not consented to assistance, or has withdrawn the consent.
    NoConsent,
    /// The admin user lacks a permission.
    NoPermission,
    /// The admin user is disabled or does not exist.
    AdminDisabled,
    /// The admin user's own token was revoked, or has expired.
    AdminSignedOut,
    /// A customer's token was presented, but an admin user's token is required.
    NotAnAdmin,
    /// The token belongs to an assistance, but only the customer may do this action.
    Assisting,
    /// The admin user gave no reason, and the shop requires one.
    NoReason,
    /// The new password breaks the policy.
    PasswordPolicy,
    /// Too many password hashes were waiting.
    Overloaded,
}

/// The id of an event: a random UUID (version 4). The text form is that of RFC 9562, with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

/// The error of a text that is not an [`EventId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of an event must be a UUID")]
#[non_exhaustive]
pub struct EventIdError;

impl EventId {
    pub(super) fn draw(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        draw(random).map(|bytes| Self(Builder::from_random_bytes(bytes).into_uuid()))
    }

    /// Creates the id from the bytes of a sink's column.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Returns the bytes for a sink's column.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        text.parse().map(Self).map_err(|_| EventIdError)
    }
}

byte_newtype! {
    /// The account key: a digest of the name with which a person signs in. It exists even if there
    /// is no account with this name. The attempt budgets of an account are also stored under this
    /// digest.
    ///
    /// The account key identifies the account without showing the e-mail address or user name. But
    /// anybody who knows this e-mail address or user name can compute the account key.
    #[derive(PartialEq)]
    pub struct AccountKey([u8; 32]);
}

hex_text!(AccountKey);

/// An event of the audit trail.
///
/// Serde serialises the event as one flat object without nulls. A later release with the same
/// [version](Self::VERSION) can add fields, actions and refusals, so a program that reads events
/// must ignore those that it does not know. The library puts no secret and no e-mail address into
/// an event. The event identifies an account by the id of the customer or admin user (`subject`).
/// If the id is not known, the event identifies the account by the account key (`account`).
///
/// ```
/// use commerce_auth::audit::{Action, AuditEvent, Outcome, Refusal};
///
/// let line = r#"{
///     "version": 1, "id": "b5d1fcbe-9d2f-4a2e-8a86-3a7a3e0f2f10", "at": "2026-01-01T12:00:00Z",
///     "action": "assistance_use", "outcome": "refused", "why": "no_consent",
///     "website": "base", "subject": {"customer": "1"}, "actor": "7", "source": "192.0.2.1"
/// }"#;
/// let event: AuditEvent = serde_json::from_str(line)?;
/// assert_eq!(event.action, Action::AssistanceUse);
/// assert_eq!(event.outcome, Outcome::Refused(Refusal::NoConsent));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEvent {
    /// The version of the serialised form: 1.
    pub version: u16,
    /// The id of the event.
    pub id: EventId,
    /// The time of the event.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// The action that was done or tried.
    pub action: Action,
    /// The outcome of the action.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The website of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<Website>,
    /// The account key of the name that the caller presented, even if there is no such account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountKey>,
    /// The customer or admin user that the action concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// The admin user who acts for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<AdminId>,
    /// The id of the grant that was issued, used or ended. If the action made a one-time code, this
    /// field has the digest of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// The grant of the admin user who acts for the customer. If this grant ends, then the
    /// assistance ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<GrantId>,
    /// How the client obtained the grant, for example by a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obtained: Option<Obtained>,
    /// The reason for an assistance, in the admin user's own words. For
    /// [`Action::AttackSuspected`], this field has the counts of sign-ins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The expiry of the issued token or code.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<OffsetDateTime>,
    /// The number of summed events, if this event is a sum: one event that stands for several.
    ///
    /// Events that anybody can cause, such as refused sign-ins, may arrive faster than the sink can
    /// store them. Then such events of one source with the same action and outcome become a sum.
    /// The sum names the source: an IPv4 address or an IPv6 /64 network. If many sources cause
    /// events at once, then one sum without a source covers the further sources. The time of a sum
    /// is that of its first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summed_up: Option<u64>,
    /// The origin of the request.
    #[serde(flatten)]
    pub origin: Origin,
}

impl AuditEvent {
    /// The version of the serialised form that the library writes.
    pub const VERSION: u16 = 1;

    /// Returns the number of events that this event represents: 1, or more if it is a sum.
    pub(super) fn stands_for(&self) -> u64 {
        self.summed_up.unwrap_or(1)
    }

    /// Turns the event into a sum: one event that stands for several events with the same action,
    /// outcome and source. The sum begins with a count of one. It keeps the action, the outcome,
    /// the source, the version, the id and the time of this event. All other fields are removed.
    pub(super) fn into_sum(self) -> Self {
        let Self { version, id, at, action, outcome, origin, .. } = self;
        Self {
            version,
            id,
            at,
            action,
            outcome,
            website: None,
            account: None,
            subject: None,
            actor: None,
            grant: None,
            parent: None,
            obtained: None,
            reason: None,
            expires_at: None,
            summed_up: Some(1),
            origin: Origin { source: origin.source, ..Origin::default() },
        }
    }

    /// Removes the personal data from the event, and returns the personal data. Returns none if the
    /// event holds no personal data. The erasure of a customer removes the same data from stored
    /// events.
    pub(super) fn take_personal(&mut self) -> Option<PersonalData> {
        let of_customer = |subject: &mut Subject| matches!(subject, Subject::Customer(_));
        let personal = PersonalData {
            account: self.account.take(),
            subject: self.subject.take_if(of_customer),
            reason: self.reason.take(),
            origin: mem::take(&mut self.origin),
        };
        (personal != PersonalData::default()).then_some(personal)
    }
}

/// The personal data of an event. The event's subject is personal data if it is a customer, and not
/// if it is an admin user.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct PersonalData {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten)]
    origin: Origin,
}
