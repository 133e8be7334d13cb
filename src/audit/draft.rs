use time::OffsetDateTime;

use super::{AccountKey, Action, AuditEvent, EventId, Outcome, Refusal};
use crate::{
    account::{AdminId, CustomerId, Website},
    token::{Assistance, CustomerIdentity, Grant, GrantId, Obtained, Origin, Subject},
};

/// An audit event without an outcome, while its flow is still running. When the flow knows the
/// outcome, the [`Trail`](super::Trail) makes the finished event from this draft.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// How the event reaches the sink. Some outcomes change this: see [`Draft::delivery`].
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
/// All other acts are recorded afterwards. If the sink fails then, the act is not undone. The
/// caller of a successful act still gets the success. If the act was refused and the flow waits for
/// the sink, then the caller gets "unavailable". The event counts in
/// [`AuditStats::failed`](super::AuditStats::failed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The flow waits until the sink has kept the event. Used for acts of admin users and of the
    /// host, and for changes of a customer's account.
    Awaited,
    /// The event goes through the queue. If the queue is full, then the event is dropped and
    /// counted. Used for alarms and for other acts of authenticated customers, such as a sign-in.
    Queued,
    /// The event goes through the queue. Events of this kind can be caused by anybody, so they may
    /// take only half of the queue. If this half is full, then the event is summed up.
    Anonymous,
}

impl Draft {
    /// Creates an event that the sink must keep before the flow goes on.
    pub(crate) fn awaited(action: Action, origin: &Origin) -> Self {
        Self::new(Delivery::Awaited, action, origin)
    }

    /// Creates an event that must not delay the flow.
    pub(crate) fn queued(action: Action, origin: &Origin) -> Self {
        Self::new(Delivery::Queued, action, origin)
    }

    /// Creates an event of a caller who is not authenticated.
    pub(crate) fn anonymous(action: Action, origin: &Origin) -> Self {
        Self::new(Delivery::Anonymous, action, origin)
    }

    /// Creates an event of a customer who presented a token. If an admin user holds the token, then
    /// the flow waits for the sink.
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
            // A caller can cause these refusals as often as it likes. They must not become work for
            // the sink.
            (_, Refused(BudgetSpent | SourceBudgetSpent)) => Delivery::Anonymous,
            // A signed-in customer can repeat a refusal as often as an anonymous caller can.
            (Delivery::Queued, Refused(_)) => Delivery::Anonymous,
            (Delivery::Queued, _) if self.action.changes_account() => Delivery::Awaited,
            (delivery, _) => delivery,
        }
    }

    /// Notes in the draft that the caller is authenticated as the customer.
    pub(crate) fn is_customers(&mut self) {
        if self.delivery == Delivery::Anonymous {
            self.delivery = Delivery::Queued;
        }
    }

    /// Notes in the draft that an admin user takes part in the act, or may do so.
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

    /// Adds the details of a grant: the subject, the assistance and the expiry.
    pub(crate) fn about_grant(&mut self, grant: &Grant) {
        self.grant = Some(grant.id);
        self.subject = Some(grant.subject.clone());
        self.website.clone_from(&grant.website);
        self.obtained = Some(grant.obtained);
        self.expires_at = Some(grant.expires_at);
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

    /// Creates the finished event.
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
