//! An admin user's new password, and a host's changes to admin users.

use commerce_auth::{
    AdminId, AdminSignIn, AdminStore, AuthConfig, Error, PasswordHash,
    account::{AccountStatus, AdminRecord},
    flow::AdminChange,
};
use support::{ADMIN, ADMIN_PASSWORD, fast};

use super::{Flow, HOSTS, NEW, World, hold};

pub(super) fn admin() -> AdminId {
    AdminId::from(7)
}

async fn admin_row(world: &World) -> AdminRecord {
    world.shop.admins.find_by_id(&admin()).await.unwrap().unwrap()
}

/// Revokes as a host may, for admin user 7. The host sets another password (0, 1 without the
/// password), disables and reactivates the account, ends all tokens of the shop, or removes the
/// second factor.
pub(super) async fn revoke_admin(world: &World, how: usize, hosts: &PasswordHash) {
    let (auth, admins) = (&world.shop.auth, &world.shop.admins);
    let mut row = admin_row(world).await;
    match how {
        0 => {
            row.password_hash = Some(hosts.clone());
            admins.upsert(row).unwrap();
            auth.admin_changed(&admin(), AdminChange::PasswordChanged).await.unwrap();
        }
        1 => auth.admin_changed(&admin(), AdminChange::PasswordChanged).await.unwrap(),
        2 => {
            let active = row.clone();
            row.status = AccountStatus::Disabled;
            admins.upsert(row).unwrap();
            auth.admin_changed(&admin(), AdminChange::Disabled).await.unwrap();
            admins.upsert(active).unwrap();
        }
        3 => auth.revoke_everything().await.unwrap(),
        _ => drop(auth.remove_admin_factor(&admin()).await.unwrap()),
    }
}

pub(super) async fn hosts_admin_hash(world: &World) -> PasswordHash {
    world.shop.auth.hash_new_admin_password(ADMIN, HOSTS).await.unwrap()
}

/// Returns a token of admin user 7.
pub(super) async fn admin_token(world: &World, password: &str, code: Option<String>) -> Option<String> {
    let sign_in = AdminSignIn::new(ADMIN, password);
    let sign_in = match code {
        Some(code) => sign_in.otp(code),
        None => sign_in,
    };
    let signed_in = world.shop.auth.generate_admin_token(sign_in).await.ok()?;
    Some(signed_in.token().expose().to_owned())
}

pub(super) async fn admin_lives(world: &World, token: &str) -> bool {
    world.shop.auth.verify_admin(token).await.is_ok()
}

pub(super) const fn admin_password(how: usize) -> &'static str {
    if how == 0 { HOSTS } else { ADMIN_PASSWORD }
}

struct AdminChangesPassword {
    own: String,
    earlier: PasswordHash,
    hosts: PasswordHash,
}

impl Flow for AdminChangesPassword {
    const LOOKS_LAST: bool = true;
    const REVOCATIONS: usize = 4;

    fn config() -> AuthConfig {
        fast()
    }

    async fn begin(world: &World) -> Self {
        Self {
            own: admin_token(world, ADMIN_PASSWORD, None).await.unwrap(),
            earlier: admin_row(world).await.password_hash.unwrap(),
            hosts: hosts_admin_hash(world).await,
        }
    }

    async fn run(&self, world: &World) -> Result<(), Error> {
        world.shop.auth.change_admin_password(&self.own, ADMIN_PASSWORD, NEW).await
    }

    async fn revoke(&self, world: &World, how: usize) -> bool {
        revoke_admin(world, how, &self.hosts).await;
        true
    }

    async fn is_written(&self, world: &World) -> bool {
        let hash = admin_row(world).await.password_hash.unwrap();
        ![&self.earlier, &self.hosts].into_iter().any(|known| known.expose() == hash.expose())
    }

    async fn sign_in(&self, world: &World, _: usize) -> Option<String> {
        admin_token(world, NEW, None).await
    }

    async fn lives(world: &World, token: &str) -> bool {
        admin_lives(world, token).await
    }

    fn presented(&self) -> Option<&str> {
        Some(&self.own)
    }

    async fn expect_earlier(&self, world: &World, how: usize) {
        admin_token(world, admin_password(how), None).await.expect("the credential is valid");
    }
}

#[tokio::test]
async fn a_change_of_an_admin_users_password_outlives_no_revocation() {
    hold::<AdminChangesPassword>(true).await;
}
