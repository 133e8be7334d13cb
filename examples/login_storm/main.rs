//! A shop sends a mail to its customers, and they come in a wave that the shop cannot hash.
//!
//! ```text
//! cargo run --release --example login_storm [-- [--small] [--customers NUMBER]]
//! ```
//!
//! The shop keeps everything in memory, and has as many hashing threads as the machine has cores.
//! Some customers, the regulars, sign in before the mail. Their sign-ins also measure how many
//! hashes the machine computes in a second. The mail then brings so many customers that the peak of
//! the wave needs 2.5 times as many hashes. `--customers` sets another number of customers. A real
//! wave takes minutes to its peak. This one takes two seconds.
//!
//! [`wave::Customer`] describes the wave. Most customers sign in at once. Some mistype the password
//! first, and some have forgotten it and set a new one by mail. Then each of them looks at five
//! pages. If the shop is overloaded, a customer comes back after a pause ([`client`]).
//!
//! The table has a line for each second. A time of a sign-in is the time of one call that the shop
//! did not refuse as overloaded. The time of a verification counts from the moment at which the
//! verification is due. So it includes up to 1 ms of the runtime's timer.
//!
//! After the table, the program prints the promises that hold in a storm, with their numbers, and
//! then the cores that the wave would need. It exits with 1 if a promise is broken.
//!
//! With `--small`, all times are a tenth, and a hash costs next to nothing. The run then takes three
//! seconds. No promise about times is checked then, and none if the queue was never half full.

mod client;
mod log;
mod report;
mod shop;
mod wave;

use std::{env, process::ExitCode, sync::Arc, time::Duration};

use log::Log;
use shop::Shop;
use tokio::{
    task::JoinSet,
    time::{Instant, interval, sleep_until},
};
use wave::Customer;

/// The program ends with the first error that is not an answer to a customer.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Peak of the wave, as a multiple of the hashes that the machine computes.
const OVERLOAD: f64 = 2.5;
/// Number of customers of a small run.
const FEW: u64 = 500;

/// The arguments of the program.
struct Arguments {
    small: bool,
    customers: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let Arguments { small, customers } = arguments()?;
    let memory = report::resident_memory();
    let shop = Arc::new(Shop::open(small).await?);
    let rate = shop.sign_in_regulars().await?;
    let (peak, threads) = (shop.paced(wave::PEAK), shop.auth.hashing_stats().threads);
    let by_default =
        if small { FEW } else { wave::customers_for(OVERLOAD * rate / wave::HASHES, wave::PEAK) };
    let customers = customers.unwrap_or(by_default);
    shop.register(0..customers)?;

    println!("{rate:.0} hashes a second, by hashing threads: {threads}");
    println!("{customers} customers follow the mail\n");
    report::print_head();
    let log = Arc::new(Log::new(shop.paced(Duration::from_secs(1))));
    let (watched, browsed) = (log.watch_queue(&shop), client::keep_browsing(&shop, &log));
    let mut visits = JoinSet::new();
    for number in 0..customers {
        let customer = Customer::new(number, peak);
        visits.spawn(client::visit(Arc::clone(&shop), Arc::clone(&log), customer));
    }
    let mut rows = interval(log.row);
    rows.tick().await; // The first tick is now.
    while !visits.is_empty() {
        rows.tick().await;
        while visits.try_join_next().transpose()?.is_some() {}
        report::print_rows(&log);
    }
    // The line that has begun meanwhile.
    sleep_until(Instant::now() + log.row).await;
    report::print_rows(&log);
    watched.abort();
    browsed.abort();
    let held = report::print_promises(&log, &shop, customers, memory);
    report::print_need(&log, rate / threads as f64);
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn arguments() -> Result<Arguments> {
    let (mut arguments, mut given) = (Arguments { small: false, customers: None }, env::args().skip(1));
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--small" => arguments.small = true,
            "--customers" => arguments.customers = Some(given.next().ok_or("how many customers?")?.parse()?),
            other => return Err(format!("{other} is neither --small nor --customers").into()),
        }
    }
    Ok(arguments)
}
