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
    /// `Magento_LoginAsCustomerLog::login_log`: may see the list of active assistances and the
    /// audit trail.
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
    /// Returns the id of the admin user. The host must never give this id to another admin user,
    /// because tokens contain it.
    fn id(&self) -> AdminId;

    /// Returns the stored user name.
    fn username(&self) -> &str;

    /// Returns the stored password hash, or `None` if the admin user has no password.
    fn password_hash(&self) -> Option<&str>;

    /// Returns the status of the account. The library refuses an admin user whose status is not
    /// [`AccountStatus::Active`]. It reads the status at every use of the admin user's token, and
    /// at every use of an assistance token that was obtained with it.
    fn status(&self) -> AccountStatus;

    /// True if the admin user has this permission. The library calls this function again for every
    /// operation that needs the permission, so a change takes effect at once.
    fn has_permission(&self, permission: Permission) -> bool;

    /// True if the admin user must sign in with a second factor. The library uses the result only
    /// if [`AuthConfig::admin_second_factor`](crate::AuthConfig::admin_second_factor) is
    /// [`SecondFactorPolicy::PerAdmin`](crate::config::SecondFactorPolicy::PerAdmin).
    fn requires_second_factor(&self) -> bool {
        true
    }
}

/// The host's admin user table.
///
/// If the table has no account with the given user name or id, a method returns `Ok(None)` or
/// `Ok(false)`. A method returns `Err` only if the request to the table failed.
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

    /// Returns the admin user with this user name.
    ///
    /// `username` is in canonical form: lower case. If the table also stores names in upper case,
    /// compare case-insensitively. If the table's collation ignores accents, the query can find the
    /// row of another admin user. So the library compares the user name again and ignores such a
    /// row.
    ///
    /// # Errors
    ///
    /// If the request to the table failed.
    async fn find_by_username(&self, username: &Username) -> Result<Option<Self::Row>, StoreError>;

    /// Returns the admin user with this id.
    ///
    /// # Errors
    ///
    /// If the request to the table failed.
    async fn find_by_id(&self, id: &AdminId) -> Result<Option<Self::Row>, StoreError>;

    /// Replaces the stored password hash, if it still equals `expected`. The rules are those of
    /// [`CustomerStore::replace_password_hash`](super::CustomerStore::replace_password_hash), which
    /// are security rules.
    ///
    /// # Errors
    ///
    /// If the request to the table failed.
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
    /// The id of the admin user.
    pub id: AdminId,
    /// The stored user name.
    pub username: String,
    /// The stored password hash, if the admin user has a password.
    pub password_hash: Option<PasswordHash>,
    /// The status of the account.
    pub status: AccountStatus,
    /// The permissions of the admin user.
    pub permissions: Vec<Permission>,
    /// True if the admin user must sign in with a second factor. The library uses this field only
    /// if the policy is
    /// [`SecondFactorPolicy::PerAdmin`](crate::config::SecondFactorPolicy::PerAdmin).
    pub requires_second_factor: bool,
}

impl AdminRecord {
    /// Creates an active admin user. The admin user has no password and no permissions.
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

    /// Sets the status of the account.
    #[must_use]
    pub fn with_status(self, status: AccountStatus) -> Self {
        Self { status, ..self }
    }

    /// Sets the permissions.
    #[must_use]
    pub fn with_permissions(self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        Self { permissions: permissions.into_iter().collect(), ..self }
    }

    /// Sets if the admin user must sign in with a second factor. The library uses this setting only
    /// if the policy is
    /// [`SecondFactorPolicy::PerAdmin`](crate::config::SecondFactorPolicy::PerAdmin).
    #[must_use]
    pub fn with_second_factor_required(self, required: bool) -> Self {
        Self { requires_second_factor: required, ..self }
    }

    /// True if the account has this user name. The check is needed because the collation of the
    /// host's table may ignore accents. The table can then return the row of another account.
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
