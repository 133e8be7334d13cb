//! What the shop's mails say.

use std::error::Error;

use commerce_auth::{AdminNotice, AdminNotification, Notice, Notification, store::AssistanceEnd};
use lettre::{
    Address, Message,
    message::{Mailbox, header::ContentType},
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

const SENDER: &str = "Storefront <no-reply@storefront.invalid>";
/// Where this shop's staff would have their mail.
const STAFF: &str = "staff.storefront.invalid";

type Letter = Result<Message, Box<dyn Error + Send + Sync>>;

pub(crate) fn to_customer(shop_url: &str, notification: Notification) -> Letter {
    let (subject, text) = match notification.notice {
        Notice::ResetRequested { token, expires_at } => (
            "Set a new password",
            // In the fragment, which no browser sends to any server, and none writes to a log.
            format!(
                "Somebody, we hope you, asked for a new password for your account.\n\n\
                 Set one here: {shop_url}/#reset={token}\n\
                 or with this code: {token}\n\n\
                 It works once, until {until}. If it was not you, do nothing: your password stays as it is.\n",
                token = token.expose(),
                until = in_words(expires_at),
            ),
        ),
        Notice::PasswordReset => {
            ("Your new password", "A new password was set with the link in our mail.\n".into())
        }
        Notice::PasswordChanged => ("Your new password", "Your password was changed.\n".into()),
        Notice::AssistanceConsent { allowed: true } => {
            ("Shopping assistance", "You allow our staff to sign in as you and assist you.\n".into())
        }
        Notice::AssistanceConsent { allowed: false } => {
            ("Shopping assistance", "Our staff may no longer sign in as you.\n".into())
        }
        Notice::AssistanceBegan { actor, reason, expires_at, .. } => (
            "You are being assisted",
            format!(
                "Admin user {actor} of our staff is signed in as you, to assist you, until {until} at the latest.\n\
                 The reason given: {reason}\n\n\
                 If you do not want it, end it on your page: {shop_url}/\n",
                until = in_words(expires_at),
            ),
        ),
        Notice::AssistanceEnded { actor, began_at, end } => (
            "You are no longer being assisted",
            format!(
                "Admin user {actor} of our staff, who was signed in as you since {since}, no longer is: {why}.\n",
                since = in_words(began_at),
                why = how(end),
            ),
        ),
        _ => ("Your account", "Something about your account has changed.\n".into()),
    };
    letter(notification.email.parse()?, subject, text)
}

pub(crate) fn to_admin(shop_url: &str, notification: AdminNotification) -> Letter {
    let AdminNotification { admin, username, notice, .. } = notification;
    let (subject, text) = match notice {
        AdminNotice::EnrolmentRequested { token, expires_at } => (
            "Set up your authenticator",
            // In the fragment, as a customer's reset token.
            format!(
                "Somebody, we hope you, signed in with your password. Before you can sign in you need an authenticator.\n\n\
                 Set it up here: {shop_url}/admin#enrol={token}\n\n\
                 The link works until {until}. If it was not you, somebody else knows your password: change it.\n",
                token = token.expose(),
                until = in_words(expires_at),
            ),
        ),
        AdminNotice::FactorActivated => (
            "Your authenticator",
            "An authenticator was set up for you. You are signed out everywhere.\n".into(),
        ),
        AdminNotice::FactorRemoved => {
            ("Your authenticator", "Your second factor was removed. You are signed out everywhere.\n".into())
        }
        AdminNotice::RecoveryCodeUsed { left } => (
            "A recovery code was used",
            format!("Somebody, we hope you, signed in with a recovery code. {left} are left.\n"),
        ),
        AdminNotice::RecoveryCodesReplaced => (
            "Your recovery codes",
            "New recovery codes were made for you; those before are no good any more.\n".into(),
        ),
        AdminNotice::PasswordChanged => ("Your new password", "Your password was changed.\n".into()),
        _ => ("Your account", "Something about your account has changed.\n".into()),
    };
    let address = Address::new(format!("admin-{admin}"), STAFF)?;
    letter(Mailbox::new(Some(username), address), subject, text)
}

fn letter(to: Mailbox, subject: &str, text: String) -> Letter {
    let letter = Message::builder().from(SENDER.parse()?).to(to).subject(subject);
    Ok(letter.header(ContentType::TEXT_PLAIN).body(text)?)
}

const fn how(end: AssistanceEnd) -> &'static str {
    match end {
        AssistanceEnd::Expired => "the time was up",
        AssistanceEnd::SignedOut => "the admin user signed out",
        AssistanceEnd::EndedByCustomer => "you ended it",
        AssistanceEnd::ConsentWithdrawn => "you no longer allow it",
        _ => "the assistance no longer held",
    }
}

fn in_words(at: OffsetDateTime) -> String {
    at.format(&Rfc2822).unwrap_or_else(|_| at.to_string())
}
