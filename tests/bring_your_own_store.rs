//! The store of the example passes the suite that every store must pass: it says so itself.

#[path = "../examples/bring_your_own_store/store.rs"]
mod store;
