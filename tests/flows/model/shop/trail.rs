//! The events of the audit trail.

use std::fmt;

use commerce_auth::{
    Error,
    audit::{Action, Outcome, Refusal},
};

use super::{Answer, Assist, Counted, Ended, Shop, Who};

/// A line of the trail, in the model's names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) action: Action,
    pub(crate) outcome: Outcome,
    pub(crate) site: Option<usize>,
    /// The name of the account, whether it exists or not.
    pub(crate) account: Option<Counted>,
    pub(crate) subject: Option<Who>,
    pub(crate) actor: Option<usize>,
    pub(crate) parent: Option<usize>,
    pub(crate) reason: Option<&'static str>,
    pub(crate) grant: Option<Name>,
}

/// The object of which an event has the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Token(usize),
    Secret(usize),
    /// A token that a one-time code was spent for, and that was not issued in the end.
    Unissued,
}

impl Told {
    pub(super) const fn about(action: Action) -> Self {
        Self {
            action,
            outcome: Outcome::Begun,
            site: None,
            account: None,
            subject: None,
            actor: None,
            parent: None,
            reason: None,
            grant: None,
        }
    }

    pub(super) const fn at(self, account: Counted) -> Self {
        Self { account: Some(account), ..self }
    }

    pub(super) const fn on(self, site: usize) -> Self {
        Self { site: Some(site), ..self }
    }

    pub(super) const fn of(self, subject: Who) -> Self {
        Self { subject: Some(subject), ..self }
    }

    pub(super) fn by_assistance(&mut self, assist: Assist) {
        (self.actor, self.parent) = (Some(assist.actor), Some(assist.parent));
        self.reason = Some(assist.reason);
    }

    /// True for events that are recorded before the caller gets the answer: those that involve an
    /// admin user, those of the host, and changes of a customer's account.
    fn is_awaited(&self) -> bool {
        let lasts = matches!(
            self.action,
            Action::PasswordChange
                | Action::PasswordReset
                | Action::ConsentGiven
                | Action::ConsentWithdrawn
                | Action::AllTokensRevoke
                | Action::Unlock
                | Action::AccountChange
                | Action::EverythingRevoke
        );
        self.involves_admin() || (lasts && self.outcome == Outcome::Succeeded)
    }

    fn involves_admin(&self) -> bool {
        self.actor.is_some()
            || matches!(self.subject, Some(Who::Admin(_)))
            || matches!(
                self.action,
                Action::AdminSignIn | Action::AssistanceToken | Action::CodeMint | Action::CodeReplay
            )
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.action, self.outcome)?;
        let Self { site, account, subject, actor, parent, reason, grant, .. } = self;
        site.iter().try_for_each(|site| write!(f, " on {site}"))?;
        account.iter().try_for_each(|account| write!(f, " at {account:?}"))?;
        subject.iter().try_for_each(|subject| write!(f, " of {subject:?}"))?;
        grant.iter().try_for_each(|grant| write!(f, " grant {grant:?}"))?;
        actor.iter().try_for_each(|actor| write!(f, " by admin user {actor}"))?;
        parent.iter().try_for_each(|parent| write!(f, " through token {parent}"))?;
        reason.iter().try_for_each(|reason| write!(f, " as {reason:?}"))
    }
}

/// Returns a refusal with the reason for the trail, and the error for the caller.
pub(super) const fn refused<T>(why: Refusal, told: Error) -> Ended<T> {
    Err((Outcome::Refused(why), told))
}

/// As above, with another error for the caller.
pub(super) fn told_as<T>(ended: Ended<T>, error: Error) -> Ended<T> {
    ended.map_err(|(outcome, _)| (outcome, error))
}

impl Shop {
    fn tell(&mut self, event: Told) {
        let path = if event.is_awaited() { &mut self.led_to.kept } else { &mut self.led_to.queued };
        path.push(event);
    }

    /// As [`tell`](Self::tell), but the caller does not wait for the record.
    pub(super) fn note(&mut self, event: Told, why: Refusal) {
        self.led_to.queued.push(Told { outcome: Outcome::Refused(why), ..event });
    }

    /// Records that something is about to be issued or spent, before it is.
    pub(super) fn begin(&mut self, event: &Told) {
        self.led_to.kept.push(Told { outcome: Outcome::Begun, ..*event });
    }

    pub(super) fn tell_lock(&mut self, event: &Told) {
        self.tell(Told { action: Action::Lock, outcome: Outcome::Succeeded, ..*event });
    }

    pub(super) fn conclude(&mut self, event: &Told, ended: Ended<Answer>) -> Result<Answer, Error> {
        let outcome = ended.as_ref().map_or_else(|(outcome, _)| *outcome, |_| Outcome::Succeeded);
        match outcome {
            // An attempt beyond a budget makes no work for the sink.
            Outcome::Refused(why @ (Refusal::BudgetSpent | Refusal::SourceBudgetSpent)) => {
                self.note(*event, why);
            }
            _ => self.tell(Told { outcome, ..*event }),
        }
        ended.map_err(|(_, error)| error)
    }

    /// Returns an event of a caller who presented a customer's token.
    pub(super) fn by_customer(&self, action: Action, token: usize) -> Told {
        let mut event = Told::about(action);
        self.about_token(&mut event, token);
        event
    }

    pub(super) fn about_token(&self, event: &mut Told, token: usize) {
        let row = &self.tokens[token];
        (event.grant, event.subject, event.site) = (Some(Name::Token(token)), Some(row.owner), row.site);
        if let Some(assist) = row.assist {
            event.by_assistance(assist);
        }
    }
}
