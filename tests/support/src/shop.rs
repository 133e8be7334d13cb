//! A small shop for sign-ins.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use commerce_auth::{
    AdminId, AdminSignIn, Auth, AuthBuilder, AuthConfig, CustomerId, Error, PasswordHash, SignIn, SignedIn,
    Store, Website,
    account::{AccountStatus, AdminRecord, CustomerRecord, Permission},
    audit::{AuditEvent, MemoryAudit},
    clock::{Clock, ManualClock},
    config::SecondFactorPolicy,
    credential::Argon2Params,
    flow::PasswordResetRequest,
    keyring::{KeyId, Keyring},
    store::memory::{MemoryAdmins, MemoryCustomers, MemoryStore},
    token::GrantId,
};
use time::{OffsetDateTime, macros::datetime};

use crate::outbox::Outbox;

/// The demo customer's address and password.
pub const EMAIL: &str = "bobloblaw@example.com";
/// See [`EMAIL`].
pub const PASSWORD: &str = "b0bl0bl@w";
/// A password of no account.
pub const WRONG: &str = "Wr0ng-password";
/// The reason for which the demo admin user assists.
pub const REASON: &str = "cannot find the voucher field";
/// The demo admin user's name and password.
pub const ADMIN: &str = "admin";
/// See [`ADMIN`].
pub const ADMIN_PASSWORD: &str = "Adm1nPassw0rd";

/// A shop with customer 1 ([`EMAIL`]), who consents to assistance, and admin user 7, who may give it.
pub struct Shop<S = MemoryStore> {
    pub auth: Auth,
    pub store: Arc<S>,
    /// The audit trail, unless the test gave another sink.
    pub audit: MemoryAudit,
    pub clock: Arc<ManualClock>,
    pub customers: MemoryCustomers,
    pub admins: MemoryAdmins,
    pub outbox: Outbox,
    hash: PasswordHash,
    admin_hash: PasswordHash,
    aside: OnceLock<Aside>,
}

/// Another node for preparations. The shop's trail and mail contain nothing from it.
struct Aside {
    auth: Auth,
    outbox: Outbox,
    /// Admin user 7's token.
    admin: Mutex<Option<String>>,
}

/// Returns Commerce's settings, with hashes that cost nothing. Admin users sign in by password,
/// because most tests are about other things.
pub fn fast() -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.hashing.argon2 = Argon2Params::danger_fast();
    config.admin_second_factor = SecondFactorPolicy::Optional;
    config
}

/// As above, but admin users need a second factor.
pub fn with_second_factor() -> AuthConfig {
    let mut config = fast();
    config.admin_second_factor = SecondFactorPolicy::Required;
    config
}

/// Returns a keyring with private keys.
pub fn keyring() -> Keyring {
    Keyring::new(KeyId(1), [7; 32]).expect("32 bytes are enough")
}

pub fn shop() -> Shop {
    Shop::open(MemoryStore::new(), fast(), |builder| builder)
}

impl<S: Store> Shop<S> {
    pub fn open(store: S, config: AuthConfig, more: impl FnOnce(AuthBuilder) -> AuthBuilder) -> Self {
        let store = Arc::new(store);
        let clock = Arc::new(ManualClock::new(datetime!(2026-01-01 12:00 UTC)));
        let (customers, admins, outbox) = (MemoryCustomers::new(), MemoryAdmins::new(), Outbox::default());
        let audit = MemoryAudit::new();
        let builder = Auth::builder(Arc::clone(&store))
            .customers(customers.clone())
            .admins(admins.clone())
            .audit(audit.clone())
            .notifier(outbox.clone())
            .clock(Arc::clone(&clock))
            .config(config);
        let auth = more(builder).build().expect("the shop's configuration is sound");
        // Another policy allows this password: it is older than the shop's policy.
        let mut lenient = AuthConfig::commerce();
        lenient.hashing.argon2 = auth.config().hashing.argon2;
        let lenient = Auth::builder(MemoryStore::new())
            .customers(MemoryCustomers::new())
            .without_notifier()
            .config(lenient)
            .build();
        let lenient = lenient.expect("Commerce's configuration is sound");
        let hash =
            pollster::block_on(lenient.hash_new_password(EMAIL, PASSWORD)).expect("a hash can be made");
        let admin_hash = pollster::block_on(lenient.hash_new_admin_password(ADMIN, ADMIN_PASSWORD))
            .expect("a hash can be made");
        let shop = Self {
            auth,
            store,
            audit,
            clock,
            customers,
            admins,
            outbox,
            hash,
            admin_hash,
            aside: OnceLock::new(),
        };
        shop.set_customer(|_| ());
        shop.set_admin(|_| ());
        shop
    }

    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Stores customer 1 after this change.
    pub fn set_customer(&self, change: impl FnOnce(&mut CustomerRecord)) {
        let mut row = CustomerRecord {
            id: CustomerId::from(1),
            website: Website::default(),
            email: EMAIL.into(),
            password_hash: Some(self.hash.clone()),
            status: AccountStatus::Active,
            allows_assistance: true,
        };
        change(&mut row);
        self.customers.upsert(row).expect("no other customer has the address");
    }

    /// Stores admin user 7 after this change.
    pub fn set_admin(&self, change: impl FnOnce(&mut AdminRecord)) {
        let mut row = AdminRecord {
            id: AdminId::from(7),
            username: ADMIN.into(),
            password_hash: Some(self.admin_hash.clone()),
            status: AccountStatus::Active,
            permissions: Permission::ALL.to_vec(),
            requires_second_factor: true,
        };
        change(&mut row);
        self.admins.upsert(row).expect("no other admin user has the name");
    }

    pub async fn sign_in(&self, password: &str) -> Result<SignedIn, Error> {
        self.auth.generate_customer_token(SignIn::new(EMAIL, password)).await
    }

    /// Returns another node over the same store and tables, with a separate configuration.
    pub fn node(&self, config: AuthConfig) -> Auth {
        Auth::builder(Arc::clone(&self.store))
            .customers(self.customers.clone())
            .admins(self.admins.clone())
            .audit(self.audit.clone())
            .notifier(self.outbox.clone())
            .clock(Arc::clone(&self.clock))
            .config(config)
            .build()
            .expect("the node's configuration is sound")
    }

    /// Returns a new token of admin user 7.
    pub async fn admin_token(&self) -> String {
        let signed_in = self.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await;
        signed_in.expect("the admin user may sign in").token().expose().to_owned()
    }

    /// Returns a token of assistance for customer 1, by one of the three roads.
    pub async fn assisting(&self, admin: &str, road: usize) -> Result<String, Error> {
        let signed_in = if road == 0 {
            self.auth.generate_customer_token_as_admin(admin, EMAIL, REASON).await?
        } else {
            let generated = self.auth.generate_one_time_code(admin, &CustomerId::from(1), REASON).await?;
            let sign_in = SignIn::new(EMAIL, generated.code().expose());
            match road {
                1 => self.auth.generate_customer_token(sign_in).await?,
                _ => self.auth.exchange_one_time_code(sign_in).await?,
            }
        };
        Ok(signed_in.token().expose().to_owned())
    }

    pub async fn sign_in_from(&self, source: &str, password: &str) -> Result<SignedIn, Error> {
        let source: IpAddr = source.parse().expect("an address");
        self.auth.generate_customer_token(SignIn::new(EMAIL, password).origin(source)).await
    }

    /// Returns a reset token of customer 1 that lives for two hours.
    pub async fn reset_token(&self) -> String {
        let Aside { auth, outbox, .. } = self.aside();
        let asked = auth.request_password_reset(PasswordResetRequest::new(EMAIL)).await;
        asked.expect("the store answers");
        outbox.reset_token().expect("a mail to the customer")
    }

    /// Returns a one-time code of customer 1, generated by admin user 7, that lives for 30 seconds.
    pub async fn code(&self) -> String {
        let admin = self.aside_admin().await;
        let code = self.aside().auth.generate_one_time_code(&admin, &CustomerId::from(1), "cannot pay").await;
        code.expect("the admin user may assist").code().expose().to_owned()
    }

    /// Returns the grant of the admin user's token with which [`code`](Self::code) generates codes.
    /// It lives for four hours, and is stored if it is not stored yet.
    pub async fn admin_grant(&self) -> GrantId {
        GrantId::of(self.aside_admin().await.as_bytes())
    }

    async fn aside_admin(&self) -> String {
        let Aside { auth, admin, .. } = self.aside();
        let known = admin.lock().expect("no task panics").clone();
        if let Some(known) = known
            && auth.verify_admin(&known).await.is_ok()
        {
            return known;
        }
        let signed_in = auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await;
        let token = signed_in.expect("the admin user may sign in").token().expose().to_owned();
        *admin.lock().expect("no task panics") = Some(token.clone());
        token
    }

    fn aside(&self) -> &Aside {
        self.aside.get_or_init(|| {
            let outbox = Outbox::default();
            let auth = Auth::builder(Arc::clone(&self.store))
                .customers(self.customers.clone())
                .admins(self.admins.clone())
                .notifier(outbox.clone())
                .audit(MemoryAudit::new())
                .clock(Arc::clone(&self.clock))
                .config(fast())
                .build()
                .expect("the node's configuration is sound");
            Aside { auth, outbox, admin: Mutex::default() }
        })
    }
}

impl Shop {
    /// Returns the audit trail so far.
    pub async fn trail(&self) -> Vec<AuditEvent> {
        self.auth.flush_audit().await;
        self.audit.events()
    }
}
