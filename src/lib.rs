#![doc = include_str!("../README.md")]
//!
//! ## The map
//!
//! Every operation is a method of [`Auth`], which [`Auth::builder`] makes and [`AuthConfig`]
//! configures. Its error type is [`Error`].
//!
//! - [`account`]: the host's rows and tables, e-mail addresses, ids, websites.
//! - [`credential`]: the credentials that clients present, and the hashing and checking of
//!   passwords.
//! - [`token`]: the tokens that the crate issues, and the identities that they prove.
//! - [`audit`]: the events of the audit trail, and its sinks.
//! - [`store`]: the storage traits, and [`store::memory`].
//! - [`notifier`]: the notices to customers and admin users.
//! - [`challenge`]: a captcha or a proof of work before the hash.
//! - [`clock`], [`random`] and [`keyring`]: time, randomness and private keys, which the host can
//!   replace.
#![cfg_attr(feature = "axum", doc = "- [`http`]: who calls; the extractors, layer and REST routes for axum.")]
#![cfg_attr(feature = "graphql", doc = "- [`graphql`]: the mutations, to be merged into a schema.")]
#![cfg_attr(feature = "conformance", doc = "- [`conformance`]: the suite every store must pass.")]
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
pub mod challenge;
pub mod clock;
mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod credential;
mod error;
mod flow;
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

/// The programs of guides that belong to no module, as doctests.
#[cfg(all(doctest, feature = "axum", feature = "graphql", feature = "sqlite"))]
mod guides {
    #[doc = include_str!("../docs/quick-start.md")]
    mod quick_start {}
    #[doc = include_str!("../docs/customer-table.md")]
    mod customer_table {}
}

/// The attribute for an `impl` of the crate's traits with `async` functions, such as
/// [`CustomerStore`] and [`TokenStore`](store::TokenStore). It is re-exported from the crate
/// [`async-trait`](https://docs.rs/async-trait).
#[doc(inline)]
pub use async_trait::async_trait;

pub use account::{
    AccountConflict, AccountStatus, AdminId, AdminRecord, AdminStore, AdminUser, Customer, CustomerId,
    CustomerRecord, CustomerStore, Email, EmailError, EmailReplacement, IdError, PasswordHash, Permission,
    UpsertError, Username, UsernameError, Website, WebsiteError,
};
pub use audit::{AuditEvent, AuditSink, AuditStats};
pub use auth::{Auth, AuthBuilder};
pub use challenge::{Challenge, ChallengeAction, ChallengeAnswer, ChallengeResponse, Pressure};
pub use config::{AuthConfig, ConfigError, Confirmation, RevokeScope, SecondFactorPolicy};
pub use credential::{
    Argon2Params, BreachedPasswords, ConfirmationToken, Credential, EnrolmentToken, HashingStats,
    OneTimeCode, ParamsError, PasswordPolicy, PasswordSha1, RecoveryCode, ResetToken, TotpSecret,
    TotpSecretError, UnlockToken,
};
pub use error::{
    AssistanceError, ConfirmationError, Error, ErrorKind, Field, InputError, InternalError, Part,
    PolicyViolation, SecondFactorError, SignInError, StoreError, TokenError,
};
pub use flow::{
    AdminChange, AdminFactor, AdminSignIn, AdminSignedIn, BegunEnrolment, ConfirmationRequest, Confirmed,
    CustomerChange, EmailConfirmation, FactorSetup, GeneratedCode, Keep, KeyringCheckError, KeyringReport,
    ListedToken, NewAccount, PasswordReset, PasswordResetRequest, Purged, Registration, SignIn, SignedIn,
};
pub use keyring::{KeyError, KeyId, Keyring, Sealed};
pub use notifier::{AdminNotice, AdminNotification, Notice, Notification, Notifier};
pub use shared::IntoShared;
pub use state::budgets::{Budget, Lock};
pub use store::memory::{MemoryAdmins, MemoryCustomers, MemoryStore};
#[cfg(feature = "postgres")]
pub use store::postgres::{PostgresAdmins, PostgresAudit, PostgresCustomers, PostgresOptions, PostgresStore};
#[cfg(feature = "redis")]
pub use store::redis::{RedisOptions, RedisStore};
#[cfg(feature = "sqlite")]
pub use store::sqlite::{SqliteAdmins, SqliteAudit, SqliteCustomers, SqliteOptions, SqliteStore};
pub use token::{
    AdminIdentity, Assistance, AssistanceEnd, AssistanceEntry, Bearer, BearerToken, CustomerIdentity,
    DeviceSecret, Digest, DigestError, Grant, Identity, Obtained, Origin, Subject, SubjectError,
};
