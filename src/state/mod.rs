//! Pure state machines over versioned documents: no I/O, no async, no clock.
//!
//! A state machine takes documents, a command and the time. It returns an answer and the changed
//! documents. A [`Transition`] is such a command. `service::Documents` loads the documents of a
//! transition, applies the transition and commits its writes. If another writer has changed the
//! documents since they were loaded, `service::Documents` applies the transition again to the
//! present documents.

pub(crate) mod budgets;
pub(crate) mod codes;
pub(crate) mod factor;
mod format;
pub(crate) mod ledger;
mod owner;
pub(crate) mod pointer;
mod stored;
#[cfg(test)]
pub(crate) mod testing;
mod transition;
pub(crate) mod unlock;
pub(crate) mod watch;

pub(crate) use owner::{of_admin, of_customer};
pub(crate) use transition::{Content, DocumentError, Step, Transition, Write};
