use std::fmt;

use secrecy::SecretString;
use time::OffsetDateTime;
use totp_rs::{Builder, Secret};
use zeroize::Zeroizing;

use super::TypedCode;
use crate::random::{RandomError, SecureRandom};

/// A text is no TOTP secret. The error never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a TOTP secret is base32 of {} to {} bytes; an existing one may be shorter if the shop asks for it by name",
    TotpSecret::BYTES,
    TotpSecret::MAX_BYTES
)]
#[non_exhaustive]
pub struct TotpSecretError;

/// The secret that an authenticator app shares with the shop (RFC 6238): SHA-1, 6 digits, steps of 30 s, as every such app
/// speaks it.
///
/// 160 random bits, as RFC 4226 section 4 recommends. Its `Debug` shows nothing, it has no `Display`, no `Serialize` and no
/// `PartialEq`, and it is wiped from memory when dropped.
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl TotpSecret {
    /// The length of a new secret, and of the shortest one accepted unless the shop asks for less,
    /// in bytes.
    pub const BYTES: usize = 20;
    /// The shortest secret accepted where the shop asks for it, in bytes.
    const MIN_BYTES: usize = 10;
    /// The longest secret accepted, in bytes: Commerce's have 132.
    pub const MAX_BYTES: usize = 256;
    /// Time for which a code is shown, in seconds.
    const STEP: u64 = 30;

    /// Draws a new secret.
    ///
    /// # Errors
    ///
    /// There are no random bytes to be had.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        let mut bytes = Zeroizing::new(vec![0; Self::BYTES]);
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads a secret that an authenticator has already, from its base32 text: for a team that
    /// brings its admin users' secrets along.
    ///
    /// Capital or small letters, `=` at the end, and white space and hyphens anywhere are spelling
    /// (RFC 4648 sections 3.2 and 6).
    ///
    /// # Errors
    ///
    /// It is no base32, shorter than 160 bits (RFC 4226 section 4 recommends that length) or
    /// longer than 256 bytes.
    pub fn from_base32(text: &str) -> Result<Self, TotpSecretError> {
        Self::parse(text, Self::BYTES)
    }

    /// Reads a secret as [`from_base32`](Self::from_base32) does, and accepts one from 80 bits on.
    ///
    /// # Security
    ///
    /// RFC 4226 section 4 (R6) demands 128 bits and recommends 160. Many systems gave out 80 bits
    /// all the same. Someone who has seen a few codes can search for a secret of 80 bits, at great
    /// expense, and so make every later code. Use this for admin users who would have to enrol
    /// anew, and have them set up another authenticator when they can
    /// ([`begin_admin_enrolment`](crate::Auth::begin_admin_enrolment)).
    ///
    /// # Errors
    ///
    /// It is no base32, shorter than 80 bits or longer than 256 bytes.
    pub fn danger_short_from_base32(text: &str) -> Result<Self, TotpSecretError> {
        Self::parse(text, Self::MIN_BYTES)
    }

    fn parse(text: &str, least: usize) -> Result<Self, TotpSecretError> {
        // Base32 is 1.6 characters a byte: the rest is room for groups.
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

    /// A secret that was kept: of any length that is accepted by any name.
    pub(crate) fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (Self::MIN_BYTES..=Self::MAX_BYTES).contains(&bytes.len()).then_some(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as base32, for an authenticator that is typed into.
    ///
    /// # Security
    ///
    /// Whoever holds this text makes every later code. It belongs in one answer, and in no log.
    #[must_use]
    pub fn to_base32(&self) -> SecretString {
        SecretString::from(Secret::from(self.0.as_slice()).to_base32())
    }

    /// The code at a time: what the authenticator shows.
    ///
    /// None before 1970.
    #[must_use]
    pub fn code_at(&self, at: OffsetDateTime) -> Option<String> {
        let seconds = u64::try_from(at.unix_timestamp()).ok()?;
        Some(self.totp().build_noncompliant().generate(seconds).to_string())
    }

    /// The step whose code this is: the present one, the one before, or the one after, since clocks are apart and people
    /// slow (RFC 6238 section 5.2). The newest, if the code is that of several: those before it are spent with it. All
    /// three are computed, whichever it is.
    pub(crate) fn step_of(&self, code: &TypedCode, now: OffsetDateTime) -> Option<u64> {
        let present = u64::try_from(now.unix_timestamp()).ok()? / Self::STEP;
        let totp = self.totp().build_noncompliant();
        let window = present.saturating_sub(1)..=present.saturating_add(1);
        window.fold(None, |found, step| {
            let right = totp.check(code.as_str(), step.saturating_mul(Self::STEP)).is_some();
            if right { Some(step) } else { found }
        })
    }

    /// The newest step that a node may have used whose clock is at most 30 s ahead: one after the present one, and one
    /// more for the difference of the clocks.
    pub(crate) fn newest_step(now: OffsetDateTime) -> u64 {
        (u64::try_from(now.unix_timestamp()).unwrap_or_default() / Self::STEP).saturating_add(2)
    }

    /// What a QR code says to an authenticator: the `otpauth` URI, which names the shop and the account.
    pub(crate) fn uri(&self, issuer: &str, account: &str) -> Option<SecretString> {
        // A colon stands between the two.
        let [issuer, account] = [issuer, account].map(|name| name.replace(':', " "));
        let named = self.totp().with_issuer(Some(issuer)).with_account_name(account);
        Some(SecretString::from(named.build().ok()?.to_url().ok()?))
    }

    /// Without a window of its own. What `build` refuses and `build_noncompliant` does not is a
    /// secret under 128 bits.
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
    use secrecy::ExposeSecret;

    use super::*;

    /// RFC 6238 appendix B gives eight digits; an authenticator shows the last six. The secret is that of RFC 4226
    /// appendix D.
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

    /// An authenticator shows some secrets in groups; other systems pad and wrap them.
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
        assert_eq!(secret.to_base32().expose_secret(), SECRET);
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
        // Ten bytes, twelve, sixteen, and twenty.
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
            uri.expose_secret(),
            "otpauth://totp/Main%20%20Shop:ad%20min%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Main%20%20Shop"
        );
    }
}
