//! The texts of the shop's mails.

use std::error::Error;

use commerce_auth::{
    Origin,
    notifier::{AdminNotice, AdminNotification, Notice, Notification},
    token::{AssistanceEnd, Obtained},
};
use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Body, Mailbox, SinglePart,
        header::{ContentTransferEncoding, ContentType},
    },
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::mailbox::mailbox;

const SENDER: &str = "Storefront <no-reply@storefront.invalid>";
/// Where this shop's staff would have their mail.
const STAFF: &str = "staff.storefront.invalid";
/// The longest line of prose, in characters. RFC 5322 section 2.1.1 asks for at most 78.
const WIDTH: usize = 72;
const LOCKED: &str = "Too many sign-ins to your account have failed, from many places. New devices now have to wait before \
                      they can sign in. The devices that you have signed in from in the last 90 days work as before.";

const IF_NOT_YOU: &str = "If this was you, do nothing. If it was not you, set a new password now by \"Forgot your password?\". It \
                          signs everybody out:";

type Letter = Result<Message, Box<dyn Error + Send + Sync>>;

/// The mail to a customer. `assistant` is the display name of the admin user of whom it tells.
pub(crate) fn to_customer(shop_url: &str, assistant: Option<&str>, notification: Notification) -> Letter {
    let from = from_where(&notification.origin);
    let staff =
        assistant.map_or_else(|| "One of our staff".to_owned(), |name| format!("{name} of our staff"));
    let (subject, text) = match notification.notice {
        Notice::ResetRequested { token, expires_at } => (
            "Set a new password",
            Text::default()
                .prose("Somebody, we hope you, asked for a new password for your account. Set one here:")
                // In the fragment, which no browser sends to a server.
                .line(format!("{shop_url}/#reset={}", token.expose()))
                .prose("Or with this code:")
                .line(token.expose())
                .prose(format!(
                    "It works once, until {}. If it was not you, do nothing: your password stays as it is.",
                    in_words(expires_at)
                )),
        ),
        Notice::PasswordReset => {
            ("Your new password", Text::default().prose("A new password was set with the link in our mail."))
        }
        Notice::ConfirmationRequested { token, expires_at } => (
            "Confirm your e-mail address",
            Text::default()
                .prose("Somebody, we hope you, registered with this address. Confirm it here, with your new password:")
                // In the fragment, as a reset token.
                .line(format!("{shop_url}/confirm#account={}", token.expose()))
                .prose("Or with this key:")
                .line(token.expose())
                .prose(format!(
                    "It works once, until {}. If it was not you, do not follow the link: nobody can use the account \
                     until you do.",
                    in_words(expires_at)
                )),
        ),
        Notice::RegisteredAgain => (
            "You have an account already",
            Text::default()
                .prose(
                    "Somebody, perhaps you, registered with your address, or asked for it for another account. You \
                     have an account already, and it stays as it is. Sign in as ever, or set a new password by \
                     \"Forgot your password?\":",
                )
                .line(format!("{shop_url}/"))
                .prose("If it was not you, there is nothing to do."),
        ),
        Notice::EmailChangeRequested { token, expires_at } => (
            "Confirm your new e-mail address",
            Text::default()
                .prose("Somebody, we hope you, asked for this address for an account of our shop. Confirm it here:")
                .line(format!("{shop_url}/confirm#address={}", token.expose()))
                .prose("Or with this key:")
                .line(token.expose())
                .prose(format!(
                    "It works once, until {}. You are signed out everywhere then, and sign in with this address. If it \
                     was not you, do not follow the link: it would give your address to the account of somebody else.",
                    in_words(expires_at)
                )),
        ),
        Notice::EmailChangeAsked => (
            "Your e-mail address",
            Text::default()
                .prose(
                    "Somebody, we hope you, asked for another e-mail address for your account. It changes once the \
                     mail is answered that we sent to that address.",
                )
                .prose(
                    "If this was not you, somebody knows your password. Set a new one by \"Forgot your password?\", \
                     and the other address is refused:",
                )
                .line(format!("{shop_url}/")),
        ),
        Notice::PasswordChanged => {
            ("Your new password", Text::default().prose("Your password was changed."))
        }
        Notice::NewDevice => (
            "A new device",
            Text::default()
                .prose(format!("Somebody signed in to your account with your password on a new device{from}."))
                .prose(IF_NOT_YOU)
                .line(format!("{shop_url}/")),
        ),
        Notice::SignedInByResetToken => (
            "A sign-in with the link in our mail",
            Text::default()
                .prose(format!(
                    "Somebody signed in to your account with the link in our mail, without a new password{from}."
                ))
                .prose(IF_NOT_YOU)
                .line(format!("{shop_url}/"))
                .prose("Somebody else may read your mail. Change the password of your mailbox, too."),
        ),
        Notice::CredentialReplayed { obtained: Obtained::ResetToken } => (
            "A link was used twice",
            Text::default()
                .prose(format!(
                    "Somebody used a link in our mail that had been used before{from}. We ended what was done with it."
                ))
                .prose(
                    "If you used it twice, do nothing. If you used it once or never, somebody else reads your mail \
                     and may have your account: change the password of your mailbox, and ask for a new link by \
                     \"Forgot your password?\":",
                )
                .line(format!("{shop_url}/")),
        ),
        Notice::CredentialReplayed { .. } => (
            "A code of our staff was used twice",
            Text::default()
                .prose(format!(
                    "A code with which our staff signs in as you was used twice{from}. We signed out whoever used it."
                ))
                .prose("If our staff did not assist you, withdraw your consent on your page:")
                .line(format!("{shop_url}/")),
        ),
        Notice::PasswordSetByHost => (
            "Your new password",
            Text::default()
                .prose("Our staff set a new password for your account. You are signed out everywhere.")
                .prose("If you did not ask for it, set a password of your own by \"Forgot your password?\":")
                .line(format!("{shop_url}/")),
        ),
        Notice::EmailChanged => (
            "Your e-mail address",
            Text::default()
                .prose(
                    "The e-mail address of your account was changed. You are signed out everywhere. You now sign in \
                     with the new address, and our mails go there.",
                )
                .prose(
                    "If this was not you, somebody else has your account: tell our staff at once. If you use the \
                     same password elsewhere, change it there.",
                ),
        ),
        Notice::AssistanceConsent { allowed: true } => (
            "Shopping assistance",
            Text::default().prose("You allow our staff to sign in as you and assist you."),
        ),
        Notice::AssistanceConsent { allowed: false } => (
            "Shopping assistance",
            Text::default().prose("Our staff may no longer sign in as you."),
        ),
        Notice::AssistanceBegan { reason, expires_at, .. } => (
            "You are being assisted",
            Text::default()
                .prose(format!(
                    "{staff} is signed in as you, to assist you, until {} at the latest.",
                    in_words(expires_at)
                ))
                .prose(format!("The reason given: {reason}"))
                .prose("If you do not want it, end it on your page:")
                .line(format!("{shop_url}/")),
        ),
        Notice::AssistanceEnded { began_at, end, .. } => (
            "You are no longer being assisted",
            Text::default()
                .prose(format!(
                    "{staff}, who was signed in as you since {}, no longer is.",
                    in_words(began_at)
                ))
                .prose(how(end)),
        ),
        Notice::Locked => (
            "Somebody tried your password",
            Text::default()
                .prose(LOCKED)
                .prose("If you want to sign in on a new device now, set a new password by \"Forgot your password?\":")
                .line(format!("{shop_url}/")),
        ),
        _ => ("Your account", Text::default().prose("Something about your account has changed.")),
    };
    letter(mailbox(&notification.email)?, subject, text)
}

pub(crate) fn to_admin(shop_url: &str, notification: AdminNotification) -> Letter {
    let AdminNotification { admin, username, notice, origin, .. } = notification;
    let from = from_where(&origin);
    let (subject, text) = match notice {
        AdminNotice::EnrolmentRequested { token, expires_at } => (
            "Set up your authenticator",
            Text::default()
                .prose(
                    "Somebody, we hope you, signed in with your password. Before you can sign in you need an \
                     authenticator. Set it up here:",
                )
                // In the fragment, as a customer's reset token.
                .line(format!("{shop_url}/admin#enrol={}", token.expose()))
                .prose("A program of your own sets it up with this token:")
                .line(token.expose())
                .prose(format!(
                    "The link and the token work until {}. If it was not you, somebody else knows your password: \
                     change it.",
                    in_words(expires_at)
                )),
        ),
        AdminNotice::FactorActivated => (
            "Your authenticator",
            Text::default().prose("An authenticator was set up for you. You are signed out everywhere."),
        ),
        AdminNotice::FactorRemoved => (
            "Your authenticator",
            Text::default().prose("Your second factor was removed. You are signed out everywhere."),
        ),
        AdminNotice::RecoveryCodeUsed { left } => (
            "A recovery code was used",
            Text::default()
                .prose("Somebody, we hope you, signed in with a recovery code.")
                .prose(format!("{left} are left.")),
        ),
        AdminNotice::RecoveryCodesReplaced => (
            "Your recovery codes",
            Text::default().prose("New recovery codes were made for you. The earlier ones no longer work."),
        ),
        AdminNotice::PasswordChanged => {
            ("Your new password", Text::default().prose("Your password was changed."))
        }
        AdminNotice::NewDevice => (
            "A new device",
            Text::default()
                .prose(format!("Somebody signed in as you on a new device{from}."))
                .prose("If it was not you, tell whoever runs the shop at once, and change your password:")
                .line(format!("{shop_url}/admin")),
        ),
        AdminNotice::SecondFactorFailed => (
            "A wrong code",
            Text::default()
                .prose(format!("Somebody got past your password and gave a wrong code of your authenticator{from}."))
                .prose("If it was not you, somebody else knows your password. Change it:")
                .line(format!("{shop_url}/admin")),
        ),
        AdminNotice::CodeReplayed => (
            "A code was used twice",
            Text::default()
                .prose(format!(
                    "Somebody got past your password and gave a code that had been used before{from}. It was refused."
                ))
                .prose(
                    "If you gave a code twice, do nothing. If it was not you, somebody else knows your password and \
                     has seen a code. Change your password:",
                )
                .line(format!("{shop_url}/admin")),
        ),
        AdminNotice::PasswordSetByHost => (
            "Your new password",
            Text::default()
                .prose("The shop set a new password for you. You are signed out everywhere.")
                .prose("If you did not ask for it, tell whoever runs the shop."),
        ),
        AdminNotice::Locked { token, expires_at } => (
            "Somebody tried your password",
            Text::default()
                .prose(LOCKED)
                .prose("If you want to sign in on a new device now, unlock your account here:")
                // In the fragment, as a customer's reset token.
                .line(format!("{shop_url}/admin#unlock={}", token.expose()))
                .prose(format!("The link works once, until {}. It signs nobody in.", in_words(expires_at))),
        ),
        _ => ("Your account", Text::default().prose("Something about your account has changed.")),
    };
    let address = Address::new(format!("admin-{admin}"), STAFF)?;
    letter(Mailbox::new(Some(username), address), subject, text)
}

/// The text of a mail, paragraph by paragraph.
#[derive(Default)]
struct Text(Vec<String>);

impl Text {
    /// Adds prose, wrapped into short lines.
    fn prose(mut self, text: impl AsRef<str>) -> Self {
        self.0.push(textwrap::fill(text.as_ref(), WIDTH));
        self
    }

    /// Adds a link or a code, which stays in one line whatever its length: it is copied.
    fn line(mut self, text: impl Into<String>) -> Self {
        self.0.push(text.into());
        self
    }

    /// Writes the text as it is, as 7bit or 8bit. Quoted-printable would break the links: many people read mails, and the
    /// files of a demo, without decoding them.
    fn into_body(self) -> Body {
        let text = self.0.join("\n\n").replace('\n', "\r\n") + "\r\n";
        let encoding = if text.is_ascii() {
            ContentTransferEncoding::SevenBit
        } else {
            ContentTransferEncoding::EightBit
        };
        // lettre encodes every line of 76 bytes and more. The lines here end with CRLF and have at most 998 bytes (RFC 5322
        // section 2.1.1), which 7bit and 8bit allow: prose is wrapped, and `PublicUrl` bounds the links.
        Body::dangerous_pre_encoded(text.into_bytes(), encoding)
    }
}

fn letter(to: Mailbox, subject: &str, text: Text) -> Letter {
    let sender: Mailbox = SENDER.parse()?;
    // lettre would read the recipient back from the header, and does not read every quoted local part.
    let envelope = Envelope::new(Some(sender.email.clone()), vec![to.email.clone()])?;
    let part = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text.into_body());
    Ok(Message::builder().envelope(envelope).from(sender).to(to).subject(subject).singlepart(part)?)
}

/// The end of a sentence that says from where a request came. The user agent is not told: a stranger writes it.
fn from_where(origin: &Origin) -> String {
    origin.source.map_or_else(String::new, |source| format!(" from the address {source}"))
}

const fn how(end: AssistanceEnd) -> &'static str {
    match end {
        AssistanceEnd::Expired => "Why it ended: the time was up.",
        AssistanceEnd::SignedOut => "Why it ended: the admin user signed out.",
        AssistanceEnd::EndedByCustomer => "Why it ended: you ended it.",
        AssistanceEnd::ConsentWithdrawn => "Why it ended: you no longer allow it.",
        _ => "Why it ended: the assistance no longer held.",
    }
}

fn in_words(at: OffsetDateTime) -> String {
    at.format(&Rfc2822).unwrap_or_else(|_| at.to_string())
}
