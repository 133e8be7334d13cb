//! Notices to customers and admin users. One that cannot be queued is only told to the trail.

use std::sync::Arc;

use crate::{
    account::{AdminRecord, CustomerRecord},
    audit::{Action, Draft, Outcome, Trail},
    error::{Error, Part, StoreError},
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

    /// Refuses a flow that is nothing without its notice.
    pub(crate) fn require(&self) -> Result<(), Error> {
        self.notifier.as_ref().map(drop).ok_or(Error::NotConfigured(Part::Notifier))
    }

    /// Tells a customer something, at the stored address.
    pub(crate) fn tell_customer(&self, row: &CustomerRecord, notice: Notice, origin: &Origin) {
        let Some(notifier) = &self.notifier else { return };
        let notification = Notification {
            email: row.email.clone(),
            customer: row.id.clone(),
            website: row.website.clone(),
            notice,
            origin: origin.clone(),
        };
        let about = |event: Draft| event.on(&row.website).of_customer(&row.id);
        self.record(notifier.notify(notification), origin, about);
    }

    /// Tells an admin user something. Returns true if it was queued.
    pub(crate) fn tell_admin(&self, admin: &AdminRecord, notice: AdminNotice, origin: &Origin) -> bool {
        let Some(notifier) = &self.notifier else { return false };
        let notification = AdminNotification {
            admin: admin.id.clone(),
            username: admin.username.clone(),
            notice,
            origin: origin.clone(),
        };
        self.record(notifier.notify_admin(notification), origin, |event| event.of_admin(&admin.id))
    }

    fn record(
        &self,
        queued: Result<(), StoreError>,
        origin: &Origin,
        about: impl FnOnce(Draft) -> Draft,
    ) -> bool {
        if queued.is_err() {
            self.trail.note(&about(Draft::queued(Action::Notification, origin)), Outcome::Failed);
        }
        queued.is_ok()
    }
}
