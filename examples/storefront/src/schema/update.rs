use async_graphql::{Context, Object, Result};
use commerce_auth::{
    CustomerId, Email, Error,
    error::{StoreError, TokenError},
    flow::CustomerChange,
    graphql::{self, Category, error},
    token::Bearer,
};
use tokio::spawn;

use super::{
    customer::{Customer, CustomerOutput, unavailable},
    email,
    input::{CustomerInput, CustomerUpdateInput, invalid, nothing_specified},
    register::TAKEN,
};
use crate::{
    accounts::{Draft, PASSWORD_NEEDED},
    mailbox::is_same,
    shop::Shop,
};

#[derive(Default)]
pub(super) struct UpdateMutation;

#[Object]
impl UpdateMutation {
    /// Changes what the customer is called, the newsletter, and the consent to be assisted. Who assists may correct a
    /// name, and never gives consent: the crate refuses it.
    #[graphql(name = "updateCustomerV2")]
    async fn update_customer_v2(
        &self,
        ctx: &Context<'_>,
        input: CustomerUpdateInput,
    ) -> Result<Option<CustomerOutput>> {
        let (who, shop) = (graphql::customer(ctx)?, ctx.data::<Shop>()?);
        let consent = input.allow_remote_shopping_assistance;
        let draft = Draft::from(input);
        if consent.is_none() && draft.is_empty() {
            return Err(nothing_specified());
        }
        let details = draft.check().map_err(invalid)?;
        let found = shop.database.customer(who.customer_id()).await.map_err(unavailable)?;
        let present = found.map(|(account, _)| account.allows_assistance);
        // Clients send back all that they were shown.
        if let Some(allowed) = consent.filter(|allowed| present != Some(*allowed)) {
            graphql::set_assistance_consent(ctx, allowed).await?;
        }
        shop.database.edit(who.customer_id(), details).await.map_err(unavailable)?;
        Ok(Some(CustomerOutput { customer: Customer::find(shop, who.customer_id()).await? }))
    }

    /// Changes an account, for older clients: another address takes the current password, and what
    /// `updateCustomerEmail` does.
    #[graphql(deprecation = "Use `updateCustomerV2` instead.")]
    async fn update_customer(
        &self,
        ctx: &Context<'_>,
        mut input: CustomerInput,
    ) -> Result<Option<CustomerOutput>> {
        let (who, shop) = (graphql::customer(ctx)?, ctx.data::<Shop>()?);
        let (email, password) = (input.email.take(), input.password.take());
        let draft = Draft::from(input);
        if email.is_none() && password.is_none() && draft.is_empty() {
            return Err(nothing_specified());
        }
        let details = draft.check().map_err(invalid)?;
        if let Some(email) = email {
            let found = shop.database.customer(who.customer_id()).await.map_err(unavailable)?;
            let is_own = found.is_some_and(|(account, _)| is_same(&email, &account.email));
            if !is_own {
                change_email(ctx, &email, password.unwrap_or_default()).await?;
            }
        }
        shop.database.edit(who.customer_id(), details).await.map_err(unavailable)?;
        Ok(Some(CustomerOutput { customer: Customer::find(shop, who.customer_id()).await? }))
    }

    /// Changes the address that the customer signs in with, and that mails go to. All the customer's tokens end, the one
    /// presented too: who holds a stolen one is out. If the shop has addresses confirmed, all of this happens once the
    /// mailed link is followed, and the answer has the present address.
    async fn update_customer_email(
        &self,
        ctx: &Context<'_>,
        email: String,
        #[graphql(secret)] password: String,
    ) -> Result<Option<CustomerOutput>> {
        let (who, shop) = (graphql::customer(ctx)?, ctx.data::<Shop>()?);
        change_email(ctx, &email, password).await?;
        Ok(Some(CustomerOutput { customer: Customer::find(shop, who.customer_id()).await? }))
    }
}

async fn change_email(ctx: &Context<'_>, email: &str, password: String) -> Result<()> {
    let (who, shop) = (graphql::customer(ctx)?, ctx.data::<Shop>()?);
    if password.is_empty() {
        return Err(Category::Input.error(PASSWORD_NEEDED));
    }
    let email = email::parse(email)?;
    if shop.confirms_email {
        let asked = shop.auth.request_email_change(bearer(ctx)?, password, email.as_str()).await;
        return asked.map_err(error);
    }
    shop.auth.confirm_password(bearer(ctx)?, password).await.map_err(error)?;
    let change = store_email(shop.clone(), who.customer_id().clone(), email);
    // To its end, even if the client goes away: else the old tokens might outlive the old address.
    spawn(change).await.map_err(|lost| unavailable(StoreError::new(lost)))?
}

async fn store_email(shop: Shop, id: CustomerId, email: Email) -> Result<()> {
    let Some((before, _)) = shop.database.customer(&id).await.map_err(unavailable)? else {
        return Err(error(Error::Token(TokenError::NotAuthorized)));
    };
    if !shop.database.profiles.change_email(&id, &email).await.map_err(unavailable)? {
        return Err(Category::AlreadyExists.error(TAKEN));
    }
    // Whoever tries again after this has failed changes nothing, and gets here again.
    let change = CustomerChange::EmailChanged { from: before.email };
    shop.auth.customer_changed(&id, change).await.map_err(error)
}

/// The token that the caller presents.
pub(super) fn bearer<'a>(ctx: &Context<'a>) -> Result<Bearer<'a>> {
    graphql::caller(ctx)?.bearer().ok_or_else(|| error(Error::Token(TokenError::NotAuthorized)))
}
