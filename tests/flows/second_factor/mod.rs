//! The second factor of admin users: how it is set up, that each code works once, and that it
//! cannot be bypassed.

mod budget;
mod codes;
mod enrolment;
mod keys;
mod lost;
mod oathtool;
mod policy;
mod replaced;
mod step_up;
mod thief;
mod trail;

use commerce_auth::{
    AdminId, AdminSignIn, AdminSignedIn, AuthConfig, Error, Store, store::memory::MemoryStore,
};
use support::{ADMIN, ADMIN_PASSWORD, Shop, authenticator::Authenticator, keyring, with_second_factor};

/// The secret of RFC 4226, in base32.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Returns a shop whose admin user 7 has an authenticator.
fn enrolled() -> (Shop, Authenticator) {
    enrolled_in(with_second_factor())
}

fn enrolled_in(config: AuthConfig) -> (Shop, Authenticator) {
    enrolled_on(MemoryStore::new(), config)
}

fn enrolled_on<S: Store>(store: S, config: AuthConfig) -> (Shop<S>, Authenticator) {
    let shop = Shop::open(store, config, |builder| builder.keyring(keyring()));
    let authenticator = Authenticator::new(SECRET);
    let id = AdminId::from(7);
    let imported = shop.auth.import_admin_factor(&id, authenticator.secret());
    pollster::block_on(imported).expect("there is none yet");
    shop.outbox.take_admins();
    (shop, authenticator)
}

/// Signs admin user 7 in with a code.
async fn sign_in<S: Store>(shop: &Shop<S>, code: &str) -> Result<AdminSignedIn, Error> {
    shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD).otp(code)).await
}

/// Signs admin user 7 in with an unused code.
async fn token<S: Store>(shop: &Shop<S>, authenticator: &Authenticator) -> String {
    let code = authenticator.unused_code(shop.now()).expect("a code is left at this time");
    sign_in(shop, &code).await.expect("the code is right").token().expose().to_owned()
}

/// Returns a code that is invalid at this time.
fn wrong_code<S: Store>(shop: &Shop<S>, authenticator: &Authenticator) -> String {
    let seconds = shop.now().unix_timestamp();
    let good: Vec<_> = [-30, 0, 30]
        .map(|apart| time::OffsetDateTime::from_unix_timestamp(seconds + apart).expect("a time"))
        .map(|at| authenticator.code_at(at))
        .to_vec();
    let mut codes = (0..10).map(|code| format!("{code:06}"));
    codes.find(|code| !good.contains(code)).expect("at most three of ten are valid")
}
