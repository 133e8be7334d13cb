use async_graphql::{Context, Object, Result};
use commerce_auth::{
    CustomerId,
    error::StoreError,
    flow::CustomerChange,
    graphql::{self, error},
};
use tokio::spawn;

use super::{
    customer::{check_standing, unavailable},
    update::bearer,
};
use crate::shop::Shop;

#[derive(Default)]
pub(super) struct DeleteMutation;

#[Object]
impl DeleteMutation {
    /// Deletes the account of the customer who is signed in, and ends all its tokens. An admin user who assists the
    /// customer may not.
    ///
    /// The audit trail keeps what was done: a thief of a token must not be able to remove the traces. A customer who
    /// asks to be forgotten is a case for `Auth::erase_customer`, once the staff knows who asks.
    async fn delete_customer(&self, ctx: &Context<'_>) -> Result<Option<bool>> {
        graphql::customer(ctx)?;
        let shop = ctx.data::<Shop>()?;
        // Verified again: another field of the document may have ended the token.
        let who = shop.auth.verify_customer(bearer(ctx)?).await.map_err(error)?;
        who.require_self().map_err(error)?;
        let id = who.customer_id();
        // An account that is gone already, and whose tokens could not be ended, is deleted again.
        if let Some((account, _)) = shop.database.customer(id).await.map_err(unavailable)? {
            check_standing(account.status)?;
        }
        // To its end, even if the client goes away: else tokens might outlive the account.
        let deletion = spawn(delete(shop.clone(), id.clone()));
        deletion.await.map_err(|lost| unavailable(StoreError::new(lost)))??;
        Ok(Some(true))
    }
}

async fn delete(shop: Shop, id: CustomerId) -> Result<()> {
    shop.database.remove(&id).await.map_err(unavailable)?;
    shop.auth.customer_changed(&id, CustomerChange::Deleted).await.map_err(error)
}
