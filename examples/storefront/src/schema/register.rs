use async_graphql::{Context, Object, Result};
use commerce_auth::{
    AccountStatus, StoreError, UpsertError,
    graphql::{Category, error},
};
use time::OffsetDateTime;

use super::{
    customer::{Customer, CustomerOutput, unavailable},
    details::CustomerCreateInput,
    email,
};
use crate::{accounts::NewCustomer, shop::Shop};

/// Commerce's words for an address that has an account.
pub(super) const TAKEN: &str =
    "A customer with the same email address already exists in an associated website.";

#[derive(Default)]
pub(super) struct RegisterMutation;

#[Object]
impl RegisterMutation {
    /// Makes an account. It is confirmed at once: this shop sends no mail to confirm.
    #[graphql(name = "createCustomerV2")]
    async fn create_customer(
        &self,
        ctx: &Context<'_>,
        mut input: CustomerCreateInput,
    ) -> Result<Option<CustomerOutput>> {
        let shop: &Shop = ctx.data()?;
        let allows_assistance = input.allow_remote_shopping_assistance.unwrap_or_default();
        let email = email::parse(&input.email)?;
        let password = input.password.take();
        let profile = input.into_profile(OffsetDateTime::now_utc())?;
        let password_hash = match password {
            Some(password) => {
                Some(shop.auth.hash_new_password(email.as_str(), password).await.map_err(error)?)
            }
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
}
