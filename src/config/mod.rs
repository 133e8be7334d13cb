//! The configuration of a shop: lifetimes, budgets and rules.
//!
//! [`AuthConfig`] holds them all.

pub(crate) mod settings;

pub(crate) use settings::AuthConfig;
pub use settings::{ConfigError, Confirmation, RevokeScope, SecondFactorPolicy};

pub use crate::state::budgets::{Budget, Lock};
