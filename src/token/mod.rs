//! Bearer tokens, and the grants behind them.
//!
//! A bearer token is an opaque string ([`BearerToken`]). For each token, the store has a [`Grant`]:
//! the account that the token belongs to, the assistance, how the token was obtained, and the
//! expiry. The store does not get the token, only its SHA-256 digest, the [`GrantId`]. The
//! verification of a token returns an [`Identity`]: the customer or admin user that the token
//! belongs to.

mod assistance;
pub(crate) mod bearer;
mod device;
mod digest;
mod grant;
pub(crate) mod identity;
pub(crate) mod origin;
mod presented;

pub use crate::bytes::HexError;
pub use assistance::{AssistanceEnd, AssistanceEntry};
pub(crate) use bearer::{BearerToken, TokenFormat};
pub use device::DeviceSecret;
pub use digest::Digest;
pub use grant::{Assistance, Grant, GrantId, Obtained, Subject, SubjectError};
pub use identity::Identity;
pub(crate) use identity::{AdminIdentity, CustomerIdentity};
pub(crate) use origin::{Origin, network};
pub use presented::Bearer;
