//! Each backend by itself: the suites that every store must pass, the proof that the suites notice
//! faults, and the further promises of each backend.

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
#[cfg(any(feature = "postgres", feature = "redis"))]
mod trips;
