use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AccountStatus, AdminId, PasswordHash, Username};
use crate::error::StoreError;

/// Permission of an admin user, named as Commerce's access-control resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Permission {
    /// `Magento_LoginAsCustomer::login`: to sign in as a customer.
    Login,
    /// `Magento_LoginAsCustomer::allow_shopping_assistance`: to give remote shopping assistance.
    AllowShoppingAssistance,
    /// `Magento_LoginAsCustomerLog::login_log`: to see who assists whom, and the audit trail.
    AssistanceLog,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 3] = [Self::Login, Self::AllowShoppingAssistance, Self::AssistanceLog];
}

/// A row of the host's admin user table.
pub trait AdminUser: Send + Sync {
    /// The admin user's key. It must never be given to another admin user.
    fn id(&self) -> AdminId;

    /// The stored user name.
    fn username(&self) -> &str;

    /// The stored password hash; none for an admin user that has no password.
    fn password_hash(&self) -> Option<&str>;

    /// Standing of the admin user: anything but [`AccountStatus::Active`] refuses. Read at every use
    /// of an admin token and of any token it gave rise to.
    fn status(&self) -> AccountStatus;

    /// True if the admin user has this permission. Read at every use.
    fn has_permission(&self, permission: Permission) -> bool;

    /// True if the admin user must sign in with a second factor: asked only where
    /// [`AuthConfig::admin_second_factor`](crate::AuthConfig::admin_second_factor) leaves it to the row.
    fn requires_second_factor(&self) -> bool {
        true
    }
}

/// The host's admin user table.
///
/// A verb answers `Ok(None)` or `Ok(false)` for what is not there and `Err` only when the table could not be
/// asked.
#[async_trait]
pub trait AdminStore: Send + Sync + 'static {
    /// The host's own row type.
    type Row: AdminUser;

    /// The admin user with this name.
    ///
    /// The name is canonical; match it case-insensitively where the table holds other spellings. A row of another
    /// name, such as an accent-insensitive collation finds, counts as none.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn find_by_username(&self, username: &Username) -> Result<Option<Self::Row>, StoreError>;

    /// The admin user with this key.
    ///
    /// # Errors
    ///
    /// If the table request failed.
    async fn find_by_id(&self, id: &AdminId) -> Result<Option<Self::Row>, StoreError>;

    /// Replaces the stored hash if it still is `expected`; see
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

/// An admin user as plain data: the row of the ready-made admin tables.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // A host's seed data is written as a literal.
pub struct AdminRecord {
    /// The admin user's key.
    pub id: AdminId,
    /// The stored user name.
    pub username: String,
    /// The stored password hash, if the admin user has a password.
    pub password_hash: Option<PasswordHash>,
    /// Standing of the account.
    pub status: AccountStatus,
    /// Permissions of the admin user.
    pub permissions: Vec<Permission>,
    /// True if the admin user must sign in with a second factor, where the shop leaves it to the row.
    pub requires_second_factor: bool,
}

impl AdminRecord {
    /// True if the row is of this name, whatever the host's table takes for equal.
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
