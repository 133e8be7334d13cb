//! The errors that an [`Error`] holds, one type for each area, with Commerce's messages.

mod assistance;
mod confirmation;
mod input;
mod internal;
pub(crate) mod kind;
pub(crate) mod operation;
mod second_factor;
mod sign_in;
mod store;
mod token;

pub use assistance::AssistanceError;
pub use confirmation::ConfirmationError;
pub use input::{Field, InputError, PolicyViolation};
pub use internal::{InternalError, Part};
pub(crate) use kind::ErrorKind;
pub(crate) use operation::Error;
pub use second_factor::SecondFactorError;
pub use sign_in::SignInError;
pub use store::StoreError;
pub use token::TokenError;
