//! What the examples share: a shop in memory with one customer, one admin user, a mailbox, and a clock that moves
//! only when told to, so that no example sleeps.

#![allow(dead_code)] // Each example uses its part.

mod mailbox;
mod print;

use std::{sync::Arc, time::Duration};

use commerce_auth::{
    AccountStatus, AdminId, AdminRecord, AdminSignIn, AdminStore, Auth, AuthConfig, BearerToken, Credential,
    CustomerId, CustomerRecord, CustomerStore, MemoryAdmins, MemoryCustomers, MemoryStore,
    PasswordResetRequest, Permission, SignIn, Website, audit::AuditEvent, clock::ManualClock,
};
use mailbox::Mailbox;
pub use print::{refused, step};
use time::macros::datetime;

/// The demo customer's address and password.
pub const BOB: &str = "bobloblaw@example.com";
pub const PASSWORD: &str = "b0bl0bl@w";
/// The demo admin user's name and password.
pub const ADMIN: &str = "admin";
pub const ADMIN_PASSWORD: &str = "Adm1nPassw0rd";
/// Why the admin user assists.
pub const REASON: &str = "ticket 4711: the customer cannot find the voucher field";
/// An address and a password that nobody has.
pub const NOBODY: &str = "nobody@example.com";
pub const WRONG: &str = "Wr0ng-password";

/// Examples end with whatever went another way than they say.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A shop with customer 1, who consents to assistance, and admin user 7, who may give it.
#[derive(Clone)]
pub struct DemoShop {
    pub auth: Auth,
    pub customers: MemoryCustomers,
    pub customer: CustomerId,
    pub admin: AdminId,
    admins: MemoryAdmins,
    store: Arc<MemoryStore>,
    mailbox: Arc<Mailbox>,
    clock: Arc<ManualClock>,
}

impl DemoShop {
    pub async fn open() -> Result<Self> {
        let clock = Arc::new(ManualClock::new(datetime!(2026-01-01 12:00 UTC)));
        let (store, mailbox) = (Arc::<MemoryStore>::default(), Arc::<Mailbox>::default());
        let (customers, admins) = (MemoryCustomers::new(), MemoryAdmins::new());
        let auth = Auth::builder(Arc::clone(&store))
            .customers(customers.clone())
            .admins(admins.clone())
            .notifier(Arc::clone(&mailbox))
            .clock(Arc::clone(&clock))
            .build()?;
        let (customer, admin) = (CustomerId::from(1), AdminId::from(7));
        customers.upsert(CustomerRecord {
            id: customer.clone(),
            website: Website::default(),
            email: BOB.into(),
            password_hash: Some(auth.hash_new_password(BOB, PASSWORD).await?),
            status: AccountStatus::Active,
            allows_assistance: true,
        })?;
        admins.upsert(AdminRecord {
            id: admin.clone(),
            username: ADMIN.into(),
            password_hash: Some(auth.hash_new_admin_password(ADMIN, ADMIN_PASSWORD).await?),
            status: AccountStatus::Active,
            permissions: Permission::ALL.to_vec(),
        })?;
        Ok(Self { auth, customers, customer, admin, admins, store, mailbox, clock })
    }

    /// The same shop, as it is after a restart with other numbers and rules.
    pub fn restarted(&self, config: AuthConfig) -> Result<Self> {
        let auth = Auth::builder(Arc::clone(&self.store))
            .customers(self.customers.clone())
            .admins(self.admins.clone())
            .notifier(Arc::clone(&self.mailbox))
            .clock(Arc::clone(&self.clock))
            .config(config)
            .build()?;
        Ok(Self { auth, ..self.clone() })
    }

    /// The customer signs in.
    pub async fn customer_token(&self, password: impl Into<Credential>) -> Result<BearerToken> {
        Ok(self.auth.generate_customer_token(SignIn::new(BOB, password)).await?.token().clone())
    }

    /// The admin user signs in.
    pub async fn admin_token(&self) -> Result<BearerToken> {
        let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
        Ok(self.auth.generate_admin_token(sign_in).await?.token().clone())
    }

    /// The admin user generates a one-time code for the customer.
    pub async fn one_time_code(&self) -> Result<String> {
        let admin = self.admin_token().await?;
        let generated = self.auth.generate_one_time_code(&admin, &self.customer, REASON).await?;
        Ok(generated.code().expose().to_owned())
    }

    /// The customer asks for a reset token, and reads it in the mail.
    pub async fn reset_token(&self) -> Result<String> {
        self.auth.request_password_reset(PasswordResetRequest::new(BOB)).await?;
        Ok(self.read_mail().ok_or("no mail with a reset token")?)
    }

    /// Changes the customer's row behind the crate's back, as a back office does.
    pub async fn edit_customer(&self, edit: impl FnOnce(&mut CustomerRecord)) -> Result {
        let mut row = self.customers.find_by_id(&self.customer).await?.ok_or("there is no customer")?;
        edit(&mut row);
        Ok(self.customers.upsert(row)?)
    }

    /// Changes the admin user's row behind the crate's back, as a back office does.
    pub async fn edit_admin(&self, edit: impl FnOnce(&mut AdminRecord)) -> Result {
        let mut row = self.admins.find_by_id(&self.admin).await?.ok_or("there is no admin user")?;
        edit(&mut row);
        Ok(self.admins.upsert(row)?)
    }

    /// Gives both back what they had: standing, consent, permissions.
    pub async fn restore(&self) -> Result {
        self.edit_customer(|row| {
            row.status = AccountStatus::Active;
            row.allows_assistance = true;
        })
        .await?;
        self.edit_admin(|row| {
            row.status = AccountStatus::Active;
            row.permissions = Permission::ALL.to_vec();
        })
        .await
    }

    /// Lets time pass.
    pub fn later(&self, by: Duration) {
        self.clock.advance(by);
        match by.as_secs() {
            seconds if seconds % 60 == 0 => {
                println!("   … {} minutes later, by the shop's clock", seconds / 60);
            }
            seconds => println!("   … {seconds} seconds later, by the shop's clock"),
        }
    }

    /// Delivers the mail that is queued; the reset token in the newest of it, if there is one.
    pub fn read_mail(&self) -> Option<String> {
        self.mailbox.read()
    }

    /// The audit trail, the oldest event first.
    pub async fn audit_trail(&self) -> Vec<AuditEvent> {
        // What a customer does by herself is queued.
        self.auth.flush_audit().await;
        self.store.audit_events()
    }
}
