//! The documented examples of the Commerce API, held against the storefront as it is built: each pair verbatim, each error,
//! and the signatures of the operations.

mod data;
mod errors;
mod exceptions;
mod looks;
mod pairs;
mod provoked;
mod schema;
mod site;
#[path = "../server/support.rs"]
mod support;
