//! The configuration of a shop: lifetimes, budgets and rules.
//!
//! [`AuthConfig`] holds them all.

mod assistance;
mod budgets;
mod error;
mod hashing;
mod lifetimes;
mod rules;
pub(crate) mod settings;

use std::time::Duration;

pub use assistance::AssistanceRules;
pub use budgets::{Budget, Budgets, Lock};
pub use error::ConfigError;
pub use hashing::Hashing;
pub use lifetimes::Lifetimes;
pub use rules::{Confirmation, RevokeScope, SecondFactorPolicy};
pub(crate) use settings::AuthConfig;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Refuses a lifetime of zero or of more than `most`.
fn check_lifetime(name: &'static str, lifetime: Duration, most: Duration) -> Result<(), ConfigError> {
    if lifetime.is_zero() || lifetime > most { Err(ConfigError::OutOfRange(name)) } else { Ok(()) }
}
