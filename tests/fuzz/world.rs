//! The shop to which a target's requests go.

use std::cell::RefCell;

use axum::body::Body;
use commerce_auth::{AdminSignIn, store::memory::MemoryStore};
use http::{HeaderValue, Request};
use serde_json::Value;
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, fast, keyring,
    site::{Answer, Site},
};
use tokio::runtime::{Builder, Runtime};

use crate::{pace::keeping_pace, text::CANARY, watch};

/// The number of inputs after which a world is replaced, so that its tables stay small.
const INPUTS: u32 = 256;
/// The number of inputs after which a day passes and both accounts sign in again, so that no budget
/// stays used up.
const INPUTS_A_DAY: u32 = 8;

/// A shop, its router and the tokens of the signed-in accounts.
pub struct World {
    pub site: Site,
    pub customer: String,
    pub admin: String,
    runtime: Runtime,
    inputs: u32,
}

impl World {
    fn new() -> Self {
        watch::watch();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let shop = Shop::open(MemoryStore::new(), fast(), |builder| builder.keyring(keyring()));
        let (site, customer, admin) = (Site::of(shop), String::new(), String::new());
        let mut world = Self { site, customer, admin, runtime, inputs: 0 };
        assert!(world.signs_in(), "a new shop");
        assert_eq!(world.run(world.site.graphql(None, "{ shopName }")).status, 200);
        assert!(watch::has_read(), "async-graphql's log is read");
        world
    }

    /// Signs both accounts in. Returns false if an input has changed a password.
    fn signs_in(&mut self) -> bool {
        let shop = &self.site.shop;
        let signed_in = self.runtime.block_on(async {
            let admin = shop.auth.generate_admin_token(AdminSignIn::new(ADMIN, ADMIN_PASSWORD)).await;
            (shop.sign_in(PASSWORD).await, admin)
        });
        let (Ok(customer), Ok(admin)) = signed_in else { return false };
        self.customer = customer.token().expose().to_owned();
        self.admin = admin.token().expose().to_owned();
        true
    }

    /// Runs a future on this thread, whose stack is as large as that of a tokio worker.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Sends a request and checks the properties of every answer. The request is sent again if its
    /// time must be measured again.
    pub fn answer(&self, length: usize, request: impl Fn() -> Request<Body>, statuses: &[u16]) -> Answer {
        let trivial = || {
            let query = format!(
                r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{WRONG}") {{ token }} }}"#
            );
            drop(self.run(self.site.graphql(None, &query)));
        };
        let answer = keeping_pace(length, trivial, || self.run(self.site.send(request())));
        assert!(statuses.contains(&answer.status.as_u16()), "{} {}", answer.status, answer.text);
        assert!(!answer.text.contains(CANARY), "the password is in the answer: {:.2000}", answer.text);
        assert_eq!(watch::leaked(), None, "the password is in the log");
        answer
    }
}

/// Lends a target its world.
pub fn with_world<T>(input: impl FnOnce(&World) -> T) -> T {
    thread_local!(static WORLD: RefCell<Option<World>> = const { RefCell::new(None) });
    let mut world = WORLD.take().filter(|world| world.inputs < INPUTS).unwrap_or_else(World::new);
    if world.inputs % INPUTS_A_DAY == INPUTS_A_DAY - 1 {
        world.site.shop.advance(25 * 60 * 60);
        if !world.signs_in() {
            world = World::new();
        }
    }
    world.inputs += 1;
    let done = input(&world);
    WORLD.set(Some(world));
    done
}

/// Returns a header with these bytes. None if they are not valid in a header.
pub fn header(value: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_bytes(value).ok()
}

/// Returns the JSON of an answer, which may be empty.
pub fn json(answer: &Answer) -> Option<Value> {
    (!answer.text.is_empty()).then(|| answer.json())
}
