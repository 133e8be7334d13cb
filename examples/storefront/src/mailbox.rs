//! The mailbox that belongs to an account's e-mail address.

use commerce_auth::Email;
use lettre::{Address, address::AddressError, message::Mailbox};

/// Reads the address of an account that is made or changed, without the blanks around it.
///
/// Returns none for a text that is not an address, for a domain without a dot, and for an address to
/// which no mail can be written. Its owner could never set a new password. Accounts that have such an
/// address still sign in.
pub(crate) fn reachable(text: &str) -> Option<Email> {
    let email: Email = text.trim_ascii().parse().ok()?;
    let mailbox = mailbox(email.as_str()).ok()?;
    mailbox.email.domain().contains('.').then_some(email)
}

/// True if a text is the address of an account, in whatever spelling.
pub(crate) fn is_same(text: &str, stored: &str) -> bool {
    let parse = |text: &str| text.trim_ascii().parse::<Email>().ok();
    parse(text).is_some_and(|email| parse(stored) == Some(email))
}

/// Returns the mailbox of a stored address.
///
/// Some carriers give out addresses with two dots in a row, or with a dot at an end of the local part. RFC 5321 section
/// 4.1.2 writes such a local part as a quoted string.
///
/// # Errors
///
/// [`AddressError`]: no mail can be written to the address.
pub(crate) fn mailbox(address: &str) -> Result<Mailbox, AddressError> {
    let (local, domain) = address.rsplit_once('@').ok_or(AddressError::MissingParts)?;
    let is_dot_atom = local.split('.').all(|atom| !atom.is_empty());
    let address =
        if is_dot_atom { Address::new(local, domain) } else { Address::new(format!("\"{local}\""), domain) };
    address.map(Mailbox::from)
}
