//! The shop's own REST routes, beside the crate's: Commerce's paths and shapes.

use axum::{Json, Router, extract::State, routing::get};
use commerce_auth::{AdminIdentity, CustomerIdentity, CustomerRecord, Error, http::rest::RestError};
use serde_json::{Value, json};

use crate::{
    accounts::{Address, Profile},
    commerce_time,
    shop::Shop,
};

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .route("/V1/customers/me", get(customers_me))
        .route("/V1/store/websites", get(store_websites))
}

async fn customers_me(who: CustomerIdentity, State(shop): State<Shop>) -> Result<Json<Value>, RestError> {
    let found = shop.database.customer(who.customer_id()).await.map_err(Error::from)?;
    let (account, profile) = found.ok_or(Error::NoSuchCustomer)?;
    Ok(Json(customer(&account, &profile)))
}

/// Commerce's `CustomerInterface`, as far as this shop knows it.
fn customer(account: &CustomerRecord, profile: &Profile) -> Value {
    let id = account.id.as_int();
    let default = |is_default: fn(&Address) -> bool| {
        profile.addresses.iter().find(|address| is_default(address)).map(|address| address.id.to_string())
    };
    json!({
        "id": id,
        "group_id": 1,
        "default_billing": default(|address| address.default_billing),
        "default_shipping": default(|address| address.default_shipping),
        "created_at": commerce_time::text(profile.created_at),
        "created_in": "Default Store View",
        "dob": profile.date_of_birth.map(|date| date.to_string()),
        "email": account.email,
        "firstname": profile.firstname,
        "lastname": profile.lastname,
        "middlename": profile.middlename,
        "prefix": profile.prefix,
        "suffix": profile.suffix,
        "gender": profile.gender.unwrap_or_default(),
        "store_id": 1,
        "website_id": 1,
        "addresses": profile.addresses.iter().map(|it| address(id, it)).collect::<Vec<_>>(),
        "extension_attributes": {
            // 2 is allowed and 1 is denied.
            "assistance_allowed": if account.allows_assistance { 2 } else { 1 },
            "is_subscribed": profile.is_subscribed,
        },
    })
}

fn address(customer: Option<i64>, address: &Address) -> Value {
    json!({
        "id": address.id,
        "customer_id": customer,
        "region": { "region": address.region.region, "region_code": address.region.region_code },
        "country_id": address.country_code,
        "street": address.street,
        "telephone": address.telephone,
        "postcode": address.postcode,
        "city": address.city,
        "firstname": address.firstname,
        "lastname": address.lastname,
        "default_shipping": address.default_shipping,
        "default_billing": address.default_billing,
    })
}

/// This shop has the one website that Commerce is installed with.
async fn store_websites(_: AdminIdentity) -> Json<Value> {
    Json(json!([
        { "id": 0, "code": "admin", "name": "Admin", "default_group_id": 0 },
        { "id": 1, "code": "base", "name": "Main Website", "default_group_id": 1 },
    ]))
}
