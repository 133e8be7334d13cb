//! A history that is applied to the crate and to its model.

mod act;
mod chance;
mod choose;
mod compare;
mod names;
mod op;
mod sieges;
mod sink;
mod step;
mod world;

pub(crate) use chance::history;
pub(crate) use op::History;
pub(crate) use world::World;

use super::shop::NOWHERE;

const SITES: [&str; 2] = ["base", "outlet"];
const ADDRESSES: [&str; 5] =
    ["ada@example.com", "uli@example.com", "nora@example.com", "carl@example.com", "nobody@example.com"];
const PASSWORDS: [&str; 3] = ["Rarely-used-0", "Rarely-used-1", "Rarely-used-2"];
/// The last name has no account. The others have the passwords of the same places.
const USERNAMES: [&str; 3] = ["admin0", "admin1", "nobody"];
const REASON: &str = "the basket is stuck";
/// The origins of requests, each with the number of its source. Equal numbers are the same source.
const SOURCES: [(Option<&str>, u32); 6] = [
    (Some("192.0.2.1"), 0),
    (Some("::ffff:192.0.2.1"), 0),
    (Some("2001:db8::1"), 1),
    (Some("2001:db8::2"), 1),
    // The network of this source is also that of the one before.
    (Some("2001:db8:0:1::1"), 3),
    (None, NOWHERE),
];
/// From this number on, sources have the addresses 10.0.0.0 and up.
const STRANGERS: u32 = 0x0a00_0000;
