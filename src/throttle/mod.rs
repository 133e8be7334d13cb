//! Budgets of failed attempts: which ones an attempt draws on, and waiting for one's turn.
//!
//! The counting itself is one atomic verb of the [`ThrottleStore`].

mod gate;
mod key;

pub(crate) use gate::{Charged, Gate};
pub(crate) use key::{Attempted, account_key, admin_key, recovery_code_key, second_factor_key};
