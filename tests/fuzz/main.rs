//! Fuzz targets: property tests in `cargo test`, and targets of a fuzzer with `.ci/fuzz long`.
//!
//! Each target reaches the crate as a client, a host or another writer of its tables does. `found`
//! has the inputs on which a target once failed.

#![cfg(all(feature = "axum", feature = "graphql", feature = "sqlite"))]

mod audit;
mod bearer;
mod document;
mod email;
mod found;
mod graphql;
mod hashes;
mod json;
mod pace;
mod phc;
mod rest;
mod text;
mod watch;
mod world;
