//! What customers were told.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use commerce_auth::{Notice, Notification, Notifier, StoreError};

/// Keeps what it is told, as a host's queue does.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Mutex<Vec<Notification>>>);

impl Outbox {
    /// What came since the last look, the oldest first.
    pub fn take(&self) -> Vec<Notification> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The reset token in the newest mail, if that is what the newest mail is about.
    #[allow(dead_code)] // Each test file uses its part.
    pub fn reset_token(&self) -> Option<String> {
        match self.take().pop()?.notice {
            Notice::ResetRequested { token, .. } => Some(token.expose().to_owned()),
            _ => None,
        }
    }
}

impl Notifier for Outbox {
    fn notify(&self, notification: Notification) -> Result<(), StoreError> {
        self.0.lock().unwrap().push(notification);
        Ok(())
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbox(..)")
    }
}
