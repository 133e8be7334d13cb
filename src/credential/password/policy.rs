use zeroize::Zeroizing;

use super::{canonical, common, context};
use crate::{
    account::{Email, Username},
    credential::Credential,
    error::PolicyViolation,
};

/// Rules for new passwords. Existing passwords are not checked.
///
/// Lengths are counted in Unicode code points.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// Minimum number of characters, at least 8 (ASVS v5.0.0-6.2.1).
    pub min_length: usize,
    /// Maximum number of characters, at least 64 (ASVS v5.0.0-6.2.9) and at most 1,024.
    pub max_length: usize,
    /// Minimum number of character classes out of four: lower case, upper case, digits, special. A
    /// letter that is not ASCII counts as special, as in Commerce.
    pub min_classes: usize,
    /// True if a password may begin or end with a space.
    pub edge_spaces: bool,
    /// True if guessable passwords are refused (NIST SP 800-63B-4 section 3.1.1.2, ASVS
    /// v5.0.0-6.2.4 and 6.2.11). Upper and lower case count as the same, and so do different
    /// Unicode encodings of a letter.
    ///
    /// These passwords are refused:
    ///
    /// - A common password: one of 59,892 passwords, words and names. Up to eight digits and signs
    ///   may stand before and after it, or any number of them that form a run, such as
    ///   `1234567890`. The crate includes the list as a filter, so nothing is downloaded. The
    ///   filter also refuses at most one in 32,768 passwords that are not on the list. A customer
    ///   whose password is refused chooses another password.
    /// - A run of characters: all are equal, or they go up or down by one, such as `abcd` or
    ///   `4321`.
    /// - A password that consists of one context word, once or repeated, with up to eight digits and
    ///   any number of signs. Context words are the parts of the customer's e-mail address or the
    ///   admin user's name, [`AuthConfig::issuer`](crate::AuthConfig::issuer), and
    ///   [`context_words`](Self::context_words).
    pub refuse_guessable: bool,
    /// Context words of the shop, for example its brands or its town. An attacker who knows the
    /// shop tries such words first. Words of fewer than three letters and digits are ignored. By
    /// default the list is empty.
    pub context_words: Vec<String>,
}

impl PasswordPolicy {
    /// Returns Commerce's rules: 8 to 256 characters of at least three classes, and no space at the
    /// beginning or end. In addition, guessable passwords are refused, which Commerce accepts.
    #[must_use]
    pub const fn commerce() -> Self {
        Self {
            min_length: 8,
            max_length: 256,
            min_classes: 3,
            edge_spaces: false,
            refuse_guessable: true,
            context_words: Vec::new(),
        }
    }

    /// Returns the rules of NIST SP 800-63B-4, section 3.1.1.2: 15 to 256 characters of any
    /// classes, spaces allowed everywhere, and no guessable passwords.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            min_length: 15,
            max_length: 256,
            min_classes: 0,
            edge_spaces: true,
            refuse_guessable: true,
            context_words: Vec::new(),
        }
    }

    /// Checks a customer's new password. The order is that of Commerce: e-mail address, length,
    /// spaces at the beginning and end, classes. The checks for context words and common passwords
    /// come last.
    pub(crate) fn judge(&self, email: &Email, password: &Credential) -> Result<(), PolicyViolation> {
        self.judge_apart(email.as_str(), PolicyViolation::SameAsEmail, password)?;
        self.judge_guessable(&context::words_of(email), password)
    }

    /// Checks an admin user's new password in the same order as [`judge`](Self::judge). The
    /// password is compared with the user name in place of the e-mail address.
    pub(crate) fn judge_admins(
        &self,
        username: &Username,
        password: &Credential,
    ) -> Result<(), PolicyViolation> {
        self.judge_apart(username.as_str(), PolicyViolation::SameAsUsername, password)?;
        self.judge_guessable(&[username.as_str().to_owned()], password)
    }

    fn judge_apart(
        &self,
        name: &str,
        same: PolicyViolation,
        password: &Credential,
    ) -> Result<(), PolicyViolation> {
        let text = password.text();
        if *Zeroizing::new(text.to_lowercase()) == name {
            return Err(same);
        }
        let length = text.chars().count();
        if length > self.max_length {
            return Err(PolicyViolation::TooLong(self.max_length));
        }
        if length < self.min_length {
            return Err(PolicyViolation::TooShort(self.min_length));
        }
        if !self.edge_spaces && (text.starts_with(' ') || text.ends_with(' ')) {
            return Err(PolicyViolation::EdgeSpace);
        }
        let classes: [fn(u8) -> bool; 4] = [
            |byte| byte.is_ascii_digit(),
            |byte| byte.is_ascii_uppercase(),
            |byte| byte.is_ascii_lowercase(),
            |byte| !byte.is_ascii_alphanumeric(),
        ];
        if classes.iter().filter(|class| text.bytes().any(class)).count() < self.min_classes {
            return Err(PolicyViolation::TooFewClasses(self.min_classes));
        }
        Ok(())
    }

    fn judge_guessable(&self, of_account: &[String], password: &Credential) -> Result<(), PolicyViolation> {
        if !self.refuse_guessable {
            return Ok(());
        }
        let text = canonical(password.text());
        let words = of_account.iter().chain(&self.context_words).map(String::as_str);
        if context::is_made_of(words, &text) {
            return Err(PolicyViolation::ContextWords);
        }
        if common::is_common(&text) {
            return Err(PolicyViolation::TooCommon);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(policy: &PasswordPolicy, password: &str) -> Result<(), PolicyViolation> {
        policy.judge(&"Roni_Cost@Example.com".parse().unwrap(), &Credential::from(password))
    }

    #[test]
    fn commerces_rules_and_words() {
        let policy = PasswordPolicy::commerce();
        for good in ["b0bl0bl@w", "pässw0rd-öl", "aB3 aB3 aB3", &"aB3".repeat(85)] {
            assert_eq!(judge(&policy, good), Ok(()), "{good}");
        }
        for (bad, message) in [
            ("aB3".repeat(86), "Please enter a password with at most 256 characters."),
            (
                "aB3aB3a".into(),
                "The password needs at least 8 characters. Create a new password and try again.",
            ),
            (
                " aB3aB3aB3".into(),
                "The password can't begin or end with a space. Verify the password and try again.",
            ),
            (
                "aB3aB3aB3 ".into(),
                "The password can't begin or end with a space. Verify the password and try again.",
            ),
            (
                "password1".into(),
                "Minimum of different classes of characters in password is 3. Classes of characters: Lower Case, Upper Case, Digits, Special Characters.",
            ),
            (
                "rOni_cost@example.COM".into(),
                "The password can't be the same as the email address. Create a new password and try again.",
            ),
        ] {
            assert_eq!(judge(&policy, &bad).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn strict_counts_code_points_and_asks_for_no_classes() {
        let policy = PasswordPolicy::strict();
        assert_eq!(judge(&policy, "correct horse b"), Ok(()));
        assert_eq!(judge(&policy, &"🦀🐙".repeat(32)), Ok(()));
        assert_eq!(judge(&policy, &"🦀".repeat(14)), Err(PolicyViolation::TooShort(15)));
    }
}
