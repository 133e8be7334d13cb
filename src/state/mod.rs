//! Pure state machines over versioned documents: no I/O, no async, no clock.
//!
//! A machine turns documents, a command and the time into other documents and an answer. A
//! [`Transition`] is one such command. `service::Documents` loads its documents, applies it, commits what
//! it writes, and starts again if another writer was faster.

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
