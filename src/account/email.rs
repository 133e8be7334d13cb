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
    /// The e-mail address has more than 254 bytes, or more than 64 bytes before the `@` (RFC 5321
    /// section 4.5.3.1).
    #[error("the e-mail address is too long")]
    TooLong,
    /// The text is not exactly one e-mail address. For example, it has no `@` or several, nothing
    /// before or after the `@`, a display name or a quoted part. Or it is a list of addresses.
    #[error("the text is not exactly one e-mail address")]
    NotOneAddress,
    /// The e-mail address has white space, a control character, an invisible character, or another
    /// character that RFC 5322 and RFC 6531 do not allow without quotation marks.
    #[error("the e-mail address has a character that is not allowed")]
    Character,
    /// The part before the `@` has a character that looks like another character, such as a
    /// fullwidth letter. Compatibility normalisation (NFKC) would change such a character.
    #[error("the e-mail address has a look-alike character")]
    LookAlike,
    /// The part after the `@` is not a valid domain name (IDNA, UTS #46).
    #[error("the domain of the e-mail address is not valid")]
    Domain,
}

/// An e-mail address in canonical form, so that all spellings of one address are equal.
///
/// The canonical form is in lower case and has at most 254 bytes. The domain is in IDNA's ASCII
/// form. The parser does not trim white space. It refuses a text that contains white space.
///
/// The part before the `@` must not contain characters that look like others, such as `ﬁ`,
/// fullwidth letters or the Kelvin sign. Compatibility normalisation (NFKC) would replace these
/// characters by usual ones. Then two e-mail addresses would become one account, although their
/// mailboxes can belong to two persons (CVE-2019-19844). So the parser refuses such an address
/// instead.
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
    /// Maximum length of an e-mail address, in bytes. RFC 5321 section 4.5.3.1.3 allows 256 bytes
    /// with the angle brackets around the address.
    const MAX_BYTES: usize = 254;
    /// Maximum length of the part before the `@`, in bytes (RFC 5321 section 4.5.3.1.1).
    const MAX_LOCAL_BYTES: usize = 64;

    /// Returns the canonical e-mail address as text.
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
