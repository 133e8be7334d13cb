//! An admin user's second factor, activated and imported, and its recovery codes.

use commerce_auth::{AuthConfig, Error, Origin, PasswordHash};
use serde_json::Value;
use support::{ADMIN_PASSWORD, authenticator::Authenticator, factors::stored, with_second_factor};

use super::{
    Flow, World,
    admin_passwords::{admin, admin_lives, admin_password, admin_token, hosts_admin_hash, revoke_admin},
    hold,
};

/// The secret of the existing factor, in base32.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// The second factor before a flow: none, or the one with [`SECRET`].
struct Factor {
    own: Option<String>,
    authenticator: Authenticator,
    stored: Option<Value>,
    hosts: PasswordHash,
}

impl Factor {
    async fn begin(world: &World, is_enrolled: bool) -> Self {
        let authenticator = Authenticator::new(SECRET);
        let mut own = None;
        if is_enrolled {
            world.shop.auth.import_admin_factor(&admin(), authenticator.secret()).await.unwrap();
            let code = authenticator.unused_code(world.shop.now());
            own = admin_token(world, ADMIN_PASSWORD, code).await;
            world.shop.auth.replace_recovery_codes(own.as_deref().unwrap()).await.unwrap();
        }
        let (stored, hosts) = (Self::stored(world).await, hosts_admin_hash(world).await);
        Self { own, authenticator, stored, hosts }
    }

    /// Returns the stored factor, without the last used step.
    async fn stored(world: &World) -> Option<Value> {
        let mut factor = stored(&*world.shop.store, 7, "factor").await?;
        factor.as_object_mut().unwrap().remove("last_step").unwrap();
        Some(factor)
    }

    async fn is_written(&self, world: &World) -> bool {
        Self::stored(world).await.is_some_and(|factor| Some(factor) != self.stored)
    }

    /// Fails unless the factor is the earlier one, or none if it was removed.
    async fn expect_earlier(&self, world: &World, how: usize) {
        let expected = if how == 4 { None } else { self.stored.clone() };
        assert_eq!(Self::stored(world).await, expected, "revocation {how}");
        if expected.is_some() {
            let code = self.authenticator.unused_code(world.shop.now());
            admin_token(world, admin_password(how), code).await.expect("the earlier code is valid");
        }
    }
}

/// An enrolment that was mailed, or one that the signed-in admin user began to replace the existing
/// factor.
struct Activation<const REPLACES: bool> {
    earlier: Factor,
    token: String,
    shown: Authenticator,
    code: String,
}

impl<const REPLACES: bool> Flow for Activation<REPLACES> {
    const LOOKS_LAST: bool = false;
    const REVOCATIONS: usize = 5;

    fn config() -> AuthConfig {
        with_second_factor()
    }

    async fn begin(world: &World) -> Self {
        let (earlier, auth) = (Factor::begin(world, REPLACES).await, &world.shop.auth);
        let token = if let Some(own) = &earlier.own {
            auth.begin_admin_enrolment(own.as_str()).await.unwrap().token().expose().to_owned()
        } else {
            assert_eq!(admin_token(world, ADMIN_PASSWORD, None).await, None, "a token is mailed");
            world.shop.outbox.enrolment_token().unwrap()
        };
        let setup = auth.set_up_admin_factor(token.as_str(), &Origin::default()).await.unwrap();
        let shown = Authenticator::new(setup.secret().to_base32().expose());
        let code = shown.unused_code(world.shop.now()).unwrap();
        Self { earlier, token, shown, code }
    }

    async fn run(&self, world: &World) -> Result<(), Error> {
        let (token, code) = (self.token.as_str(), self.code.as_str());
        world.shop.auth.activate_admin_factor(token, code, &Origin::default()).await.map(drop)
    }

    async fn revoke(&self, world: &World, how: usize) -> bool {
        revoke_admin(world, how, &self.earlier.hosts).await;
        true
    }

    async fn is_written(&self, world: &World) -> bool {
        self.earlier.is_written(world).await
    }

    async fn sign_in(&self, world: &World, how: usize) -> Option<String> {
        admin_token(world, admin_password(how), self.shown.unused_code(world.shop.now())).await
    }

    async fn lives(world: &World, token: &str) -> bool {
        admin_lives(world, token).await
    }

    fn presented(&self) -> Option<&str> {
        self.earlier.own.as_deref()
    }

    async fn expect_earlier(&self, world: &World, how: usize) {
        self.earlier.expect_earlier(world, how).await;
    }
}

/// A secret that the host imports.
struct Import(Factor);

impl Flow for Import {
    const IS_THE_HOSTS: bool = true;
    const LOOKS_LAST: bool = false;
    const REVOCATIONS: usize = 5;

    fn config() -> AuthConfig {
        with_second_factor()
    }

    async fn begin(world: &World) -> Self {
        Self(Factor::begin(world, false).await)
    }

    async fn run(&self, world: &World) -> Result<(), Error> {
        world.shop.auth.import_admin_factor(&admin(), self.0.authenticator.secret()).await
    }

    async fn revoke(&self, world: &World, how: usize) -> bool {
        revoke_admin(world, how, &self.0.hosts).await;
        true
    }

    async fn is_written(&self, world: &World) -> bool {
        self.0.is_written(world).await
    }

    async fn sign_in(&self, world: &World, how: usize) -> Option<String> {
        admin_token(world, admin_password(how), self.0.authenticator.unused_code(world.shop.now())).await
    }

    async fn lives(world: &World, token: &str) -> bool {
        admin_lives(world, token).await
    }

    fn presented(&self) -> Option<&str> {
        None
    }

    async fn expect_earlier(&self, world: &World, how: usize) {
        self.0.expect_earlier(world, how).await;
    }
}

/// Recovery codes. Only the caller of the flow knows them, so that no code can be used before the
/// flow ends.
struct RecoveryCodes(Factor);

impl Flow for RecoveryCodes {
    const LOOKS_LAST: bool = true;
    const REVOCATIONS: usize = 5;

    fn config() -> AuthConfig {
        with_second_factor()
    }

    async fn begin(world: &World) -> Self {
        Self(Factor::begin(world, true).await)
    }

    async fn run(&self, world: &World) -> Result<(), Error> {
        let own = self.presented().unwrap();
        world.shop.auth.replace_recovery_codes(own).await.map(drop)
    }

    async fn revoke(&self, world: &World, how: usize) -> bool {
        revoke_admin(world, how, &self.0.hosts).await;
        true
    }

    async fn is_written(&self, world: &World) -> bool {
        self.0.is_written(world).await
    }

    async fn sign_in(&self, _: &World, _: usize) -> Option<String> {
        None
    }

    async fn lives(world: &World, token: &str) -> bool {
        admin_lives(world, token).await
    }

    fn presented(&self) -> Option<&str> {
        self.0.own.as_deref()
    }

    async fn expect_earlier(&self, world: &World, how: usize) {
        self.0.expect_earlier(world, how).await;
    }
}

#[tokio::test]
async fn a_mailed_activation_outlives_no_revocation() {
    hold::<Activation<false>>(true).await;
}

#[tokio::test]
async fn an_activation_in_place_of_another_outlives_no_revocation() {
    hold::<Activation<true>>(true).await;
}

#[tokio::test]
async fn an_import_outlives_no_revocation() {
    hold::<Import>(true).await;
}

#[tokio::test]
async fn new_recovery_codes_outlive_no_revocation() {
    hold::<RecoveryCodes>(false).await;
}
