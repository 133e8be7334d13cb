//! The shared parts of the examples: a shop with one customer, one admin user and a mailbox. Its
//! clock only moves when an example moves it, so that no example sleeps. The shop is in memory, or
//! in the database of the example's argument: see `database`.

#![allow(dead_code)] // Each example uses its part.

mod authenticator;
mod database;
mod mailbox;
mod print;

use std::{sync::Arc, time::Duration};

use authenticator::Authenticator;
use commerce_auth::{
    AdminId, AdminSignIn, AdminStore, Auth, AuthBuilder, AuthConfig, BearerToken, CustomerId, CustomerStore,
    SignIn, Website,
    account::{AccountStatus, AdminRecord, CustomerRecord, Permission},
    audit::{AuditEvent, EventId},
    clock::{Clock, ManualClock},
    credential::{Credential, TotpSecret},
    flow::PasswordResetRequest,
};
use database::{Customers, Database, keyring};
use mailbox::Mailbox;
pub use print::{refused, step};
use time::OffsetDateTime;

/// The demo customer's address and password.
pub const BOB: &str = "bobloblaw@example.com";
pub const PASSWORD: &str = "b0bl0bl@w";
/// The demo admin user's name and password.
pub const ADMIN: &str = "admin";
pub const ADMIN_PASSWORD: &str = "Adm1nPassw0rd";
/// The reason for which the admin user assists.
pub const REASON: &str = "ticket 4711: the customer cannot find the voucher field";
/// An address and a password without an account.
pub const NOBODY: &str = "nobody@example.com";
pub const WRONG: &str = "Wr0ng-password";

/// An example ends with an error if a result differs from its text.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A shop with customer 1, who consents to assistance, and admin user 7, who may give it.
#[derive(Clone)]
pub struct DemoShop {
    pub auth: Auth,
    pub customers: Arc<dyn Customers>,
    pub customer: CustomerId,
    pub admin: AdminId,
    database: Database,
    mailbox: Arc<Mailbox>,
    authenticator: Arc<Authenticator>,
    clock: Arc<ManualClock>,
    /// The last audit event of earlier runs.
    earlier: Option<EventId>,
}

impl DemoShop {
    pub async fn open() -> Result<Self> {
        let database = Database::of_the_command_line().await?;
        // Not earlier than the real time, because a database expires data by its own clock.
        let clock = Arc::new(ManualClock::new(OffsetDateTime::now_utc()));
        let mailbox = Arc::<Mailbox>::default();
        let auth = Self::auth(&database, &mailbox, &clock).build()?;
        let (customer, admin) = (CustomerId::from(1), AdminId::from(7));
        let customers = Arc::clone(&database.customers);
        customers
            .put(CustomerRecord {
                id: customer.clone(),
                website: Website::default(),
                email: BOB.into(),
                password_hash: Some(auth.hash_new_password(BOB, PASSWORD).await?),
                status: AccountStatus::Active,
                allows_assistance: true,
            })
            .await?;
        database
            .admins
            .put(AdminRecord {
                id: admin.clone(),
                username: ADMIN.into(),
                password_hash: Some(auth.hash_new_admin_password(ADMIN, ADMIN_PASSWORD).await?),
                status: AccountStatus::Active,
                permissions: Permission::ALL.to_vec(),
                requires_second_factor: true,
            })
            .await?;
        let authenticator = Arc::<Authenticator>::default();
        let mut shop =
            Self { auth, customers, customer, admin, database, mailbox, authenticator, clock, earlier: None };
        shop.forget_earlier_runs().await?;
        shop.auth.import_admin_factor(&shop.admin, shop.authenticator.secret()).await?;
        shop.mailbox.forget();
        shop.earlier = shop.audit_trail().await?.last().map(|event| event.id);
        Ok(shop)
    }

    fn auth(database: &Database, mailbox: &Arc<Mailbox>, clock: &Arc<ManualClock>) -> AuthBuilder {
        Auth::builder(Arc::clone(&database.store))
            .customers(Arc::clone(&database.customers))
            .admins(Arc::clone(&database.admins))
            .audit(Arc::clone(&database.audit))
            .keyring(keyring())
            .notifier(Arc::clone(mailbox))
            .clock(Arc::clone(clock))
    }

    /// A durable database still has the tokens and counters of earlier runs, which are in this
    /// shop's future. Give the examples a separate database, because this signs out every account
    /// in it.
    async fn forget_earlier_runs(&self) -> Result {
        self.auth.revoke_everything().await?;
        self.auth.remove_admin_factor(&self.admin).await?;
        let long_over = self.clock.now() + Duration::from_secs(7 * 24 * 60 * 60);
        while self.database.store.sweep(long_over, 1000).await? > 0 {}
        Ok(())
    }

    /// Returns the same shop after a restart with other settings.
    pub fn restarted(&self, config: AuthConfig) -> Result<Self> {
        let auth = Self::auth(&self.database, &self.mailbox, &self.clock).config(config).build()?;
        Ok(Self { auth, ..self.clone() })
    }

    /// Signs the customer in.
    pub async fn customer_token(&self, password: impl Into<Credential>) -> Result<BearerToken> {
        Ok(self.auth.generate_customer_token(SignIn::new(BOB, password)).await?.token().clone())
    }

    /// Signs the admin user in, with a code of the authenticator.
    pub async fn admin_token(&self) -> Result<BearerToken> {
        let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(self.code()?);
        Ok(self.auth.generate_admin_token(sign_in).await?.token().clone())
    }

    /// Returns an unused code of the admin user's authenticator. If there is none at this time, the
    /// clock moves on to the next one.
    pub fn code(&self) -> Result<String> {
        self.authenticator.unused_code(&self.clock)
    }

    /// Generates a one-time code for the customer as the admin user.
    pub async fn one_time_code(&self) -> Result<String> {
        let admin = self.admin_token().await?;
        let generated = self.auth.generate_one_time_code(&admin, &self.customer, REASON).await?;
        Ok(generated.code().expose().to_owned())
    }

    /// Requests a reset token for the customer, and reads it in the mail.
    pub async fn reset_token(&self) -> Result<String> {
        self.auth.request_password_reset(PasswordResetRequest::new(BOB)).await?;
        Ok(self.read_mail().ok_or("no mail with a reset token")?)
    }

    /// Changes the customer's row without a call to the crate, as a back office does.
    pub async fn edit_customer(&self, edit: impl FnOnce(&mut CustomerRecord)) -> Result {
        let mut row = self.customers.find_by_id(&self.customer).await?.ok_or("there is no customer")?;
        edit(&mut row);
        self.customers.put(row).await
    }

    /// Changes the admin user's row without a call to the crate, as a back office does.
    pub async fn edit_admin(&self, edit: impl FnOnce(&mut AdminRecord)) -> Result {
        let admins = &self.database.admins;
        let mut row = admins.find_by_id(&self.admin).await?.ok_or("there is no admin user")?;
        edit(&mut row);
        admins.put(row).await
    }

    /// Restores the status, consent and permissions of both.
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

    /// Moves the clock forward.
    pub fn later(&self, by: Duration) {
        self.clock.advance(by);
        match by.as_secs() {
            seconds if seconds % 60 == 0 => {
                println!("   … {} minutes later, by the shop's clock", seconds / 60);
            }
            seconds => println!("   … {seconds} seconds later, by the shop's clock"),
        }
    }

    /// Delivers the queued mail. Returns the newest reset token in it, if there is one.
    pub fn read_mail(&self) -> Option<String> {
        self.mailbox.read().reset
    }

    /// As above. Returns the newest enrolment token in mail to the admin user, if there is one.
    pub fn read_admins_mail(&self) -> Option<String> {
        self.mailbox.read().enrolment
    }

    /// The admin user scans a QR code: from now on, the authenticator shows the codes of this
    /// secret.
    pub fn scan(&mut self, secret: &TotpSecret) {
        self.authenticator = Arc::new(Authenticator::of(secret.clone()));
    }

    /// Returns the audit trail of this run, the oldest event first.
    pub async fn audit_trail(&self) -> Result<Vec<AuditEvent>> {
        // Events of customers are queued.
        self.auth.flush_audit().await;
        let mut events = self.database.trail.newest().await?;
        let earlier = events.iter().position(|event| Some(event.id) == self.earlier);
        Ok(events.split_off(earlier.map_or(0, |last| last + 1)))
    }
}
