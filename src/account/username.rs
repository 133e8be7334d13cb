use std::{fmt, str::FromStr};

use icu_normalizer::ComposingNormalizer;

/// A text is not a valid user name. The error never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user name must be 1 to {} bytes without control or look-alike characters", Username::MAX_BYTES)]
#[non_exhaustive]
pub struct UsernameError;

/// An admin user's name in canonical form: lower case, because Commerce compares names
/// case-insensitively. The parser does not trim white space.
///
/// Compatibility normalisation (NFKC) would replace some characters, such as fullwidth letters, by
/// usual ones. Then two user names that differ would become one account. So the parser refuses a
/// name with such characters instead.
///
/// ```
/// use commerce_auth::account::Username;
///
/// assert_eq!("Admin".parse::<Username>()?.as_str(), "admin");
/// assert!("ａdmin".parse::<Username>().is_err());
/// # Ok::<(), commerce_auth::account::UsernameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(String);

impl Username {
    /// Maximum length, in bytes. Commerce's column holds 40 characters.
    const MAX_BYTES: usize = 160;

    /// Returns the canonical name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        if text.is_empty() || text.len() > Self::MAX_BYTES || text.chars().any(char::is_control) {
            return Err(UsernameError);
        }
        let name = text.to_lowercase();
        if !ComposingNormalizer::new_nfkc().is_normalized(text)
            || !ComposingNormalizer::new_nfkc().is_normalized(&name)
            || name.len() > Self::MAX_BYTES
        {
            return Err(UsernameError);
        }
        Ok(Self(name))
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Username({})", self.0)
    }
}
