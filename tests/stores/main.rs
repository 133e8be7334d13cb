//! The backends on their own: the suites that every store must pass, the proof that these notice faults, and what each
//! backend promises beyond them.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod accounts;
mod bring_your_own_store;
mod conformance;
mod memory_model;
mod memory_store;
mod postgres;
mod redis;
mod sqlite;
mod state_conformance;
mod token_conformance;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod trail;
