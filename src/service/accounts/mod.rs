//! The host's accounts: customers and admin users, looked up by name or id.

mod table;

use std::sync::Arc;

use table::active;
pub(crate) use table::{Account, Address, Admins, Consents, CustomerTable, Customers, Table};

use super::stop::Stop;
use crate::{
    account::{AdminId, AdminRecord, CustomerRecord, Decoys, Email, EmailReplacement, PasswordHash},
    audit::Refusal,
    config::SecondFactorPolicy,
    error::{StoreError, TokenError},
    token::Grant,
};

/// The accounts of one kind: customers or admin users. If the host's table returns a row that does
/// not have the requested name or id, the account counts as unknown. An error would reveal that an
/// account with a similar name exists.
pub(crate) struct Accounts<A: Account> {
    table: Arc<A::Rows>,
    decoys: Arc<Decoys>,
}

impl<A: Account> Accounts<A> {
    pub(crate) fn new(table: Arc<A::Rows>, decoys: Arc<Decoys>) -> Self {
        Self { table, decoys }
    }

    pub(crate) async fn find_by_name(&self, name: &A::Name) -> Result<Option<A>, StoreError> {
        Ok(self.table.find_by_name(name).await?.filter(|row| row.is_of(name)))
    }

    pub(crate) async fn find_by_id(&self, id: &A::Id) -> Result<Option<A>, StoreError> {
        Ok(self.table.find_by_id(id).await?.filter(|row| row.id() == id))
    }

    /// Returns the present account row of the customer or admin user who presented a token.
    pub(crate) async fn own(&self, who: &A::Identity) -> Result<A, Stop> {
        let (id, _) = A::proved_by(who);
        A::own(self.find_by_id(id).await?, who)
    }

    /// Returns the account row with this id, if the row has this name.
    pub(crate) async fn find_again(&self, id: &A::Id, name: &A::Name) -> Result<Option<A>, StoreError> {
        Ok(self.find_by_id(id).await?.filter(|row| row.is_of(name)))
    }

    /// Replaces the password hash of `row` with `new`. Returns false if the stored hash has changed
    /// since `row` was read.
    pub(crate) async fn replace_hash(&self, row: &A, new: &PasswordHash) -> Result<bool, StoreError> {
        self.table.replace_password_hash(row.id(), row.password_hash(), new).await
    }

    /// Restores the earlier password hash of `row` after [`replace_hash`](Self::replace_hash) has
    /// stored `new`. If the account had no password, restores a hash that no password matches.
    /// Returns false and changes nothing if the stored hash is no longer `new`.
    pub(crate) async fn restore_hash(&self, row: &A, new: &PasswordHash) -> Result<bool, StoreError> {
        let none = PasswordHash::from("");
        self.table.replace_password_hash(row.id(), Some(new), row.password_hash().unwrap_or(&none)).await
    }

    /// Returns the id of the account row. If there is no row, returns the id of the decoy account
    /// that stands for an unknown account of this name.
    pub(crate) fn id_or_decoy(&self, row: Option<&A>, name: &A::Name) -> A::Id {
        // The decoy account's id is also computed for a known account, so that known and unknown
        // accounts take the same time.
        let decoy = A::decoy(&self.decoys, name);
        row.map_or(decoy, |row| row.id().clone())
    }
}

impl Accounts<CustomerRecord> {
    /// Makes an unconfirmed account active, if the account still has the e-mail address of `row`.
    /// Returns false if the account was not changed.
    pub(crate) async fn confirm(&self, row: &CustomerRecord) -> Result<bool, StoreError> {
        self.table.confirm(&row.id, &row.email).await
    }

    /// Replaces the e-mail address of an account, if the stored address still is `expected`.
    pub(crate) async fn replace_email(
        &self,
        row: &CustomerRecord,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        self.table.replace_email(&row.id, expected, new).await
    }
}

impl Accounts<AdminRecord> {
    /// Returns the admin user with this id. Refuses an account that is not active now.
    pub(crate) async fn active(&self, id: &AdminId) -> Result<AdminRecord, Stop> {
        active(self.find_by_id(id).await?)
    }

    /// Returns the admin user of a grant. Refuses an account that is not active now. Also refuses a
    /// grant that was obtained without a second factor, if the policy now requires one.
    pub(crate) async fn acting(
        &self,
        id: &AdminId,
        grant: &Grant,
        policy: SecondFactorPolicy,
    ) -> Result<AdminRecord, Stop> {
        let admin = self.active(id).await?;
        if policy.demands_of(&admin) && !grant.obtained.has_second_factor() {
            return Err(Refusal::NoSecondFactor.told(TokenError::Invalid));
        }
        Ok(admin)
    }
}
