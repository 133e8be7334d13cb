//! The HTTP adapter: the caller of a request and the website of the request. The feature `axum`
//! adds extractors, a layer and the REST routes.
//!
//! A host puts [`AuthLayer`] around its router. For each request, the layer creates a [`Caller`]
//! with the bearer token, the website and the origin. The extractors and the GraphQL resolvers use
//! this `Caller`. If a response does not have these headers yet, the layer adds them:
//!
//! - `Cache-Control: no-store` to every response;
//! - `WWW-Authenticate` to a response with status 401;
//! - `Retry-After` to a response with status 429 or 503.
#![cfg_attr(
    all(feature = "axum", feature = "graphql"),
    doc = concat!("\n", include_str!("../../docs/adapters.md")),
    doc = concat!("\n", include_str!("../../docs/adapter-answers.md")),
    doc = concat!("\n", include_str!("../../docs/adapter-bounds.md")),
    doc = concat!("\n", include_str!("../../docs/captcha.md")),
    doc = concat!("\n", include_str!("../../docs/second-factor-routes.md")),
    doc = concat!("\n", include_str!("../../docs/other-frameworks.md"))
)]

mod bearer;
mod caller;
mod log;
mod loggable;
mod to_its_end;
mod trimmed;
mod websites;

#[cfg(feature = "axum")]
mod client_address;
#[cfg(feature = "axum")]
mod extract;
#[cfg(feature = "axum")]
mod is_json;
#[cfg(feature = "axum")]
mod layer;
#[cfg(feature = "axum")]
mod paths;
#[cfg(feature = "axum")]
pub mod rest;

pub use bearer::HeaderError;
pub use caller::Caller;
#[cfg(feature = "axum")]
pub(crate) use is_json::is_json;
#[cfg(feature = "axum")]
pub use layer::{AuthLayer, AuthService};
pub(crate) use log::log_fault;
pub use loggable::loggable_path;
#[cfg(feature = "axum")]
pub use paths::commerce_paths;
pub(crate) use to_its_end::to_its_end;
pub(crate) use trimmed::trimmed;
pub use websites::{OneWebsite, Websites};
