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
    /// Returns the id of the customer. The host must never give this id to another customer,
    /// because tokens contain it.
    fn id(&self) -> CustomerId;

    /// Returns the website that the account belongs to. A host with one website keeps the default
    /// implementation.
    fn website(&self) -> Website {
        Website::default()
    }

    /// Returns the stored e-mail address, in the host's spelling. If the library has looked up the
    /// row by an e-mail address, it compares this address with the canonical form ([`Email`]) of
    /// the stored address. If they differ, the library ignores the row.
    fn email(&self) -> &str;

    /// Returns the stored password hash, or `None` if the account has no password.
    fn password_hash(&self) -> Option<&str>;

    /// Returns the status of the account, which decides if the customer may sign in.
    ///
    /// The library verifies a customer's own token without reading the account row. So if the host
    /// changes the status, the customer's tokens stay valid until they expire or the host calls
    /// [`Auth::customer_changed`](crate::Auth::customer_changed).
    fn status(&self) -> AccountStatus;

    /// True if the customer consents to remote shopping assistance
    /// (`allow_remote_shopping_assistance`).
    fn allows_assistance(&self) -> bool;
}

/// The host's customer table.
///
/// If the table has no account with the given e-mail address or id, a method returns `Ok(None)` or
/// `Ok(false)`. A method returns `Err` only if the request to the table failed. In most cases, the
/// operation of [`Auth`](crate::Auth) then fails with
/// [`Error::Unavailable`](crate::Error::Unavailable).
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

    /// Returns the customer with this e-mail address on this website.
    ///
    /// `email` is in canonical form: lower case. If the table also stores e-mail addresses in upper
    /// case, compare case-insensitively. If the table's collation ignores accents, the query can
    /// find the row of another customer. So the library compares the e-mail address and the website
    /// again, and ignores such a row.
    ///
    /// # Errors
    ///
    /// If the request to the table failed.
    async fn find_by_email(&self, website: &Website, email: &Email) -> Result<Option<Self::Row>, StoreError>;

    /// Returns the customer with this id.
    ///
    /// # Errors
    ///
    /// If the request to the table failed.
    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<Self::Row>, StoreError>;

    /// Replaces the stored password hash, if it still equals `expected`. Returns true if the hash
    /// was replaced.
    ///
    /// The replacement must be one atomic compare-and-set, such as `UPDATE … SET hash = $new WHERE
    /// id = $id AND hash IS NOT DISTINCT FROM $expected`. For an account without a password,
    /// `expected` is `None`.
    ///
    /// # Security
    ///
    /// A replacement without the comparison with `expected` is a vulnerability. If a stored hash
    /// has an outdated cost, the library replaces it at a sign-in by a new hash of the same
    /// password. If the customer changes the password at that moment, this hash of the old password
    /// would overwrite the hash of the new password.
    ///
    /// The opposite mistake is to refuse a write although the stored hash still equals `expected`.
    /// It is no vulnerability, but password changes and resets then fail.
    ///
    /// # Errors
    ///
    /// If the request to the table failed.
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
    /// If the request to the table failed.
    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError>;

    /// Makes an unconfirmed account active, if the stored e-mail address still equals `email`
    /// exactly. Returns true if the account became active.
    ///
    /// The change must be one atomic compare-and-set, such as `UPDATE … SET status = 'active' WHERE
    /// id = $id AND email = $email AND status = 'unconfirmed'`. Implement this method if customers
    /// of the shop confirm their e-mail addresses.
    ///
    /// # Security
    ///
    /// Two mistakes are vulnerabilities:
    ///
    /// - An account becomes active although its e-mail address is no longer `email`. The customer
    ///   has not proved to receive mail at the new address.
    /// - A disabled account becomes active.
    ///
    /// It is no vulnerability if this method refuses to confirm an account that is still
    /// unconfirmed and still has the e-mail address. But the customer then needs another
    /// confirmation mail.
    ///
    /// # Errors
    ///
    /// If the request to the table failed. The default implementation always fails, because it does
    /// not support the operation.
    async fn confirm(&self, _id: &CustomerId, _email: &str) -> Result<bool, StoreError> {
        Err(StoreError::new(Unsupported("confirm")))
    }

    /// Replaces the stored e-mail address, if it still equals `expected` exactly and no other
    /// account of the website has the new address.
    ///
    /// Compare the new e-mail address with those of the other accounts in canonical form, because
    /// an account can have the same address in another spelling. The replacement must be one atomic
    /// compare-and-set, with a unique index over the website and the canonical e-mail address. Do
    /// not change the status of the account. Implement this method if customers of the shop can
    /// change their e-mail addresses.
    ///
    /// # Security
    ///
    /// If two accounts of a website have the same e-mail address, a sign-in could find either
    /// account. This is a vulnerability. A replacement without the comparison with `expected` could
    /// overwrite a change of the e-mail address that another request made meanwhile.
    ///
    /// # Errors
    ///
    /// If the request to the table failed. The default implementation always fails, because it does
    /// not support the operation.
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
    /// The account has the new e-mail address now.
    Replaced,
    /// The account no longer has the expected e-mail address, or no longer exists. The table is
    /// unchanged.
    Changed,
    /// Another account of the website has the new e-mail address. The table is unchanged.
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
    /// The id of the customer.
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
    /// Creates an active customer of the default website. The customer has no password and has not
    /// consented to remote shopping assistance.
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

    /// True if the account has this e-mail address and website. The check is needed because the
    /// collation of the host's table may ignore accents. The table can then return the row of
    /// another account.
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
