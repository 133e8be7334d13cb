//! The notices to customers and admin users. If the host's notifier does not accept a notice, the
//! audit trail records the failure, and the flow continues.

use std::sync::Arc;

use crate::{
    account::{AdminRecord, CustomerRecord},
    audit::{Action, Draft, Outcome, Trail},
    error::{Error, InternalError, Part},
    notifier::{AdminNotice, AdminNotification, Notice, Notification, Notifier},
    token::Origin,
};

pub(crate) struct Notices {
    notifier: Option<Arc<dyn Notifier>>,
    trail: Arc<Trail>,
}

impl Notices {
    pub(crate) fn new(notifier: Option<Arc<dyn Notifier>>, trail: Arc<Trail>) -> Self {
        Self { notifier, trail }
    }

    /// Fails if the host has configured no notifier. A flow that cannot work without a mail calls
    /// this function before it does anything else.
    pub(crate) fn require(&self) -> Result<(), Error> {
        self.notifier.as_ref().map(drop).ok_or(Error::Internal(InternalError::NotConfigured(Part::Notifier)))
    }

    /// Notifies a customer at the stored e-mail address.
    pub(crate) fn tell_customer(&self, row: &CustomerRecord, notice: Notice, origin: &Origin) {
        self.tell_customer_at(&row.email, row, notice, origin);
    }

    /// Notifies a customer at the e-mail address `email` in place of the stored one. For example,
    /// `email` is the address before a change.
    pub(crate) fn tell_customer_at(
        &self,
        email: &str,
        row: &CustomerRecord,
        notice: Notice,
        origin: &Origin,
    ) {
        let Some(notifier) = &self.notifier else { return };
        let notification = Notification {
            email: email.to_owned(),
            customer: row.id.clone(),
            website: row.website.clone(),
            notice,
            origin: origin.clone(),
        };
        if notifier.notify(notification).is_err() {
            let event = Draft::anonymous(Action::Notification, origin).website(&row.website);
            self.trail.note(&event.of_customer(&row.id), Outcome::Failed);
        }
    }

    /// Notifies an admin user. Returns true if the host's notifier accepted the notice.
    pub(crate) fn tell_admin(&self, admin: &AdminRecord, notice: AdminNotice, origin: &Origin) -> bool {
        let Some(notifier) = &self.notifier else { return false };
        let notification = AdminNotification {
            admin: admin.id.clone(),
            username: admin.username.clone(),
            notice,
            origin: origin.clone(),
        };
        let is_queued = notifier.notify_admin(notification).is_ok();
        if !is_queued {
            let event = Draft::anonymous(Action::Notification, origin).of_admin(&admin.id);
            self.trail.note(&event, Outcome::Failed);
        }
        is_queued
    }
}
