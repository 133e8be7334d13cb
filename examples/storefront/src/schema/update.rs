use async_graphql::{Context, Object, Result};
use commerce_auth::{
    Bearer, CustomerChange, CustomerId, Email, Error, StoreError,
    graphql::{self, Category, error},
};
use time::OffsetDateTime;
use tokio::spawn;

use super::{
    customer::{Customer, CustomerOutput, unavailable},
    details::{CustomerUpdateInput, Details},
    email,
    register::TAKEN,
};
use crate::{accounts::Profile, shop::Shop};

#[derive(Default)]
pub(super) struct UpdateMutation;

#[Object]
impl UpdateMutation {
    /// Changes what the customer is called, the newsletter, and the consent to be assisted. Who assists may correct a
    /// name, and never gives consent: the crate refuses it.
    #[graphql(name = "updateCustomerV2")]
    async fn update_customer(
        &self,
        ctx: &Context<'_>,
        input: CustomerUpdateInput,
    ) -> Result<Option<CustomerOutput>> {
        let (who, shop) = (graphql::customer(ctx)?, ctx.data::<Shop>()?);
        if input.is_empty() {
            return Err(Category::Input.error("\"input\" value should be specified"));
        }
        let consent = input.allow_remote_shopping_assistance;
        let details = Details::of_update(input)?;
        if let Some(allowed) = consent {
            graphql::set_assistance_consent(ctx, allowed).await?;
        }
        let edit = Box::new(move |profile: &mut Profile| {
            details.write_to(profile);
            profile.updated_at = OffsetDateTime::now_utc();
        });
        shop.database.profiles.edit(who.customer_id(), edit).await.map_err(unavailable)?;
        Ok(Some(CustomerOutput { customer: Customer::find(shop, who.customer_id()).await? }))
    }

    /// Changes the address that the customer signs in with, and that mails go to. All the customer's tokens end, the one
    /// presented too: who holds a stolen one is out.
    async fn update_customer_email(
        &self,
        ctx: &Context<'_>,
        email: String,
        #[graphql(secret)] password: String,
    ) -> Result<Option<CustomerOutput>> {
        let (who, shop) = (graphql::customer(ctx)?, ctx.data::<Shop>()?);
        if password.is_empty() {
            return Err(Category::Input.error("Provide the current \"password\" to change \"email\"."));
        }
        let email = email::parse(&email)?;
        shop.auth.confirm_password(bearer(ctx)?, password).await.map_err(error)?;
        let change = change_email(shop.clone(), who.customer_id().clone(), email);
        // To its end, even if the client goes away: else the old tokens might outlive the old address.
        spawn(change).await.map_err(|lost| unavailable(StoreError::new(lost)))??;
        Ok(Some(CustomerOutput { customer: Customer::find(shop, who.customer_id()).await? }))
    }
}

async fn change_email(shop: Shop, id: CustomerId, email: Email) -> Result<()> {
    if !shop.database.profiles.change_email(&id, &email).await.map_err(unavailable)? {
        return Err(Category::AlreadyExists.error(TAKEN));
    }
    // Whoever tries again after this has failed changes nothing, and gets here again.
    shop.auth.customer_changed(&id, CustomerChange::EmailChanged).await.map_err(error)
}

fn bearer<'a>(ctx: &Context<'a>) -> Result<Bearer<'a>> {
    graphql::caller(ctx)?.bearer().ok_or_else(|| error(Error::NotAuthorized))
}
