use async_graphql::{Context, Object, Result};
use commerce_auth::{
    ErrorKind,
    account::{AccountStatus, UpsertError},
    error::StoreError,
    flow::{ConfirmationRequest, CustomerChange, Registration},
    graphql::{self, Category, error},
};
use time::OffsetDateTime;
use tracing::{Instrument, error};

use super::{
    customer::{Customer, CustomerOutput, unavailable},
    email,
    input::{CustomerCreateInput, CustomerInput, invalid, nothing_specified},
};
use crate::{
    accounts::{Draft, NewCustomer},
    errors::in_full,
    shop::Shop,
};

/// Commerce's words for an address that has an account.
pub(super) const TAKEN: &str =
    "A customer with the same email address already exists in an associated website.";

#[derive(Default)]
pub(super) struct RegisterMutation;

#[Object]
impl RegisterMutation {
    /// Makes an account. If the shop has addresses confirmed, the account waits for that, and the answer is the same for an
    /// address that has an account: its owner is mailed instead.
    #[graphql(name = "createCustomerV2")]
    async fn create_customer_v2(
        &self,
        ctx: &Context<'_>,
        mut input: CustomerCreateInput,
    ) -> Result<Option<CustomerOutput>> {
        let allows_assistance = input.allow_remote_shopping_assistance.unwrap_or_default();
        let email = std::mem::take(&mut input.email);
        let password = input.password.take();
        register(ctx, &email, password, allows_assistance, input.into()).await
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
        register(ctx, &email, password, false, draft).await
    }
}

async fn register(
    ctx: &Context<'_>,
    email: &str,
    password: Option<String>,
    allows_assistance: bool,
    draft: Draft,
) -> Result<Option<CustomerOutput>> {
    let (shop, caller) = (ctx.data::<Shop>()?, graphql::caller(ctx)?);
    email::parse(email)?;
    let profile = draft.into_profile(OffsetDateTime::now_utc()).map_err(invalid)?;
    let registration = Registration::new(email.trim_ascii(), password.map(Into::into))
        .origin(caller.origin().clone())
        .challenge(caller.challenge().clone());
    let account = shop.auth.begin_registration(registration).await.map_err(error)?;
    let status = if shop.confirms_email { account.status } else { AccountStatus::Active };
    let (email, password_hash) = (account.email, account.password_hash);
    let customer = NewCustomer { email, password_hash, status, allows_assistance, profile };
    if shop.confirms_email {
        let answer = Customer::unconfirmed(&customer);
        let request = ConfirmationRequest::new(customer.email.as_str()).origin(caller.origin().clone());
        tokio::spawn(keep(shop.clone(), customer, request.after_registration()).in_current_span());
        return Ok(Some(CustomerOutput { customer: answer }));
    }
    match shop.database.add(customer).await {
        Ok(id) => Ok(Some(CustomerOutput { customer: Customer::find(shop, &id).await? })),
        Err(UpsertError::Conflict(_)) => Err(Category::Input.error(TAKEN)),
        Err(other) => Err(unavailable(StoreError::new(other))),
    }
}

/// Stores a registration, and mails the owner of the address.
///
/// The client has its answer already, which depends on nothing that is looked up: the time of what is done here would
/// tell whether the address has an account. If the store fails, or the server ends meanwhile, no mail is sent, and the
/// customer registers again. No mail is sent either if the address has had too many.
async fn keep(shop: Shop, customer: NewCustomer, request: ConfirmationRequest) {
    let kept = async {
        if let Some(earlier) = shop.database.register(customer).await.map_err(StoreError::new)? {
            shop.auth.customer_changed(&earlier, CustomerChange::Deleted).await?;
        }
        shop.auth.request_confirmation(request).await
    };
    match kept.await {
        Err(failed) if failed.kind() != ErrorKind::TooManyRequests => {
            error!(cause = in_full(&failed), "a registration was not completed");
        }
        _ => {}
    }
}
