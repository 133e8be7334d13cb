//! What the benchmarks share: a shop with customers signed in, the peers, and how work is run and timed.

mod peers;
mod shop;
mod work;

pub use peers::{Claims, Jwt, Sessions};
pub use shop::{BareTable, Shop, Texts, grant_of, origin_of, random_digests};
pub use work::{Cursor, finish, on_threads, sizes};
