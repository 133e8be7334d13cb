//! The pointers from the digests of mailed secrets to accounts. A secret that is presented without
//! the account's name is looked up through its pointer.

use time::OffsetDateTime;

use super::Documents;
use crate::{
    error::StoreError,
    state::pointer::{Following, Pointing, of_secret},
    token::{Digest, Subject},
};

impl Documents {
    /// Writes the pointer of a secret. The caller writes the document with the secret's record
    /// afterwards, so that every recorded secret has a pointer.
    pub(crate) async fn point(
        &self,
        secret: &Digest,
        owner: &Subject,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.change(&of_secret(secret), &Pointing { owner, expires_at }).await?.kept()
    }

    /// Returns the account to which a secret may belong. The caller must not trust the result, and
    /// must look the secret up in the documents of this account.
    pub(crate) async fn follow(&self, secret: &Digest) -> Result<Option<Subject>, StoreError> {
        self.change(&of_secret(secret), &Following).await?.kept()
    }
}
