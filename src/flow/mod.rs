//! The flows, one file each, named as the mutation is.

mod admin_changed;
mod admin_factor;
mod assistance;
mod bearer;
mod change_admin_password;
mod change_password;
mod check_keyring;
mod confirm_password;
mod customer_changed;
mod ending;
mod enrolment;
mod erase_customer;
mod exchange_one_time_code;
mod generate_admin_token;
mod generate_customer_token;
mod generate_customer_token_as_admin;
mod generate_one_time_code;
mod generation;
mod hash_new_password;
mod issue;
mod ledger;
mod list_assistance;
mod list_customer_tokens;
mod notify;
mod purge;
mod request_password_reset;
mod reset_password;
mod revoke_admin_token;
mod revoke_customer_token;
mod revoke_everything;
mod second_factor;
mod set_remote_shopping_assistance;
mod sign_in;
mod step_up;
mod unlock;
mod verify;

pub use admin_changed::AdminChange;
pub use admin_factor::AdminFactor;
pub use bearer::Bearer;
pub use check_keyring::{KeyringCheckError, KeyringReport};
pub use customer_changed::CustomerChange;
pub use enrolment::{BegunEnrolment, FactorSetup};
pub use generate_admin_token::{AdminSignIn, AdminSignedIn};
pub use generate_one_time_code::GeneratedCode;
pub use list_customer_tokens::ListedToken;
pub use purge::Purged;
pub use request_password_reset::PasswordResetRequest;
pub use reset_password::PasswordReset;
pub use revoke_customer_token::Keep;
pub use sign_in::{SignIn, SignedIn};

/// So many one-time credentials of a kind a customer may have outstanding; the oldest go.
const OUTSTANDING: usize = 3;
