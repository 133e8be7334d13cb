use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;

use crate::{
    account::{
        AccountConflict, AccountStatus, AdminId, AdminRecord, AdminStore, CustomerId, CustomerRecord,
        CustomerStore, Email, EmailReplacement, PasswordHash, Username, Website,
    },
    error::StoreError,
};

/// A ready-made customer table in memory, for tests and for a host that has no customer table.
///
/// Clones are cheap and share the table.
#[derive(Clone, Default)]
pub struct MemoryCustomers(Arc<RwLock<CustomerRows>>);

#[derive(Default)]
struct CustomerRows {
    rows: HashMap<CustomerId, CustomerRecord>,
    by_email: HashMap<(Website, Email), CustomerId>,
}

impl MemoryCustomers {
    /// Creates an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a customer. If the table has a customer with the same id, replaces that customer's
    /// account row.
    ///
    /// A bearer token is verified without the account row, so the customer's tokens stay valid. If
    /// you have disabled the customer or changed the e-mail address, then call
    /// [`Auth::customer_changed`](crate::Auth::customer_changed) afterwards.
    ///
    /// # Errors
    ///
    /// [`AccountConflict`] if the e-mail address is not valid, or if a second customer of the same
    /// website has it. In this case nothing is changed.
    pub fn upsert(&self, row: CustomerRecord) -> Result<(), AccountConflict> {
        let email = row.email.parse::<Email>().map_err(|_| AccountConflict)?;
        let mut table = self.write();
        let key = (row.website.clone(), email);
        if table.by_email.get(&key).is_some_and(|owner| *owner != row.id) {
            return Err(AccountConflict);
        }
        table.remove(&row.id);
        table.by_email.insert(key, row.id.clone());
        table.rows.insert(row.id.clone(), row);
        Ok(())
    }

    /// Removes a customer. Returns true if the customer existed.
    ///
    /// A bearer token is verified without the account row, so the customer's tokens stay valid.
    /// Therefore call [`Auth::customer_changed`](crate::Auth::customer_changed) or
    /// [`Auth::erase_customer`](crate::Auth::erase_customer) after the removal.
    #[allow(clippy::must_use_candidate)]
    pub fn remove(&self, id: &CustomerId) -> bool {
        self.write().remove(id)
    }

    fn read(&self) -> RwLockReadGuard<'_, CustomerRows> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, CustomerRows> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CustomerRows {
    fn remove(&mut self, id: &CustomerId) -> bool {
        let Some(row) = self.rows.remove(id) else { return false };
        if let Ok(email) = row.email.parse() {
            self.by_email.remove(&(row.website, email));
        }
        true
    }
}

#[async_trait]
impl CustomerStore for MemoryCustomers {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        website: &Website,
        email: &Email,
    ) -> Result<Option<CustomerRecord>, StoreError> {
        let table = self.read();
        let id = table.by_email.get(&(website.clone(), email.clone()));
        Ok(id.and_then(|id| table.rows.get(id)).cloned())
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        Ok(self.read().rows.get(id).cloned())
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        Ok(self.write().rows.get_mut(id).is_some_and(|row| replace(&mut row.password_hash, expected, new)))
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        let mut table = self.write();
        let row = table.rows.get_mut(id);
        Ok(row.map(|row| row.allows_assistance = allowed).is_some())
    }

    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError> {
        let mut table = self.write();
        let row = table.rows.get_mut(id);
        let row = row.filter(|row| row.status == AccountStatus::Unconfirmed && row.email == email);
        Ok(row.map(|row| row.status = AccountStatus::Active).is_some())
    }

    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        let mut table = self.write();
        let CustomerRows { rows, by_email } = &mut *table;
        let Some(row) = rows.get_mut(id).filter(|row| row.email == expected) else {
            return Ok(EmailReplacement::Changed);
        };
        let name = |email: Email| (row.website.clone(), email);
        if by_email.get(&name(new.clone())).is_some_and(|owner| owner != id) {
            return Ok(EmailReplacement::Taken);
        }
        if let Ok(earlier) = row.email.parse() {
            by_email.remove(&name(earlier));
        }
        by_email.insert(name(new.clone()), id.clone());
        row.email = new.as_str().to_owned();
        Ok(EmailReplacement::Replaced)
    }
}

impl fmt::Debug for MemoryCustomers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCustomers").field("customers", &self.read().rows.len()).finish()
    }
}

/// A ready-made admin user table in memory, for tests and for a host that has no admin user table.
///
/// Clones are cheap and share the table. As in Commerce, two user names that differ only in upper
/// and lower case are the same.
#[derive(Clone, Default)]
pub struct MemoryAdmins(Arc<RwLock<HashMap<AdminId, AdminRecord>>>);

impl MemoryAdmins {
    /// Creates an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an admin user. If the table has an admin user with the same id, replaces that admin
    /// user's account row.
    ///
    /// # Errors
    ///
    /// [`AccountConflict`] if the user name is not valid, or if a second admin user has it. In this
    /// case nothing is changed.
    pub fn upsert(&self, row: AdminRecord) -> Result<(), AccountConflict> {
        let name = row.username.parse::<Username>().map_err(|_| AccountConflict)?;
        let mut rows = self.write();
        if rows.values().any(|other| other.id != row.id && other.is_of(&name)) {
            return Err(AccountConflict);
        }
        rows.insert(row.id.clone(), row);
        Ok(())
    }

    /// Removes an admin user. Returns true if the admin user existed.
    #[allow(clippy::must_use_candidate)]
    pub fn remove(&self, id: &AdminId) -> bool {
        self.write().remove(id).is_some()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<AdminId, AdminRecord>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<AdminId, AdminRecord>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AdminStore for MemoryAdmins {
    type Row = AdminRecord;

    async fn find_by_username(&self, username: &Username) -> Result<Option<AdminRecord>, StoreError> {
        Ok(self.read().values().find(|row| row.is_of(username)).cloned())
    }

    async fn find_by_id(&self, id: &AdminId) -> Result<Option<AdminRecord>, StoreError> {
        Ok(self.read().get(id).cloned())
    }

    async fn replace_password_hash(
        &self,
        id: &AdminId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        Ok(self.write().get_mut(id).is_some_and(|row| replace(&mut row.password_hash, expected, new)))
    }
}

impl fmt::Debug for MemoryAdmins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAdmins").field("admins", &self.read().len()).finish()
    }
}

fn replace(stored: &mut Option<PasswordHash>, expected: Option<&PasswordHash>, new: &PasswordHash) -> bool {
    let matches = stored.as_ref().map(PasswordHash::expose) == expected.map(PasswordHash::expose);
    if matches {
        *stored = Some(new.clone());
    }
    matches
}
