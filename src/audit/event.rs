use std::mem;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};
use uuid::Uuid;

use crate::{
    account::{AdminId, Website},
    token::{Digest, Obtained, Origin, Subject},
};

/// What was done, or tried. Each is named after its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A customer's sign-in by password or reset token.
    SignIn,
    /// An admin user's sign-in.
    AdminSignIn,
    /// An admin user's fresh token for a code of the second factor.
    StepUp,
    /// An enrolment of an authenticator begun: by mail, or by the signed-in admin user.
    FactorEnrolment,
    /// The secret of an enrolment shown to the holder of its token.
    FactorSetup,
    /// An authenticator activated by its first right code, or brought along by the host.
    FactorActivation,
    /// An admin user's second factor removed at the host's word.
    FactorRemoval,
    /// An admin user's recovery codes made anew.
    RecoveryCodes,
    /// An admin user's token for a customer: `generateCustomerTokenAsAdmin`.
    AssistanceToken,
    /// A one-time code made by an admin user for a customer.
    CodeMint,
    /// A one-time code presented for a token.
    CodeRedemption,
    /// A one-time code or reset token presented that was spent before. The grant that it bought ends; if a new password
    /// was set with it, all of the customer's tokens end.
    CodeReplay,
    /// An assistance that the customer ended.
    AssistanceEnd,
    /// The ledger of assistance asked for: told of only when it is refused.
    AssistanceList,
    /// A customer forgotten: the ended assistance of the ledger, and the personal part of the trail.
    Erasure,
    /// A token born of assistance, used when assistance no longer holds.
    AssistanceUse,
    /// An admin user's token, used when the admin user may no longer act.
    AdminUse,
    /// The customer's tokens listed: told of only when it is refused.
    TokenList,
    /// One token ended.
    TokenRevoke,
    /// All tokens of a subject ended, or all but one.
    AllTokensRevoke,
    /// Everybody's tokens ended.
    EverythingRevoke,
    /// The customer's current password was asked for again.
    PasswordConfirmation,
    /// A signed-in customer's new password.
    PasswordChange,
    /// A reset token asked for.
    ResetRequest,
    /// A new password by reset token.
    PasswordReset,
    /// A reset token looked at, and not spent: told of only when it is refused.
    ResetTokenCheck,
    /// A registration begun: the host creates the account.
    Registration,
    /// A confirmation token asked for, to the address that an account has.
    ConfirmationRequest,
    /// A confirmation token presented, and the account's address confirmed.
    EmailConfirmation,
    /// Another address asked for by the signed-in customer.
    EmailChangeRequest,
    /// A confirmation token presented, and the account's address replaced by another one.
    EmailChange,
    /// The customer consents to assistance.
    ConsentGiven,
    /// The customer no longer consents to assistance.
    ConsentWithdrawn,
    /// A failed attempt spent a budget: the account's password or second factor is locked, for this source or for all. Where
    /// the caller of that attempt went away, only the refusals that follow tell of the lock.
    Lock,
    /// Failed attempts and locks were forgotten at a support desk's word, or by a link that was mailed to the admin
    /// user.
    Unlock,
    /// Failures at so many accounts came from one source, or from all sources together, that passwords are being
    /// tried by a program. The reason gives the numbers. Without a source, the whole shop is meant.
    AttackSuspected,
    /// The host disabled or deleted an account, or changed its address or password.
    AccountChange,
    /// Something to tell a customer: told of only when the notifier could not take it.
    Notification,
}

impl Action {
    /// True if success sets a credential, the address or a consent of a customer, or ends all of a customer's tokens.
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

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It is about to happen: every check has passed. Another event says how it ended; if none does, the process
    /// stopped in between.
    Begun,
    /// It happened.
    Succeeded,
    /// It did not happen, and why.
    Refused(Refusal),
    /// A store, a table or the system failed: it may have happened.
    Failed,
}

/// Why it was refused: more than the caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// Too many failed attempts, or too many requests.
    BudgetSpent,
    /// Too many failures of this source over all accounts.
    SourceBudgetSpent,
    /// The answer to the host's challenge was missing or wrong: nothing was looked up.
    UnansweredChallenge,
    /// There is no such account.
    UnknownAccount,
    /// The credential is not the account's, has expired or is spent.
    WrongCredential,
    /// The account is disabled.
    AccountDisabled,
    /// The account is not confirmed.
    AccountUnconfirmed,
    /// The account has confirmed the address already, or did not ask for it.
    AlreadyConfirmed,
    /// Another account of the website has the address.
    AddressTaken,
    /// The account's tokens were revoked while it was on its way.
    RevokedMeanwhile,
    /// A one-time code was presented again, or a code of an authenticator.
    SpentCode,
    /// A second factor was needed.
    NoSecondFactor,
    /// The admin user has no second factor, and needs one.
    NotEnrolled,
    /// The admin user has a second factor already.
    AlreadyEnrolled,
    /// The sign-in was not fresh enough, or without a second factor.
    NotFresh,
    /// The shop does not offer assistance.
    AssistanceOff,
    /// The customer does not consent to assistance.
    NoConsent,
    /// The admin user lacks a permission.
    NoPermission,
    /// The admin user is disabled or gone.
    AdminDisabled,
    /// The admin user's own token was revoked, or has expired.
    AdminSignedOut,
    /// The token is a customer's where an admin user's is needed.
    NotAnAdmin,
    /// The token was born of assistance, and this is the customer's own to do.
    Assisting,
    /// An admin user gave no reason, and must.
    NoReason,
    /// The new password breaks the policy.
    PasswordPolicy,
    /// Too many hashes were waiting.
    Overloaded,
}

/// One line of the audit trail.
///
/// Serialised by serde as one flat object without nulls; within a [version](Self::VERSION) fields, actions and
/// refusals are only added, so a reader must pass over what it does not know. It holds no secret and no e-mail
/// address: an account is named by the subject's id, or, where there is none, by a digest.
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
    /// The version of this form: 1.
    pub version: u16,
    /// The event's own name, random.
    pub id: Uuid,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// What was done, or tried.
    pub action: Action,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The website it was done on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<Website>,
    /// The account that was named, known or not, as the budgets of attempts count it: attempts at one name share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Digest>,
    /// Whom it was done to, or for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// The admin user who acts for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<AdminId>,
    /// The grant that was issued, used or ended. On a code's mint, the digest of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Digest>,
    /// The admin user's own grant, on which the assistance rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Digest>,
    /// How the grant was obtained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obtained: Option<Obtained>,
    /// Why the admin user acts, in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When what was issued ends.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<OffsetDateTime>,
    /// The number of events that this one stands for, if it is a sum. While anybody sends more refusals than the queue takes,
    /// those of one source with one action and outcome are summed up in one event. It names the source, which is an IPv4
    /// address or an IPv6 /64; without a source it is the sum of all other sources. Its time is that of the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summed_up: Option<u64>,
    /// From where.
    #[serde(flatten)]
    pub origin: Origin,
}

impl AuditEvent {
    /// The version of the form that this release writes.
    pub const VERSION: u16 = 1;

    /// Returns the number of events that this one stands for: 1, unless it is a sum.
    pub(super) fn stands_for(&self) -> u64 {
        self.summed_up.unwrap_or(1)
    }

    /// Makes the event a sum of one. What tells it from others of the source is left out.
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

    /// Takes the personal data out of the event, and leaves what an erasure leaves. None if the
    /// event holds no personal data.
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

/// The personal data of an event. The subject is personal data if it is a customer. An admin user's
/// name is not.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct PersonalData {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten)]
    origin: Origin,
}
