//! What the integration tests share: a small shop, stores with hooks, records and documents to keep, and the sizes of
//! floods.
//!
//! It is linked to the same library as the tests of `tests/`. Unit tests in `src` cannot use it: to them, the types of the
//! library that it names are those of another crate.

pub mod authenticator;
pub mod documents;
mod each_fault;
pub mod factors;
pub mod fresh;
pub mod hooked;
pub mod outbox;
pub mod present;
pub mod records;
mod shop;
pub mod sink;
pub mod site;
mod size;
pub mod table;

pub use shop::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, REASON, Shop, WRONG, fast, keyring, shop, with_second_factor,
};
pub use size::size;
