use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use tinystr::TinyAsciiStr;

/// A text is not a valid website code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a website code is 1 to {} of the characters a-z, A-Z, 0-9, '_', '-' and '.'", Website::MAX_BYTES)]
#[non_exhaustive]
pub struct WebsiteError;

/// The code of a website: the part of a shop that a customer account, with its tokens and one-time
/// codes, belongs to.
///
/// The same e-mail address on two websites belongs to two accounts, and a token of one website is
/// refused on another. A shop with one website uses [`Website::default`], so it does not choose a
/// code. The default website has the code `base`, as in Commerce.
///
/// ```
/// use commerce_auth::Website;
///
/// let website: Website = "outlet_fr".parse()?;
/// assert_eq!(website.as_str(), "outlet_fr");
/// assert_eq!(Website::default().as_str(), "base");
/// assert!("Outlet FR".parse::<Website>().is_err());
/// # Ok::<(), commerce_auth::account::WebsiteError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Website(TinyAsciiStr<{ Self::MAX_BYTES }>);

impl Website {
    /// Maximum length of a code, in bytes. Commerce has the same limit.
    const MAX_BYTES: usize = 32;

    /// Returns the website's code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Website {
    fn default() -> Self {
        Self(TinyAsciiStr::from_utf8_lossy(b"base", b'-'))
    }
}

impl FromStr for Website {
    type Err = WebsiteError;

    fn from_str(code: &str) -> Result<Self, WebsiteError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if code.is_empty() || !code.bytes().all(allowed) {
            return Err(WebsiteError);
        }
        TinyAsciiStr::try_from_str(code).map(Self).map_err(|_| WebsiteError)
    }
}

impl TryFrom<String> for Website {
    type Error = WebsiteError;

    fn try_from(code: String) -> Result<Self, WebsiteError> {
        code.parse()
    }
}

impl From<Website> for String {
    fn from(website: Website) -> Self {
        website.as_str().into()
    }
}

impl fmt::Display for Website {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Website {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Website({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_1_to_32_bytes() {
        let longest = "w".repeat(32);
        assert_eq!(longest.parse::<Website>().map(String::from), Ok(longest));
        for code in ["", &"w".repeat(33), "a\0", "ä", "a b"] {
            assert_eq!(code.parse::<Website>(), Err(WebsiteError), "{code:?}");
        }
    }

    #[test]
    fn codes_are_ordered_like_their_texts() {
        let mut codes =
            ["base", "b", "outlet_fr", "outlet", "B", "b-2", "b.2"].map(|code| code.parse().unwrap());
        codes.sort_by_key(Website::to_string);
        assert!(codes.is_sorted(), "{codes:?}");
    }
}
