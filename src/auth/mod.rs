// The documentation of `Auth` shows its groups of methods in this order.
mod setup;

mod customers;

mod tokens;

mod registration;

mod passwords;

mod assistance;

mod admin_users;

mod builder;

use std::{fmt, sync::Arc};

pub use builder::AuthBuilder;

use crate::service::Services;

/// The authentication service: every operation is a method.
///
/// A method that implements a mutation of Commerce has the name of the mutation.
///
/// `Auth` is one concrete type, cheap to clone, and `Send + Sync`, so a host can keep it in the
/// state of any web framework. [`Auth::builder`] makes the builder, and [`AuthBuilder::build`]
/// makes the `Auth` and starts its threads. A `fork` of the process does not copy threads, so build
/// the `Auth` after the `fork`, in the child process.
///
/// The methods that build and observe an `Auth` come first. The operations are in five groups:
/// [customers](#customers), [tokens](#tokens), [registration and
/// passwords](#registration-and-passwords), [assistance](#assistance) and [admin
/// users](#admin-users).
#[derive(Clone)]
pub struct Auth {
    services: Arc<Services>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("config", &self.services.config).finish_non_exhaustive()
    }
}
