//! Pure state machines over versioned documents: no I/O, no async, no clock.
//!
//! A machine turns documents, a command and the time into other documents and an answer. A
//! [`Transition`] is one such command. `service::Documents` loads its documents, applies it, commits what
//! it writes, and starts again if another writer was faster.

pub(crate) mod budgets;
mod format;
mod transition;

pub(crate) use format::DocumentError;
pub(crate) use transition::{Content, Step, Transition, Write};
