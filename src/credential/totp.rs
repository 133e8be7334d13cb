use std::fmt;

use secrecy::SecretString;
use time::OffsetDateTime;
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::random::{RandomError, SecureRandom};

/// Why a text is no TOTP secret. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a TOTP secret is base32 of {} to {} bytes", TotpSecret::BYTES, TotpSecret::MAX_BYTES)]
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
    /// The length of a new secret, and of the shortest one accepted, in bytes.
    pub const BYTES: usize = 20;
    /// The longest secret accepted, in bytes: Commerce's have 132.
    pub const MAX_BYTES: usize = 256;
    /// How long a code is shown, in seconds.
    const STEP: u64 = 30;

    /// Draws a new secret.
    ///
    /// # Errors
    ///
    /// When there are no random bytes to be had.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        let mut bytes = Zeroizing::new(vec![0; Self::BYTES]);
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// A secret that an authenticator has already, as its base32 text: for a team that brings its admin users' along.
    ///
    /// # Errors
    ///
    /// When it is no base32, shorter than 160 bits or longer than 256 bytes.
    pub fn from_base32(text: &str) -> Result<Self, TotpSecretError> {
        if text.len() > Self::MAX_BYTES * 2 {
            return Err(TotpSecretError);
        }
        let secret = Secret::try_from_base32(text).map_err(|_| TotpSecretError)?;
        Self::from_bytes(Zeroizing::new(secret.as_ref().to_vec())).ok_or(TotpSecretError)
    }

    pub(crate) fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (Self::BYTES..=Self::MAX_BYTES).contains(&bytes.len()).then_some(Self(bytes))
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
        Some(self.totp(None)?.generate(seconds).to_string())
    }

    /// The step whose code this is: the present one, the one before, or the one after, since clocks are apart and people
    /// slow (RFC 6238 section 5.2). The newest, if the code is that of several: those before it are spent with it. All
    /// three are computed, whichever it is.
    pub(crate) fn step_of(&self, code: &str, now: OffsetDateTime) -> Option<u64> {
        let present = u64::try_from(now.unix_timestamp()).ok()? / Self::STEP;
        let totp = self.totp(None)?;
        let window = present.saturating_sub(1)..=present.saturating_add(1);
        window.fold(None, |found, step| {
            let right = totp.check(code, step.saturating_mul(Self::STEP)).is_some();
            if right { Some(step) } else { found }
        })
    }

    /// The newest step that a node whose clock is right may have used: one after the present one, and one more, since
    /// clocks of nodes may be 30 s apart. A newer one was used by a clock that was ahead.
    pub(crate) fn newest_step(now: OffsetDateTime) -> u64 {
        (u64::try_from(now.unix_timestamp()).unwrap_or_default() / Self::STEP).saturating_add(2)
    }

    /// What a QR code says to an authenticator: the `otpauth` URI, which names the shop and the account.
    pub(crate) fn uri(&self, issuer: &str, account: &str) -> Option<SecretString> {
        Some(SecretString::from(self.totp(Some((issuer, account)))?.to_url().ok()?))
    }

    /// Without a window of its own.
    fn totp(&self, names: Option<(&str, &str)>) -> Option<Totp> {
        let mut builder = Builder::new().with_secret(self.0.as_slice()).with_skew(0);
        if let Some((issuer, account)) = names {
            // What stands between the two.
            let [issuer, account] = [issuer, account].map(|name| name.replace(':', " "));
            builder = builder.with_issuer(Some(issuer)).with_account_name(account);
        }
        builder.build().ok()
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
            assert_eq!(secret.step_of(code, at(seconds)), Some(seconds.unsigned_abs() / 30));
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
            assert_eq!(secret.step_of(&code, at(now)), found, "{apart} steps");
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        let secret = TotpSecret::from_base32(SECRET).unwrap();
        for text in ["", "0", "28708", "2870820", "28708२", "+28708", " 87082", "287082 ", "９４２８７０"]
        {
            assert_eq!(secret.step_of(text, at(59)), None, "{text}");
        }
        assert_eq!(secret.step_of("287082", at(-59)), None);
        assert_eq!(secret.code_at(at(-1)), None);
    }

    #[test]
    fn short_and_long_secrets_are_refused() {
        for text in ["", "GEZDGNBV", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOI", "not base32!", &"A".repeat(1000)] {
            assert!(TotpSecret::from_base32(text).is_err(), "{text}");
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
