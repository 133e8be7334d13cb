//! A history, told to the crate and to its model.

mod act;
mod chance;
mod choose;
mod compare;
mod names;
mod op;
mod sink;
mod step;
mod world;

pub(crate) use chance::history;
pub(crate) use op::History;
pub(crate) use world::World;

const SITES: [&str; 2] = ["base", "outlet"];
const ADDRESSES: [&str; 5] =
    ["ada@example.com", "uli@example.com", "nora@example.com", "carl@example.com", "nobody@example.com"];
const PASSWORDS: [&str; 3] = ["Passw0rd-0", "Passw0rd-1", "Passw0rd-2"];
/// The last is nobody's. The others have the passwords of the same places.
const USERNAMES: [&str; 3] = ["admin0", "admin1", "nobody"];
const REASON: &str = "the basket is stuck";
/// Where a request comes from, and which of them are the same source.
const SOURCES: [(Option<&str>, u32); 5] = [
    (Some("192.0.2.1"), 0),
    (Some("::ffff:192.0.2.1"), 0),
    (Some("2001:db8::1"), 1),
    (Some("2001:db8::2"), 1),
    (None, 2),
];
/// The source that has no address.
const NOWHERE: u32 = 2;
/// Sources from here on have the addresses 10.0.0.0 and up.
const FLOOD: u32 = 0x0a00_0000;
