//! The notices to customers and admin users.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use commerce_auth::{
    error::StoreError,
    notifier::{AdminNotice, AdminNotification, Notice, Notification, Notifier},
};

/// Keeps its notices, as a host's queue does.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Mutex<Mails>>);

#[derive(Default)]
struct Mails {
    to_customers: Vec<Notification>,
    to_admins: Vec<AdminNotification>,
}

impl Outbox {
    /// Returns the notices since the last call, the oldest first.
    pub fn take(&self) -> Vec<Notification> {
        std::mem::take(&mut self.0.lock().unwrap().to_customers)
    }

    /// As above, for the notices to admin users.
    pub fn take_admins(&self) -> Vec<AdminNotification> {
        std::mem::take(&mut self.0.lock().unwrap().to_admins)
    }

    /// Returns the enrolment token in the newest mail to an admin user, if that mail has one.
    pub fn enrolment_token(&self) -> Option<String> {
        match self.take_admins().pop()?.notice {
            AdminNotice::EnrolmentRequested { token, .. } => Some(token.expose().to_owned()),
            _ => None,
        }
    }

    /// Returns the confirmation token in the newest mail that has one.
    pub fn confirmation_token(&self) -> Option<String> {
        self.take().into_iter().rev().find_map(|mail| match mail.notice {
            Notice::ConfirmationRequested { token, .. } | Notice::EmailChangeRequested { token, .. } => {
                Some(token.expose().to_owned())
            }
            _ => None,
        })
    }

    /// Returns the reset token in the newest mail, if that mail has one.
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
