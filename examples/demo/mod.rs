//! What the examples share: a shop with one customer and one admin user.

#![allow(dead_code)] // Each example uses its part.

use std::{error::Error, sync::Arc, time::Duration};

use commerce_auth::{
    AccountConflict, AccountStatus, AdminId, AdminRecord, Assistance, Auth, CustomerId, CustomerRecord,
    Digest, Grant, MemoryAdmins, MemoryCustomers, MemoryStore, Obtained, OneTimeCode, Origin, PasswordHash,
    Permission, ResetToken, Website,
    random::ChaChaRandom,
    store::{OneTimeCredential, OtcStore, TokenStore},
};
use time::OffsetDateTime;

/// The demo customer's address.
pub const BOB: &str = "bobloblaw@example.com";
/// The demo customer's password.
pub const PASSWORD: &str = "b0bl0bl@w";

/// A shop with customer 1 and admin user 7, all in memory.
pub struct DemoShop {
    pub auth: Auth,
    store: Arc<MemoryStore>,
    customers: MemoryCustomers,
    hash: PasswordHash,
}

impl DemoShop {
    pub async fn open() -> Result<Self, Box<dyn Error>> {
        let store = Arc::new(MemoryStore::new());
        let (customers, admins) = (MemoryCustomers::new(), MemoryAdmins::new());
        let auth =
            Auth::builder(Arc::clone(&store)).customers(customers.clone()).admins(admins.clone()).build()?;
        let hash = auth.hash_new_password(BOB, PASSWORD).await?;
        admins.upsert(AdminRecord {
            id: AdminId::from(7),
            username: "admin".into(),
            password_hash: None,
            status: AccountStatus::Active,
            permissions: Permission::ALL.to_vec(),
        })?;
        let shop = Self { auth, store, customers, hash };
        shop.set_status(AccountStatus::Active)?;
        Ok(shop)
    }

    /// Stores the customer, who consents to assistance, with this status.
    pub fn set_status(&self, status: AccountStatus) -> Result<(), AccountConflict> {
        self.set(status, true)
    }

    /// Stores the customer, active, with or without consent to assistance.
    pub fn set_consent(&self, allows_assistance: bool) -> Result<(), AccountConflict> {
        self.set(AccountStatus::Active, allows_assistance)
    }

    fn set(&self, status: AccountStatus, allows_assistance: bool) -> Result<(), AccountConflict> {
        self.customers.upsert(CustomerRecord {
            id: CustomerId::from(1),
            website: Website::default(),
            email: BOB.into(),
            password_hash: Some(self.hash.clone()),
            status,
            allows_assistance,
        })
    }

    /// Puts a reset token into the store, as a "forgot password" page does, and hands it over, as its mail
    /// does.
    pub async fn put_reset_token(&self, lives: Duration) -> Result<String, Box<dyn Error>> {
        let secret = ResetToken::generate(&ChaChaRandom::new())?;
        let now = OffsetDateTime::now_utc();
        let (website, customer) = (Website::default(), CustomerId::from(1));
        let record = OneTimeCredential::reset_token(secret.digest(), website, customer, now, now + lives);
        self.store.put(&record, 3, now).await?;
        Ok(secret.expose().to_owned())
    }

    /// Puts a one-time code of admin user 7 into the store, as an admin page does, and hands it over.
    pub async fn put_one_time_code(&self, lives: Duration) -> Result<String, Box<dyn Error>> {
        let now = OffsetDateTime::now_utc();
        // The admin user's own sign-in, which whatever the code buys depends on.
        let own = Digest::of(OneTimeCode::generate(&ChaChaRandom::new())?.expose().as_bytes());
        let grant = Grant::admin(
            own,
            AdminId::from(7),
            Obtained::Password,
            now,
            now + Duration::from_secs(4 * 60 * 60),
        );
        let generation = self.store.generation(&grant.subject).await?;
        let _ = self.store.insert(&grant, &Origin::default(), generation, now).await?;

        let secret = OneTimeCode::generate(&ChaChaRandom::new())?;
        let assistance = Assistance::new(AdminId::from(7), own, "the customer cannot find the voucher field");
        let (website, customer) = (Website::default(), CustomerId::from(1));
        let record = OneTimeCredential::one_time_code(
            secret.digest(),
            website,
            customer,
            assistance,
            now,
            now + lives,
        );
        self.store.put(&record, 3, now).await?;
        Ok(secret.expose().to_owned())
    }
}

/// Prints the heading of a step.
pub fn step(what: &str) {
    println!("\n{what}");
}
