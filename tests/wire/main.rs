//! The adapters from the outside: a shop's router is sent requests, and its answers are read.

#![cfg(all(feature = "axum", feature = "graphql"))]

mod addresses;
mod assistance;
mod captured;
mod consent;
mod edge;
mod graphql;
mod logs;
mod many_fields;
mod over_http;
mod refusals;
mod rest;
mod schema;
mod second_factor;
mod site;
mod sought;
#[path = "../support/mod.rs"]
mod support;
