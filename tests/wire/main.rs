//! The adapters from the outside: the tests send requests to a shop's router and read the answers.

#![cfg(all(feature = "axum", feature = "graphql"))]

mod addresses;
mod assistance;
mod bodies;
mod captured;
mod challenge;
mod confirmation;
mod consent;
mod device;
mod edge;
mod graphql;
mod hosts_errors;
mod leaving;
mod lists;
mod logs;
mod many_fields;
mod multiplied;
mod nesting;
mod over_http;
mod paths;
mod refusals;
mod rest;
mod schema;
mod second_factor;
mod sought;
mod told;
mod typed;
