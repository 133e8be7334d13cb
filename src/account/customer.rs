use std::sync::Arc;

use async_trait::async_trait;

use super::{AccountStatus, CustomerId, Email, PasswordHash, Website};
use crate::error::StoreError;

/// A row of the host's customer table.
pub trait Customer: Send + Sync {
    /// The customer's key. It must never be given to another customer: tokens speak for it.
    fn id(&self) -> CustomerId;

    /// The website the account belongs to. A host with one website keeps this default.
    fn website(&self) -> Website {
        Website::default()
    }

    /// The stored e-mail address, in the host's spelling. It is canonicalised (see [`Email`]) and compared
    /// with the address that was asked for before anything else is believed.
    fn email(&self) -> &str;

    /// The stored password hash; none for an account that has no password.
    fn password_hash(&self) -> Option<&str>;

    /// The standing of the account, which decides whether it may sign in. A customer's tokens are verified without the row:
    /// they live on after the status has changed, until [`Auth::customer_changed`](crate::Auth::customer_changed) is called.
    fn status(&self) -> AccountStatus;

    /// True if the customer consents to remote shopping assistance (`allow_remote_shopping_assistance`).
    fn allows_assistance(&self) -> bool;
}

/// The host's customer table.
///
/// A verb answers `Ok(None)` or `Ok(false)` for what is not there and `Err` only when the table could not be
/// asked: the first refuses a sign-in, the second makes it "unavailable".
#[async_trait]
pub trait CustomerStore: Send + Sync + 'static {
    /// The host's own row type.
    type Row: Customer;

    /// The customer with this address on this website.
    ///
    /// The address is canonical; match it case-insensitively where the table holds other spellings. A row of
    /// another address or website, such as an accent-insensitive collation finds, counts as none.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn find_by_email(&self, website: &Website, email: &Email) -> Result<Option<Self::Row>, StoreError>;

    /// The customer with this key.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<Self::Row>, StoreError>;

    /// Replaces the stored hash if it still is `expected`, which is none for an account without a password: one atomic
    /// compare-and-set, such as `UPDATE … SET hash = $new WHERE id = $id AND hash IS NOT DISTINCT FROM $expected`.
    /// Answers whether it replaced.
    ///
    /// # Security
    ///
    /// A write that does not compare is a vulnerability: a refreshed hash of an old password could undo a password
    /// change that came between. A write that is refused although nothing changed stops refreshes, changes and resets.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError>;

    /// Sets the customer's consent to remote shopping assistance. Answers whether there is such a customer.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError>;

    /// Makes an unconfirmed account active, if its stored address still is `email`, letter for letter: one atomic
    /// compare-and-set, such as `UPDATE … SET status = 'active' WHERE id = $id AND email = $email AND status =
    /// 'unconfirmed'`. Returns true if it did. A host that confirms addresses implements it.
    ///
    /// # Security
    ///
    /// To confirm an account whose address has changed is a vulnerability: nobody has proved that the new address can be
    /// read. So is to make a disabled account active. A confirmation that is refused although nothing changed costs the
    /// customer another mail.
    ///
    /// # Errors
    ///
    /// If the table request failed, or if the table does not support it, which is the default.
    async fn confirm(&self, _id: &CustomerId, _email: &str) -> Result<bool, StoreError> {
        Err(StoreError::new(Unsupported("confirm")))
    }

    /// Replaces the stored address if it still is `expected`, letter for letter, and no other account of the same website
    /// has the new one in any spelling: one atomic compare-and-set behind a unique index over website and canonical
    /// address. The status stays as it is. A host whose customers change their addresses implements it.
    ///
    /// # Security
    ///
    /// To give two accounts of a website one address is a vulnerability: a sign-in would find either. A write that does
    /// not compare could undo a change that came between.
    ///
    /// # Errors
    ///
    /// If the table request failed, or if the table does not support it, which is the default.
    async fn replace_email(
        &self,
        _id: &CustomerId,
        _expected: &str,
        _new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        Err(StoreError::new(Unsupported("replace_email")))
    }
}

/// The result of [`CustomerStore::replace_email`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A host's table makes it.
pub enum EmailReplacement {
    /// The account has the new address.
    Replaced,
    /// The account has another address than the expected one by now, or is gone. Nothing is changed.
    Changed,
    /// Another account of the website has the new address. Nothing is changed.
    Taken,
}

#[derive(Debug, thiserror::Error)]
#[error("the customer table does not support CustomerStore::{0}")]
struct Unsupported(&'static str);

#[async_trait]
impl<S: CustomerStore + ?Sized> CustomerStore for Arc<S> {
    type Row = S::Row;

    async fn find_by_email(&self, website: &Website, email: &Email) -> Result<Option<S::Row>, StoreError> {
        (**self).find_by_email(website, email).await
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<S::Row>, StoreError> {
        (**self).find_by_id(id).await
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        (**self).replace_password_hash(id, expected, new).await
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        (**self).set_assistance(id, allowed).await
    }

    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError> {
        (**self).confirm(id, email).await
    }

    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        (**self).replace_email(id, expected, new).await
    }
}

/// A customer account as plain data: the row of the ready-made customer tables.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // A host's seed data is written as a literal.
pub struct CustomerRecord {
    /// The customer's key.
    pub id: CustomerId,
    /// The website the account belongs to.
    pub website: Website,
    /// The stored e-mail address.
    pub email: String,
    /// The stored password hash, if the account has a password.
    pub password_hash: Option<PasswordHash>,
    /// Standing of the account.
    pub status: AccountStatus,
    /// True if the customer consents to remote shopping assistance.
    pub allows_assistance: bool,
}

impl CustomerRecord {
    /// True if the row is of this address and website, whatever the host's table takes for equal.
    pub(crate) fn is_of(&self, website: &Website, email: &Email) -> bool {
        self.website == *website && self.email.parse::<Email>().is_ok_and(|own| own == *email)
    }
}

impl Customer for CustomerRecord {
    fn id(&self) -> CustomerId {
        self.id.clone()
    }

    fn website(&self) -> Website {
        self.website.clone()
    }

    fn email(&self) -> &str {
        &self.email
    }

    fn password_hash(&self) -> Option<&str> {
        self.password_hash.as_ref().map(PasswordHash::expose)
    }

    fn status(&self) -> AccountStatus {
        self.status
    }

    fn allows_assistance(&self) -> bool {
        self.allows_assistance
    }
}
