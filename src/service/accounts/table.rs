//! The interface between the flows and the host's account tables, for customers and admin users.

use async_trait::async_trait;

use crate::{
    account::{
        AccountStatus, AdminId, AdminRecord, AdminStore, AdminUser, Customer, CustomerId, CustomerRecord,
        CustomerStore, Decoys, Email, EmailReplacement, PasswordHash, Permission, Username, Website,
    },
    audit::Refusal,
    config::AuthConfig,
    error::{Error, InternalError, StoreError, TokenError},
    service::stop::Stop,
    token::{AdminIdentity, CustomerIdentity, GrantId, Subject},
};

/// The name of a customer account: a website and an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) website: Website,
    pub(crate) email: Email,
}

/// A row of one of the host's account tables: a customer or an admin user.
pub(crate) trait Account: Clone + Send + Sync + 'static {
    type Id: Clone + PartialEq + Send + Sync + 'static;
    /// The name with which a person signs in.
    type Name: Send + Sync;
    /// The identity that a token of the account proves.
    type Identity: Send + Sync;
    /// The host's table of these rows.
    type Rows: Table<Self> + ?Sized + 'static;

    fn id(&self) -> &Self::Id;
    fn subject_of(id: &Self::Id) -> Subject;
    /// Returns the status of the account under the configuration of the shop. For example, an
    /// unconfirmed account counts as active on a website that does not require a confirmed e-mail
    /// address.
    fn standing(&self, config: &AuthConfig) -> AccountStatus;
    fn password_hash(&self) -> Option<&PasswordHash>;
    /// True if the row has this name. A database whose collation ignores case or accents can return
    /// the row of a similar name, which must not be used.
    fn is_of(&self, name: &Self::Name) -> bool;
    /// Returns the canonical name of the row. Fails if the host's table contains an invalid name.
    fn name(&self) -> Result<Self::Name, Error>;
    fn proved_by(who: &Self::Identity) -> (&Self::Id, &GrantId);
    /// Checks the present account row of the customer or admin user who presented a token, and
    /// returns the row.
    fn own(row: Option<Self>, who: &Self::Identity) -> Result<Self, Stop>;
    /// Returns the id of the decoy account that stands for an unknown account of this name.
    fn decoy(decoys: &Decoys, name: &Self::Name) -> Self::Id;
}

/// The host's table of accounts of one kind.
#[async_trait]
pub(crate) trait Table<A: Account>: Send + Sync {
    async fn find_by_name(&self, name: &A::Name) -> Result<Option<A>, StoreError>;
    async fn find_by_id(&self, id: &A::Id) -> Result<Option<A>, StoreError>;
    async fn replace_password_hash(
        &self,
        id: &A::Id,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError>;
}

/// The write access to the customers' consents to remote shopping assistance, in the host's
/// customer table.
#[async_trait]
pub(crate) trait Consents: Send + Sync {
    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError>;
}

/// The host's customer table: the account rows, the customers' consents and the e-mail addresses.
#[async_trait]
pub(crate) trait CustomerTable: Table<CustomerRecord> + Consents {
    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError>;
    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError>;
}

/// The adapter of the host's customer table. It converts between the host's type of rows and
/// [`CustomerRecord`].
pub(crate) struct Customers<S>(pub(crate) S);

/// The adapter of the host's admin user table. It converts between the host's type of rows and
/// [`AdminRecord`].
pub(crate) struct Admins<S>(pub(crate) S);

#[async_trait]
impl<S: CustomerStore> Table<CustomerRecord> for Customers<S> {
    async fn find_by_name(&self, name: &Address) -> Result<Option<CustomerRecord>, StoreError> {
        Ok(self.0.find_by_email(&name.website, &name.email).await?.as_ref().map(customer_record))
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        Ok(self.0.find_by_id(id).await?.as_ref().map(customer_record))
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.0.replace_password_hash(id, expected, new).await
    }
}

#[async_trait]
impl<S: CustomerStore> Consents for Customers<S> {
    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        self.0.set_assistance(id, allowed).await
    }
}

#[async_trait]
impl<S: CustomerStore> CustomerTable for Customers<S> {
    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError> {
        self.0.confirm(id, email).await
    }

    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        self.0.replace_email(id, expected, new).await
    }
}

#[async_trait]
impl<S: AdminStore> Table<AdminRecord> for Admins<S> {
    async fn find_by_name(&self, name: &Username) -> Result<Option<AdminRecord>, StoreError> {
        Ok(self.0.find_by_username(name).await?.as_ref().map(admin_record))
    }

    async fn find_by_id(&self, id: &AdminId) -> Result<Option<AdminRecord>, StoreError> {
        Ok(self.0.find_by_id(id).await?.as_ref().map(admin_record))
    }

    async fn replace_password_hash(
        &self,
        id: &AdminId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.0.replace_password_hash(id, expected, new).await
    }
}

impl Account for CustomerRecord {
    type Id = CustomerId;
    type Name = Address;
    type Identity = CustomerIdentity;
    type Rows = dyn CustomerTable;

    fn id(&self) -> &CustomerId {
        &self.id
    }

    fn subject_of(id: &CustomerId) -> Subject {
        Subject::Customer(id.clone())
    }

    fn standing(&self, config: &AuthConfig) -> AccountStatus {
        config.confirmation.standing(&self.website, self.status)
    }

    fn password_hash(&self) -> Option<&PasswordHash> {
        self.password_hash.as_ref()
    }

    fn is_of(&self, name: &Address) -> bool {
        Self::is_of(self, &name.website, &name.email)
    }

    fn name(&self) -> Result<Address, Error> {
        let email = self.email.parse().map_err(|_| InternalError::ForeignRow)?;
        Ok(Address { website: self.website.clone(), email })
    }

    fn proved_by(who: &CustomerIdentity) -> (&CustomerId, &GrantId) {
        (who.customer_id(), who.grant())
    }

    fn own(row: Option<Self>, who: &CustomerIdentity) -> Result<Self, Stop> {
        let row = row.ok_or(Refusal::UnknownAccount.told(TokenError::Invalid))?;
        if row.website == *who.website() {
            Ok(row)
        } else {
            Err(Error::Internal(InternalError::ForeignRow).into())
        }
    }

    fn decoy(decoys: &Decoys, name: &Address) -> CustomerId {
        decoys.customer(&name.website, &name.email)
    }
}

impl Account for AdminRecord {
    type Id = AdminId;
    type Name = Username;
    type Identity = AdminIdentity;
    type Rows = dyn Table<Self>;

    fn id(&self) -> &AdminId {
        &self.id
    }

    fn subject_of(id: &AdminId) -> Subject {
        Subject::Admin(id.clone())
    }

    fn standing(&self, _: &AuthConfig) -> AccountStatus {
        self.status
    }

    fn password_hash(&self) -> Option<&PasswordHash> {
        self.password_hash.as_ref()
    }

    fn is_of(&self, name: &Username) -> bool {
        Self::is_of(self, name)
    }

    fn name(&self) -> Result<Username, Error> {
        self.username.parse().map_err(|_| Error::Internal(InternalError::ForeignRow))
    }

    fn proved_by(who: &AdminIdentity) -> (&AdminId, &GrantId) {
        (who.admin_id(), who.grant())
    }

    fn own(row: Option<Self>, _: &AdminIdentity) -> Result<Self, Stop> {
        active(row)
    }

    fn decoy(decoys: &Decoys, name: &Username) -> AdminId {
        decoys.admin(name)
    }
}

fn customer_record(row: &impl Customer) -> CustomerRecord {
    CustomerRecord {
        id: row.id(),
        website: row.website(),
        email: row.email().to_owned(),
        password_hash: row.password_hash().map(PasswordHash::from),
        status: row.status(),
        allows_assistance: row.allows_assistance(),
    }
}

fn admin_record(row: &impl AdminUser) -> AdminRecord {
    AdminRecord {
        id: row.id(),
        username: row.username().to_owned(),
        password_hash: row.password_hash().map(PasswordHash::from),
        status: row.status(),
        permissions: Permission::ALL
            .into_iter()
            .filter(|permission| row.has_permission(*permission))
            .collect(),
        requires_second_factor: row.requires_second_factor(),
    }
}

/// Returns the row of an admin user. Refuses a missing row and an account that is not active.
pub(super) fn active(row: Option<AdminRecord>) -> Result<AdminRecord, Stop> {
    let active = row.filter(|row| row.status == AccountStatus::Active);
    active.ok_or(Refusal::AdminDisabled.told(TokenError::Invalid))
}
