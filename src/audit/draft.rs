use time::OffsetDateTime;
use uuid::Uuid;

use super::{Action, AuditEvent, Outcome};
use crate::{
    account::{AdminId, CustomerId, Website},
    token::{Assistance, CustomerIdentity, Digest, Grant, Obtained, Origin, Subject},
};

/// An audit event that a flow is still collecting. The [`Trail`](super::Trail) makes the event of it
/// when the flow says the outcome.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The flow goes on once the sink has kept the event.
    Awaited,
    /// The event goes through the queue, and is counted as dropped if the queue is full.
    Queued,
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

    /// An event of a customer who presented a token. It is awaited if an admin user holds the token.
    pub(crate) fn by_customer(action: Action, who: &CustomerIdentity, origin: &Origin) -> Self {
        let assistance = who.assistance.as_deref();
        let draft = match assistance {
            Some(_) => Self::awaited(action, origin),
            None => Self::queued(action, origin),
        };
        let mut draft = draft.on(&who.website).of_customer(&who.customer);
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

    pub(crate) fn on(self, website: &Website) -> Self {
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
            origin: self.origin,
        }
    }
}
