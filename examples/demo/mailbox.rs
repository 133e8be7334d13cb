use std::sync::{
    Mutex, PoisonError,
    mpsc::{Receiver, Sender, channel},
};

use commerce_auth::{Notice, Notification, Notifier, StoreError};

/// A shop's mail: a queue that the crate fills and the shop delivers from.
#[derive(Debug)]
pub(super) struct Mailbox {
    queue: Sender<Notification>,
    queued: Mutex<Receiver<Notification>>,
}

impl Default for Mailbox {
    fn default() -> Self {
        let (queue, queued) = channel();
        Self { queue, queued: Mutex::new(queued) }
    }
}

impl Notifier for Mailbox {
    /// Only queues: a mail that is sent here would tell by its time which addresses are known.
    fn notify(&self, notification: Notification) -> Result<(), StoreError> {
        self.queue.send(notification).map_err(|_| StoreError::new("the mail queue is closed"))
    }
}

impl Mailbox {
    /// Prints what is queued; the reset token in the newest mail that holds one.
    pub(super) fn read(&self) -> Option<String> {
        let mut reset_token = None;
        for mail in self.queued.lock().unwrap_or_else(PoisonError::into_inner).try_iter() {
            let text = match mail.notice {
                Notice::ResetRequested { token, expires_at } => {
                    let link = format!("https://shop.example/reset?token={}", token.expose());
                    reset_token = Some(token.expose().to_owned());
                    format!("Set a new password until {expires_at}: {link}")
                }
                Notice::PasswordReset => "A new password was set by the link in our mail.".into(),
                Notice::PasswordChanged => "Your password was changed.".into(),
                Notice::AssistanceConsent { allowed: true } => "You allow our staff to assist you.".into(),
                Notice::AssistanceConsent { allowed: false } => "Our staff no longer assists you.".into(),
                other => format!("{other:?}"),
            };
            println!("   mail to {}: {text}", mail.email);
        }
        reset_token
    }
}
