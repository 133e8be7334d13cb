use axum::Json;
use commerce_auth::{
    CustomerId, Error,
    account::CustomerRecord,
    error::AssistanceError,
    http::rest::{AssistanceAllowed, RestError},
};
use serde_json::{Value, json};

use crate::{
    accounts::{Address, Profile, Region},
    commerce_time,
    shop::Shop,
};

/// Shows a customer as the tables have it at this moment.
pub(super) async fn show(shop: &Shop, id: &CustomerId) -> Result<Json<Value>, RestError> {
    let found = shop.database.customer(id).await.map_err(Error::from)?;
    let (account, profile) = found.ok_or(Error::Assistance(AssistanceError::NoSuchCustomer))?;
    Ok(Json(customer(&account, &profile)))
}

/// Commerce's `CustomerInterface`, as far as this shop knows it.
fn customer(account: &CustomerRecord, profile: &Profile) -> Value {
    let id = account.id.as_int();
    let address_id = |address: Option<&Address>| address.map(|address| address.id.to_string());
    known(json!({
        "id": id,
        "group_id": 1,
        "default_billing": address_id(profile.default_billing()),
        "default_shipping": address_id(profile.default_shipping()),
        "created_at": commerce_time::text(profile.created_at),
        "updated_at": commerce_time::text(profile.updated_at),
        "created_in": "Default Store View",
        "dob": profile.date_of_birth.map(|date| date.to_string()),
        "email": account.email,
        "firstname": profile.firstname,
        "lastname": profile.lastname,
        "middlename": profile.middlename,
        "prefix": profile.prefix,
        "suffix": profile.suffix,
        "gender": profile.gender,
        "taxvat": profile.taxvat,
        "store_id": 1,
        "website_id": 1,
        "addresses": profile.addresses.iter().map(|it| address(id, it)).collect::<Vec<_>>(),
        "disable_auto_group_change": 0,
        "extension_attributes": {
            "assistance_allowed": AssistanceAllowed::from(account.allows_assistance),
            "is_subscribed": profile.is_subscribed,
        },
    }))
}

fn address(customer: Option<i64>, address: &Address) -> Value {
    let Region { region, region_code, region_id } = &address.region;
    known(json!({
        "id": address.id,
        "customer_id": customer,
        "region": known(json!({ "region": region, "region_code": region_code, "region_id": region_id })),
        "region_id": region_id,
        "country_id": address.country_code,
        "street": address.street,
        "company": address.company,
        "telephone": address.telephone,
        "fax": address.fax,
        "postcode": address.postcode,
        "city": address.city,
        "firstname": address.firstname,
        "lastname": address.lastname,
        "middlename": address.middlename,
        "prefix": address.prefix,
        "suffix": address.suffix,
        "vat_id": address.vat_id,
        "default_shipping": address.default_shipping,
        "default_billing": address.default_billing,
    }))
}

/// Leaves out fields that are null, as Commerce does.
fn known(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    object
}
