//! Services: each owns the parts it needs and nothing else. Flows compose them.

pub(crate) mod attempts;
#[cfg_attr(not(test), allow(dead_code, reason = "no flow uses it yet"))]
pub(crate) mod codes;
mod documents;
pub(crate) mod factors;
#[cfg_attr(not(test), allow(dead_code, reason = "no flow uses it yet"))]
pub(crate) mod ledger;
#[cfg(test)]
mod testing;
mod turns;

pub(crate) use documents::{Documents, Held};
