//! What customers were told.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use commerce_auth::{AdminNotice, AdminNotification, Notice, Notification, Notifier, StoreError};

/// Keeps what it is told, as a host's queue does.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Mutex<Mails>>);

#[derive(Default)]
struct Mails {
    to_customers: Vec<Notification>,
    to_admins: Vec<AdminNotification>,
}

impl Outbox {
    /// What came since the last look, the oldest first.
    pub fn take(&self) -> Vec<Notification> {
        std::mem::take(&mut self.0.lock().unwrap().to_customers)
    }

    /// The same, of what admin users were told.
    pub fn take_admins(&self) -> Vec<AdminNotification> {
        std::mem::take(&mut self.0.lock().unwrap().to_admins)
    }

    /// The enrolment token in the newest mail to an admin user, if that is what the newest mail is about.
    pub fn enrolment_token(&self) -> Option<String> {
        match self.take_admins().pop()?.notice {
            AdminNotice::EnrolmentRequested { token, .. } => Some(token.expose().to_owned()),
            _ => None,
        }
    }

    /// The confirmation token in the newest mail that has one.
    pub fn confirmation_token(&self) -> Option<String> {
        self.take().into_iter().rev().find_map(|mail| match mail.notice {
            Notice::ConfirmationRequested { token, .. } | Notice::EmailChangeRequested { token, .. } => {
                Some(token.expose().to_owned())
            }
            _ => None,
        })
    }

    /// The reset token in the newest mail, if that is what the newest mail is about.
    pub fn reset_token(&self) -> Option<String> {
        match self.take().pop()?.notice {
            Notice::ResetRequested { token, .. } => Some(token.expose().to_owned()),
            _ => None,
        }
    }
}

impl Notifier for Outbox {
    fn notify(&self, notification: Notification) -> Result<(), StoreError> {
        self.0.lock().unwrap().to_customers.push(notification);
        Ok(())
    }

    fn notify_admin(&self, notification: AdminNotification) -> Result<(), StoreError> {
        self.0.lock().unwrap().to_admins.push(notification);
        Ok(())
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbox(..)")
    }
}
