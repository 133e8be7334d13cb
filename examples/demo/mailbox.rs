use std::sync::{
    Mutex, PoisonError,
    mpsc::{Receiver, Sender, channel},
};

use commerce_auth::{
    error::StoreError,
    notifier::{AdminNotice, AdminNotification, Notice, Notification, Notifier},
};

/// A shop's mail: a queue that the crate fills and the shop delivers from.
#[derive(Debug)]
pub(super) struct Mailbox {
    queue: Sender<Mail>,
    queued: Mutex<Receiver<Mail>>,
}

#[derive(Debug)]
enum Mail {
    ToCustomer(Notification),
    ToAdmin(AdminNotification),
}

/// The newest tokens in the mails that were read.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) reset: Option<String>,
    pub(super) enrolment: Option<String>,
}

impl Default for Mailbox {
    fn default() -> Self {
        let (queue, queued) = channel();
        Self { queue, queued: Mutex::new(queued) }
    }
}

impl Notifier for Mailbox {
    /// Only queues the mail. If it was sent here, the time would reveal which addresses are known.
    fn notify(&self, notification: Notification) -> Result<(), StoreError> {
        self.put(Mail::ToCustomer(notification))
    }

    /// The shop looks up the recipient's address in its own table.
    fn notify_admin(&self, notification: AdminNotification) -> Result<(), StoreError> {
        self.put(Mail::ToAdmin(notification))
    }
}

impl Mailbox {
    fn put(&self, mail: Mail) -> Result<(), StoreError> {
        self.queue.send(mail).map_err(|_| StoreError::new("the mail queue is closed"))
    }

    /// Prints the queued mail, and returns its tokens.
    pub(super) fn read(&self) -> Tokens {
        let mut tokens = Tokens::default();
        for mail in self.queued() {
            let (to, text) = match mail {
                Mail::ToCustomer(Notification { email, notice, .. }) => {
                    (email, customers(notice, &mut tokens))
                }
                Mail::ToAdmin(AdminNotification { username, notice, .. }) => {
                    (username, admins(notice, &mut tokens))
                }
            };
            println!("   mail to {to}: {text}");
        }
        tokens
    }

    /// Discards the queued mail.
    pub(super) fn forget(&self) {
        drop(self.queued());
    }

    fn queued(&self) -> Vec<Mail> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner).try_iter().collect()
    }
}

fn customers(notice: Notice, tokens: &mut Tokens) -> String {
    match notice {
        Notice::ResetRequested { token, expires_at } => {
            let link = format!("https://shop.example/reset?token={}", token.expose());
            tokens.reset = Some(token.expose().to_owned());
            format!("Set a new password until {expires_at}: {link}")
        }
        Notice::PasswordReset => "A new password was set by the link in our mail.".into(),
        Notice::PasswordChanged => "Your password was changed.".into(),
        Notice::NewDevice => "Somebody signed in on a new device. Was it you?".into(),
        Notice::SignedInByResetToken => "Somebody signed in by the link in our mail. Was it you?".into(),
        Notice::CredentialReplayed { .. } => {
            "A link or code was used twice. What was done with it has ended.".into()
        }
        Notice::PasswordSetByHost => "Our staff set a new password for you.".into(),
        Notice::EmailChanged => "The address of your account was changed.".into(),
        Notice::AssistanceConsent { allowed: true } => "You allow our staff to assist you.".into(),
        Notice::AssistanceConsent { allowed: false } => "Our staff no longer assists you.".into(),
        Notice::AssistanceBegan { actor, reason, .. } => {
            format!("Admin user {actor} acts for you now, because: {reason}")
        }
        Notice::AssistanceEnded { actor, end, .. } => {
            format!("Admin user {actor} acts for you no more: {end:?}")
        }
        Notice::Locked => "Strangers have tried your password: new devices have to wait, known ones work. A \
                           password reset lets new devices in."
            .into(),
        other => format!("{other:?}"),
    }
}

fn admins(notice: AdminNotice, tokens: &mut Tokens) -> String {
    match notice {
        AdminNotice::EnrolmentRequested { token, expires_at } => {
            let link = format!("https://shop.example/admin#enrol={}", token.expose());
            tokens.enrolment = Some(token.expose().to_owned());
            format!("Set up your authenticator until {expires_at}: {link}")
        }
        AdminNotice::FactorActivated => "Your authenticator is set up.".into(),
        AdminNotice::FactorRemoved => "Your authenticator was removed.".into(),
        AdminNotice::RecoveryCodeUsed { left } => format!("A recovery code was used; {left} are left."),
        AdminNotice::RecoveryCodesReplaced => "You have new recovery codes.".into(),
        AdminNotice::PasswordChanged => "Your password was changed.".into(),
        AdminNotice::NewDevice => "Somebody signed in on a new device. Was it you?".into(),
        AdminNotice::SecondFactorFailed => "Somebody got past your password, and not past the code.".into(),
        AdminNotice::CodeReplayed => "Somebody gave a code that had been used before.".into(),
        AdminNotice::PasswordSetByHost => "The shop set a new password for you.".into(),
        AdminNotice::Locked { token, expires_at } => {
            let link = format!("https://shop.example/admin#unlock={}", token.expose());
            format!("Strangers have tried your password. Unlock your account until {expires_at}: {link}")
        }
        other => format!("{other:?}"),
    }
}
