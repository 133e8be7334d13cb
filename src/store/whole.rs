use super::{StateStore, TokenStore};

/// All of a backend's storage in one value. Implemented for every type that implements both traits.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    label = "it must implement `TokenStore` and `StateStore`, or be an `Arc` of a type that does",
    note = "every type that implements `TokenStore` and `StateStore` is a `Store`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore` (feature `sqlite`), `PostgresStore` (feature `postgres`) and `RedisStore` (feature `redis`)"
)]
pub trait Store: TokenStore + StateStore {}

impl<S: TokenStore + StateStore> Store for S {}
