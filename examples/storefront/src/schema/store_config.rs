use async_graphql::{Context, ID, Object, SimpleObject};

use crate::shop::Shop;

/// The configuration that a storefront needs before anybody signs in.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct StoreConfig {
    store_code: Option<ID>,
    store_name: Option<String>,
    /// In hours.
    customer_access_token_lifetime: Option<f64>,
    minimum_password_length: Option<String>,
    required_character_classes_number: Option<String>,
    /// True if a new account must be confirmed by mail.
    create_account_confirmation: Option<bool>,
    /// True if a browser may remember passwords.
    autocomplete_on_storefront: Option<bool>,
}

#[derive(Default)]
pub(super) struct StoreConfigQuery;

#[Object]
impl StoreConfigQuery {
    async fn store_config(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<StoreConfig>> {
        let shop = ctx.data::<Shop>()?;
        let config = shop.auth.config();
        Ok(Some(StoreConfig {
            store_code: Some("default".into()),
            store_name: Some("Default Store View".into()),
            customer_access_token_lifetime: Some(config.lifetimes.customer_token.as_secs_f64() / 3600.0),
            minimum_password_length: Some(config.password_policy.min_length.to_string()),
            required_character_classes_number: Some(config.password_policy.min_classes.to_string()),
            create_account_confirmation: Some(shop.confirms_email),
            autocomplete_on_storefront: Some(true),
        }))
    }
}
