mod admin_users;
mod assistance;
mod builder;
mod customers;
mod passwords;
mod registration;
mod tokens;

use std::{fmt, sync::Arc};

pub use builder::AuthBuilder;

use crate::{
    audit::AuditStats, config::AuthConfig, credential::HashingStats, service::Services, shared::IntoShared,
    store::Store,
};

/// The authentication service: every operation is a method.
///
/// A method that implements a mutation of Commerce has the name of the mutation.
///
/// `Auth` is one concrete type, cheap to clone, and `Send + Sync`, so it fits into any framework's
/// state. [`Auth::builder`] makes it. It starts threads, which a `fork` does not copy: after a
/// `fork`, build it in the child process.
#[derive(Clone)]
pub struct Auth {
    services: Arc<Services>,
}

impl Auth {
    /// Returns a builder with the store that keeps tokens and documents.
    ///
    /// ```
    /// use commerce_auth::{
    ///     Auth,
    ///     store::memory::{MemoryCustomers, MemoryStore},
    /// };
    ///
    /// let auth = Auth::builder(MemoryStore::new())
    ///     .customers(MemoryCustomers::new())
    ///     .without_notifier() // or `.notifier(..)`, which mails password resets
    ///     .build()?;
    /// # Ok::<(), commerce_auth::config::ConfigError>(())
    /// ```
    pub fn builder(store: impl IntoShared<dyn Store>) -> AuthBuilder {
        AuthBuilder::new(store.into_shared())
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &AuthConfig {
        &self.services.config
    }

    /// True if there is a keyring, so that a second factor can be set up.
    #[cfg(feature = "axum")]
    pub(crate) fn has_keyring(&self) -> bool {
        self.services.factors.current_key().is_ok()
    }

    /// Returns the state of the hashing pool, for metrics.
    #[must_use]
    pub fn hashing_stats(&self) -> HashingStats {
        self.services.passwords.stats()
    }

    /// Returns counters of the audit events, for metrics.
    ///
    /// If any event was dropped or failed, raise an alarm. A rising number of summed up events
    /// means a flood of requests, or a sink that is too slow.
    #[must_use]
    pub fn audit_stats(&self) -> AuditStats {
        self.services.trail.stats()
    }

    /// Waits until the sink has received all audit events that are queued now, including sums.
    ///
    /// Call it before the host shuts down. Clones of an `Auth` share a queue, and another `Auth`
    /// has a separate one. The call waits as long as the sink takes, so set a time limit.
    pub async fn flush_audit(&self) {
        self.services.trail.flush().await;
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("config", &self.services.config).finish_non_exhaustive()
    }
}
