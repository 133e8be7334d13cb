/// An error of the host or of this crate. The caller cannot correct it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InternalError {
    /// The flow needs a part that the host has not configured.
    #[error("The {} is not configured.", .0.name())]
    NotConfigured(Part),
    /// The host's table returned a row of another website, or a row without a valid address or user
    /// name.
    #[error("The account could not be read.")]
    ForeignRow,
    /// A task or a thread that worked for the caller panicked or was stopped. A change may have
    /// taken effect.
    #[error("Internal Error.")]
    Interrupted,
    /// The cipher failed to seal a secret.
    #[error("Internal Error.")]
    Unsealed,
    /// A secret of at least 128 random bits was drawn twice: the source of randomness repeats
    /// itself.
    #[error("Internal Error.")]
    RepeatedSecret,
    /// The names of the shop and of the admin user cannot be put in an `otpauth` URI. Change
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

/// A part of the crate that is optional for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The admin user table: [`AuthBuilder::admins`](crate::AuthBuilder::admins).
    Admins,
    /// The notifier: [`AuthBuilder::notifier`](crate::AuthBuilder::notifier).
    Notifier,
    /// The keyring: [`AuthBuilder::keyring`](crate::AuthBuilder::keyring).
    Keyring,
    /// The admission of requests to a GraphQL schema: [`Admission`](crate::graphql::Admission).
    #[cfg(feature = "graphql")]
    Admission,
    /// The layer around the router: [`AuthLayer`](crate::http::AuthLayer).
    #[cfg(feature = "axum")]
    Layer,
    /// The address of the peer: serve the router with
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
