use std::sync::Arc;

use crate::{
    audit::AuditSink,
    challenge::Challenge,
    clock::Clock,
    credential::BreachedPasswords,
    notifier::Notifier,
    random::SecureRandom,
    store::{OtcStore, StateStore, Store, TokenStore},
};

/// Converts a part of an [`Auth`](crate::Auth), such as a store or a notifier, to an [`Arc`]. So a
/// host can pass a part by value, or pass an [`Arc`] and keep a clone of it.
///
/// `Part` is the type of a trait object, such as `dyn Notifier`. The conversion is implemented for
/// every type that implements the trait, and for an [`Arc`] of such a type.
///
/// ```
/// # use std::sync::Arc;
/// use commerce_auth::{
///     Auth, Store,
///     store::memory::{MemoryCustomers, MemoryStore},
/// };
///
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let auth = Auth::builder(Arc::clone(&store))
///     .customers(MemoryCustomers::new())
///     .without_notifier()
///     .build()?;
/// # Ok::<(), commerce_auth::config::ConfigError>(())
/// ```
// If a host passes a type that does not implement the trait of the part, the compiler shows this
// text. Without it, the compiler would show the text of the part's own trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be handed over as `{Part}`",
    label = "it must implement the trait, or be an `Arc` of a type that does",
    note = "implement the trait for the type itself; a trait with `async` functions needs the attribute `#[commerce_auth::async_trait]`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore`, `PostgresStore` and `RedisStore`; ready-made audit sinks are `MemoryAudit`, `SqliteAudit`, `PostgresAudit`, `JsonLinesAudit` and `TracingAudit`; some need a feature"
)]
pub trait IntoShared<Part: ?Sized> {
    /// Returns the part as an [`Arc`] of the trait object.
    fn into_shared(self) -> Arc<Part>;
}

macro_rules! parts {
    ($($part:ident),* $(,)?) => {$(
        impl<P: $part> IntoShared<dyn $part> for P {
            fn into_shared(self) -> Arc<dyn $part> {
                Arc::new(self)
            }
        }

        impl<P: $part> IntoShared<dyn $part> for Arc<P> {
            fn into_shared(self) -> Arc<dyn $part> {
                self
            }
        }

        impl IntoShared<dyn $part> for Arc<dyn $part> {
            fn into_shared(self) -> Arc<dyn $part> {
                self
            }
        }
    )*};
}

parts!(
    AuditSink,
    BreachedPasswords,
    Challenge,
    Clock,
    Notifier,
    OtcStore,
    SecureRandom,
    StateStore,
    Store,
    TokenStore
);

impl IntoShared<dyn StateStore> for Arc<dyn Store> {
    fn into_shared(self) -> Arc<dyn StateStore> {
        self
    }
}

impl IntoShared<dyn TokenStore> for Arc<dyn Store> {
    fn into_shared(self) -> Arc<dyn TokenStore> {
        self
    }
}
