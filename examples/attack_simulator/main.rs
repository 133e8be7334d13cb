//! Plays five attacks on a shop of two nodes while honest people sign in, and prints what the
//! attacker got.
//!
//! ```text
//! cargo run --release --features sqlite --example attack_simulator [memory | sqlite] [ATTACK...]
//! ```
//!
//! The shop keeps everything in memory, or in an SQLite file. It has 10,000 customers. The attacks
//! are those of [`attack::Attack`]. Without a name on the command line, all are played. Each is
//! played twice, on a new shop each time:
//!
//! 1. **Whole**, with hashes that cost next to nothing. The clock of the shop moves by 5 ms for
//!    each try, as if 200 came in a second. This counts the tries that were let through, and the
//!    honest people's answers.
//! 2. **Its first 20 seconds**, in real time, with the default cost of a hash and one hashing
//!    thread a node. This measures how long the honest people wait, as a multiple of their time
//!    while nobody attacks.
//!
//! The first table has a line for each attack. It shows the tries that reached a hash, and the
//! documents that the attack left in the store. (`Auth::purge` removes each document an hour after
//! its end.) It also shows the seconds on the shop's clock until each node knew of the attack
//! ([`flag::Flag`]). The second table has a line for each honest person of [`people::Person`]. It
//! shows the number of sign-ins that succeeded, and of those that were challenged first, the errors
//! of the others, and the times.
//!
//! The limits: Each node knows of the attack within 60 s. Every honest sign-in succeeds, and only
//! sign-ins from an unknown source are challenged. At a known device or by an admin user, 19 of 20
//! sign-ins take at most 4 times their idle time. The program exits with 1 if a limit is missed.

mod attack;
mod defences;
mod flag;
mod people;
mod play;
mod report;
mod site;

use std::{env, process::ExitCode};

use attack::Attack;
use site::Storage;

/// The program ends with the first error of a store or of the system.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let (mut storage, mut attacks) = (Storage::Memory, Vec::new());
    for argument in env::args().skip(1) {
        match argument.as_str() {
            "memory" => storage = Storage::Memory,
            "sqlite" => storage = Storage::Sqlite,
            name => attacks.push(Attack::named(name).ok_or_else(|| usage(name))?),
        }
    }
    if attacks.is_empty() {
        attacks.extend(Attack::ALL);
    }
    let mut rows = Vec::new();
    for attack in attacks {
        eprintln!("{}", attack.name());
        rows.push(play::play(storage, attack).await?);
    }
    Ok(if report::print(&rows) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn usage(argument: &str) -> String {
    let names = Attack::ALL.map(Attack::name).join(", ");
    format!("{argument} is neither memory nor sqlite nor an attack: {names}")
}
