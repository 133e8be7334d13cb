//! The host's customer and admin accounts. The library reads and changes them through small traits.
//!
//! The host keeps its own customer and admin tables. It implements [`Customer`] for its row type
//! and [`CustomerStore`] for its table. A host with a support desk also implements [`AdminUser`]
//! and [`AdminStore`].
//!
//! A host without such tables uses the ready-made tables of a backend. Their rows are
//! [`CustomerRecord`] and [`AdminRecord`]. The ready-made tables in memory are
//! [`MemoryCustomers`](crate::store::memory::MemoryCustomers) and
//! [`MemoryAdmins`](crate::store::memory::MemoryAdmins).

pub(crate) mod admin;
mod conflict;
pub(crate) mod customer;
mod decoys;
pub(crate) mod email;
pub(crate) mod id;
pub(crate) mod password_hash;
mod status;
mod username;
pub(crate) mod website;

pub use admin::{AdminRecord, Permission};
pub(crate) use admin::{AdminStore, AdminUser};
pub use conflict::{AccountConflict, UpsertError};
pub(crate) use customer::{Customer, CustomerStore};
pub use customer::{CustomerRecord, EmailReplacement};
pub(crate) use decoys::Decoys;
pub(crate) use email::Email;
pub use email::EmailError;
pub use id::IdError;
pub(crate) use id::{AdminId, CustomerId};
pub(crate) use password_hash::PasswordHash;
pub use status::AccountStatus;
pub use username::{Username, UsernameError};
pub(crate) use website::Website;
pub use website::WebsiteError;
