// The README links to its picture by a relative path, which does not work on docs.rs. So this
// definition gives the link an absolute address. It takes precedence over the definition in the
// README, because it comes first.
#![doc = concat!(
    "[sign-in-picture]: https://docs.rs/crate/commerce-auth/",
    env!("CARGO_PKG_VERSION"),
    "/source/docs/pictures/sign-in.svg\n"
)]
#![doc = include_str!("../README.md")]
//!
//! ## The map
//!
//! Every operation is a method of [`Auth`]. A host makes an `Auth` with [`Auth::builder`] and
//! configures it with [`AuthConfig`]. If an operation fails, it returns an [`Error`]. The root of
//! the crate has the types that every host uses, and the traits of tables and stores. Every other
//! type is in one of these modules:
//!
//! - [`flow`]: the types of the operations' arguments and results.
//! - [`error`]: the errors that an [`Error`] holds, with Commerce's messages.
//! - [`config`]: the settings of [`AuthConfig`].
//! - [`account`]: the records and values of the host's tables.
//! - [`credential`]: the credentials that clients present, and the hashing and checking of
//!   passwords.
//! - [`token`]: the tokens that the crate issues, and the identities that they prove.
//! - [`audit`]: the events of the audit trail, and its sinks.
//! - [`store`]: the records that the storage traits read and write, and the ready-made backends,
//!   such as [`store::memory`].
//! - [`notifier`]: the notices to customers and admin users.
//! - [`challenge`]: a captcha or a proof of work, which is checked before a password is hashed.
//! - [`clock`] and [`random`]: the clock and the random generator, which the host can replace.
//! - [`keyring`]: the host's secret keys.
#![cfg_attr(
    feature = "axum",
    doc = "- [`http`]: the caller; the extractors, layer and REST routes for axum."
)]
#![cfg_attr(
    feature = "graphql",
    doc = "- [`graphql`]: the mutations and queries, to be merged into a schema."
)]
#![cfg_attr(feature = "conformance", doc = "- [`conformance`]: the test suite that every store must pass.")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::panic
    )
)]

pub mod account;
pub mod audit;
mod auth;
mod bytes;
pub mod challenge;
pub mod clock;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod credential;
pub mod error;
pub mod flow;
#[cfg(feature = "graphql")]
pub mod graphql;
#[cfg(any(feature = "axum", feature = "graphql"))]
pub mod http;
pub mod keyring;
pub mod notifier;
pub mod random;
mod service;
mod shared;
mod state;
pub mod store;
pub mod token;

/// Runs the example programs of these guides as doctests, because the guides belong to no module.
#[cfg(all(doctest, feature = "axum", feature = "graphql", feature = "postgres", feature = "sqlite"))]
mod guides {
    #[doc = include_str!("../docs/quick-start.md")]
    mod quick_start {}
    #[doc = include_str!("../docs/customer-table.md")]
    mod customer_table {}
    #[doc = include_str!("../docs/go-live.md")]
    mod go_live {}
    #[doc = include_str!("../docs/operations.md")]
    mod operations {}
    #[doc = include_str!("../docs/proxies-and-cors.md")]
    mod proxies_and_cors {}
}

/// The attribute that an `impl` of a trait with `async` functions needs, for example of
/// [`CustomerStore`] or [`TokenStore`]. It is re-exported from the crate
/// [`async-trait`](https://docs.rs/async-trait).
#[doc(inline)]
pub use async_trait::async_trait;

pub use account::{
    admin::{AdminStore, AdminUser},
    customer::{Customer, CustomerStore},
    email::Email,
    id::{AdminId, CustomerId},
    password_hash::PasswordHash,
    website::Website,
};
pub use auth::{Auth, AuthBuilder};
pub use config::settings::AuthConfig;
pub use error::{kind::ErrorKind, operation::Error};
pub use flow::types::{AdminSignIn, AdminSignedIn, SignIn, SignedIn};
pub use shared::IntoShared;
pub use store::{otc::OtcStore, state::StateStore, token::TokenStore, whole::Store};
pub use token::{
    bearer::BearerToken,
    identity::{AdminIdentity, CustomerIdentity},
    origin::Origin,
};
