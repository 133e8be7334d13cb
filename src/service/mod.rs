//! Services: each owns the parts it needs and nothing else. Flows compose them.

mod documents;
mod turns;

#[cfg_attr(test, expect(unused_imports, reason = "no flow uses documents yet"))]
pub(crate) use documents::{Changed, Documents};
