use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    error::StoreError,
    token::{Digest, Grant, Origin, Subject},
};

/// How often a subject's grants, and everybody's, have been revoked so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Generation {
    /// Counts [`TokenStore::revoke_all`] of this subject.
    pub subject: u64,
    /// Counts [`TokenStore::revoke_everything`].
    pub everything: u64,
}

/// What became of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Insert {
    /// The grant is stored.
    Stored,
    /// Nothing is stored: the generation moved since it was read.
    Revoked,
    /// Nothing is stored: the digest was revoked before it was inserted.
    Barred,
    /// Nothing is stored: there is a grant of this digest already, which is unchanged.
    Collision,
}

/// Keeps the grants behind bearer tokens.
#[async_trait]
pub trait TokenStore: Debug + Send + Sync + 'static {
    /// The subject's generation, zero for a subject never seen. It is read before a credential is checked and
    /// handed to [`insert`](Self::insert) afterwards.
    ///
    /// # Security
    ///
    /// A generation that is read too new (after a revoke-all that came later) is a vulnerability; one read
    /// too old only refuses a sign-in.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn generation(&self, subject: &Subject) -> Result<Generation, StoreError>;

    /// Stores a grant, unless its subject's generation is no longer `generation`, its digest was revoked
    /// already, or there is a grant of that digest.
    ///
    /// # Security
    ///
    /// Storing in spite of a generation that moved is a vulnerability: the token would outlive a revoke-all
    /// that has returned. So is overwriting. Refusing too often only costs a sign-in.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the grant may be stored.
    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError>;

    /// The live grant of this digest: neither expired at `now` nor revoked. The hot path.
    ///
    /// # Security
    ///
    /// To find what is expired or revoked is a vulnerability. Not to find a live grant signs somebody out.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError>;

    /// Revokes one grant; answers whether a live one was there. Once it has returned, no later
    /// [`find`](Self::find) returns the grant, on any node.
    ///
    /// A digest that is not there is barred from being inserted until `bar_until`: a revoke that overtakes
    /// the insertion it is meant for wins.
    ///
    /// # Security
    ///
    /// A grant that lives on is a vulnerability. To revoke twice, or nothing, is fine.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; the grant may be revoked.
    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Revokes every grant of a subject but the one named `keep`, and raises the subject's generation. Once
    /// it has returned, no grant from before lives, not even one whose sign-in is in flight; a sign-in that
    /// starts later gives a live token.
    ///
    /// # Security
    ///
    /// A grant that lives on is a vulnerability, and so is one kept that is not the subject's. A kept grant
    /// that is lost signs somebody out.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; grants may be revoked.
    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Revokes every grant of every subject: one write, whatever their number.
    ///
    /// # Security
    ///
    /// As [`revoke_all`](Self::revoke_all), for every subject at once.
    ///
    /// # Errors
    ///
    /// When the store could not be asked; everything may be revoked.
    async fn revoke_everything(&self, now: OffsetDateTime) -> Result<(), StoreError>;

    /// The live grants of a subject, the newest first, with where they came from.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn list(&self, subject: &Subject, now: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError>;

    /// Removes at most `limit` records that are expired or revoked, and answers how many. Generations stay.
    ///
    /// # Security
    ///
    /// To remove a live grant signs somebody out; to leave an expired one only costs space.
    ///
    /// # Errors
    ///
    /// When the store could not be asked.
    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}

#[async_trait]
impl<S: TokenStore + ?Sized> TokenStore for Arc<S> {
    async fn generation(&self, subject: &Subject) -> Result<Generation, StoreError> {
        (**self).generation(subject).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        (**self).insert(grant, origin, generation, now).await
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        (**self).find(digest, now).await
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        (**self).revoke(digest, now, bar_until).await
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        (**self).revoke_all(subject, keep, now).await
    }

    async fn revoke_everything(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        (**self).revoke_everything(now).await
    }

    async fn list(&self, subject: &Subject, now: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError> {
        (**self).list(subject, now).await
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        (**self).purge_tokens(now, limit).await
    }
}
