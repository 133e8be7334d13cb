//! A customer's new password, by change and by reset.

use commerce_auth::{
    AuthConfig, CustomerId, CustomerStore, Error, PasswordHash,
    account::CustomerRecord,
    flow::{CustomerChange, Keep, PasswordReset},
};
use support::{EMAIL, PASSWORD, fast};

use super::{Flow, HOSTS, NEW, World, hold};

/// A customer's password.
pub(super) struct Customers {
    own: String,
    other: String,
    earlier: PasswordHash,
    hosts: PasswordHash,
}

impl Customers {
    pub(super) const REVOCATIONS: usize = 4;

    pub(super) async fn begin(world: &World) -> Self {
        let own = async || world.shop.sign_in(PASSWORD).await.unwrap().token().expose().to_owned();
        Self {
            own: own().await,
            other: own().await,
            earlier: Self::row(world).await.password_hash.unwrap(),
            hosts: world.shop.auth.hash_new_password(EMAIL, HOSTS).await.unwrap(),
        }
    }

    /// Returns the token that authorises the flow.
    pub(super) fn own(&self) -> &str {
        &self.own
    }

    pub(super) async fn row(world: &World) -> CustomerRecord {
        world.shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap()
    }

    pub(super) async fn revoke(&self, world: &World, how: usize) -> bool {
        let (auth, id) = (&world.shop.auth, CustomerId::from(1));
        if how == 1 {
            let mut row = Self::row(world).await;
            row.password_hash = Some(self.hosts.clone());
            world.shop.customers.upsert(row).unwrap();
        }
        match how {
            0 => auth.customer_changed(&id, CustomerChange::Disabled).await.unwrap(),
            1 => auth.customer_changed(&id, CustomerChange::PasswordChanged).await.unwrap(),
            2 => return auth.revoke_all_customer_tokens(&self.other, Keep::Nothing).await.is_ok(),
            _ => auth.revoke_everything().await.unwrap(),
        }
        true
    }

    pub(super) async fn is_written(&self, world: &World) -> bool {
        let hash = Self::row(world).await.password_hash.unwrap();
        ![&self.earlier, &self.hosts].into_iter().any(|known| known.expose() == hash.expose())
    }

    pub(super) async fn sign_in(world: &World) -> Option<String> {
        Some(world.shop.sign_in(NEW).await.ok()?.token().expose().to_owned())
    }

    pub(super) async fn lives(world: &World, token: &str) -> bool {
        world.shop.auth.verify_customer(token).await.is_ok()
    }

    pub(super) async fn expect_earlier(world: &World, how: usize) {
        world.shop.sign_in(if how == 1 { HOSTS } else { PASSWORD }).await.expect("the credential is valid");
    }
}

struct Change(Customers);

impl Flow for Change {
    const LOOKS_LAST: bool = true;
    const REVOCATIONS: usize = Customers::REVOCATIONS;

    fn config() -> AuthConfig {
        fast()
    }

    async fn begin(world: &World) -> Self {
        Self(Customers::begin(world).await)
    }

    async fn run(&self, world: &World) -> Result<(), Error> {
        world.shop.auth.change_password(&self.0.own, PASSWORD, NEW).await
    }

    async fn revoke(&self, world: &World, how: usize) -> bool {
        self.0.revoke(world, how).await
    }

    async fn is_written(&self, world: &World) -> bool {
        self.0.is_written(world).await
    }

    async fn sign_in(&self, world: &World, _: usize) -> Option<String> {
        Customers::sign_in(world).await
    }

    async fn lives(world: &World, token: &str) -> bool {
        Customers::lives(world, token).await
    }

    fn presented(&self) -> Option<&str> {
        Some(&self.0.own)
    }

    async fn expect_earlier(&self, world: &World, how: usize) {
        Customers::expect_earlier(world, how).await;
    }
}

struct Reset(Customers, String);

impl Flow for Reset {
    const LOOKS_LAST: bool = false;
    const REVOCATIONS: usize = Customers::REVOCATIONS;

    fn config() -> AuthConfig {
        fast()
    }

    async fn begin(world: &World) -> Self {
        Self(Customers::begin(world).await, world.shop.reset_token().await)
    }

    async fn run(&self, world: &World) -> Result<(), Error> {
        world.shop.auth.reset_password(PasswordReset::new(EMAIL, self.1.as_str(), NEW)).await
    }

    async fn revoke(&self, world: &World, how: usize) -> bool {
        self.0.revoke(world, how).await
    }

    async fn is_written(&self, world: &World) -> bool {
        self.0.is_written(world).await
    }

    async fn sign_in(&self, world: &World, _: usize) -> Option<String> {
        Customers::sign_in(world).await
    }

    async fn lives(world: &World, token: &str) -> bool {
        Customers::lives(world, token).await
    }

    fn presented(&self) -> Option<&str> {
        Some(&self.0.own)
    }

    async fn expect_earlier(&self, world: &World, how: usize) {
        Customers::expect_earlier(world, how).await;
    }
}

/// Consent to assistance, which is written under the same rule.
struct Consent(Customers);

impl Flow for Consent {
    const LOOKS_LAST: bool = false;
    const REVOCATIONS: usize = Customers::REVOCATIONS;

    fn config() -> AuthConfig {
        fast()
    }

    async fn begin(world: &World) -> Self {
        world.shop.set_customer(|row| row.allows_assistance = false);
        Self(Customers::begin(world).await)
    }

    async fn run(&self, world: &World) -> Result<(), Error> {
        world.shop.auth.set_remote_shopping_assistance(&self.0.own, true).await
    }

    async fn revoke(&self, world: &World, how: usize) -> bool {
        self.0.revoke(world, how).await
    }

    async fn is_written(&self, world: &World) -> bool {
        Customers::row(world).await.allows_assistance
    }

    async fn sign_in(&self, _: &World, _: usize) -> Option<String> {
        None
    }

    async fn lives(world: &World, token: &str) -> bool {
        Customers::lives(world, token).await
    }

    fn presented(&self) -> Option<&str> {
        Some(&self.0.own)
    }

    async fn expect_earlier(&self, world: &World, how: usize) {
        Customers::expect_earlier(world, how).await;
    }
}

#[tokio::test]
async fn a_change_of_a_password_outlives_no_revocation() {
    hold::<Change>(true).await;
}

#[tokio::test]
async fn a_reset_of_a_password_outlives_no_revocation() {
    hold::<Reset>(true).await;
}

#[tokio::test]
async fn a_consent_outlives_no_revocation() {
    hold::<Consent>(false).await;
}
