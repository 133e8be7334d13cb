//! A web shop's server: its customers and admin users sign in with commerce-auth, over the API of Adobe Commerce.
//!
//! Read it from the top: [`args`] is what it can be told, [`server`] how it starts, serves and ends, [`accounts`] what
//! it keeps by itself. Everything about passwords, tokens, codes, budgets and the audit trail is the crate's.
#![deny(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod accounts;
mod admin_api;
mod args;
mod assist;
mod audit;
mod challenge;
mod commerce_time;
mod create_admin;
mod demo;
mod device;
mod errors;
mod graphql;
mod health;
mod housekeeping;
mod keys;
mod letters;
mod logging;
mod mailbox;
mod name_admin;
mod outbox;
mod pages;
mod remove_admin_factor;
mod rest;
mod routes;
mod schema;
mod server;
mod shop;
mod signals;
mod unlock;
mod values;

use std::{error::Error, process::ExitCode};

use args::{Command, CommandLine};
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match run(CommandLine::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("storefront: {}", errors::in_full(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command_line: CommandLine) -> Result<(), Box<dyn Error>> {
    logging::start(command_line.log_format())?;
    match command_line.command {
        Some(Command::CreateAdmin(args)) => create_admin::run(args).await,
        Some(Command::NameAdmin(args)) => name_admin::run(args).await,
        Some(Command::RemoveAdminFactor(args)) => remove_admin_factor::run(args).await,
        Some(Command::UnlockCustomer(args)) => unlock::customer(args).await,
        Some(Command::UnlockAdmin(args)) => unlock::admin(args).await,
        None => server::run(command_line.serve).await,
    }
}
