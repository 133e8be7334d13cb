//! The adapters from the outside: a shop's router is sent requests, and its answers are read.

#![cfg(all(feature = "axum", feature = "graphql"))]

mod assistance;
mod bodies;
mod edge;
mod graphql;
mod many_fields;
mod over_http;
mod paths;
mod refusals;
mod rest;
mod second_factor;
mod site;
mod sought;
#[path = "../support/mod.rs"]
mod support;
mod typed;
