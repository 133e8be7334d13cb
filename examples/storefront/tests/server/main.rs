//! The storefront as it is built, over HTTP.

mod accounts;
mod admin_page;
mod database_down;
mod databases;
mod demo;
mod first_admin;
mod logs;
mod mail;
mod pages;
mod redis;
mod running;
mod second_factor;
mod support;
