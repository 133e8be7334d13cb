use time::OffsetDateTime;

use super::Action;
use crate::{
    account::{AdminId, CustomerId, Website},
    token::{Assistance, CustomerIdentity, Digest, Grant, Obtained, Origin, Subject},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Awaited,
    Queued,
}

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

impl Draft {
    pub(crate) fn awaited(action: Action, origin: &Origin) -> Self {
        Self::new(action, origin, Delivery::Awaited)
    }

    pub(crate) fn queued(action: Action, origin: &Origin) -> Self {
        Self::new(action, origin, Delivery::Queued)
    }

    fn new(action: Action, origin: &Origin, delivery: Delivery) -> Self {
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

    /// An event of a customer who presented a token.
    pub(crate) fn by_customer(action: Action, who: &CustomerIdentity, origin: &Origin) -> Self {
        let delivery = if who.assistance.is_some() { Delivery::Awaited } else { Delivery::Queued };
        let mut event = Self::new(action, origin, delivery).on(&who.website).of_customer(&who.customer);
        event.grant = Some(who.grant);
        event.obtained = Some(who.obtained);
        if let Some(assistance) = who.assistance.as_deref() {
            event.about_assistance(assistance);
        }
        event
    }

    pub(crate) fn on(self, website: &Website) -> Self {
        Self { website: Some(website.clone()), ..self }
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

    /// Tells of a grant: whose, who acts through it, why, until when.
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

    pub(crate) fn about_assistance(&mut self, assistance: &Assistance) {
        self.actor = Some(assistance.actor.clone());
        self.parent = Some(assistance.parent);
        self.reason = Some(assistance.reason.clone());
    }
}
