use super::{Auth, AuthBuilder};
use crate::{
    audit::AuditStats, config::AuthConfig, credential::HashingStats, shared::IntoShared, store::Store,
};

impl Auth {
    /// Returns a builder of an [`Auth`]. The given store keeps tokens and documents.
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
    /// If the counter of dropped or failed events rises, raise an alarm, because the audit trail
    /// has gaps. If the counter of summed up events rises, the queue is half full: there is a flood
    /// of requests, or the sink is too slow. Summed up means that one event stands for several.
    #[must_use]
    pub fn audit_stats(&self) -> AuditStats {
        self.services.trail.stats()
    }

    /// Waits until the sink has received all audit events that are queued now. If events did not
    /// fit into the queue, the method also waits for their sums: events that each stand for several
    /// events.
    ///
    /// Call this method before the host shuts down. All clones of an `Auth` share one audit queue,
    /// so one call is enough for them. The method has no time limit and waits as long as the sink
    /// takes, so set a time limit around the call.
    pub async fn flush_audit(&self) {
        self.services.trail.flush().await;
    }
}
