//! Services: each owns the parts it needs and nothing else. Flows compose them.

pub(crate) mod attempts;
mod documents;
mod turns;

pub(crate) use documents::Documents;
