use async_trait::async_trait;
use tokio_postgres::{Row, error::SqlState};

use super::{Command, Failure, Parameters, PostgresStore, Query, parameters};
use crate::{
    account::{
        AccountConflict, AdminId, AdminRecord, AdminStore, CustomerId, CustomerRecord, CustomerStore, Email,
        EmailReplacement, PasswordHash, UpsertError, Username, Website,
    },
    error::StoreError,
    store::columns,
};

/// A ready-made customer table in the schema of a [`PostgresStore`]. Clones are cheap and share the
/// store.
#[derive(Clone, Debug)]
pub struct PostgresCustomers(PostgresStore);

impl PostgresCustomers {
    pub(super) const fn of(store: PostgresStore) -> Self {
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
    /// - [`UpsertError::Unavailable`]: the database request failed. The row may be stored.
    pub async fn upsert(&self, row: CustomerRecord) -> Result<(), UpsertError> {
        let email: Email = row.email.parse().map_err(|_| AccountConflict)?;
        let parameters = parameters![
            row.id.to_string(),
            row.website.to_string(),
            email.as_str().to_owned(),
            row.email,
            row.password_hash.as_ref().map(exposed),
            columns::status_word(row.status),
            row.allows_assistance,
        ];
        upserted(self.0.command(Command::PutCustomer, parameters).await)
    }

    /// Removes a customer. Returns true if the customer existed.
    ///
    /// A bearer token is verified without the account row, so the customer's tokens stay valid.
    /// Therefore call [`Auth::customer_changed`](crate::Auth::customer_changed) or
    /// [`Auth::erase_customer`](crate::Auth::erase_customer) after the removal.
    ///
    /// # Errors
    ///
    /// If the database request failed. The customer may have been removed.
    pub async fn remove(&self, id: &CustomerId) -> Result<bool, StoreError> {
        self.0.change(Command::RemoveCustomer, parameters![id.to_string()]).await
    }
}

#[async_trait]
impl CustomerStore for PostgresCustomers {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        website: &Website,
        email: &Email,
    ) -> Result<Option<CustomerRecord>, StoreError> {
        let rows = self.0.query(Query::CustomerByEmail, &[&website.as_str(), &email.as_str()]).await?;
        Ok(rows.first().map(customer).transpose()?)
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        let rows = self.0.query(Query::CustomerById, &[&id.to_string()]).await?;
        Ok(rows.first().map(customer).transpose()?)
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let replacement = parameters![id.to_string(), expected.map(exposed), exposed(new)];
        self.0.change(Command::ReplaceCustomersHash, replacement).await
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        self.0.change(Command::SetAssistance, parameters![id.to_string(), allowed]).await
    }

    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError> {
        self.0.change(Command::ConfirmCustomer, parameters![id.to_string(), email.to_owned()]).await
    }

    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        let replacement = parameters![id.to_string(), expected.to_owned(), new.as_str().to_owned()];
        match self.0.command(Command::ReplaceCustomersEmail, replacement).await {
            Ok(rows) if rows.is_empty() => Ok(EmailReplacement::Changed),
            Ok(_) => Ok(EmailReplacement::Replaced),
            Err(Failure::Server(SqlState::UNIQUE_VIOLATION)) => Ok(EmailReplacement::Taken),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// A ready-made admin user table in the schema of a [`PostgresStore`]. Clones are cheap and share
/// the store.
#[derive(Clone, Debug)]
pub struct PostgresAdmins(PostgresStore);

impl PostgresAdmins {
    pub(super) const fn of(store: PostgresStore) -> Self {
        Self(store)
    }

    /// Adds an admin user. If the table has an admin user with the same id, replaces that admin
    /// user's account row.
    ///
    /// # Errors
    ///
    /// - [`UpsertError::Conflict`]: the user name is not valid, or a second admin user has it.
    ///   Nothing is changed.
    /// - [`UpsertError::Unavailable`]: the database request failed. The row may be stored.
    pub async fn upsert(&self, row: AdminRecord) -> Result<(), UpsertError> {
        let username: Username = row.username.parse().map_err(|_| AccountConflict)?;
        let parameters = parameters![
            row.id.to_string(),
            username.as_str().to_owned(),
            row.username,
            row.password_hash.as_ref().map(exposed),
            columns::status_word(row.status),
            columns::permission_words(&row.permissions),
            row.requires_second_factor,
        ];
        upserted(self.0.command(Command::PutAdmin, parameters).await)
    }

    /// Removes an admin user. Returns true if the admin user existed.
    ///
    /// # Errors
    ///
    /// If the database request failed. The admin user may have been removed.
    pub async fn remove(&self, id: &AdminId) -> Result<bool, StoreError> {
        self.0.change(Command::RemoveAdmin, parameters![id.to_string()]).await
    }
}

#[async_trait]
impl AdminStore for PostgresAdmins {
    type Row = AdminRecord;

    async fn find_by_username(&self, username: &Username) -> Result<Option<AdminRecord>, StoreError> {
        let rows = self.0.query(Query::AdminByUsername, &[&username.as_str()]).await?;
        Ok(rows.first().map(admin).transpose()?)
    }

    async fn find_by_id(&self, id: &AdminId) -> Result<Option<AdminRecord>, StoreError> {
        let rows = self.0.query(Query::AdminById, &[&id.to_string()]).await?;
        Ok(rows.first().map(admin).transpose()?)
    }

    async fn replace_password_hash(
        &self,
        id: &AdminId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let replacement = parameters![id.to_string(), expected.map(exposed), exposed(new)];
        self.0.change(Command::ReplaceAdminsHash, replacement).await
    }
}

impl PostgresStore {
    /// Runs a statement that changes at most one row. Returns true if a row was changed.
    async fn change(&self, command: Command, parameters: Parameters) -> Result<bool, StoreError> {
        Ok(!self.command(command, parameters).await?.is_empty())
    }
}

fn exposed(hash: &PasswordHash) -> String {
    hash.expose().to_owned()
}

fn upserted(stored: Result<Vec<Row>, Failure>) -> Result<(), UpsertError> {
    match stored {
        Ok(_) => Ok(()),
        Err(Failure::Server(SqlState::UNIQUE_VIOLATION)) => Err(AccountConflict.into()),
        Err(failure) => Err(StoreError::from(failure).into()),
    }
}

fn customer(row: &Row) -> Result<CustomerRecord, Failure> {
    Ok(CustomerRecord {
        id: columns::customer(row.try_get("id")?)?,
        website: columns::website(row.try_get("website")?)?,
        email: row.try_get("email")?,
        password_hash: row.try_get::<_, Option<String>>("password_hash")?.map(PasswordHash::from),
        status: columns::status(row.try_get("status")?)?,
        allows_assistance: row.try_get("allows_assistance")?,
    })
}

fn admin(row: &Row) -> Result<AdminRecord, Failure> {
    Ok(AdminRecord {
        id: columns::admin(row.try_get("id")?)?,
        username: row.try_get("username")?,
        password_hash: row.try_get::<_, Option<String>>("password_hash")?.map(PasswordHash::from),
        status: columns::status(row.try_get("status")?)?,
        permissions: columns::permissions(row.try_get("permissions")?)?,
        requires_second_factor: row.try_get("requires_second_factor")?,
    })
}
