/// An error of the host or of this crate, which the client cannot correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InternalError {
    /// The operation needs a part of [`Auth`](crate::Auth) that the host has not configured.
    #[error("The {} is not configured.", .0.name())]
    NotConfigured(Part),
    /// The host's table returned a row of another website, or a row without a valid e-mail address
    /// or user name.
    #[error("The account could not be read.")]
    ForeignRow,
    /// A task or thread of the library panicked or was stopped during the operation. The operation
    /// may have taken effect.
    #[error("Internal Error.")]
    Interrupted,
    /// A secret could not be encrypted.
    #[error("Internal Error.")]
    Unsealed,
    /// The random generator is broken: it has returned the same secret twice. A working generator
    /// does not do this, because a secret has at least 128 random bits.
    #[error("Internal Error.")]
    RepeatedSecret,
    /// An `otpauth` URI cannot be made from the names of the shop and the admin user. Change
    /// [`AuthConfig::issuer`](crate::AuthConfig::issuer).
    #[error("Internal Error.")]
    NoEnrolmentUri,
}

impl InternalError {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::NotConfigured(_) => "internal.not_configured",
            Self::ForeignRow => "internal.foreign_row",
            Self::Interrupted => "internal.interrupted",
            Self::Unsealed => "internal.unsealed",
            Self::RepeatedSecret => "internal.repeated_secret",
            Self::NoEnrolmentUri => "internal.no_enrolment_uri",
        }
    }
}

/// An optional part of an [`Auth`](crate::Auth) or of an adapter, which a host must set for some
/// operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The admin user table: [`AuthBuilder::admins`](crate::AuthBuilder::admins).
    Admins,
    /// The notifier: [`AuthBuilder::notifier`](crate::AuthBuilder::notifier).
    Notifier,
    /// The keyring: [`AuthBuilder::keyring`](crate::AuthBuilder::keyring).
    Keyring,
    /// The check of a GraphQL request before its execution:
    /// [`Admission`](crate::graphql::Admission).
    #[cfg(feature = "graphql")]
    Admission,
    /// The layer around the router: [`AuthLayer`](crate::http::AuthLayer).
    #[cfg(feature = "axum")]
    Layer,
    /// The IP address of the client's connection. The host must serve the router with
    /// [`into_make_service_with_connect_info`](axum::Router::into_make_service_with_connect_info),
    /// or call [`AuthLayer::without_addresses`](crate::http::AuthLayer::without_addresses).
    #[cfg(feature = "axum")]
    PeerAddress,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Admins => "admin user table",
            Self::Notifier => "notifier",
            Self::Keyring => "keyring",
            #[cfg(feature = "graphql")]
            Self::Admission => "admission of GraphQL requests",
            #[cfg(feature = "axum")]
            Self::Layer => "AuthLayer around the router",
            #[cfg(feature = "axum")]
            Self::PeerAddress => "peer address",
        }
    }
}
