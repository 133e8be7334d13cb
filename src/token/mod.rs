//! Bearer tokens, and the grants behind them.
//!
//! A bearer token is an opaque string ([`BearerToken`]); a store only ever sees its SHA-256 ([`Digest`]).
//! Behind it stands a [`Grant`]: whom it speaks for, who acts, how it was obtained and until when it lives.
//! Verifying a token yields an [`Identity`].

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
