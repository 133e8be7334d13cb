use zeroize::Zeroizing;

use crate::{
    account::{Email, Username},
    credential::Credential,
    error::PolicyViolation,
};

/// Rules for new passwords. Passwords that exist are not judged by it.
///
/// Lengths are counted in Unicode code points.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// Fewest characters, at least 8 (ASVS v5.0.0-6.2.1).
    pub min_length: usize,
    /// Most characters, at least 64 (ASVS v5.0.0-6.2.9) and at most 1,024.
    pub max_length: usize,
    /// Fewest of the four classes: lower case, upper case, digits, special. A letter that is not ASCII is
    /// special, as in Commerce.
    pub min_classes: usize,
    /// True if a space may stand at the beginning or the end.
    pub edge_spaces: bool,
}

impl PasswordPolicy {
    /// Commerce's: 8 to 256 characters of three classes, no space at the edges.
    #[must_use]
    pub const fn commerce() -> Self {
        Self { min_length: 8, max_length: 256, min_classes: 3, edge_spaces: false }
    }

    /// NIST SP 800-63B-4's, section 3.1.1.2: at least 15 characters, no rule about their classes.
    #[must_use]
    pub const fn strict() -> Self {
        Self { min_length: 15, max_length: 256, min_classes: 0, edge_spaces: true }
    }

    /// Judges a new password in Commerce's order: the address, the length, the edges, the classes.
    pub(crate) fn judge(&self, email: &Email, password: &Credential) -> Result<(), PolicyViolation> {
        self.judge_apart(email.as_str(), PolicyViolation::SameAsEmail, password)
    }

    /// As [`judge`](Self::judge), for an admin user.
    pub(crate) fn judge_admins(
        &self,
        username: &Username,
        password: &Credential,
    ) -> Result<(), PolicyViolation> {
        self.judge_apart(username.as_str(), PolicyViolation::SameAsUsername, password)
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
        for good in ["b0bl0bl@w", "Passw0rd", "pässw0rd", "aB3 aB3 aB3", &"aB3".repeat(85)] {
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
        assert_eq!(judge(&policy, &"🦀".repeat(64)), Ok(()));
        assert_eq!(judge(&policy, &"🦀".repeat(14)), Err(PolicyViolation::TooShort(15)));
    }
}
