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

/// The accounts of one kind. If the host's table returns a row of another account than the
/// requested one, the row is ignored. Any other answer would reveal who has an account.
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

    /// Returns the present row of an account whose owner presented a token.
    pub(crate) async fn own(&self, who: &A::Identity) -> Result<A, Stop> {
        let (id, _) = A::proved_by(who);
        A::own(self.find_by_id(id).await?, who)
    }

    /// Returns the account with this id, if it has this name.
    pub(crate) async fn find_again(&self, id: &A::Id, name: &A::Name) -> Result<Option<A>, StoreError> {
        Ok(self.find_by_id(id).await?.filter(|row| row.is_of(name)))
    }

    /// Replaces the hash that the row has. Returns false if the account's hash has changed since.
    pub(crate) async fn replace_hash(&self, row: &A, new: &PasswordHash) -> Result<bool, StoreError> {
        self.table.replace_password_hash(row.id(), row.password_hash(), new).await
    }

    /// Replaces `new` with the row's earlier hash. Returns false if the account's hash has changed
    /// since. If the account had no password, it gets a hash that no password matches.
    pub(crate) async fn restore_hash(&self, row: &A, new: &PasswordHash) -> Result<bool, StoreError> {
        let none = PasswordHash::from("");
        self.table.replace_password_hash(row.id(), Some(new), row.password_hash().unwrap_or(&none)).await
    }

    /// Returns the id of the account with a name. If there is no account, returns the id of the
    /// decoy account.
    pub(crate) fn id_or_decoy(&self, row: Option<&A>, name: &A::Name) -> A::Id {
        // The decoy is computed for a known account as well, so that both cases do the same work.
        let decoy = A::decoy(&self.decoys, name);
        row.map_or(decoy, |row| row.id().clone())
    }
}

impl Accounts<CustomerRecord> {
    /// Makes an unconfirmed account active, if it still has the address of the row.
    pub(crate) async fn confirm(&self, row: &CustomerRecord) -> Result<bool, StoreError> {
        self.table.confirm(&row.id, &row.email).await
    }

    /// Replaces the address of an account, if it still is `expected`.
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
    /// Returns the admin user if the account is active now.
    pub(crate) async fn active(&self, id: &AdminId) -> Result<AdminRecord, Stop> {
        active(self.find_by_id(id).await?)
    }

    /// Returns the admin user of a grant if the account is active now. Refuses a grant without a
    /// second factor if the policy now requires one.
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
