use std::fmt::Debug;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    account::AdminId,
    error::StoreError,
    keyring::{KeyId, Sealed},
    token::Digest,
};

/// A TOTP secret that waits for its first right code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Enrolment {
    /// The digest of the enrolment token, and the enrolment's name.
    pub token: Digest,
    /// The admin user it is for.
    pub admin: AdminId,
    /// The secret.
    pub secret: Sealed,
    /// The factor that it is to replace; none for an admin user who had none when it was begun.
    pub replaces: Option<Digest>,
    /// The grant of the admin user that it was begun with; none if it was begun by mail. No verb looks at it: a flow does.
    pub begun_with: Option<Digest>,
    /// When it ends: at this instant it is expired.
    pub expires_at: OffsetDateTime,
}

/// An admin user's second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Factor {
    /// The digest of the token it was enrolled with, and the factor's name.
    pub name: Digest,
    /// The TOTP secret.
    pub secret: Sealed,
    /// When it was activated.
    pub activated_at: OffsetDateTime,
    /// The newest step of RFC 6238 whose code was used. No code of it, or of an earlier one, is good again.
    pub last_step: u64,
    /// The digests of the recovery codes that are not spent, in any order.
    pub recovery_codes: Vec<Digest>,
}

/// Keeps the second factors of admin users: apart from the host's table, and sealed.
///
/// An admin user has at most one factor and one enrolment. No verb opens a secret.
#[async_trait]
pub trait FactorStore: Debug + Send + Sync + 'static {
    /// The admin user's factor.
    ///
    /// # Security
    ///
    /// Not to find a factor that is there is a vulnerability: a password would do.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError>;

    /// Stores an enrolment in the place of an earlier one of the same admin user. A factor is not touched.
    ///
    /// # Security
    ///
    /// An earlier enrolment that stays is a vulnerability: its token may be in other hands.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the enrolment may be stored.
    async fn begin_enrolment(&self, enrolment: &Enrolment, now: OffsetDateTime) -> Result<(), StoreError>;

    /// The live enrolment of this token.
    ///
    /// # Security
    ///
    /// To find what is expired, replaced or activated is a vulnerability.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn enrolment(&self, token: &Digest, now: OffsetDateTime) -> Result<Option<Enrolment>, StoreError>;

    /// Makes a live enrolment the admin user's factor: its name is the token's digest, its last step `step`, and these are
    /// its recovery codes, instead of all earlier ones. Only if the admin user's factor still is the one that the enrolment
    /// [replaces](Enrolment::replaces). Answers whether it was done: for exactly one caller, whatever the number of nodes.
    /// The enrolment is gone then.
    ///
    /// # Security
    ///
    /// To replace another factor is a vulnerability, and so is to leave an earlier recovery code good.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; it may be done.
    async fn activate(
        &self,
        token: &Digest,
        step: u64,
        recovery_codes: &[Digest],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Raises the last step of the factor of this name to `step`, if it is lower: a compare-and-set, so that a code is good
    /// for one caller. Answers whether it was.
    ///
    /// # Security
    ///
    /// To answer yes twice for one step, or for an earlier one, is a vulnerability (RFC 6238 section 5.2).
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the step may be used.
    async fn use_step(&self, admin: &AdminId, factor: &Digest, step: u64) -> Result<bool, StoreError>;

    /// Replaces the last step of the factor of this name by a lower one, if it still is `from`. Answers whether it was
    /// done. A clock that was ahead may have used a code of a step that is yet to come.
    ///
    /// # Security
    ///
    /// To write over another step than `from`, or to write a higher one, is a vulnerability: codes are good again.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; it may be done.
    async fn lower_step(
        &self,
        admin: &AdminId,
        factor: &Digest,
        from: u64,
        to: u64,
    ) -> Result<bool, StoreError>;

    /// Spends a recovery code of the factor of this name. Answers whether it was there: to exactly one caller.
    ///
    /// # Security
    ///
    /// To answer yes twice is a vulnerability.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the code may be spent.
    async fn use_recovery_code(
        &self,
        admin: &AdminId,
        factor: &Digest,
        code: &Digest,
    ) -> Result<bool, StoreError>;

    /// Replaces all recovery codes of the factor of this name, as a set. Answers whether there is such a factor.
    ///
    /// # Security
    ///
    /// An earlier code that stays good is a vulnerability.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the codes may be replaced.
    async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        factor: &Digest,
        codes: &[Digest],
    ) -> Result<bool, StoreError>;

    /// Replaces the sealed secret of the factor of this name, if it still is `expected`. Answers whether it was done.
    ///
    /// # Security
    ///
    /// To write over another secret than `expected` locks somebody out, or revives a replaced secret.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; it may be done.
    async fn reseal(
        &self,
        admin: &AdminId,
        factor: &Digest,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError>;

    /// At most `limit` factors whose secret is sealed by another key than this, and whose they are.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn sealed_by_others(&self, key: KeyId, limit: usize) -> Result<Vec<(AdminId, Factor)>, StoreError>;

    /// Removes the admin user's factor with its recovery codes, and the enrolment. Answers whether there was a factor.
    ///
    /// # Security
    ///
    /// A factor or an enrolment that stays is a vulnerability: a thief may hold its secret.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; it may be done.
    async fn remove_factor(&self, admin: &AdminId) -> Result<bool, StoreError>;

    /// Removes at most `limit` expired enrolments, and answers how many.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn purge_enrolments(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
