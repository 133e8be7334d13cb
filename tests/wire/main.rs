//! The adapters from the outside: a shop's router is sent requests, and its answers are read.

#![cfg(all(feature = "axum", feature = "graphql"))]

mod assistance;
mod edge;
mod graphql;
mod host;
mod hosts_errors;
mod leaving;
mod many_fields;
mod multiplied;
mod nesting;
mod over_http;
mod refusals;
mod rest;
mod second_factor;
mod site;
mod sought;
#[path = "../support/mod.rs"]
mod support;
mod told;
