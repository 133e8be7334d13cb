//! The host's own customer table, seen through the crate's traits. docs/customer-table.md explains
//! it and has the same for a table in SQL.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use commerce_auth::{
    Customer, CustomerId, CustomerStore, Email, PasswordHash, Website,
    account::{AccountStatus, EmailReplacement},
    async_trait,
    error::StoreError,
};

/// A row of the host's own table, with the host's own columns.
#[derive(Clone)]
pub struct ShopCustomer {
    pub number: i64,
    pub address: String,
    pub password: Option<String>,
    pub blocked: bool,
    pub confirmed: bool,
    pub wants_help: bool,
}

impl ShopCustomer {
    /// True if the row has this address, in any spelling.
    fn is_of(&self, email: &Email) -> bool {
        self.address.parse::<Email>().is_ok_and(|own| own == *email)
    }
}

impl Customer for ShopCustomer {
    fn id(&self) -> CustomerId {
        self.number.into()
    }

    fn email(&self) -> &str {
        &self.address
    }

    fn password_hash(&self) -> Option<&str> {
        self.password.as_deref()
    }

    fn status(&self) -> AccountStatus {
        match (self.blocked, self.confirmed) {
            (true, _) => AccountStatus::Disabled,
            (false, true) => AccountStatus::Active,
            (false, false) => AccountStatus::Unconfirmed,
        }
    }

    fn allows_assistance(&self) -> bool {
        self.wants_help
    }
}

/// The host's own table. In a real shop: a pool of database connections.
#[derive(Clone, Default)]
pub struct ShopTable(Arc<Mutex<Vec<ShopCustomer>>>);

impl ShopTable {
    /// Adds a customer.
    pub fn add(&self, row: ShopCustomer) {
        self.rows().push(row);
    }

    fn rows(&self) -> MutexGuard<'_, Vec<ShopCustomer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CustomerStore for ShopTable {
    type Row = ShopCustomer;

    // SELECT … WHERE canonical_address = $email; the shop has one website.
    async fn find_by_email(
        &self,
        _website: &Website,
        email: &Email,
    ) -> Result<Option<ShopCustomer>, StoreError> {
        Ok(self.rows().iter().find(|row| row.is_of(email)).cloned())
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<ShopCustomer>, StoreError> {
        Ok(self.rows().iter().find(|row| Some(row.number) == id.as_int()).cloned())
    }

    // UPDATE customers SET password = $new WHERE number = $id AND password IS NOT DISTINCT FROM $expected
    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let row = rows.iter_mut().find(|row| {
            Some(row.number) == id.as_int() && row.password.as_deref() == expected.map(PasswordHash::expose)
        });
        Ok(row.map(|row| row.password = Some(new.expose().to_owned())).is_some())
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let row = rows.iter_mut().find(|row| Some(row.number) == id.as_int());
        Ok(row.map(|row| row.wants_help = allowed).is_some())
    }

    // UPDATE customers SET confirmed = true WHERE number = $id AND address = $email AND NOT confirmed AND NOT blocked
    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let row = rows.iter_mut().find(|row| {
            Some(row.number) == id.as_int() && row.address == email && !row.confirmed && !row.blocked
        });
        Ok(row.map(|row| row.confirmed = true).is_some())
    }

    // UPDATE customers SET address = $new, canonical_address = $new WHERE number = $id AND address = $expected
    // with a unique index on canonical_address: its violation is `Taken`.
    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        let mut rows = self.rows();
        let is_own = |row: &ShopCustomer| Some(row.number) == id.as_int();
        if !rows.iter().any(|row| is_own(row) && row.address == expected) {
            return Ok(EmailReplacement::Changed);
        }
        if rows.iter().any(|row| !is_own(row) && row.is_of(new)) {
            return Ok(EmailReplacement::Taken);
        }
        for row in rows.iter_mut().filter(|row| is_own(row)) {
            row.address = new.as_str().to_owned();
        }
        Ok(EmailReplacement::Replaced)
    }
}
