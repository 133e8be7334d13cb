//! The shop's own REST routes, beside the crate's: Commerce's paths and shapes.

mod customer;
mod lenient;
mod update;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, put},
};
use commerce_auth::{
    AdminIdentity, CustomerIdentity, Error,
    error::AssistanceError,
    http::{
        Caller,
        rest::{self, Activation, Body, RestError},
    },
};
use serde_json::{Value, json};

use crate::shop::Shop;

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .route("/V1/customers/me", get(customers_me).put(update::update))
        .route("/V1/customers/me/activate", put(activate))
        .route("/V1/store/websites", get(store_websites))
}

async fn customers_me(who: CustomerIdentity, State(shop): State<Shop>) -> Result<Json<Value>, RestError> {
    customer::show(&shop, who.customer_id()).await
}

/// Confirms the address of the customer who is signed in, and shows the customer.
async fn activate(
    who: CustomerIdentity,
    caller: Caller,
    State(shop): State<Shop>,
    Body(activation): Body<Activation>,
) -> Result<Json<Value>, RestError> {
    let account = shop.database.customers.find_by_id(who.customer_id()).await.map_err(Error::from)?;
    let account = account.ok_or(Error::Assistance(AssistanceError::NoSuchCustomer))?;
    rest::activate(&caller, &who, &account.email, activation).await?;
    customer::show(&shop, who.customer_id()).await
}

/// This shop has the one website that Commerce is installed with.
async fn store_websites(who: Option<AdminIdentity>) -> Result<Json<Value>, RestError> {
    who.ok_or_else(|| RestError::not_authorized("Magento_Backend::store"))?;
    Ok(Json(json!([
        { "id": 0, "code": "admin", "name": "Admin", "default_group_id": 0 },
        { "id": 1, "code": "base", "name": "Main Website", "default_group_id": 1 },
    ])))
}
