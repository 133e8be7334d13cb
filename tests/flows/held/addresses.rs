//! A customer's new address, which is written once the mailed token is presented.

use commerce_auth::{AuthConfig, Error, SignIn, flow::EmailConfirmation};
use support::{PASSWORD, fast};

use super::{Flow, World, customers::Customers, hold};

const NEW_ADDRESS: &str = "bob@example.org";

/// The customer, and the token mailed to the new address.
struct Change(Customers, String);

impl Flow for Change {
    const LOOKS_LAST: bool = false;
    const REVOCATIONS: usize = Customers::REVOCATIONS;

    fn config() -> AuthConfig {
        fast()
    }

    async fn begin(world: &World) -> Self {
        let customers = Customers::begin(world).await;
        let asked = world.shop.auth.request_email_change(customers.own(), PASSWORD, NEW_ADDRESS);
        asked.await.unwrap();
        Self(customers, world.shop.outbox.confirmation_token().unwrap())
    }

    async fn run(&self, world: &World) -> Result<(), Error> {
        let confirmation = EmailConfirmation::new(NEW_ADDRESS, self.1.as_str());
        world.shop.auth.confirm_email(confirmation).await.map(drop)
    }

    async fn revoke(&self, world: &World, how: usize) -> bool {
        self.0.revoke(world, how).await
    }

    async fn is_written(&self, world: &World) -> bool {
        Customers::row(world).await.email == NEW_ADDRESS
    }

    async fn sign_in(&self, world: &World, _: usize) -> Option<String> {
        let signed_in = world.shop.auth.generate_customer_token(SignIn::new(NEW_ADDRESS, PASSWORD)).await;
        Some(signed_in.ok()?.token().expose().to_owned())
    }

    async fn lives(world: &World, token: &str) -> bool {
        Customers::lives(world, token).await
    }

    fn presented(&self) -> Option<&str> {
        Some(self.0.own())
    }

    async fn expect_earlier(&self, world: &World, how: usize) {
        Customers::expect_earlier(world, how).await;
    }
}

#[tokio::test]
async fn a_change_of_an_address_outlives_no_revocation() {
    hold::<Change>(true).await;
}
