//! The storefront as it is built, over HTTP.

mod accounts;
mod admin_page;
mod challenge;
mod clients;
mod command_line;
mod confirmation;
mod database_down;
mod database_setup;
mod databases;
mod demo;
mod first_admin;
mod key_file;
mod known_devices;
mod letters;
mod logs;
mod mail;
mod mailbox;
mod notices;
mod older_clients;
mod pages;
mod redis;
mod rest_account;
mod running;
mod second_factor;
mod support;
mod unlock;
