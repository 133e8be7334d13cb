//! The second factor of an admin user, and the enrolment of a new one.
//!
//! The second factor and the enrolment are documents in the partition of the admin user. A
//! [pointer](super::pointer) leads from an enrolment token to that partition. The authenticator's
//! secret in these documents is encrypted with a secret key of the keyring.

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
    /// The id of an enrolment: the digest of the enrolment token.
    #[derive(PartialEq)]
    pub(crate) struct EnrolmentId([u8; 32]);
}

byte_newtype! {
    /// The id of a second factor. It equals the id of the enrolment whose activation made the
    /// second factor. An imported second factor has a random id.
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

    /// Returns the id that the second factor will have after the activation of the enrolment.
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
    /// The encrypted TOTP secret.
    #[serde(with = "stored::sealed")]
    pub(crate) secret: Sealed,
    #[serde(with = "micros")]
    pub(crate) activated_at: OffsetDateTime,
    /// The newest time step (RFC 6238) whose code was used. Codes of this step and of earlier steps
    /// are refused, with one exception that [`use_step`](Self::use_step) explains.
    pub(crate) last_step: u64,
    /// The digests of the recovery codes that are not spent.
    pub(crate) recovery_codes: Vec<Digest>,
}

/// An enrolment: a TOTP secret that no right code has activated yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrolment {
    #[serde(rename = "token")]
    pub(crate) id: EnrolmentId,
    pub(crate) admin: AdminId,
    /// The encrypted TOTP secret that was shown last. Each request to show the secret draws a new
    /// one. Before the first such request, this is a secret that nobody has seen.
    #[serde(with = "stored::sealed")]
    pub(crate) secret: Sealed,
    /// The second factor that the enrolment replaces. None if the admin user had no second factor
    /// when the enrolment was begun.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) replaces: Option<FactorId>,
    /// The grant of the signed-in admin user who began the enrolment. None if a sign-in without a
    /// second factor began the enrolment and mailed the enrolment token.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) begun_with: Option<GrantId>,
    /// The admin user's generation when the enrolment was begun. If the admin user has a different
    /// generation now, the enrolment is no longer valid.
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
    /// Marks a time step as used. Returns false if this step or a newer one was already used.
    ///
    /// If the last used step is later than `newest`, the clocks of two nodes differ. Either the
    /// clock of the node that used the step was ahead, or this node's clock is behind. This node
    /// cannot know which of the two clocks is wrong.
    ///
    /// If a last step later than `newest` stayed, right codes would be refused until the time of
    /// that step. So this last step is ignored, and the presented step becomes the new last step.
    /// As a consequence, used codes of the presented step and of later steps are valid once more,
    /// until the codes expire after 90 s.
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
