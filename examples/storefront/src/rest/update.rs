//! `PUT /V1/customers/me`: a customer changes the own account.

use axum::{Json, extract::State, http::StatusCode};
use commerce_auth::{
    CustomerIdentity, Error,
    error::AssistanceError,
    http::{
        Caller,
        rest::{AssistanceAllowed, Body, RestError, set_assistance_consent},
    },
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    customer,
    lenient::{Flag, Number, Text},
};
use crate::{
    accounts::{Draft, InvalidDetail, PASSWORD_NEEDED},
    mailbox::is_same,
    shop::Shop,
};

#[derive(Deserialize)]
pub(super) struct UpdateBody {
    customer: Option<Wanted>,
}

/// The fields that are read of Commerce's `CustomerInterface`. Clients send all of it: this shop keeps the rest as it is, such as the
/// id, the group and the addresses.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    email: Option<Text>,
    firstname: Option<Text>,
    lastname: Option<Text>,
    middlename: Option<Text>,
    prefix: Option<Text>,
    suffix: Option<Text>,
    dob: Option<Text>,
    gender: Option<Number>,
    taxvat: Option<Text>,
    #[serde(alias = "extensionAttributes")]
    extension_attributes: Option<ExtensionAttributes>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ExtensionAttributes {
    #[serde(alias = "assistanceAllowed", deserialize_with = "AssistanceAllowed::optional")]
    assistance_allowed: Option<AssistanceAllowed>,
    #[serde(alias = "isSubscribed")]
    is_subscribed: Option<Flag>,
}

/// Changes the account of the customer who is signed in, and shows it.
///
/// Another e-mail address is refused: it takes the current password, which this request of Commerce's has no place for.
pub(super) async fn update(
    who: CustomerIdentity,
    caller: Caller,
    State(shop): State<Shop>,
    Body(body): Body<UpdateBody>,
) -> Result<Json<Value>, RestError> {
    let wanted = body.customer.ok_or_else(|| RestError::required(&["customer"]))?;
    let found = shop.database.customer(who.customer_id()).await.map_err(Error::from)?;
    let (account, _) = found.ok_or(Error::Assistance(AssistanceError::NoSuchCustomer))?;
    if wanted.email.is_some_and(|email| !is_same(&String::from(email), &account.email)) {
        return Err(RestError::new(StatusCode::BAD_REQUEST, PASSWORD_NEEDED));
    }
    let attributes = wanted.extension_attributes.unwrap_or_default();
    // Clients send back all that they were shown.
    let shown = AssistanceAllowed::from(account.allows_assistance);
    let consent = attributes.assistance_allowed.filter(|allowed| *allowed != shown);
    let draft = Draft {
        date_of_birth: wanted.dob.map(Into::into),
        firstname: wanted.firstname.map(Into::into),
        gender: wanted.gender.map(|Number(gender)| gender),
        is_subscribed: attributes.is_subscribed.map(|Flag(flag)| flag),
        lastname: wanted.lastname.map(Into::into),
        middlename: wanted.middlename.map(Into::into),
        prefix: wanted.prefix.map(Into::into),
        suffix: wanted.suffix.map(Into::into),
        taxvat: wanted.taxvat.map(Into::into),
    };
    let details = draft.check().map_err(invalid)?;
    if let Some(allowed) = consent {
        set_assistance_consent(&caller, allowed).await?;
    }
    shop.database.edit(who.customer_id(), details).await.map_err(Error::from)?;
    customer::show(&shop, who.customer_id()).await
}

fn invalid(detail: InvalidDetail) -> RestError {
    let (label, message) = match detail {
        InvalidDetail::Missing(label) => (label, "\"%label\" is a required value."),
        InvalidDetail::NotValid(label) => (label, "\"%label\" is not a valid value."),
        InvalidDetail::NoDate(label) => (label, "\"%label\" is not a valid date."),
        InvalidDetail::TooLong(label) => {
            (label, "\"%label\" length must be equal or less than 255 characters.")
        }
    };
    RestError::new(StatusCode::BAD_REQUEST, message).with("label", label)
}
