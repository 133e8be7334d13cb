use crate::{
    account::CustomerRecord,
    audit::{Action, Draft, Outcome},
    auth::Auth,
    notifier::{Notice, Notification},
    token::Origin,
};

impl Auth {
    /// Tells a customer something, at the stored address. What cannot be queued is only told to the trail.
    pub(super) fn notify(&self, row: &CustomerRecord, notice: Notice, origin: &Origin) {
        let Some(notifier) = &self.parts.notifier else { return };
        let notification = Notification {
            email: row.email.clone(),
            customer: row.id.clone(),
            website: row.website.clone(),
            notice,
            origin: origin.clone(),
        };
        if notifier.notify(notification).is_err() {
            let event = Draft::about(Action::Notification, origin).on(&row.website).of_customer(&row.id);
            self.parts.trail.note(&event, Outcome::Failed);
        }
    }
}
