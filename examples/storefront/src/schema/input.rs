use async_graphql::InputObject;
use commerce_auth::graphql::Category;

use crate::accounts::{Draft, InvalidDetail};

/// Changes of a customer to the own account.
#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub(super) struct CustomerUpdateInput {
    /// The customer's consent to be assisted by the shop's staff. Nobody else gives it.
    pub(super) allow_remote_shopping_assistance: Option<bool>,
    /// As `YYYY-MM-DD` or `MM/DD/YYYY`.
    date_of_birth: Option<String>,
    /// Older clients' name of it.
    dob: Option<String>,
    firstname: Option<String>,
    /// 1 is male, 2 is female, 3 is not specified.
    gender: Option<i32>,
    is_subscribed: Option<bool>,
    lastname: Option<String>,
    middlename: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    taxvat: Option<String>,
}

/// A new account.
#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub(super) struct CustomerCreateInput {
    /// The customer's consent to be assisted by the shop's staff.
    pub(super) allow_remote_shopping_assistance: Option<bool>,
    /// As `YYYY-MM-DD` or `MM/DD/YYYY`.
    date_of_birth: Option<String>,
    /// Older clients' name of it.
    dob: Option<String>,
    pub(super) email: String,
    firstname: String,
    /// 1 is male, 2 is female, 3 is not specified.
    gender: Option<i32>,
    is_subscribed: Option<bool>,
    lastname: String,
    middlename: Option<String>,
    /// Without one, the customer sets it by a reset mail.
    #[graphql(secret)]
    pub(super) password: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    taxvat: Option<String>,
}

/// The input of older clients, for a new account and for changes.
#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub(super) struct CustomerInput {
    /// As `YYYY-MM-DD` or `MM/DD/YYYY`.
    date_of_birth: Option<String>,
    /// Older clients' name of it.
    dob: Option<String>,
    /// A new account must have one.
    pub(super) email: Option<String>,
    firstname: Option<String>,
    /// 1 is male, 2 is female, 3 is not specified.
    gender: Option<i32>,
    is_subscribed: Option<bool>,
    lastname: Option<String>,
    middlename: Option<String>,
    /// The password of a new account. An existing account needs its current password for another address.
    #[graphql(secret)]
    pub(super) password: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    taxvat: Option<String>,
}

impl From<CustomerUpdateInput> for Draft {
    fn from(input: CustomerUpdateInput) -> Self {
        Self {
            date_of_birth: input.date_of_birth.or(input.dob),
            firstname: input.firstname,
            gender: input.gender,
            is_subscribed: input.is_subscribed,
            lastname: input.lastname,
            middlename: input.middlename,
            prefix: input.prefix,
            suffix: input.suffix,
            taxvat: input.taxvat,
        }
    }
}

impl From<CustomerCreateInput> for Draft {
    fn from(input: CustomerCreateInput) -> Self {
        Self {
            date_of_birth: input.date_of_birth.or(input.dob),
            firstname: Some(input.firstname),
            gender: input.gender,
            is_subscribed: input.is_subscribed,
            lastname: Some(input.lastname),
            middlename: input.middlename,
            prefix: input.prefix,
            suffix: input.suffix,
            taxvat: input.taxvat,
        }
    }
}

impl From<CustomerInput> for Draft {
    fn from(input: CustomerInput) -> Self {
        Self {
            date_of_birth: input.date_of_birth.or(input.dob),
            firstname: input.firstname,
            gender: input.gender,
            is_subscribed: input.is_subscribed,
            lastname: input.lastname,
            middlename: input.middlename,
            prefix: input.prefix,
            suffix: input.suffix,
            taxvat: input.taxvat,
        }
    }
}

/// A detail that is refused, as a client sees it.
pub(super) fn invalid(detail: InvalidDetail) -> async_graphql::Error {
    Category::Input.error(detail.to_string())
}

/// Commerce's answer to an input without a field.
pub(super) fn nothing_specified() -> async_graphql::Error {
    Category::Input.error("\"input\" value should be specified")
}
