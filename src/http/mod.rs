//! The edge of HTTP: who calls, from where, on which website; with the feature `axum`, extractors, a layer and the REST
//! routes.
//!
//! A host puts [`AuthLayer`] around its router. It makes a [`Caller`] of each request, from which the extractors and the
//! GraphQL resolvers tell who it is, and it sees to what every answer of a sign-in service must say: `Cache-Control:
//! no-store`, `WWW-Authenticate` beside a 401, `Retry-After` beside a 429 and a 503.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, routing::get};
//! use commerce_auth::{
//!     Auth, CustomerIdentity, MemoryCustomers, MemoryStore,
//!     http::{AuthLayer, rest},
//! };
//!
//! async fn cart(who: CustomerIdentity) -> String {
//!     format!("the cart of customer {}", who.customer_id())
//! }
//!
//! let auth = Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new()).build()?;
//! let app: Router = Router::new()
//!     .route("/cart", get(cart))
//!     .nest("/rest", rest::by_store(rest::routes()))
//!     .layer(AuthLayer::new(auth));
//! // axum::serve(listener, app.into_make_service_with_connect_info::<std::net::SocketAddr>())
//! # Ok::<(), commerce_auth::ConfigError>(())
//! ```
//!
//! Another framework makes its `Caller` by [`Caller::from_headers`]; the guide `docs/adapters.md` shows one.

mod bearer;
mod caller;
mod websites;

#[cfg(feature = "axum")]
mod client_address;
#[cfg(feature = "axum")]
mod extract;
#[cfg(feature = "axum")]
mod layer;
#[cfg(feature = "axum")]
pub mod rest;

pub use bearer::HeaderError;
pub use caller::Caller;
#[cfg(feature = "axum")]
pub use layer::{AuthLayer, AuthService};
pub use websites::{OneWebsite, Websites};
