//! The flows, one file each, named as the mutation is.

mod confirm_password;
mod customer_changed;
mod generate_customer_token;
mod hash_new_password;
mod list_customer_tokens;
mod maintain;
mod revoke_customer_token;
mod verify;

pub use customer_changed::CustomerChange;
pub use generate_customer_token::{ClientAddress, SignIn, SignedIn};
pub use list_customer_tokens::ListedToken;
pub use maintain::Purged;
pub use revoke_customer_token::Keep;
pub use verify::Bearer;
