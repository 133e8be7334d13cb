//! The documents of the second factor. Each method is one transition.

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
    /// Returns the admin user's factor.
    pub(crate) async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError> {
        let (factor, _) =
            self.documents.change(&of_admin(admin), &ReadingFactor { enrolment: None }).await?.kept()?;
        Ok(factor)
    }

    /// Begins an enrolment and replaces an earlier one of the same admin user. The factor is not
    /// changed.
    pub(crate) async fn begin_enrolment(&self, enrolment: &Enrolment) -> Result<(), StoreError> {
        let owner = Subject::Admin(enrolment.admin.clone());
        self.documents.point(&enrolment.id.digest(), &owner, enrolment.expires_at).await?;
        self.documents.change(&of_admin(&enrolment.admin), &Enrolling { enrolment }).await?.kept()
    }

    /// Returns the live enrolment of this id. The pointer is not trusted: the result depends only on
    /// the admin user's documents.
    pub(crate) async fn enrolment(&self, id: EnrolmentId) -> Result<Option<FoundEnrolment>, StoreError> {
        let Some(Subject::Admin(admin)) = self.documents.follow(&id.digest()).await? else { return Ok(None) };
        let looking = ReadingFactor { enrolment: Some(id) };
        let (present, enrolment) = self.documents.change(&of_admin(&admin), &looking).await?.kept()?;
        Ok(enrolment.map(|enrolment| FoundEnrolment { enrolment, present }))
    }

    /// Gives a live enrolment another secret. Returns false if it has ended.
    pub(super) async fn redraw(&self, enrolment: &Enrolment, secret: &Sealed) -> Result<bool, StoreError> {
        let redrawing = Redrawing { id: enrolment.id, secret };
        self.documents.change(&of_admin(&enrolment.admin), &redrawing).await?.kept()
    }

    /// Makes a live enrolment the admin user's factor. These recovery codes replace all earlier
    /// ones.
    ///
    /// It requires that the enrolment has the verified secret and that the present factor is the
    /// one that it replaces. Returns the documents before the change, to exactly one caller.
    pub(crate) async fn activate(
        &self,
        enrolment: &Enrolment,
        step: u64,
        recovery_codes: &[Digest],
    ) -> Result<Option<Earlier>, StoreError> {
        let activating = Activating { enrolment, step, recovery_codes };
        self.documents.change(&of_admin(&enrolment.admin), &activating).await?.kept()
    }

    /// Undoes an activation or an import. Returns false if the admin user has another factor
    /// now.
    pub(crate) async fn restore(
        &self,
        admin: &AdminId,
        id: FactorId,
        earlier: &Earlier,
    ) -> Result<bool, StoreError> {
        self.documents.change(&of_admin(admin), &Restoring { id, earlier }).await?.kept()
    }

    /// Gives a factor to an admin user who has none, and ends an enrolment. Returns the documents
    /// before the change, or none if there is already a factor.
    pub(crate) async fn import(&self, factor: &Factor) -> Result<Option<Earlier>, StoreError> {
        self.documents.change(&of_admin(&factor.admin), &Importing { factor }).await?.kept()
    }

    /// Uses a step of the factor of this id. Returns true to exactly one caller, and afterwards for
    /// no earlier step. If the last used step is later than `newest`, then a clock that was ahead
    /// has used it. The last used step is then ignored.
    pub(super) async fn use_step(
        &self,
        admin: &AdminId,
        id: FactorId,
        step: u64,
        newest: u64,
    ) -> Result<bool, StoreError> {
        self.documents.change(&of_admin(admin), &UsingStep { id, step, newest }).await?.kept()
    }

    /// Spends a recovery code of the factor of this id. Returns true to exactly one caller.
    pub(super) async fn use_recovery_code(
        &self,
        admin: &AdminId,
        id: FactorId,
        code: &Digest,
    ) -> Result<bool, StoreError> {
        self.documents.change(&of_admin(admin), &UsingRecoveryCode { id, code }).await?.kept()
    }

    /// Replaces all recovery codes of the factor of this id. Returns the codes that were left, or
    /// none if there is no such factor.
    pub(crate) async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        id: FactorId,
        codes: &[Digest],
    ) -> Result<Option<Vec<Digest>>, StoreError> {
        self.documents.change(&of_admin(admin), &ReplacingRecoveryCodes { id, codes }).await?.kept()
    }

    /// Undoes a replacement of recovery codes. Returns false if they were replaced again.
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

    /// Replaces the sealed secret of the factor of this id, if it still is `expected`. Returns
    /// true if it was replaced.
    pub(super) async fn replace_sealed(
        &self,
        admin: &AdminId,
        id: FactorId,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        self.documents.change(&of_admin(admin), &Resealing { id, expected, new }).await?.kept()
    }

    /// Returns at most `limit` factors that another key sealed, with their positions in the index,
    /// beginning after `after`. Returns fewer than `limit` only at the end of the index.
    pub(crate) async fn sealed_by_others(
        &self,
        key: KeyId,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<(Position, Factor)>, StoreError> {
        let behind_key = behind_key(key);
        let is_behind = |position: &Position| *position > behind_key;
        // The index is ordered by key, so the factors of this key are together.
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

    /// Removes the admin user's factor and enrolment. Returns true if there was a factor.
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
