//! Pointers from mailed secrets to the accounts that they may belong to.

use time::OffsetDateTime;

use super::Documents;
use crate::{
    error::StoreError,
    state::pointer::{Following, Pointing, of_secret},
    token::{Digest, Subject},
};

impl Documents {
    /// Writes the pointer of a secret. It is written before the document that it leads to, so that
    /// every secret has its pointer.
    pub(crate) async fn point(
        &self,
        secret: &Digest,
        owner: &Subject,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.change(&of_secret(secret), &Pointing { owner, expires_at }).await?.kept()
    }

    /// Returns the account that a secret may belong to. The result is not trusted.
    pub(crate) async fn follow(&self, secret: &Digest) -> Result<Option<Subject>, StoreError> {
        self.change(&of_secret(secret), &Following).await?.kept()
    }
}
