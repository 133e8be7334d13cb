use axum::{Json, extract::State};
use commerce_auth::{
    AdminId, AdminStore, CustomerId, CustomerStore, Error,
    error::{StoreError, TokenError},
    http::{Caller, rest::RestError},
    token::AssistanceEntry,
};
use serde::Serialize;
use time::OffsetDateTime;

use super::{LOG, Permitted};
use crate::shop::Shop;

/// An admin user who is signed in as a customer.
#[derive(Serialize)]
pub(super) struct UnderWay {
    customer_id: CustomerId,
    email: String,
    admin_id: AdminId,
    admin: String,
    reason: String,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    source: Option<String>,
}

/// Who is assisted at this moment, the newest first: the crate's ledger, with the names that the shop has for its ids.
pub(super) async fn under_way(
    _: Permitted<LOG>,
    caller: Caller,
    State(shop): State<Shop>,
) -> Result<Json<Vec<UnderWay>>, RestError> {
    let bearer = caller.bearer().ok_or(Error::Token(TokenError::Invalid))?;
    let mut under_way = Vec::new();
    for entry in shop.auth.current_assistance(bearer).await?.into_iter().rev() {
        // Of accounts that are gone since, perhaps.
        under_way.extend(named(&shop, entry).await.map_err(Error::from)?);
    }
    Ok(Json(under_way))
}

async fn named(shop: &Shop, entry: AssistanceEntry) -> Result<Option<UnderWay>, StoreError> {
    let customer = shop.database.customers.find_by_id(&entry.customer).await?;
    let admin = shop.database.admins.find_by_id(&entry.assistance.actor).await?;
    Ok(customer.zip(admin).map(|(customer, admin)| UnderWay {
        customer_id: customer.id,
        email: customer.email,
        admin_id: admin.id,
        admin: admin.username,
        reason: entry.assistance.reason.clone(),
        since: entry.began_at,
        expires_at: entry.expires_at,
        source: entry.origin.source.map(|source| source.to_string()),
    }))
}
