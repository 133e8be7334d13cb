//! The shared parts of the benchmarks: a shop with signed-in customers, the peers, and how work is
//! run and timed.

mod attempt;
mod bare;
mod cycle;
mod peers;
mod resident;
mod row;
mod shop;
mod turns;
mod work;

pub use attempt::Attempt;
pub use bare::{BarePostgres, BareRedis, BareSqlite, Driver, Work};
pub use cycle::Cycle;
pub use peers::{Claims, Jwt, Sessions};
pub use resident::{bytes_of_tokens, is_measuring_process};
pub use row::{Bar, Row};
pub use shop::{
    BareTable, FirstBytes, Shop, Texts, USER_AGENT, grant_of, insert, origin_of, random_digests, sign_in_of,
};
pub use turns::{Turns, median, timed};
pub use work::{CAP, finish, fresh, is_chosen, on_threads, sizes, walk, walk_in_sequence};
