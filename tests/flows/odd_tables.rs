//! Account tables that answer unexpectedly: the hash has changed at the write, or the row has
//! another id.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use commerce_auth::{
    AdminId, AdminSignIn, AdminStore, CustomerId, CustomerStore, Email, Error, ErrorKind, PasswordHash,
    SignIn, Website,
    account::{AdminRecord, CustomerRecord, Username},
    error::{StoreError, TokenError},
    store::memory::{MemoryAdmins, MemoryCustomers, MemoryStore},
};
use support::{ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, fast};

const NEW: &str = "An0ther-passw0rd";

/// A table in which another caller writes a hash just before each of the next writes, as often as
/// the test says.
#[derive(Clone, Default)]
struct Contended<T> {
    inner: T,
    left: Arc<AtomicUsize>,
}

impl<T> Contended<T> {
    fn is_beaten(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

#[async_trait]
impl CustomerStore for Contended<MemoryCustomers> {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        website: &Website,
        email: &Email,
    ) -> Result<Option<CustomerRecord>, StoreError> {
        self.inner.find_by_email(website, email).await
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        self.inner.find_by_id(id).await
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        Ok(!self.is_beaten() && self.inner.replace_password_hash(id, expected, new).await?)
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        self.inner.set_assistance(id, allowed).await
    }
}

#[async_trait]
impl AdminStore for Contended<MemoryAdmins> {
    type Row = AdminRecord;

    async fn find_by_username(&self, username: &Username) -> Result<Option<AdminRecord>, StoreError> {
        self.inner.find_by_username(username).await
    }

    async fn find_by_id(&self, id: &AdminId) -> Result<Option<AdminRecord>, StoreError> {
        self.inner.find_by_id(id).await
    }

    async fn replace_password_hash(
        &self,
        id: &AdminId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        Ok(!self.is_beaten() && self.inner.replace_password_hash(id, expected, new).await?)
    }
}

/// A change of a password is tried twice. If another hash is there the second time as well, nothing
/// is changed.
#[tokio::test]
async fn a_password_change_that_is_beaten_twice_is_a_conflict() {
    let (customers, admins) = (Contended::<MemoryCustomers>::default(), Contended::<MemoryAdmins>::default());
    let tables = (customers.clone(), admins.clone());
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.customers(tables.0).admins(tables.1));
    let customer = shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap();
    customers.inner.upsert(customer).unwrap();
    admins.inner.upsert(shop.admins.find_by_id(&AdminId::from(7)).await.unwrap().unwrap()).unwrap();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let admin = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
    let admin = shop.auth.generate_admin_token(admin).await.unwrap();
    for (beaten, succeeds) in [(2, false), (1, true)] {
        customers.left.store(beaten, Ordering::SeqCst);
        admins.left.store(beaten, Ordering::SeqCst);
        let changes = [
            shop.auth.change_password(signed_in.token(), PASSWORD, NEW).await,
            shop.auth.change_admin_password(admin.token(), ADMIN_PASSWORD, NEW).await,
        ];
        for changed in changes {
            match changed {
                Ok(()) => assert!(succeeds),
                Err(error) => {
                    assert!(!succeeds && matches!(error, Error::Conflict), "{error:?}");
                    assert_eq!(error.kind(), ErrorKind::Overloaded);
                }
            }
        }
        let (password, admin_password) = if succeeds { (NEW, NEW) } else { (PASSWORD, ADMIN_PASSWORD) };
        shop.sign_in(password).await.unwrap();
        shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, admin_password)).await.unwrap();
    }
}

/// A customer table that answers every look-up by id with the row of customer 2.
struct Swapped(MemoryCustomers);

#[async_trait]
impl CustomerStore for Swapped {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        website: &Website,
        email: &Email,
    ) -> Result<Option<CustomerRecord>, StoreError> {
        self.0.find_by_email(website, email).await
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        let mut row = self.0.find_by_id(id).await?;
        if let Some(row) = &mut row {
            row.id = CustomerId::from(2);
        }
        Ok(row)
    }

    async fn replace_password_hash(
        &self,
        _: &CustomerId,
        _: Option<&PasswordHash>,
        _: &PasswordHash,
    ) -> Result<bool, StoreError> {
        Err(StoreError::new("nothing is written by a row of another id"))
    }

    async fn set_assistance(&self, _: &CustomerId, _: bool) -> Result<bool, StoreError> {
        Err(StoreError::new("nothing is written by a row of another id"))
    }
}

/// A row with another id than the requested one is treated as no row.
#[tokio::test]
async fn a_row_of_another_id_is_no_row() {
    let honest = support::shop();
    let table = Swapped(honest.customers.clone());
    let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.customers(table));
    let refused = shop.auth.generate_customer_token(SignIn::new(EMAIL, PASSWORD)).await.unwrap_err();
    assert_eq!(refused.code(), "sign_in.refused");
    let token = honest.sign_in(PASSWORD).await.unwrap();
    let swapped = commerce_auth::Auth::builder(Arc::clone(&honest.store))
        .customers(Swapped(honest.customers.clone()))
        .without_notifier()
        .config(fast())
        .clock(Arc::clone(&honest.clock))
        .build()
        .unwrap();
    let confirmed = swapped.confirm_password(token.token(), PASSWORD).await;
    assert!(matches!(confirmed, Err(Error::Token(TokenError::Invalid))), "{confirmed:?}");
}
