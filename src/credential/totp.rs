use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;
use totp_rs::{Builder, Secret};
use zeroize::Zeroizing;

use super::{SecretText, TypedCode};
use crate::random::{RandomError, SecureRandom};

/// The characters that are percent-encoded: all characters except the unreserved characters of RFC
/// 3986 section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The text is not a valid TOTP secret. The error never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a TOTP secret must be base32 of {} to {} bytes; danger_short_from_base32 accepts a shorter one",
    TotpSecret::BYTES,
    TotpSecret::MAX_BYTES
)]
#[non_exhaustive]
pub struct TotpSecretError;

/// The secret that an authenticator app shares with the shop (RFC 6238).
///
/// Its codes use SHA-1, 6 digits and time steps of 30 s, which are the defaults of authenticator
/// apps. A new secret has 160 random bits, as RFC 4226 section 4 recommends.
///
/// So that a host does not reveal the secret by mistake, the type has no `Display`, no `Serialize`
/// and no `PartialEq`, and `Debug` does not show the secret. The secret is wiped from memory when
/// dropped.
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl TotpSecret {
    /// Length of a new secret, in bytes. It is also the minimum that
    /// [`from_base32`](Self::from_base32) accepts.
    pub const BYTES: usize = 20;
    /// Minimum length of a secret that [`danger_short_from_base32`](Self::danger_short_from_base32)
    /// accepts, in bytes.
    const MIN_BYTES: usize = 10;
    /// Maximum length of a secret, in bytes. Commerce's secrets have 132 bytes.
    pub const MAX_BYTES: usize = 256;
    /// Duration of a time step, in seconds.
    const STEP: u64 = 30;

    /// Generates a new secret.
    ///
    /// # Errors
    ///
    /// If the random generator could not supply bytes.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        let mut bytes = Zeroizing::new(vec![0; Self::BYTES]);
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Parses the base32 text of an existing authenticator secret, so that a shop can import the
    /// authenticators of its admin users.
    ///
    /// Upper and lower case are accepted. `=` at the end, and white space and hyphens anywhere, are
    /// ignored (RFC 4648 sections 3.2 and 6).
    ///
    /// # Errors
    ///
    /// If the text is not base32, or if the secret has fewer than 160 bits or more than 256 bytes.
    /// RFC 4226 section 4 recommends 160 bits.
    pub fn from_base32(text: &str) -> Result<Self, TotpSecretError> {
        Self::parse(text, Self::BYTES)
    }

    /// Parses an existing secret like [`from_base32`](Self::from_base32), but also accepts short
    /// secrets, from 80 bits on.
    ///
    /// # Security
    ///
    /// RFC 4226 section 4 (R6) requires secrets of at least 128 bits and recommends 160. Many
    /// systems issued secrets of 80 bits nevertheless. An attacker who has seen a few codes, and
    /// has much computing power, can find a secret of 80 bits. The attacker can then compute every
    /// later code.
    ///
    /// Use this function only to import the short secrets of existing admin users, so that these
    /// admin users can sign in. Then ask each of them to set up a new authenticator
    /// ([`begin_admin_enrolment`](crate::Auth::begin_admin_enrolment)).
    ///
    /// # Errors
    ///
    /// If the text is not base32, or if the secret is shorter than 80 bits or longer than 256
    /// bytes.
    pub fn danger_short_from_base32(text: &str) -> Result<Self, TotpSecretError> {
        Self::parse(text, Self::MIN_BYTES)
    }

    fn parse(text: &str, least: usize) -> Result<Self, TotpSecretError> {
        // Base32 has 1.6 characters per byte. The bound is 4 characters per byte, because spaces
        // and hyphens can stand between the characters.
        if text.len() > Self::MAX_BYTES * 4 {
            return Err(TotpSecretError);
        }
        let mut plain = Zeroizing::new(String::with_capacity(text.len()));
        let is_spelling = |char: &char| char.is_ascii_whitespace() || *char == '-';
        plain.extend(text.chars().filter(|char| !is_spelling(char)).map(|char| char.to_ascii_uppercase()));
        let secret = Secret::try_from_base32(plain.trim_end_matches('=')).map_err(|_| TotpSecretError)?;
        let secret = Self::from_bytes(Zeroizing::new(secret.as_bytes().to_vec()));
        secret.filter(|secret| secret.0.len() >= least).ok_or(TotpSecretError)
    }

    /// Creates a secret from stored bytes. Short secrets are accepted, too, because the host may
    /// have imported them ([`danger_short_from_base32`](Self::danger_short_from_base32)).
    pub(crate) fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (Self::MIN_BYTES..=Self::MAX_BYTES).contains(&bytes.len()).then_some(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the secret as base32, to be typed into an authenticator.
    ///
    /// # Security
    ///
    /// An attacker who has this text can compute every later code. Put it in one response only, and
    /// never in a log.
    #[must_use]
    pub fn to_base32(&self) -> SecretText {
        SecretText::new(Secret::from(self.0.as_slice()).to_base32())
    }

    /// Returns the code that the authenticator shows at this time. Returns `None` for a time before
    /// 1970.
    #[must_use]
    pub fn code_at(&self, at: OffsetDateTime) -> Option<String> {
        let seconds = u64::try_from(at.unix_timestamp()).ok()?;
        Some(self.totp().build_noncompliant().generate(seconds).to_string())
    }

    /// Returns the time step to which a code belongs: the present step, the step before it or the
    /// step after it. The three steps are accepted because clocks differ and typing takes time (RFC
    /// 6238 section 5.2). Returns `None` if the code belongs to none of the three.
    ///
    /// If two of the three steps have the same code by chance, the newer step is returned, so that
    /// the code is spent for both steps. The codes of all three steps are always computed, so that
    /// the duration does not reveal the step.
    pub(crate) fn step_of(&self, code: &TypedCode, now: OffsetDateTime) -> Option<u64> {
        let present = u64::try_from(now.unix_timestamp()).ok()? / Self::STEP;
        let totp = self.totp().build_noncompliant();
        let window = present.saturating_sub(1)..=present.saturating_add(1);
        window.fold(None, |found, step| {
            let right = totp.check(code.as_str(), step.saturating_mul(Self::STEP)).is_some();
            if right { Some(step) } else { found }
        })
    }

    /// Returns the newest time step whose code another node may have accepted, if the clock of that
    /// node is at most 30 s ahead. This is two steps after the present one: one because a node
    /// accepts the code of the next step, and one because of the difference between the clocks.
    pub(crate) fn newest_step(now: OffsetDateTime) -> u64 {
        (u64::try_from(now.unix_timestamp()).unwrap_or_default() / Self::STEP).saturating_add(2)
    }

    /// Returns the `otpauth` URI that an authenticator app reads from a QR code. Returns `None` if
    /// `account` is empty. The URI contains the secret and the names of the shop and the account.
    /// It does not contain parameters whose values are the defaults of authenticator apps.
    pub(crate) fn uri(&self, issuer: &str, account: &str) -> Option<SecretText> {
        // In the URI, a colon separates the two names, so the names must not contain one.
        let [issuer, account] = [issuer, account].map(|name| name.replace(':', " "));
        let [issuer, name] = [&issuer, &account].map(|name| utf8_percent_encode(name, ENCODED));
        let secret = self.to_base32();
        let uri = format!("otpauth://totp/{issuer}:{name}?secret={}&issuer={issuer}", secret.expose());
        (!account.is_empty()).then(|| SecretText::new(uri))
    }

    /// Returns a builder for one time step only, because this module checks the neighbouring steps
    /// itself. The callers of this function use `build_noncompliant`, because `build` refuses
    /// secrets of fewer than 128 bits.
    fn totp(&self) -> Builder {
        Builder::new().with_secret(self.0.as_slice()).with_skew(0)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B gives eight digits; an authenticator shows the last six. The secret is
    /// that of RFC 4226 appendix D.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn typed(code: &str) -> TypedCode {
        TypedCode::of(&code.into())
    }

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let secret = TotpSecret::from_base32(SECRET).unwrap();
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let (_, code) = code.split_at(2);
            assert_eq!(secret.code_at(at(seconds)).unwrap(), code);
            assert_eq!(secret.step_of(&typed(code), at(seconds)), Some(seconds.unsigned_abs() / 30));
        }
    }

    #[test]
    fn codes_are_those_of_rfc_4226() {
        let secret = TotpSecret::from_base32(SECRET).unwrap();
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (count, code) in (0..).zip(codes) {
            assert_eq!(secret.code_at(at(count * 30)).unwrap(), code);
        }
    }

    #[test]
    fn the_window_is_one_step_either_side() {
        let secret = TotpSecret::from_base32(SECRET).unwrap();
        let now: i64 = 1_234_567_890;
        let step = now.unsigned_abs() / 30;
        for (apart, found) in
            [(-2, None), (-1, Some(step - 1)), (0, Some(step)), (1, Some(step + 1)), (2, None)]
        {
            let code = secret.code_at(at(now + apart * 30)).unwrap();
            assert_eq!(secret.step_of(&typed(&code), at(now)), found, "{apart} steps");
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        let secret = TotpSecret::from_base32(SECRET).unwrap();
        for text in ["", " ", "0", "28708", "2870820", "+28708", " 87082", "28708a", "28708²", "９４２８７０"]
        {
            assert_eq!(secret.step_of(&typed(text), at(59)), None, "{text}");
        }
        assert_eq!(secret.step_of(&typed("287082"), at(-59)), None);
        assert_eq!(secret.code_at(at(-1)), None);
    }

    /// Authenticators show some secrets in groups. Other systems pad secrets or wrap lines.
    #[test]
    fn a_secret_may_be_spelt_in_other_ways() {
        let at_length = |bytes: usize| Secret::from(vec![7; bytes]).to_base32();
        let padded = format!("{}======", at_length(21));
        let longest = at_length(TotpSecret::MAX_BYTES);
        let groups: Vec<&str> =
            longest.as_bytes().chunks(4).map(|group| str::from_utf8(group).unwrap()).collect();
        let grouped = format!("{}======\n", groups.join(" "));
        for (text, bytes) in [
            (SECRET.to_owned(), 20),
            (SECRET.to_lowercase(), 20),
            (format!("{SECRET}\r\n"), 20),
            (format!(" {SECRET} "), 20),
            ("gezd gnbv gy3t qojq gezd gnbv gy3t qojq".into(), 20),
            ("GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ".into(), 20),
            (padded, 21),
            (format!("{}====", at_length(132)), 132),
            (grouped, TotpSecret::MAX_BYTES),
        ] {
            let secret = TotpSecret::from_base32(&text).unwrap();
            assert_eq!(secret.bytes().len(), bytes, "{text}");
        }
        let secret = TotpSecret::from_base32("gezd gnbv gy3t qojq gezd gnbv gy3t qojq=").unwrap();
        assert_eq!(secret.to_base32().expose(), SECRET);
    }

    #[test]
    fn short_and_long_secrets_are_refused() {
        let too_long = Secret::from(vec![7; TotpSecret::MAX_BYTES + 1]).to_base32();
        for text in [
            "",
            "========",
            "GEZDGNBV",
            "MFRGGZDF",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOI",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOI=",
            "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOI ",
            "GEZDGNBV=GY3TQOJQGEZDGNBVGY3TQOJQ",
            "ＧEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "not base32!",
            &too_long,
            &"A".repeat(2000),
            &" ".repeat(2000),
        ] {
            assert!(TotpSecret::from_base32(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_short_secret_is_asked_for_by_name() {
        // Secrets of 10, 12, 16 and 20 bytes.
        for text in ["GEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq gezq====", "GEZDGNBVGY3TQOJQGEZDGNBVGY", SECRET]
        {
            let secret = TotpSecret::danger_short_from_base32(text).unwrap();
            assert_eq!(TotpSecret::from_base32(text).is_ok(), text == SECRET, "{text}");
            let code = secret.code_at(at(59)).unwrap();
            assert_eq!(secret.step_of(&typed(&code), at(59)), Some(1));
            assert!(
                TotpSecret::from_bytes(Zeroizing::new(secret.bytes().to_vec())).is_some(),
                "sealed and opened"
            );
        }
        for text in ["", "GEZDGNBVGY3TQOI", "MFRGGZDF", &"A".repeat(2000)] {
            assert!(TotpSecret::danger_short_from_base32(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_uri_names_the_shop_and_the_account() {
        let secret = TotpSecret::from_base32(SECRET).unwrap();
        let uri = secret.uri("Main: Shop", "ad:min@example.com").unwrap();
        assert_eq!(
            uri.expose(),
            "otpauth://totp/Main%20%20Shop:ad%20min%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Main%20%20Shop"
        );
        let uri = secret.uri("Café & Söhne", "a/b?c#d%-._~").unwrap();
        assert_eq!(
            uri.expose(),
            "otpauth://totp/Caf%C3%A9%20%26%20S%C3%B6hne:a%2Fb%3Fc%23d%25-._~?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Caf%C3%A9%20%26%20S%C3%B6hne"
        );
        assert!(secret.uri("Shop", "").is_none());
    }
}
