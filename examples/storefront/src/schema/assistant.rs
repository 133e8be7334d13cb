use std::collections::BTreeSet;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use commerce_auth::{
    AdminId,
    graphql::{self, error},
};

use super::{customer::unavailable, update::bearer};
use crate::shop::Shop;

/// An admin user as customers see one: by the display name, never by the name to sign in with.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct CustomerAssistant {
    admin_id: ID,
    /// Null if the shop has set none.
    name: Option<String>,
}

#[derive(Default)]
pub(super) struct AssistantQuery;

#[Object]
impl AssistantQuery {
    /// The admin users who assist or have assisted the customer. To an assistant, the assistant alone. Nobody learns the
    /// names of other admin users.
    #[graphql(complexity = "200 + child_complexity")]
    async fn customer_assistants(&self, ctx: &Context<'_>) -> Result<Vec<CustomerAssistant>> {
        let who = graphql::customer(ctx)?;
        let shop = ctx.data::<Shop>()?;
        let ids: BTreeSet<AdminId> = match who.actor() {
            Some(actor) => [actor.clone()].into(),
            None => {
                let entries = shop.auth.list_assistance(bearer(ctx)?).await.map_err(error)?;
                entries.iter().map(|entry| entry.assistance.actor.clone()).collect()
            }
        };
        let mut assistants = Vec::new();
        for id in ids {
            let name = shop.database.profiles.admin_name(&id).await.map_err(unavailable)?;
            assistants.push(CustomerAssistant { admin_id: id.to_string().into(), name });
        }
        Ok(assistants)
    }
}
