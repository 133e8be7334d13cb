//! Services: each owns the parts it needs and nothing else. Flows compose them.

pub(crate) mod attempts;
pub(crate) mod codes;
mod documents;
pub(crate) mod factors;
pub(crate) mod ledger;
#[cfg(test)]
mod testing;
mod turns;

pub(crate) use documents::{Documents, Held};
