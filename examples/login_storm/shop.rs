//! A shop in memory with one node.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use commerce_auth::{
    Auth, AuthConfig, BearerToken, CustomerId, PasswordHash, SignIn,
    account::CustomerRecord,
    credential::{Argon2Params, ResetToken},
    error::StoreError,
    notifier::{Notice, Notification, Notifier},
    store::memory::{MemoryCustomers, MemoryStore},
};
use tokio::task::JoinSet;

use crate::Result;

/// The first password of every account.
pub const PASSWORD: &str = "b0bl0bl@wW";

/// The first number of the regulars: the customers who sign in before the mail. There are as many
/// regulars as a queue has places.
const REGULARS: u64 = 1 << 20;

/// Time after which a refused client may come back, as `AuthLayer` answers it in `Retry-After`.
const PAUSE: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];
/// A small run is this many times as fast.
const HASTE: u32 = 10;
/// Places in the queue of a small run.
const SMALL_QUEUE: usize = 4;

pub struct Shop {
    pub auth: Auth,
    pub small: bool,
    /// The tokens of the regulars.
    pub tokens: Mutex<Vec<BearerToken>>,
    mailbox: Arc<Mailbox>,
    customers: MemoryCustomers,
    hash: PasswordHash,
}

impl Shop {
    pub async fn open(small: bool) -> Result<Self> {
        let mut config = AuthConfig::commerce();
        if small {
            config.hashing.argon2 = Argon2Params::danger_fast();
            config.hashing.queue = SMALL_QUEUE;
        }
        let (customers, mailbox) = (MemoryCustomers::new(), Arc::<Mailbox>::default());
        let auth = Auth::builder(MemoryStore::new())
            .customers(customers.clone())
            .notifier(Arc::clone(&mailbox))
            .config(config)
            .build()?;
        let hash = auth.hash_new_password(&email(REGULARS), PASSWORD).await?;
        Ok(Self { auth, small, tokens: Mutex::default(), mailbox, customers, hash })
    }

    /// Adds customers to the shop's table. All have the same hash, so that this takes no time.
    pub fn register(&self, numbers: impl IntoIterator<Item = u64>) -> Result {
        for number in numbers {
            let row = CustomerRecord::new(CustomerId::from(number), email(number));
            self.customers.upsert(row.with_password(self.hash.clone()))?;
        }
        Ok(())
    }

    /// Signs the regulars in, all at once. Returns how many signed in in a second.
    pub async fn sign_in_regulars(self: &Arc<Self>) -> Result<f64> {
        let regulars = REGULARS..REGULARS + self.auth.config().hashing.queue as u64;
        self.register(regulars.clone())?;
        let (began, mut signing_in) = (Instant::now(), JoinSet::new());
        for number in regulars {
            let shop = Arc::clone(self);
            signing_in
                .spawn(async move { shop.auth.generate_customer_token(sign_in(number, PASSWORD)).await });
        }
        let mut tokens = Vec::new();
        while let Some(signed_in) = signing_in.join_next().await {
            tokens.push(signed_in??.token().clone());
        }
        let rate = tokens.len() as f64 / began.elapsed().as_secs_f64();
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = tokens;
        Ok(rate)
    }

    /// Returns the time after which a client that was refused may come back.
    pub fn retry_after(&self) -> Duration {
        let [shortest, longest] = PAUSE;
        self.paced(self.auth.hashing_stats().wait.clamp(shortest, longest))
    }

    /// Returns the reset token in the customer's newest mail.
    pub fn read_mail(&self, number: u64) -> Option<ResetToken> {
        self.mailbox.lock().remove(&email(number))
    }

    /// Returns a time, or a part of it in a small run.
    pub fn paced(&self, time: Duration) -> Duration {
        if self.small { time / HASTE } else { time }
    }
}

pub fn email(number: u64) -> String {
    format!("customer-{number}@example.com")
}

/// Returns a customer's address, which no other customer has.
pub fn source(number: u64) -> IpAddr {
    let [.., a, b, c] = number.to_be_bytes();
    Ipv4Addr::new(10, a, b, c).into()
}

pub fn sign_in(number: u64, password: &str) -> SignIn {
    SignIn::new(email(number), password).origin(source(number))
}

/// The reset token in each customer's newest mail.
#[derive(Debug, Default)]
struct Mailbox(Mutex<HashMap<String, ResetToken>>);

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, ResetToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notifier for Mailbox {
    fn notify(&self, mail: Notification) -> std::result::Result<(), StoreError> {
        if let Notice::ResetRequested { token, .. } = mail.notice {
            self.lock().insert(mail.email, token);
        }
        Ok(())
    }
}
