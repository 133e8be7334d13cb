use std::sync::Arc;

use async_trait::async_trait;

use super::{AccountStatus, CustomerId, Email, PasswordHash, Website};
use crate::error::StoreError;

/// A row of the host's customer table.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row of a customer table",
    label = "it must implement `Customer`",
    note = "write `impl Customer for {Self}` with the functions `id`, `email`, `password_hash`, `status` and `allows_assistance`",
    note = "a table without a row type of its own can return the ready-made `CustomerRecord`"
)]
pub trait Customer: Send + Sync {
    /// Returns the customer's key. The host must never give it to another customer, because tokens
    /// name it.
    fn id(&self) -> CustomerId;

    /// Returns the website that the account belongs to. The default is for a host with one website.
    fn website(&self) -> Website {
        Website::default()
    }

    /// Returns the stored e-mail address, in the host's spelling. The library compares its
    /// canonical form (see [`Email`]) with the requested address before it uses the row.
    fn email(&self) -> &str;

    /// Returns the stored password hash. None if the account has no password.
    fn password_hash(&self) -> Option<&str>;

    /// Returns the standing of the account, which decides whether the customer may sign in.
    ///
    /// The row is not read when a customer's token is verified. After a change of the status, the
    /// tokens therefore stay valid until you call
    /// [`Auth::customer_changed`](crate::Auth::customer_changed).
    fn status(&self) -> AccountStatus;

    /// True if the customer consents to remote shopping assistance
    /// (`allow_remote_shopping_assistance`).
    fn allows_assistance(&self) -> bool;
}

/// The host's customer table.
///
/// If a row does not exist, then a method returns `Ok(None)` or `Ok(false)`, and the library
/// refuses the sign-in. A method returns `Err` only if the table request failed, and the library
/// then answers "unavailable".
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a customer table",
    label = "it must implement `CustomerStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl CustomerStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made tables are `MemoryCustomers`, `SqliteCustomers` (feature `sqlite`) and `PostgresCustomers` (feature `postgres`)"
)]
pub trait CustomerStore: Send + Sync + 'static {
    /// The host's own row type.
    type Row: Customer;

    /// Returns the customer with this address on this website.
    ///
    /// The address is canonical. If the table holds other spellings, then compare
    /// case-insensitively. The library ignores a row with another address or website, which an
    /// accent-insensitive collation may find.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn find_by_email(&self, website: &Website, email: &Email) -> Result<Option<Self::Row>, StoreError>;

    /// Returns the customer with this key.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<Self::Row>, StoreError>;

    /// Replaces the stored hash if it is still `expected`. Returns true if it was replaced.
    ///
    /// The replacement must be one atomic compare-and-set, such as `UPDATE … SET hash = $new WHERE
    /// id = $id AND hash IS NOT DISTINCT FROM $expected`. `expected` is none for an account without
    /// a password.
    ///
    /// # Security
    ///
    /// Replacing without comparing is a vulnerability: the refreshed hash of an old password could
    /// undo a password change. If the write is refused although nothing changed, then password
    /// refreshes, changes and resets fail.
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

    /// Sets the customer's consent to remote shopping assistance. Returns true if the customer
    /// exists.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError>;

    /// Makes an unconfirmed account active if its stored address is still exactly `email`. Returns
    /// true if the account became active.
    ///
    /// The change must be one atomic compare-and-set, such as `UPDATE … SET status = 'active' WHERE
    /// id = $id AND email = $email AND status = 'unconfirmed'`. Implement this method if customers
    /// of the shop confirm their addresses.
    ///
    /// # Security
    ///
    /// Confirming an account whose address has changed is a vulnerability, because nobody has
    /// proved to own the new address. Making a disabled account active is a vulnerability, too. If
    /// a confirmation is refused although nothing changed, then the customer needs another mail.
    ///
    /// # Errors
    ///
    /// If the table request failed, or if the table does not support it, which is the default.
    async fn confirm(&self, _id: &CustomerId, _email: &str) -> Result<bool, StoreError> {
        Err(StoreError::new(Unsupported("confirm")))
    }

    /// Replaces the stored address if it is still exactly `expected` and no other account of the
    /// website has the new address.
    ///
    /// Another account may have the new address in another spelling, so compare canonical
    /// addresses. The replacement must be one atomic compare-and-set, with a unique index over
    /// website and canonical address. The status of the account does not change. Implement this
    /// method if customers can change their addresses.
    ///
    /// # Security
    ///
    /// Giving two accounts of a website one address is a vulnerability, because a sign-in could
    /// find either account. Replacing without comparing could undo another change.
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
#[allow(clippy::exhaustive_enums)] // The host's table creates its values.
pub enum EmailReplacement {
    /// The account has the new address now.
    Replaced,
    /// The account no longer has the expected address, or no longer exists. Nothing is changed.
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

/// A customer account as plain data: a row of the ready-made customer tables.
///
/// ```
/// use commerce_auth::{Website, account::CustomerRecord};
///
/// let outlet = "outlet".parse()?;
/// let ann = CustomerRecord::new(7, "ann@example.com").with_website(outlet).with_assistance(true);
/// assert!(ann.password_hash.is_none()); // until `with_password`
/// # Ok::<(), commerce_auth::account::WebsiteError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CustomerRecord {
    /// The customer's key.
    pub id: CustomerId,
    /// The website the account belongs to.
    pub website: Website,
    /// The stored e-mail address.
    pub email: String,
    /// The stored password hash, if the account has a password.
    pub password_hash: Option<PasswordHash>,
    /// The standing of the account.
    pub status: AccountStatus,
    /// True if the customer consents to remote shopping assistance.
    pub allows_assistance: bool,
}

impl CustomerRecord {
    /// Creates an active customer of the default website, without a password and without consent to
    /// assistance.
    #[must_use]
    pub fn new(id: impl Into<CustomerId>, email: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            website: Website::default(),
            email: email.into(),
            password_hash: None,
            status: AccountStatus::Active,
            allows_assistance: false,
        }
    }

    /// Sets the website.
    #[must_use]
    pub fn with_website(self, website: Website) -> Self {
        Self { website, ..self }
    }

    /// Sets the e-mail address.
    #[must_use]
    pub fn with_email(self, email: impl Into<String>) -> Self {
        Self { email: email.into(), ..self }
    }

    /// Sets or removes the password.
    #[must_use]
    pub fn with_password(self, hash: impl Into<Option<PasswordHash>>) -> Self {
        Self { password_hash: hash.into(), ..self }
    }

    /// Sets the standing of the account.
    #[must_use]
    pub fn with_status(self, status: AccountStatus) -> Self {
        Self { status, ..self }
    }

    /// Sets the consent to remote shopping assistance.
    #[must_use]
    pub fn with_assistance(self, allowed: bool) -> Self {
        Self { allows_assistance: allowed, ..self }
    }

    /// True if the row has this address and website. A lenient collation of the host's table may
    /// return other rows.
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
