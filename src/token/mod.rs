//! Bearer tokens, and the grants behind them.
//!
//! A bearer token is an opaque string ([`BearerToken`]). A store only sees its SHA-256
//! ([`Digest`]). Each token has a stored [`Grant`] with the subject, the assistance, the way in
//! which it was obtained, and the expiry. Verifying a token returns an [`Identity`].

mod assistance;
mod bearer;
mod device;
mod digest;
mod grant;
mod identity;
mod origin;
mod presented;

pub use assistance::{AssistanceEnd, AssistanceEntry};
pub use bearer::BearerToken;
pub(crate) use bearer::TokenFormat;
pub use device::DeviceSecret;
pub use digest::{Digest, DigestError};
pub use grant::{Assistance, Grant, Obtained, Subject, SubjectError};
pub use identity::{AdminIdentity, CustomerIdentity, Identity};
pub use origin::Origin;
pub(crate) use origin::network;
pub use presented::Bearer;
