//! The pointers from the digests of secrets to accounts. A client presents some secrets without the
//! id of the account, for example a confirmation token. The library finds the account of such a
//! secret through its pointer.

use time::OffsetDateTime;

use super::Documents;
use crate::{
    error::StoreError,
    state::pointer::{Following, Pointing, of_secret},
    token::{Digest, Subject},
};

impl Documents {
    /// Writes the pointer of a secret. The caller stores the record of the secret afterwards, so
    /// that each stored record has a pointer.
    pub(crate) async fn point(
        &self,
        secret: &Digest,
        owner: &Subject,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.change(&of_secret(secret), &Pointing { owner, expires_at }).await?.kept()
    }

    /// Returns the account to which a secret possibly belongs. The caller must not trust the
    /// result, and must look the secret up among the records of this account.
    pub(crate) async fn follow(&self, secret: &Digest) -> Result<Option<Subject>, StoreError> {
        self.change(&of_secret(secret), &Following).await?.kept()
    }
}
