//! The host's accounts, read through small traits.
//!
//! The host keeps its own customer and admin tables. It implements [`Customer`] for its row type
//! and [`CustomerStore`] for its table. A host with a support desk also implements [`AdminUser`]
//! and [`AdminStore`].
//!
//! A host without tables uses the ready-made tables of a backend, which hold [`CustomerRecord`] and
//! [`AdminRecord`]. In memory these are [`MemoryCustomers`](crate::MemoryCustomers) and
//! [`MemoryAdmins`](crate::MemoryAdmins).

mod admin;
mod conflict;
mod customer;
mod decoys;
mod email;
mod id;
mod password_hash;
mod status;
mod username;
mod website;

pub use admin::{AdminRecord, AdminStore, AdminUser, Permission};
pub use conflict::{AccountConflict, UpsertError};
pub use customer::{Customer, CustomerRecord, CustomerStore, EmailReplacement};
pub(crate) use decoys::Decoys;
pub use email::{Email, EmailError};
pub use id::{AdminId, CustomerId, IdError};
pub use password_hash::PasswordHash;
pub use status::AccountStatus;
pub use username::{Username, UsernameError};
pub use website::{Website, WebsiteError};
