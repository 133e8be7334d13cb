//! The storefront as it is built, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod admin_page;
mod database_down;
mod demo;
mod first_admin;
mod logs;
mod mail;
mod pages;
mod running;
mod support;
