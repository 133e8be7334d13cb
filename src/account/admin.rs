use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AccountStatus, AdminId, PasswordHash, Username};
use crate::error::StoreError;

/// A permission of an admin user, named after Commerce's access-control resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Permission {
    /// `Magento_LoginAsCustomer::login`: may sign in as a customer.
    Login,
    /// `Magento_LoginAsCustomer::allow_shopping_assistance`: may give remote shopping assistance.
    AllowShoppingAssistance,
    /// `Magento_LoginAsCustomerLog::login_log`: may see the list of assistances and the audit
    /// trail.
    AssistanceLog,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 3] = [Self::Login, Self::AllowShoppingAssistance, Self::AssistanceLog];
}

/// A row of the host's admin user table.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row of an admin user table",
    label = "it must implement `AdminUser`",
    note = "write `impl AdminUser for {Self}` with the functions `id`, `username`, `password_hash`, `status` and `has_permission`",
    note = "a table without a row type of its own can return the ready-made `AdminRecord`"
)]
pub trait AdminUser: Send + Sync {
    /// Returns the admin user's key. The host must never give it to another admin user.
    fn id(&self) -> AdminId;

    /// Returns the stored user name.
    fn username(&self) -> &str;

    /// Returns the stored password hash. None if the admin user has no password.
    fn password_hash(&self) -> Option<&str>;

    /// Returns the standing of the admin user. The library refuses an admin user with any standing
    /// except [`AccountStatus::Active`]. It reads the standing at every use of an admin token, and
    /// of the assistance tokens that depend on the admin token.
    fn status(&self) -> AccountStatus;

    /// True if the admin user has this permission. The library reads it at every use.
    fn has_permission(&self, permission: Permission) -> bool;

    /// True if the admin user must sign in with a second factor. The library calls it only if
    /// [`AuthConfig::admin_second_factor`](crate::AuthConfig::admin_second_factor) leaves the
    /// decision to the row.
    fn requires_second_factor(&self) -> bool {
        true
    }
}

/// The host's admin user table.
///
/// If a row does not exist, then a method returns `Ok(None)` or `Ok(false)`. It returns `Err` only
/// if the table request failed.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an admin user table",
    label = "it must implement `AdminStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl AdminStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made tables are `MemoryAdmins`, `SqliteAdmins` (feature `sqlite`) and `PostgresAdmins` (feature `postgres`)"
)]
pub trait AdminStore: Send + Sync + 'static {
    /// The host's own row type.
    type Row: AdminUser;

    /// Returns the admin user with this name.
    ///
    /// The name is canonical. If the table holds other spellings, then compare case-insensitively.
    /// The library ignores a row with another name, which an accent-insensitive collation may find.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn find_by_username(&self, username: &Username) -> Result<Option<Self::Row>, StoreError>;

    /// Returns the admin user with this key.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn find_by_id(&self, id: &AdminId) -> Result<Option<Self::Row>, StoreError>;

    /// Replaces the stored hash if it is still `expected`. See
    /// [`CustomerStore::replace_password_hash`](super::CustomerStore::replace_password_hash).
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn replace_password_hash(
        &self,
        id: &AdminId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError>;
}

#[async_trait]
impl<S: AdminStore + ?Sized> AdminStore for Arc<S> {
    type Row = S::Row;

    async fn find_by_username(&self, username: &Username) -> Result<Option<S::Row>, StoreError> {
        (**self).find_by_username(username).await
    }

    async fn find_by_id(&self, id: &AdminId) -> Result<Option<S::Row>, StoreError> {
        (**self).find_by_id(id).await
    }

    async fn replace_password_hash(
        &self,
        id: &AdminId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        (**self).replace_password_hash(id, expected, new).await
    }
}

/// An admin user as plain data: a row of the ready-made admin tables.
///
/// ```
/// use commerce_auth::account::{AdminRecord, Permission};
///
/// let ada = AdminRecord::new(1, "ada").with_permissions([Permission::AssistanceLog]);
/// assert!(ada.password_hash.is_none()); // until `with_password`
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdminRecord {
    /// The admin user's key.
    pub id: AdminId,
    /// The stored user name.
    pub username: String,
    /// The stored password hash, if the admin user has a password.
    pub password_hash: Option<PasswordHash>,
    /// The standing of the account.
    pub status: AccountStatus,
    /// The permissions of the admin user.
    pub permissions: Vec<Permission>,
    /// True if the admin user must sign in with a second factor. The library ignores the field
    /// unless the shop leaves the decision to the row.
    pub requires_second_factor: bool,
}

impl AdminRecord {
    /// Creates an active admin user without a password and without permissions.
    #[must_use]
    pub fn new(id: impl Into<AdminId>, username: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            username: username.into(),
            password_hash: None,
            status: AccountStatus::Active,
            permissions: Vec::new(),
            requires_second_factor: false,
        }
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

    /// Sets the permissions.
    #[must_use]
    pub fn with_permissions(self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        Self { permissions: permissions.into_iter().collect(), ..self }
    }

    /// Sets whether the admin user must sign in with a second factor. The library ignores the
    /// setting unless the policy is
    /// [`SecondFactorPolicy::PerAdmin`](crate::config::SecondFactorPolicy).
    #[must_use]
    pub fn with_second_factor_required(self, required: bool) -> Self {
        Self { requires_second_factor: required, ..self }
    }

    /// True if the row has this name. A lenient collation of the host's table may return other
    /// rows.
    pub(crate) fn is_of(&self, username: &Username) -> bool {
        self.username.parse::<Username>().is_ok_and(|own| own == *username)
    }
}

impl AdminUser for AdminRecord {
    fn id(&self) -> AdminId {
        self.id.clone()
    }

    fn username(&self) -> &str {
        &self.username
    }

    fn password_hash(&self) -> Option<&str> {
        self.password_hash.as_ref().map(PasswordHash::expose)
    }

    fn status(&self) -> AccountStatus {
        self.status
    }

    fn has_permission(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    fn requires_second_factor(&self) -> bool {
        self.requires_second_factor
    }
}
