//! The second factor of an admin user, and the enrolment of the next one.
//!
//! The factor and the enrolment are documents in the partition of the admin user. A
//! [pointer](super::pointer) leads from an enrolment token to that partition. Secrets are sealed.

mod commands;
#[cfg(test)]
mod tests;

pub(crate) use commands::{
    Activating, Earlier, Enrolling, Importing, ReadingFactor, Redrawing, Removing, ReplacingRecoveryCodes,
    Resealing, Restoring, RestoringRecoveryCodes, UsingRecoveryCode, UsingStep, behind_key, decode_factor,
    sealed_index,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{format::Stored, stored};
use crate::{
    account::AdminId,
    bytes::{byte_newtype, hex_text},
    clock::micros,
    keyring::Sealed,
    store::Generation,
    token::{Digest, GrantId},
};

byte_newtype! {
    /// The id of an enrolment: the digest of its token.
    #[derive(PartialEq)]
    pub(crate) struct EnrolmentId([u8; 32]);
}

byte_newtype! {
    /// The id of a factor: that of the enrolment from which it was activated. An imported factor
    /// has a random id.
    #[derive(PartialEq)]
    pub(crate) struct FactorId([u8; 32]);
}

hex_text!(EnrolmentId);
hex_text!(FactorId);

impl EnrolmentId {
    /// Returns the id of the enrolment whose token has this digest.
    pub(crate) const fn from_digest(token: Digest) -> Self {
        Self::from_bytes(*token.as_bytes())
    }

    /// Returns the digest of the enrolment's token.
    pub(crate) const fn digest(self) -> Digest {
        Digest::from_bytes(self.0)
    }

    /// Returns the id of the factor that the enrolment becomes.
    pub(crate) const fn factor(self) -> FactorId {
        FactorId::from_bytes(self.0)
    }
}

/// An admin user's second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Factor {
    pub(crate) admin: AdminId,
    #[serde(rename = "name")]
    pub(crate) id: FactorId,
    /// The TOTP secret.
    #[serde(with = "stored::sealed")]
    pub(crate) secret: Sealed,
    #[serde(with = "micros")]
    pub(crate) activated_at: OffsetDateTime,
    /// The newest step of RFC 6238 whose code was used. No code of this or an earlier step is
    /// accepted again.
    pub(crate) last_step: u64,
    /// The digests of the recovery codes that are not spent.
    pub(crate) recovery_codes: Vec<Digest>,
}

/// A TOTP secret that is not activated by a right code yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrolment {
    #[serde(rename = "token")]
    pub(crate) id: EnrolmentId,
    pub(crate) admin: AdminId,
    /// The TOTP secret that was shown last. Before the first showing, a secret that nobody has
    /// seen.
    #[serde(with = "stored::sealed")]
    pub(crate) secret: Sealed,
    /// The factor that the enrolment replaces. None if the admin user had no factor when it was
    /// begun.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) replaces: Option<FactorId>,
    /// The admin user's grant with which the enrolment was begun. None if it was begun by mail.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) begun_with: Option<GrantId>,
    /// The admin user's generation when the enrolment was begun. The enrolment is accepted only
    /// under this one.
    #[serde(with = "stored::generation")]
    pub(crate) generation: Generation,
    #[serde(with = "micros")]
    pub(crate) expires_at: OffsetDateTime,
}

impl Stored for Factor {
    const FORMAT: u32 = 1;
}

impl Stored for Enrolment {
    const FORMAT: u32 = 1;
}

impl Factor {
    /// Uses a step, if no code of this or a newer step was used.
    ///
    /// If the last used step is later than `newest`, then either a clock that was ahead has used
    /// it, or this clock is behind. This node cannot distinguish the two cases. If it kept the last
    /// step, right codes would be refused until the time of that step. So the last step becomes the
    /// step before the presented one. As a consequence, used codes of this step and of later steps
    /// are valid once more, until they expire after 90 s.
    fn use_step(&mut self, step: u64, newest: u64) -> bool {
        let last_step = if self.last_step > newest { step.saturating_sub(1) } else { self.last_step };
        let is_new = last_step < step;
        if is_new {
            self.last_step = step;
        }
        is_new
    }

    fn use_recovery_code(&mut self, code: &Digest) -> bool {
        let place = self.recovery_codes.iter().position(|own| own == code);
        place.map(|place| self.recovery_codes.swap_remove(place)).is_some()
    }

    fn restore_recovery_codes(&mut self, written: &[Digest], replaced: &[Digest]) -> bool {
        let are_written = self.recovery_codes.iter().all(|own| written.contains(own));
        if are_written {
            self.recovery_codes = replaced.to_vec();
        }
        are_written
    }

    fn reseal(&mut self, expected: &Sealed, new: &Sealed) -> bool {
        let is_expected = self.secret == *expected;
        if is_expected {
            self.secret = new.clone();
        }
        is_expected
    }
}

impl Enrolment {
    /// True if the enrolment has this id and has not expired.
    fn is_live(&self, id: EnrolmentId, now: OffsetDateTime) -> bool {
        self.id == id && now < self.expires_at
    }
}
