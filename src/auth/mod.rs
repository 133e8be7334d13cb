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

/// The facade: every flow is a method of it, named as the mutation is.
///
/// One concrete type, cheap to clone, `Send + Sync`: it drops into any framework's state. Made by
/// [`Auth::builder`]. It has threads of its own, which a `fork` does not copy: build it in the child.
#[derive(Clone)]
pub struct Auth {
    services: Arc<Services>,
}

impl Auth {
    /// Begins with the store that keeps tokens and documents.
    ///
    /// ```
    /// use commerce_auth::{Auth, MemoryCustomers, MemoryStore};
    ///
    /// let auth = Auth::builder(MemoryStore::new())
    ///     .customers(MemoryCustomers::new())
    ///     .without_notifier() // or `.notifier(..)`, which mails password resets
    ///     .build()?;
    /// # Ok::<(), commerce_auth::ConfigError>(())
    /// ```
    pub fn builder(store: impl IntoShared<dyn Store>) -> AuthBuilder {
        AuthBuilder::new(store.into_shared())
    }

    /// The numbers and rules in force.
    #[must_use]
    pub fn config(&self) -> &AuthConfig {
        &self.services.config
    }

    /// True if a second factor can be set up at all.
    #[cfg(feature = "axum")]
    pub(crate) fn has_keyring(&self) -> bool {
        self.services.factors.current_key().is_ok()
    }

    /// State of the hashing pool, for metrics.
    #[must_use]
    pub fn hashing_stats(&self) -> HashingStats {
        self.services.passwords.stats()
    }

    /// Fate of the audit events, for metrics: anything dropped or failed is worth an alarm. A rising number of summed up
    /// events is a flood, or a sink that is too slow.
    #[must_use]
    pub fn audit_stats(&self) -> AuditStats {
        self.services.trail.stats()
    }

    /// Waits until the audit events that are queued now, sums included, have reached the sink: before a host shuts down. Clones of an
    /// `Auth` share a queue; another `Auth` has its own. It waits as long as the sink takes: give it a time limit.
    pub async fn flush_audit(&self) {
        self.services.trail.flush().await;
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("config", &self.services.config).finish_non_exhaustive()
    }
}
