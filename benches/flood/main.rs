//! How long a verification takes while an attacker floods the shop, on the durable backends.
//!
//! One `Auth` has one hashing thread and the default cost of a hash. A token is verified every 10
//! ms. Meanwhile 8 connections send 200 requests in a second:
//!
//! - **flood**: one of four attacks ([`attack::Flood`]), whose every request fails;
//! - **control**: right sign-ins, each by another customer from another source, as many as keep the
//!   hashing thread busy.
//!
//! The first table compares the two in windows that take turns. The 99th percentile of a
//! verification's time during the flood may be at most 3 times that during the control. The second
//! table compares an old store, which had 100,000 requests of the flood, with a young one, which
//! had 1,000. The 99th percentile on the old store may be at most 1.5 times that on the young one.
//! These are sent as fast as they are answered. Every round has a new young store. A table's times
//! are medians of its rounds, its ratio is the median of the rounds' ratios. The program exits with
//! 1 if a bar is missed.

mod attack;
mod site;
mod tables;
mod window;

use std::{num::NonZero, process::ExitCode, sync::Arc, time::Duration};

use attack::Flood;
use clap::{Parser, ValueEnum};
use site::{Backend, Load, Site};
use tables::{Ages, Pairs};
use tokio::runtime::Runtime;
use window::{RATE, Window, flood_until};

/// The number of requests that a young store has had.
const YOUNG: u64 = 1_000;

/// Measures verification under floods and prints two tables.
#[derive(Debug, Parser)]
struct CommandLine {
    /// Store to measure; may be given again [default: all]
    #[arg(long, value_enum)]
    store: Vec<Backend>,
    /// Flood to play; may be given again [default: all]
    #[arg(long, value_enum)]
    flood: Vec<Flood>,
    /// Pairs of windows in each table
    #[arg(long, default_value = "5")]
    rounds: NonZero<usize>,
    /// Seconds of a window
    #[arg(long, default_value = "15")]
    seconds: NonZero<u64>,
    /// Requests that an old store has had; 0 leaves the second table out
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// Pace of the control
    #[arg(long, value_enum, default_value_t = Control::Busy)]
    control: Control,
}

/// The pace of the control's sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Control {
    /// 200 in a second, which is more than one thread can hash
    Busy,
    /// As many as the hashes of the flood's last window
    Matched,
}

fn main() -> ExitCode {
    let arguments = CommandLine::parse();
    let runtime = Runtime::new().expect("tokio starts");
    if runtime.block_on(run(&arguments)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the tables. Returns true if every bar is passed.
async fn run(arguments: &CommandLine) -> bool {
    let (mut pairs, mut ages) = (Vec::new(), Vec::new());
    for backend in chosen(&arguments.store) {
        for flood in chosen(&arguments.flood) {
            let name = format!("{} | {}", name(backend), name(flood));
            eprintln!("{name}");
            pairs.extend(take_turns(arguments, backend, flood).await.map(|pairs| (name.clone(), pairs)));
            if arguments.requests > 0 {
                ages.extend(grow_old(arguments, backend, flood).await.map(|ages| (name, ages)));
            }
        }
    }
    // If one table misses a bar, the other one is still printed.
    tables::print_pairs(&pairs) & tables::print_ages(&ages, YOUNG, arguments.requests)
}

/// Measures the flood and the control in turns.
async fn take_turns(arguments: &CommandLine, backend: Backend, flood: Flood) -> Option<Pairs> {
    let site = Arc::new(Site::open(backend).await?);
    let length = Duration::from_secs(arguments.seconds.get());
    let mut pairs = Pairs::default();
    let mut control_rate = RATE;
    for round in 0..arguments.rounds.get() {
        // The second of the two may find the store still busy with the work of the first one.
        for flooded in [round % 2 == 0, round % 2 == 1] {
            if flooded {
                let window = Window::measure(&site, Load::Flood(flood), RATE, length).await;
                if arguments.control == Control::Matched {
                    control_rate = window.hashes;
                }
                pairs.flood.push(window);
            } else {
                pairs.control.push(Window::measure(&site, Load::Honest, control_rate, length).await);
            }
        }
        eprintln!("  {:?}\n  {:?}", pairs.flood[round], pairs.control[round]);
    }
    pairs.failures = site.failures();
    Some(pairs)
}

/// Measures the flood on young stores and on an old one in turns.
async fn grow_old(arguments: &CommandLine, backend: Backend, flood: Flood) -> Option<Ages> {
    let (load, length) = (Load::Flood(flood), Duration::from_secs(arguments.seconds.get()));
    let old = Arc::new(Site::open(backend).await?);
    flood_until(&old, load, arguments.requests).await;
    let mut ages = Ages { old_documents: old.documents(), ..Ages::default() };
    for round in 0..arguments.rounds.get() {
        let young = Arc::new(Site::open(backend).await?);
        flood_until(&young, load, YOUNG).await;
        ages.young_documents = young.documents();
        ages.young.push(Window::measure(&young, load, RATE, length).await);
        ages.old.push(Window::measure(&old, load, RATE, length).await);
        eprintln!("  {:?}\n  {:?}", ages.young[round], ages.old[round]);
    }
    Some(ages)
}

/// Returns the named values, or all.
fn chosen<V: ValueEnum>(named: &[V]) -> Vec<V> {
    if named.is_empty() { V::value_variants().to_vec() } else { named.to_vec() }
}

fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().expect("no value is hidden").get_name().to_owned()
}
