//! Context words: words that an attacker who knows the shop and the account tries first (ASVS
//! v5.0.0-6.2.11).

use zeroize::Zeroizing;

use super::{canonical, common::MOST_ADDED};
use crate::account::Email;

/// Minimum length of a context word. Shorter words occur in too many good passwords.
const SHORTEST_WORD: usize = 3;
const SHORTEST_LABEL: usize = 4;

/// Returns the context words of an e-mail address. They are the whole address, the part before the
/// `@`, the domain, and the labels of the domain with at least four characters.
pub(super) fn words_of(email: &Email) -> Vec<String> {
    let (local, domain) = email.as_str().split_once('@').unwrap_or((email.as_str(), ""));
    let (domain, _) = idna::domain_to_unicode(domain);
    let labels = domain.split('.').filter(|label| label.chars().count() >= SHORTEST_LABEL).map(str::to_owned);
    let mut words = vec![format!("{local}@{domain}"), local.to_owned(), domain.clone()];
    words.extend(labels);
    words
}

/// True if a password consists of one of these words, once or repeated, and at most
/// [`MOST_ADDED`] digits. Case, spaces and signs are ignored.
///
/// A password of two *different* words is not refused. Commerce documents such a password in an
/// example: `roni_cost4@example.com` for the customer `roni_cost@example.com`.
pub(super) fn is_made_of<'a>(mut words: impl Iterator<Item = &'a str>, password: &str) -> bool {
    let whole = letters_and_digits(password);
    words.any(|word| {
        let word = letters_and_digits(&canonical(word));
        if word.chars().count() < SHORTEST_WORD || !whole.contains(word.as_str()) {
            return false;
        }
        let mut rest = whole.split(word.as_str()).flat_map(str::chars);
        rest.clone().count() <= MOST_ADDED && !rest.any(char::is_alphabetic)
    })
}

fn letters_and_digits(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.chars().filter(|char| char.is_alphanumeric()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_of_bobs(password: &str) -> bool {
        let mut words = words_of(&"bob.loblaw@mail.bücher.example".parse().unwrap());
        words.push("Blue Owl".into());
        is_made_of(words.iter().map(String::as_str), &canonical(password))
    }

    #[test]
    fn a_password_made_of_context_words_is_one() {
        for bad in [
            "bob.loblaw@mail.bücher.example1",
            "Bob-Loblaw 2026!",
            "19790512bobloblaw",
            "BÜCHER-12345678",
            "mail.bücher.example",
            "blueowl#blueowl#1",
        ] {
            assert!(is_of_bobs(bad), "{bad}");
        }
        for good in [
            "bobloblaw-123456789",
            "bob.loblaw4@mail.bücher.example",
            "bob.loblaws.cat",
            "an owl reads blue",
            "example is not it",
            "123456 !?",
        ] {
            assert!(!is_of_bobs(good), "{good}");
        }
    }

    #[test]
    fn short_words_are_none() {
        let words = words_of(&"b1@x.com".parse().unwrap());
        assert!(!is_made_of(words.iter().map(String::as_str), "b1-827364"));
        assert!(is_made_of(words.iter().map(String::as_str), "b1@x.com827"));
    }
}
