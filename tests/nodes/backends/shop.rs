use std::{sync::Arc, time::Duration};

use commerce_auth::{
    AdminSignIn, Auth, AuthConfig, CustomerId, Error, SignIn,
    account::{AdminRecord, CustomerRecord, Permission},
    clock::ManualClock,
    config::SecondFactorPolicy,
    credential::Argon2Params,
    error::TokenError,
};
use support::outbox::Outbox;
use time::OffsetDateTime;

use crate::backends::{
    Result,
    database::{Database, keyring},
    engine::Engine,
};

pub(crate) const EMAIL: &str = "bobloblaw@example.com";
pub(crate) const PASSWORD: &str = "b0bl0bl@w";
pub(crate) const WRONG: &str = "Wr0ng-password";
pub(crate) const ADMIN: &str = "admin";
pub(crate) const ADMIN_PASSWORD: &str = "Adm1nPassw0rd";
pub(crate) const REASON: &str = "cannot find the voucher field";

/// A shop of two nodes over one database, with customer 1, who consents to assistance, and admin
/// user 7.
pub(crate) struct Shop {
    pub(crate) nodes: [Auth; 2],
    pub(crate) databases: [Database; 2],
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) outbox: Outbox,
}

impl Shop {
    pub(crate) async fn open(engine: &Engine) -> Result<Self> {
        // Not earlier than the real time, because Redis expires keys by its own clock.
        let clock = Arc::new(ManualClock::new(OffsetDateTime::now_utc()));
        let outbox = Outbox::default();
        let databases = [engine.node().await?, engine.node().await?];
        let node = |database: &Database| {
            let mut config = AuthConfig::commerce();
            config.hashing.argon2 = Argon2Params::danger_fast();
            config.admin_second_factor = SecondFactorPolicy::PerAdmin;
            // A hundred callers try one code at once.
            config.budgets.second_factor.failures = 200;
            Auth::builder(Arc::clone(&database.store))
                .customers(Arc::clone(&database.customers))
                .admins(Arc::clone(&database.admins))
                .audit(Arc::clone(&database.audit))
                .keyring(keyring())
                .notifier(outbox.clone())
                .clock(Arc::clone(&clock))
                .config(config)
                .build()
        };
        let nodes = [node(&databases[0])?, node(&databases[1])?];
        let shop = Self { nodes, databases, clock, outbox };
        let hash = shop.nodes[0].hash_new_password(EMAIL, PASSWORD).await?;
        let customer = CustomerRecord::new(1, EMAIL).with_password(hash).with_assistance(true);
        shop.databases[0].customers.put(customer).await?;
        shop.put_admin(|_| ()).await?;
        Ok(shop)
    }

    /// Stores admin user 7 after this change.
    pub(crate) async fn put_admin(&self, change: impl FnOnce(&mut AdminRecord)) -> Result {
        let mut row = AdminRecord::new(7, ADMIN)
            .with_password(self.nodes[0].hash_new_admin_password(ADMIN, ADMIN_PASSWORD).await?)
            .with_permissions(Permission::ALL.to_vec());
        change(&mut row);
        self.databases[0].admins.put(row).await
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Returns the nodes in turn.
    pub(crate) fn node(&self, number: usize) -> &Auth {
        &self.nodes[number % 2]
    }

    /// Signs customer 1 in at a node.
    pub(crate) async fn sign_in(&self, node: usize, credential: &str) -> std::result::Result<String, Error> {
        let sign_in = SignIn::new(EMAIL, credential);
        let signed_in = self.node(node).generate_customer_token(sign_in).await?;
        Ok(signed_in.token().expose().to_owned())
    }

    /// Signs admin user 7 in at a node.
    pub(crate) async fn admin_token(&self, node: usize) -> Result<String> {
        let sign_in = AdminSignIn::new(ADMIN, ADMIN_PASSWORD);
        Ok(self.node(node).generate_admin_token(sign_in).await?.token().expose().to_owned())
    }

    /// Generates a one-time code for customer 1.
    pub(crate) async fn code(&self, node: usize, admin: &str) -> Result<String> {
        let generated = self.node(node).generate_one_time_code(admin, &CustomerId::from(1), REASON).await?;
        Ok(generated.code().expose().to_owned())
    }

    /// Returns a token of assistance for customer 1.
    pub(crate) async fn assisting(&self, node: usize, admin: &str) -> Result<String> {
        let signed_in = self.node(node).generate_customer_token_as_admin(admin, EMAIL, REASON).await?;
        Ok(signed_in.token().expose().to_owned())
    }

    /// Returns for each node if it accepts a customer's token.
    pub(crate) async fn lives(&self, token: &str) -> [bool; 2] {
        let mut lives = [false; 2];
        for (node, lives) in self.nodes.iter().zip(&mut lives) {
            *lives = match node.verify_customer(token).await {
                Ok(_) => true,
                Err(Error::Token(TokenError::Invalid)) => false,
                Err(error) => panic!("{error}"),
            };
        }
        lives
    }
}

/// Runs a number of calls at once and waits for all.
pub(crate) async fn at_once<T>(
    callers: usize,
    call: impl Fn(usize) -> futures_util::future::BoxFuture<'static, T>,
) -> Vec<T>
where
    T: Send + 'static,
{
    let running: Vec<_> = (0..callers).map(|caller| tokio::spawn(call(caller))).collect();
    let mut answers = Vec::new();
    for caller in running {
        answers.push(caller.await.expect("no caller panics"));
    }
    answers
}
