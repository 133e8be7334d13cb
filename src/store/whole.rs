use super::{StateStore, TokenStore};

/// A storage backend that keeps both tokens and documents. A type that implements [`TokenStore`]
/// and [`StateStore`] also implements this trait, without any code.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    label = "it must implement `TokenStore` and `StateStore`, or be an `Arc` of a type that does",
    note = "every type that implements `TokenStore` and `StateStore` is a `Store`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore` (feature `sqlite`), `PostgresStore` (feature `postgres`) and `RedisStore` (feature `redis`)"
)]
pub trait Store: TokenStore + StateStore {}

impl<S: TokenStore + StateStore> Store for S {}
