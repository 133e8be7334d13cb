use std::io;

use crate::random::RandomError;

/// The reason why [`AuthBuilder::build`](crate::AuthBuilder::build) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A setting is out of range, such as a lifetime of zero. The error contains the path of the
    /// setting in [`AuthConfig`](crate::AuthConfig).
    #[error("AuthConfig.{0} is out of range")]
    OutOfRange(&'static str),
    /// No customer table was given. Call [`AuthBuilder::customers`](crate::AuthBuilder::customers).
    #[error("no customer table was given: call AuthBuilder::customers")]
    NoCustomers,
    /// No notifier was given. Without a notifier, every password reset would fail.
    ///
    /// Call [`AuthBuilder::notifier`](crate::AuthBuilder::notifier) or
    /// [`AuthBuilder::without_notifier`](crate::AuthBuilder::without_notifier).
    #[error(
        "no notifier was given: call AuthBuilder::notifier, or AuthBuilder::without_notifier if this host mails nothing"
    )]
    NoNotifier,
    /// An admin user table was given without an audit sink. Call
    /// [`AuthBuilder::audit`](crate::AuthBuilder::audit).
    #[error("an admin user table was given without an audit sink: call AuthBuilder::audit")]
    NoAuditSink,
    /// Admin users must have a second factor, but the host set no keyring. The keyring is needed
    /// because it encrypts the secrets of second factors.
    ///
    /// To correct the configuration, call [`AuthBuilder::keyring`](crate::AuthBuilder::keyring), or
    /// set [`AuthConfig::admin_second_factor`](crate::AuthConfig::admin_second_factor) to another
    /// policy.
    #[error("admin users need a second factor, but no keyring was given: call AuthBuilder::keyring")]
    NoKeyring,
    /// The operating system could not start a thread.
    #[error("failed to start a thread")]
    Threads(#[source] io::Error),
    /// Failed to obtain random bytes from the operating system.
    #[error(transparent)]
    Random(#[from] RandomError),
}
