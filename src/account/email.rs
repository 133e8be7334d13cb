use std::{fmt, str::FromStr};

use icu_normalizer::ComposingNormalizer;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};
use idna::{AsciiDenyList, uts46};
use serde::{Deserialize, Serialize};

/// A text is not a valid e-mail address. The error never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// The address has more than 254 bytes, or more than 64 before the `@` (RFC 5321 section
    /// 4.5.3.1).
    #[error("the e-mail address is too long")]
    TooLong,
    /// The text is not exactly one address: it has no `@`, several, an empty side, a list, a
    /// display name or a quoted part.
    #[error("the text is not exactly one e-mail address")]
    NotOneAddress,
    /// The address has white space, a control character, an invisible character, or a character
    /// outside the unquoted forms of RFC 5322 and RFC 6531.
    #[error("the e-mail address has a character that is not allowed")]
    Character,
    /// The part before the `@` has a look-alike character, which compatibility normalisation (NFKC)
    /// would change.
    #[error("the e-mail address has a look-alike character")]
    LookAlike,
    /// The part after the `@` is not a valid domain name (IDNA, UTS #46).
    #[error("the domain of the e-mail address is not valid")]
    Domain,
}

/// A canonical e-mail address: one address, one spelling.
///
/// An address is in lower case and has at most 254 bytes. Its domain is in IDNA's ASCII form. The
/// parser does not trim white space, and refuses an address that contains any.
///
/// The parser refuses a local part that NFKC would change (`ﬁ`, fullwidth letters, the Kelvin
/// sign), and does not map it. Two addresses that look alike therefore never become one account
/// (CVE-2019-19844 and similar vulnerabilities).
///
/// ```
/// use commerce_auth::Email;
///
/// let email: Email = "Roni_Cost@Example.COM".parse()?;
/// assert_eq!(email.as_str(), "roni_cost@example.com");
/// assert_eq!("kunde@bücher.example".parse::<Email>()?.as_str(), "kunde@xn--bcher-kva.example");
/// assert!("a@example.com,b@example.com".parse::<Email>().is_err());
/// # Ok::<(), commerce_auth::account::EmailError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Email(String);

impl Email {
    /// Maximum length in bytes: a path of 256 octets without its angle brackets (RFC 5321 section
    /// 4.5.3.1.3).
    const MAX_BYTES: usize = 254;
    /// Maximum length of the local part, in bytes (RFC 5321 section 4.5.3.1.1).
    const MAX_LOCAL_BYTES: usize = 64;

    /// Returns the canonical address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        if text.len() > Self::MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailError::NotOneAddress)?;
        if local.is_empty()
            || domain.is_empty()
            || text.contains([',', ';', '<', '>', '"'])
            || domain.contains('@')
        {
            return Err(EmailError::NotOneAddress);
        }
        if local.len() > Self::MAX_LOCAL_BYTES {
            return Err(EmailError::TooLong);
        }
        let local = canonical_local(local)?;
        if local.len() > Self::MAX_LOCAL_BYTES {
            return Err(EmailError::TooLong);
        }
        let domain = canonical_domain(domain)?;
        if local.len() + 1 + domain.len() > Self::MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        Ok(Self(format!("{local}@{domain}")))
    }
}

fn canonical_local(local: &str) -> Result<String, EmailError> {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let invisible = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let allowed = |char: char| {
        if char.is_ascii() {
            // RFC 5322 section 3.2.3: `atext` and the dot.
            return char.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(char);
        }
        let category = categories.get(char);
        [GeneralCategoryGroup::Letter, GeneralCategoryGroup::Mark, GeneralCategoryGroup::Number]
            .iter()
            .any(|group| group.contains(category))
            && !invisible.contains(char)
    };
    if !local.chars().all(allowed) {
        return Err(EmailError::Character);
    }
    let nfkc = ComposingNormalizer::new_nfkc();
    let lower = local.to_lowercase();
    if !nfkc.is_normalized(local) || !nfkc.is_normalized(&lower) {
        return Err(EmailError::LookAlike);
    }
    Ok(lower)
}

fn canonical_domain(domain: &str) -> Result<String, EmailError> {
    uts46::Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, uts46::Hyphens::Allow, uts46::DnsLength::Verify)
        .map(String::from)
        .map_err(|_| EmailError::Domain)
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.0)
    }
}
