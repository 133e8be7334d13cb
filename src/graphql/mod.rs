//! The mutations and queries for Commerce's sign-in, which a host merges into its own async-graphql
//! schema.
//!
//! | object | fields |
//! |---|---|
//! | [`CustomerTokenMutation`] | `generateCustomerToken`, `exchangeOtpForCustomerToken`, `revokeCustomerToken`, `revokeCustomerTokenById` |
//! | [`AssistanceMutation`] | `generateCustomerTokenAsAdmin` |
//! | [`PasswordMutation`] | `requestPasswordResetEmail`, `resetPassword`, `changeCustomerPassword` |
//! | [`ConfirmationMutation`] | `confirmEmail`, `resendConfirmationEmail` |
//! | [`CustomerTokenQuery`] | `customerTokenIdentity`, `customerTokens` |
//! | [`CustomerAssistanceQuery`] | `customerAssistance` |
//! | [`CustomerAssistanceMutation`] | `endCustomerAssistance` |
//!
//! Names, arguments, nullability, messages, categories and statuses are those of Commerce 2.4.8,
//! apart from these differences:
//!
//! - The result of a sign-in has `expires_at`.
//! - `generateCustomerTokenAsAdmin` takes a `reason`.
//! - `confirmEmail` takes the `password` of the new account. For the reason, see
//!   [`Auth::confirm_email`](crate::Auth::confirm_email).
//! - The query `customerTokenIdentity` returns when and how the token of the request was obtained,
//!   and the admin user who acts with it.
//! - A customer can list and end single tokens and assistances.
//! - An argument with the text `"0"` is accepted as a value. Commerce treats it as missing.
//!
//! Every request must go through [`Admission`], which passes the caller to the resolvers. If a
//! request has not gone through it, the resolvers return an error. With the feature `axum`, the
//! handler [`endpoint`] calls [`Admission`] and serves GraphQL over HTTP.
//!
//! A host writes the mutation `updateCustomerV2` itself, because the customer's data is in the
//! host's table. In this mutation, the host reads the customer's consent with
//! [`AssistanceConsentInput`] and sets it with [`set_assistance_consent`].
//!
//! In its own fields, a host checks the caller with the guards [`RequireCustomer`], [`RequireSelf`]
//! and [`RequirePermission`], and makes errors with [`error`] and [`Category::error`]. The guide in
//! [`http`](crate::http) shows a complete schema.
//!
#![doc = concat!(
    "# The schema\n\nThe objects above add this to a host's schema, whose own `Customer` stands for the one here.\n\n```graphql\n",
    include_str!("../../docs/schema.graphqls"),
    "```"
)]

mod admission;
mod assistance;
mod confirmation;
mod consent;
mod customer;
mod error;
mod identity;
mod ledger;
mod lexer;
mod page;
mod password;
mod reading;
mod response;
mod secret;
mod token;
mod weight;

#[cfg(feature = "axum")]
mod endpoint;
#[cfg(feature = "axum")]
mod media;
#[cfg(feature = "axum")]
mod parameters;

pub use admission::{Admission, Admitted};
pub use assistance::AssistanceMutation;
pub use confirmation::ConfirmationMutation;
pub use consent::{AssistanceConsentInput, set_assistance_consent};
pub use customer::{CustomerObject, CustomerOutput};
#[cfg(feature = "axum")]
pub use endpoint::endpoint;
pub use error::{Category, error, status};
pub use identity::{RequireCustomer, RequirePermission, RequireSelf, caller, customer};
pub use ledger::{CustomerAssistanceMutation, CustomerAssistanceQuery};
pub use password::PasswordMutation;
pub use token::{CustomerTokenMutation, CustomerTokenQuery};
