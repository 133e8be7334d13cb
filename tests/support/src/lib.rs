//! The shared parts of the integration tests: a small shop, stores with hooks, records and
//! documents, and the sizes of floods.
//!
//! This crate is linked to the same library as the tests of `tests/`. Unit tests in `src` cannot
//! use it, because to them the library's types that it names belong to another crate.

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
