//! The flows through `Auth`, over the memory store: what each answers, what it records, and what it costs.

mod admin;
mod assistance;
mod attempts;
mod audit;
mod config;
mod crowds;
mod email;
mod equal_work;
mod every_token;
mod generations;
mod in_flight;
mod json_lines;
mod keyring;
mod ledger;
mod model;
mod native;
mod one_time;
mod password;
mod round_trips;
mod runtimes;
mod second_factor;
mod secrets;
mod sign_in;
mod subject;
mod tokens;
mod unavailable;
