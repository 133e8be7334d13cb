use time::OffsetDateTime;

use super::{AccountKey, Action, AuditEvent, EventId, Outcome, Refusal};
use crate::{
    account::{AdminId, CustomerId, Website},
    token::{Assistance, CustomerIdentity, Grant, GrantId, Obtained, Origin, Subject},
};

/// An audit event that has no outcome yet, because the flow that it describes is still running.
/// When the flow knows the outcome, the [`Trail`](super::Trail) makes the finished event from this
/// draft.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// How the event reaches the sink, if the outcome does not change this: see
    /// [`Draft::delivery`].
    pub(crate) delivery: Delivery,
    pub(crate) action: Action,
    pub(crate) website: Option<Website>,
    pub(crate) account: Option<AccountKey>,
    pub(crate) subject: Option<Subject>,
    pub(crate) actor: Option<AdminId>,
    pub(crate) grant: Option<GrantId>,
    pub(crate) parent: Option<GrantId>,
    pub(crate) obtained: Option<Obtained>,
    pub(crate) reason: Option<String>,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) origin: Origin,
}

/// How an event reaches the sink.
///
/// An act that issues or changes a credential of an admin user, or begins an assistance, is
/// recorded before it is done. If the sink fails, then the act is refused.
///
/// All other acts are recorded after they are done or refused. If the sink fails, then an act is
/// not undone, and the caller of a successful act still gets the success. If the act was refused
/// and the flow waits for the sink, then the caller gets "unavailable". An event that the sink
/// could not store counts in [`AuditStats::failed`](super::AuditStats::failed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The flow waits until the sink has kept the event. Used for acts of admin users and of the
    /// host, and for changes of a customer's account.
    Awaited,
    /// The event goes through the queue. If the queue is full, then the event is dropped and
    /// counted. Used for alarms and for other acts of authenticated customers, such as a sign-in.
    Queued,
    /// The event goes through the queue. Events of this kind can be caused by anybody, so they may
    /// take only half of the queue. If this half is full, then the event is added to a sum: one
    /// event that stands for several.
    Anonymous,
}

impl Draft {
    /// Creates the draft of an event that the sink must keep before the flow goes on.
    pub(crate) fn awaited(action: Action, origin: &Origin) -> Self {
        Self::new(Delivery::Awaited, action, origin)
    }

    /// Creates the draft of an event that goes through the queue, so that it does not delay the
    /// flow.
    pub(crate) fn queued(action: Action, origin: &Origin) -> Self {
        Self::new(Delivery::Queued, action, origin)
    }

    /// Creates the draft of an event that a caller without authentication has caused.
    pub(crate) fn anonymous(action: Action, origin: &Origin) -> Self {
        Self::new(Delivery::Anonymous, action, origin)
    }

    /// Creates the draft of an event that a customer has caused, who presented a token. If the
    /// token belongs to an assistance, then an admin user has caused the event, so the flow waits
    /// for the sink.
    pub(crate) fn by_customer(action: Action, who: &CustomerIdentity, origin: &Origin) -> Self {
        let assistance = who.assistance.as_deref();
        let draft = match assistance {
            Some(_) => Self::awaited(action, origin),
            None => Self::queued(action, origin),
        };
        let mut draft = draft.website(&who.website).of_customer(&who.customer);
        draft.grant = Some(who.grant);
        draft.obtained = Some(who.obtained);
        if let Some(assistance) = assistance {
            draft.about_assistance(assistance);
        }
        draft
    }

    fn new(delivery: Delivery, action: Action, origin: &Origin) -> Self {
        Self {
            delivery,
            action,
            website: None,
            account: None,
            subject: None,
            actor: None,
            grant: None,
            parent: None,
            obtained: None,
            reason: None,
            expires_at: None,
            origin: origin.clone(),
        }
    }

    /// Returns how the event reaches the sink, now that its outcome is known.
    pub(crate) fn delivery(&self, outcome: Outcome) -> Delivery {
        use {Outcome::Refused, Refusal::*};
        match (self.delivery, outcome) {
            // Refusals because of a spent budget cost little, so a caller can cause many of them.
            // They are summed up, so that the sink does not have to store each of them.
            (_, Refused(BudgetSpent | SourceBudgetSpent)) => Delivery::Anonymous,
            // A signed-in customer can repeat a refusal as often as an anonymous caller can.
            (Delivery::Queued, Refused(_)) => Delivery::Anonymous,
            (Delivery::Queued, _) if self.action.changes_account() => Delivery::Awaited,
            (delivery, _) => delivery,
        }
    }

    /// Notes in the draft that the caller is authenticated as the customer. The event then no
    /// longer counts as one that anybody can cause.
    pub(crate) fn is_customers(&mut self) {
        if self.delivery == Delivery::Anonymous {
            self.delivery = Delivery::Queued;
        }
    }

    /// Notes in the draft that an admin user perhaps takes part in the act. The flow then waits for
    /// the sink.
    pub(crate) fn is_admins(&mut self) {
        self.delivery = Delivery::Awaited;
    }

    pub(crate) fn website(self, website: &Website) -> Self {
        Self { website: Some(website.clone()), ..self }
    }

    pub(crate) fn because(self, reason: String) -> Self {
        Self { reason: Some(reason), ..self }
    }

    pub(crate) fn at_account(self, account: AccountKey) -> Self {
        Self { account: Some(account), ..self }
    }

    pub(crate) fn of_customer(self, customer: &CustomerId) -> Self {
        Self { subject: Some(Subject::Customer(customer.clone())), ..self }
    }

    pub(crate) fn of_admin(self, admin: &AdminId) -> Self {
        Self { subject: Some(Subject::Admin(admin.clone())), ..self }
    }

    /// Adds the details of a grant: its id, the subject, the website, how the grant was obtained,
    /// the expiry, and the assistance if there is one.
    pub(crate) fn about_grant(&mut self, grant: &Grant) {
        self.grant = Some(grant.id);
        self.subject = Some(grant.subject.clone());
        self.website.clone_from(&grant.website);
        self.obtained = Some(grant.obtained);
        self.expires_at = Some(grant.expires_at());
        if let Some(assistance) = grant.assistance.as_deref() {
            self.about_assistance(assistance);
        }
    }

    /// Adds the admin user who acts for the customer, and the reason.
    pub(crate) fn about_assistance(&mut self, assistance: &Assistance) {
        self.actor = Some(assistance.actor.clone());
        self.parent = Some(assistance.parent);
        self.reason = Some(assistance.reason.clone());
    }

    /// Creates the finished event from the draft.
    pub(super) fn finish(self, id: EventId, at: OffsetDateTime, outcome: Outcome) -> AuditEvent {
        AuditEvent {
            version: AuditEvent::VERSION,
            id,
            at,
            action: self.action,
            outcome,
            website: self.website,
            account: self.account,
            subject: self.subject,
            actor: self.actor,
            grant: self.grant,
            parent: self.parent,
            obtained: self.obtained,
            reason: self.reason,
            expires_at: self.expires_at,
            summed_up: None,
            origin: self.origin,
        }
    }
}
