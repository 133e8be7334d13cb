//! Addresses that the crate accepts, against those that mail can be written to.

#[path = "../../src/mailbox.rs"]
mod written;

use commerce_auth::Email;
use lettre::{Message, address::Envelope, message::Mailbox};
use proptest::prelude::*;

use written::{is_same, mailbox, reachable};

/// The recipient as the header of a mail says it.
fn recipient(to: Mailbox) -> String {
    let from: Mailbox = "shop@example.com".parse().unwrap();
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()]).unwrap();
    let mail = Message::builder().envelope(envelope).from(from).to(to).body(String::new()).unwrap();
    let mail = String::from_utf8(mail.formatted()).unwrap();
    mail.lines().find_map(|line| line.strip_prefix("To: ")).unwrap().to_owned()
}

/// The header read as RFC 5322 does: a quoted string is what stands between its quotes.
fn unquoted(recipient: &str) -> String {
    let (local, domain) = recipient.rsplit_once('@').unwrap();
    let inner = local.strip_prefix('"').and_then(|local| local.strip_suffix('"'));
    format!("{}@{domain}", inner.unwrap_or(local))
}

/// Why no mail can be written to an address that the crate accepts.
fn is_beyond_mail(email: &Email) -> bool {
    let (local, domain) = email.as_str().split_once('@').unwrap();
    let is_quoted = local.split('.').any(str::is_empty);
    // RFC 1034 section 3.5, and RFC 5321 section 4.5.3.1.1.
    domain.split('.').any(|label| label.starts_with('-') || label.ends_with('-'))
        || is_quoted && local.len() + 2 > 64
}

fn check(text: &str) {
    let Ok(email) = text.parse::<Email>() else {
        assert_eq!(reachable(text), None);
        return;
    };
    let written = mailbox(email.as_str());
    assert_eq!(written.is_err(), is_beyond_mail(&email), "{email}: {written:?}");
    let has_dot = email.as_str().rsplit_once('@').unwrap().1.contains('.');
    assert_eq!(reachable(text).is_some(), written.is_ok() && has_dot, "{email}");
    if let Ok(to) = written {
        assert_eq!(unquoted(&recipient(to)), email.as_str());
    }
    assert!(is_same(&format!(" {text}\n"), email.as_str()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

    #[test]
    fn mail_is_written_to_each_address_that_registers(
        local in r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~äß用-]{1,66}",
        domain in r"[a-z0-9ü-]{1,12}(\.[a-z0-9-]{1,12}){0,3}",
    ) {
        check(&format!("{local}@{domain}"));
    }

    #[test]
    fn any_text_is_an_address_or_none(text in r"\PC{0,20}@\PC{0,20}") {
        check(&text);
    }
}

#[test]
fn a_local_part_that_is_no_dot_atom_is_quoted() {
    for (address, written) in [
        ("try..this..0511@docomo.example", "\"try..this..0511\"@docomo.example"),
        ("last.@docomo.example", "\"last.\"@docomo.example"),
        (".first@docomo.example", "\".first\"@docomo.example"),
        (".@docomo.example", "\".\"@docomo.example"),
        ("o'brien+tag@example.com", "o'brien+tag@example.com"),
        ("jörg@example.com", "jörg@example.com"),
    ] {
        assert_eq!(recipient(mailbox(address).unwrap()), written);
        assert_eq!(reachable(address).unwrap().as_str(), address);
    }
    for beyond in
        ["a@-b.example", "a@b-.example", "a@localhost", &format!("{}..b@example.com", "a".repeat(60))]
    {
        assert!(beyond.parse::<Email>().is_ok(), "{beyond}");
        assert_eq!(reachable(beyond), None, "{beyond}");
    }
}
