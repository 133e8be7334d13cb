use time::OffsetDateTime;
use uuid::Uuid;

use super::{Action, AuditEvent, Outcome, Refusal};
use crate::{
    account::{AdminId, CustomerId, Website},
    token::{Assistance, CustomerIdentity, Digest, Grant, Obtained, Origin, Subject},
};

/// An audit event that a flow is still collecting. The [`Trail`](super::Trail) makes the event of it
/// when the flow says the outcome.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// How the event reaches the sink, for all that the flow knows yet. The outcome has a say: [`Draft::delivery`].
    pub(crate) delivery: Delivery,
    pub(crate) action: Action,
    pub(crate) website: Option<Website>,
    pub(crate) account: Option<Digest>,
    pub(crate) subject: Option<Subject>,
    pub(crate) actor: Option<AdminId>,
    pub(crate) grant: Option<Digest>,
    pub(crate) parent: Option<Digest>,
    pub(crate) obtained: Option<Obtained>,
    pub(crate) reason: Option<String>,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) origin: Origin,
}

/// How an event reaches the sink.
///
/// An admin user's or assistant's act is begun before it is done: without that record it is refused. All other acts are
/// recorded after the fact. A sink that fails then changes no answer and undoes nothing: the event counts in
/// [`AuditStats::failed`](super::AuditStats::failed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The flow goes on once the sink has kept the event. For acts of admin users and of the host, and for what changes
    /// a customer's account.
    Awaited,
    /// The event goes through the queue, and is counted as dropped if the queue is full. For other acts of customers who have
    /// proved who they are, such as a sign-in, and for alarms.
    Queued,
    /// The event goes through the half of the queue that is open to what anybody can cause, and is summed up if that half
    /// is full.
    Anonymous,
}

impl Draft {
    /// An event that the sink must keep before the flow goes on.
    pub(crate) fn awaited(action: Action, origin: &Origin) -> Self {
        Self::new(Delivery::Awaited, action, origin)
    }

    /// An event that must not delay the flow.
    pub(crate) fn queued(action: Action, origin: &Origin) -> Self {
        Self::new(Delivery::Queued, action, origin)
    }

    /// An event of a caller who has proved nothing yet.
    pub(crate) fn anonymous(action: Action, origin: &Origin) -> Self {
        Self::new(Delivery::Anonymous, action, origin)
    }

    /// An event of a customer who presented a token. It is always awaited if an admin user holds the token.
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

    /// Decides how the event reaches the sink, now that its outcome is known.
    pub(crate) fn delivery(&self, outcome: Outcome) -> Delivery {
        use {Outcome::Refused, Refusal::*};
        match (self.delivery, outcome) {
            // These cost the caller nothing, however often, and must not become work for the sink.
            (_, Refused(BudgetSpent | SourceBudgetSpent)) => Delivery::Anonymous,
            // A customer, too, can repeat a refusal as often as anybody.
            (Delivery::Queued, Refused(_)) => Delivery::Anonymous,
            (Delivery::Queued, _) if self.action.changes_account() => Delivery::Awaited,
            (delivery, _) => delivery,
        }
    }

    /// Notes that the caller has proved to be the customer.
    pub(crate) fn is_customers(&mut self) {
        if self.delivery == Delivery::Anonymous {
            self.delivery = Delivery::Queued;
        }
    }

    /// Notes that an admin user is involved, or may be.
    pub(crate) fn is_admins(&mut self) {
        self.delivery = Delivery::Awaited;
    }

    pub(crate) fn website(self, website: &Website) -> Self {
        Self { website: Some(website.clone()), ..self }
    }

    pub(crate) fn because(self, reason: String) -> Self {
        Self { reason: Some(reason), ..self }
    }

    pub(crate) fn at_account(self, account: Digest) -> Self {
        Self { account: Some(account), ..self }
    }

    pub(crate) fn of_customer(self, customer: &CustomerId) -> Self {
        Self { subject: Some(Subject::Customer(customer.clone())), ..self }
    }

    pub(crate) fn of_admin(self, admin: &AdminId) -> Self {
        Self { subject: Some(Subject::Admin(admin.clone())), ..self }
    }

    /// Adds a grant: whose it is, who acts through it and why, and when it ends.
    pub(crate) fn about_grant(&mut self, grant: &Grant) {
        self.grant = Some(grant.digest);
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

    /// The finished event.
    pub(super) fn finish(self, id: Uuid, at: OffsetDateTime, outcome: Outcome) -> AuditEvent {
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
