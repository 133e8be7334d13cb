//! The flows, one file each, named as the mutation is.

mod assistance;
mod bearer;
mod confirm_password;
mod customer_changed;
mod generate_customer_token;
mod hash_new_password;
mod list_customer_tokens;
mod purge;
mod revoke_customer_token;
mod revoke_everything;
mod unlock_customer;
mod verify;

pub use bearer::Bearer;
pub use customer_changed::CustomerChange;
pub use generate_customer_token::{ClientAddress, SignIn, SignedIn};
pub use list_customer_tokens::ListedToken;
pub use purge::Purged;
pub use revoke_customer_token::Keep;
