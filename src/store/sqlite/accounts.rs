use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use crate::{
    account::{
        AccountConflict, AdminId, AdminRecord, AdminStore, CustomerId, CustomerRecord, CustomerStore, Email,
        EmailReplacement, PasswordHash, UpsertError, Username, Website,
    },
    error::StoreError,
    store::columns,
};

/// A ready-made customer table in the file of a [`SqliteStore`]. Clones are cheap and share the
/// store.
#[derive(Clone, Debug)]
pub struct SqliteCustomers(SqliteStore);

impl SqliteCustomers {
    pub(super) const fn of(store: SqliteStore) -> Self {
        Self(store)
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
    /// - [`UpsertError::Conflict`]: the e-mail address is not valid, or a second customer of the
    ///   same website has it. Nothing is changed.
    /// - [`UpsertError::Unavailable`]: the storage request failed. The row may be stored.
    pub async fn upsert(&self, row: CustomerRecord) -> Result<(), UpsertError> {
        let email: Email = row.email.parse().map_err(|_| AccountConflict)?;
        let upsert = move |connection: &Connection| {
            let mut upsert = connection.prepare_cached(
                "INSERT INTO customers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET \
                 website = excluded.website, canonical_email = excluded.canonical_email, email = excluded.email, \
                 password_hash = excluded.password_hash, status = excluded.status, \
                 allows_assistance = excluded.allows_assistance",
            )?;
            upsert.execute(params![
                row.id.to_string(),
                row.website.as_str(),
                email.as_str(),
                row.email,
                row.password_hash.as_ref().map(PasswordHash::expose),
                columns::status_word(row.status),
                row.allows_assistance,
            ])
        };
        upserted(self.0.0.writer.try_write(upsert).await)
    }

    /// Removes a customer. Returns true if the customer existed.
    ///
    /// A bearer token is verified without the account row, so the customer's tokens stay valid.
    /// Therefore call [`Auth::customer_changed`](crate::Auth::customer_changed) or
    /// [`Auth::erase_customer`](crate::Auth::erase_customer) after the removal.
    ///
    /// # Errors
    ///
    /// If the storage request failed. The customer may have been removed.
    pub async fn remove(&self, id: &CustomerId) -> Result<bool, StoreError> {
        self.0.change("DELETE FROM customers WHERE id = ?1", [id.to_string()]).await
    }
}

#[async_trait]
impl CustomerStore for SqliteCustomers {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        website: &Website,
        email: &Email,
    ) -> Result<Option<CustomerRecord>, StoreError> {
        let find = |connection: &Connection| {
            let mut find = connection
                .prepare_cached("SELECT * FROM customers WHERE website = ?1 AND canonical_email = ?2")?;
            find.query_row([website.as_str(), email.as_str()], customer).optional()
        };
        self.0.0.readers.read(find).await
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        let find = |connection: &Connection| {
            let mut find = connection.prepare_cached("SELECT * FROM customers WHERE id = ?1")?;
            find.query_row([id.to_string()], customer).optional()
        };
        self.0.0.readers.read(find).await
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let replace = "UPDATE customers SET password_hash = ?3 WHERE id = ?1 AND password_hash IS ?2";
        self.0.change(replace, replacement(id.to_string(), expected, new)).await
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        let set = "UPDATE customers SET allows_assistance = ?2 WHERE id = ?1";
        self.0.change(set, (id.to_string(), allowed)).await
    }

    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError> {
        let confirm = "UPDATE customers SET status = 'active' \
                       WHERE id = ?1 AND email = ?2 AND status = 'unconfirmed'";
        self.0.change(confirm, (id.to_string(), email.to_owned())).await
    }

    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        let replacement = (id.to_string(), expected.to_owned(), new.as_str().to_owned());
        let replace = move |connection: &Connection| {
            let mut replace = connection.prepare_cached(
                "UPDATE customers SET email = ?3, canonical_email = ?3 WHERE id = ?1 AND email = ?2",
            )?;
            replace.execute(replacement)
        };
        match self.0.0.writer.try_write(replace).await {
            Ok(0) => Ok(EmailReplacement::Changed),
            Ok(_) => Ok(EmailReplacement::Replaced),
            Err(failure) if failure.is_conflict() => Ok(EmailReplacement::Taken),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// A ready-made admin user table in the file of a [`SqliteStore`]. Clones are cheap and share the
/// store.
#[derive(Clone, Debug)]
pub struct SqliteAdmins(SqliteStore);

impl SqliteAdmins {
    pub(super) const fn of(store: SqliteStore) -> Self {
        Self(store)
    }

    /// Adds an admin user. If the table has an admin user with the same id, replaces that admin
    /// user's account row.
    ///
    /// # Errors
    ///
    /// - [`UpsertError::Conflict`]: the user name is not valid, or a second admin user has it.
    ///   Nothing is changed.
    /// - [`UpsertError::Unavailable`]: the storage request failed. The row may be stored.
    pub async fn upsert(&self, row: AdminRecord) -> Result<(), UpsertError> {
        let username: Username = row.username.parse().map_err(|_| AccountConflict)?;
        let upsert = move |connection: &Connection| {
            let mut upsert = connection.prepare_cached(
                "INSERT INTO admins VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET \
                 canonical_username = excluded.canonical_username, username = excluded.username, \
                 password_hash = excluded.password_hash, status = excluded.status, permissions = excluded.permissions, \
                 requires_second_factor = excluded.requires_second_factor",
            )?;
            upsert.execute(params![
                row.id.to_string(),
                username.as_str(),
                row.username,
                row.password_hash.as_ref().map(PasswordHash::expose),
                columns::status_word(row.status),
                columns::permission_words(&row.permissions),
                row.requires_second_factor,
            ])
        };
        upserted(self.0.0.writer.try_write(upsert).await)
    }

    /// Removes an admin user. Returns true if the admin user existed.
    ///
    /// # Errors
    ///
    /// If the storage request failed. The admin user may have been removed.
    pub async fn remove(&self, id: &AdminId) -> Result<bool, StoreError> {
        self.0.change("DELETE FROM admins WHERE id = ?1", [id.to_string()]).await
    }
}

#[async_trait]
impl AdminStore for SqliteAdmins {
    type Row = AdminRecord;

    async fn find_by_username(&self, username: &Username) -> Result<Option<AdminRecord>, StoreError> {
        let find = |connection: &Connection| {
            let mut find = connection.prepare_cached("SELECT * FROM admins WHERE canonical_username = ?1")?;
            find.query_row([username.as_str()], admin).optional()
        };
        self.0.0.readers.read(find).await
    }

    async fn find_by_id(&self, id: &AdminId) -> Result<Option<AdminRecord>, StoreError> {
        let find = |connection: &Connection| {
            let mut find = connection.prepare_cached("SELECT * FROM admins WHERE id = ?1")?;
            find.query_row([id.to_string()], admin).optional()
        };
        self.0.0.readers.read(find).await
    }

    async fn replace_password_hash(
        &self,
        id: &AdminId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let replace = "UPDATE admins SET password_hash = ?3 WHERE id = ?1 AND password_hash IS ?2";
        self.0.change(replace, replacement(id.to_string(), expected, new)).await
    }
}

impl SqliteStore {
    /// Runs a statement that changes at most one row. Returns true if a row was changed.
    async fn change(
        &self,
        statement: &'static str,
        parameters: impl rusqlite::Params + Send + 'static,
    ) -> Result<bool, StoreError> {
        let change = move |connection: &Connection| {
            connection.prepare_cached(statement)?.execute(parameters).map(|changed| changed > 0)
        };
        self.0.writer.write(change).await
    }
}

fn replacement(
    id: String,
    expected: Option<&PasswordHash>,
    new: &PasswordHash,
) -> (String, Option<String>, String) {
    (id, expected.map(|expected| expected.expose().to_owned()), new.expose().to_owned())
}

fn upserted(stored: Result<usize, super::Failure>) -> Result<(), UpsertError> {
    match stored {
        Ok(_) => Ok(()),
        Err(failure) if failure.is_conflict() => Err(AccountConflict.into()),
        Err(failure) => Err(StoreError::from(failure).into()),
    }
}

fn customer(row: &Row<'_>) -> rusqlite::Result<CustomerRecord> {
    Ok(CustomerRecord {
        id: columns::customer(row.get_ref("id")?.as_str()?)?,
        website: columns::website(row.get_ref("website")?.as_str()?)?,
        email: row.get("email")?,
        password_hash: row.get::<_, Option<String>>("password_hash")?.map(PasswordHash::from),
        status: columns::status(row.get_ref("status")?.as_str()?)?,
        allows_assistance: row.get("allows_assistance")?,
    })
}

fn admin(row: &Row<'_>) -> rusqlite::Result<AdminRecord> {
    Ok(AdminRecord {
        id: columns::admin(row.get_ref("id")?.as_str()?)?,
        username: row.get("username")?,
        password_hash: row.get::<_, Option<String>>("password_hash")?.map(PasswordHash::from),
        status: columns::status(row.get_ref("status")?.as_str()?)?,
        permissions: columns::permissions(row.get_ref("permissions")?.as_str()?)?,
        requires_second_factor: row.get("requires_second_factor")?,
    })
}
