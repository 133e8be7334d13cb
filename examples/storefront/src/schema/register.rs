use async_graphql::{Context, Object, Result};
use commerce_auth::{
    AccountStatus, StoreError, UpsertError,
    graphql::{Category, error},
};
use time::OffsetDateTime;

use super::{
    customer::{Customer, CustomerOutput, unavailable},
    email,
    input::{CustomerCreateInput, CustomerInput, invalid, nothing_specified},
};
use crate::{
    accounts::{Draft, NewCustomer},
    shop::Shop,
};

/// Commerce's words for an address that has an account.
pub(super) const TAKEN: &str =
    "A customer with the same email address already exists in an associated website.";

#[derive(Default)]
pub(super) struct RegisterMutation;

#[Object]
impl RegisterMutation {
    /// Makes an account. It is confirmed at once: this shop sends no mail to confirm.
    #[graphql(name = "createCustomerV2")]
    async fn create_customer_v2(
        &self,
        ctx: &Context<'_>,
        mut input: CustomerCreateInput,
    ) -> Result<Option<CustomerOutput>> {
        let allows_assistance = input.allow_remote_shopping_assistance.unwrap_or_default();
        let email = std::mem::take(&mut input.email);
        let password = input.password.take();
        register(ctx.data()?, &email, password, allows_assistance, input.into()).await
    }

    /// Makes an account, for older clients.
    #[graphql(deprecation = "Use `createCustomerV2` instead.")]
    async fn create_customer(
        &self,
        ctx: &Context<'_>,
        mut input: CustomerInput,
    ) -> Result<Option<CustomerOutput>> {
        let (email, password) = (input.email.take(), input.password.take());
        let draft = Draft::from(input);
        if email.is_none() && password.is_none() && draft.is_empty() {
            return Err(nothing_specified());
        }
        let email = email.ok_or_else(|| {
            Category::Input.error("The email address is required to create a customer account.")
        })?;
        register(ctx.data()?, &email, password, false, draft).await
    }
}

async fn register(
    shop: &Shop,
    email: &str,
    password: Option<String>,
    allows_assistance: bool,
    draft: Draft,
) -> Result<Option<CustomerOutput>> {
    let email = email::parse(email)?;
    let profile = draft.into_profile(OffsetDateTime::now_utc()).map_err(invalid)?;
    let password_hash = match password {
        Some(password) => Some(shop.auth.hash_new_password(email.as_str(), password).await.map_err(error)?),
        None => None,
    };
    let status = AccountStatus::Active;
    let added =
        shop.database.add(NewCustomer { email, password_hash, status, allows_assistance, profile }).await;
    match added {
        Ok(id) => Ok(Some(CustomerOutput { customer: Customer::find(shop, &id).await? })),
        Err(UpsertError::Conflict(_)) => Err(Category::Input.error(TAKEN)),
        Err(other) => Err(unavailable(StoreError::new(other))),
    }
}
