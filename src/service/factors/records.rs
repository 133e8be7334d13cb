//! The documents of second factors and enrolments. Each method that changes documents makes one
//! transition.

use super::{Factors, FoundEnrolment};
use crate::{
    account::AdminId,
    error::StoreError,
    keyring::{KeyId, Sealed},
    state::{
        factor::{
            Activating, Earlier, Enrolling, Enrolment, EnrolmentId, Factor, FactorId, Importing,
            ReadingFactor, Redrawing, Removing, ReplacingRecoveryCodes, Resealing, Restoring,
            RestoringRecoveryCodes, UsingRecoveryCode, UsingStep, behind_key, decode_factor, sealed_index,
        },
        of_admin,
    },
    store::{Listed, Position},
    token::{Digest, Subject},
};

impl Factors {
    /// Returns the admin user's second factor, if there is one.
    pub(crate) async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError> {
        let (factor, _) =
            self.documents.change(&of_admin(admin), &ReadingFactor { enrolment: None }).await?.kept()?;
        Ok(factor)
    }

    /// Stores a new enrolment. It replaces an earlier enrolment of the same admin user. The admin
    /// user's present second factor stays.
    pub(crate) async fn begin_enrolment(&self, enrolment: &Enrolment) -> Result<(), StoreError> {
        let owner = Subject::Admin(enrolment.admin.clone());
        self.documents.point(&enrolment.id.digest(), &owner, enrolment.expires_at).await?;
        self.documents.change(&of_admin(&enrolment.admin), &Enrolling { enrolment }).await?.kept()
    }

    /// Returns the live enrolment of this id. A pointer document names the admin user to whom the
    /// enrolment belongs. The pointer is not trusted: the enrolment must be in that admin user's
    /// documents.
    pub(crate) async fn enrolment(&self, id: EnrolmentId) -> Result<Option<FoundEnrolment>, StoreError> {
        let Some(Subject::Admin(admin)) = self.documents.follow(&id.digest()).await? else { return Ok(None) };
        let looking = ReadingFactor { enrolment: Some(id) };
        let (present, enrolment) = self.documents.change(&of_admin(&admin), &looking).await?.kept()?;
        Ok(enrolment.map(|enrolment| FoundEnrolment { enrolment, present }))
    }

    /// Replaces the secret of a live enrolment by a new one. Returns false if the enrolment has
    /// ended.
    pub(super) async fn redraw(&self, enrolment: &Enrolment, secret: &Sealed) -> Result<bool, StoreError> {
        let redrawing = Redrawing { id: enrolment.id, secret };
        self.documents.change(&of_admin(&enrolment.admin), &redrawing).await?.kept()
    }

    /// Makes a live enrolment the admin user's second factor. The given recovery codes replace all
    /// earlier ones.
    ///
    /// The enrolment must still have the secret whose code was verified. The admin user's present
    /// second factor must still be the one that the enrolment replaces. If so, returns the
    /// documents before the change. Otherwise changes nothing and returns none. If several callers
    /// activate the same enrolment, at most one of them succeeds.
    pub(crate) async fn activate(
        &self,
        enrolment: &Enrolment,
        step: u64,
        recovery_codes: &[Digest],
    ) -> Result<Option<Earlier>, StoreError> {
        let activating = Activating { enrolment, step, recovery_codes };
        self.documents.change(&of_admin(&enrolment.admin), &activating).await?.kept()
    }

    /// Undoes the activation or the import of a second factor. Returns false and changes nothing if
    /// the admin user no longer has this second factor.
    pub(crate) async fn restore(
        &self,
        admin: &AdminId,
        id: FactorId,
        earlier: &Earlier,
    ) -> Result<bool, StoreError> {
        self.documents.change(&of_admin(admin), &Restoring { id, earlier }).await?.kept()
    }

    /// Gives a second factor to an admin user who has none, and ends a pending enrolment. Returns
    /// the documents before the change. Returns none if the admin user already has a second factor.
    pub(crate) async fn import(&self, factor: &Factor) -> Result<Option<Earlier>, StoreError> {
        self.documents.change(&of_admin(&factor.admin), &Importing { factor }).await?.kept()
    }

    /// Marks a time step of the second factor of this id as used. From then on, the codes of this
    /// step and of earlier steps are refused. Returns true if the step was not used before. If
    /// several callers use the same step, exactly one of them gets true.
    ///
    /// If the last used step is later than `newest`, the clocks of two nodes differ. The last used
    /// step is then ignored.
    pub(super) async fn use_step(
        &self,
        admin: &AdminId,
        id: FactorId,
        step: u64,
        newest: u64,
    ) -> Result<bool, StoreError> {
        self.documents.change(&of_admin(admin), &UsingStep { id, step, newest }).await?.kept()
    }

    /// Spends a recovery code of the second factor of this id. Returns false if the second factor
    /// has no such unused code. If several callers spend the same code, exactly one of them gets
    /// true.
    pub(super) async fn use_recovery_code(
        &self,
        admin: &AdminId,
        id: FactorId,
        code: &Digest,
    ) -> Result<bool, StoreError> {
        self.documents.change(&of_admin(admin), &UsingRecoveryCode { id, code }).await?.kept()
    }

    /// Replaces all recovery codes of the second factor of this id. Returns the digests of the
    /// earlier codes that were not used. Returns none if there is no such second factor.
    pub(crate) async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        id: FactorId,
        codes: &[Digest],
    ) -> Result<Option<Vec<Digest>>, StoreError> {
        self.documents.change(&of_admin(admin), &ReplacingRecoveryCodes { id, codes }).await?.kept()
    }

    /// Undoes a replacement of recovery codes. Returns false and changes nothing if the codes were
    /// replaced once more since then.
    pub(crate) async fn restore_recovery_codes(
        &self,
        admin: &AdminId,
        id: FactorId,
        written: &[Digest],
        replaced: &[Digest],
    ) -> Result<bool, StoreError> {
        let restoring = RestoringRecoveryCodes { id, written, replaced };
        self.documents.change(&of_admin(admin), &restoring).await?.kept()
    }

    /// Replaces the encrypted secret of the second factor of this id, if the stored secret still is
    /// `expected`. Returns true if the secret was replaced.
    pub(super) async fn replace_sealed(
        &self,
        admin: &AdminId,
        id: FactorId,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        self.documents.change(&of_admin(admin), &Resealing { id, expected, new }).await?.kept()
    }

    /// Returns at most `limit` second factors that are encrypted with other secret keys than `key`,
    /// with their positions in the index. The list begins after the position `after`. If the list
    /// has fewer than `limit` items, no second factors are left for a further list.
    pub(crate) async fn sealed_by_others(
        &self,
        key: KeyId,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<(Position, Factor)>, StoreError> {
        let behind_key = behind_key(key);
        let is_behind = |position: &Position| *position > behind_key;
        // The index is ordered by the id of the secret key. So the second factors of `key` follow
        // each other, and the list skips all of them at once.
        let mut others = match after {
            Some(after) if is_behind(after) => Vec::new(),
            _ => self.sealed(after, limit).await?,
        };
        others.retain(|(position, _)| position.rank < behind_key.rank);
        let left = limit.saturating_sub(others.len());
        if left > 0 {
            let after = after.filter(|after| is_behind(after)).unwrap_or(&behind_key);
            others.extend(self.sealed(Some(after), left).await?);
        }
        Ok(others)
    }

    /// Removes the admin user's second factor and enrolment. Returns true if there was a second
    /// factor.
    pub(crate) async fn remove(&self, admin: &AdminId) -> Result<bool, StoreError> {
        self.documents.change(&of_admin(admin), &Removing).await?.kept()
    }

    async fn sealed(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<(Position, Factor)>, StoreError> {
        let listed = self.documents.list(&sealed_index(), after, limit).await?;
        let factors = listed.into_iter().map(|Listed { position, document }| {
            decode_factor(&document.bytes).map(|factor| (position, factor))
        });
        factors.collect::<Result<_, _>>().map_err(StoreError::new)
    }
}
