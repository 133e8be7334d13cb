use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use commerce_auth::{CustomerId, Error, account::AccountStatus, error::StoreError, http::rest::RestError};
use serde::{Deserialize, Serialize};

use super::{LOGIN, Permitted, asked};
use crate::shop::Shop;

/// So many customers are found at most: who looks for one types more of the address.
const MOST: u32 = 20;

#[derive(Deserialize)]
pub(super) struct Search {
    email: String,
}

#[derive(Serialize)]
pub(super) struct Found {
    id: CustomerId,
    email: String,
    firstname: String,
    lastname: String,
    status: AccountStatus,
    allows_assistance: bool,
}

/// The customers whose address contains a text.
pub(super) async fn search(
    _: Permitted<LOGIN>,
    State(shop): State<Shop>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Vec<Found>>, RestError> {
    Ok(Json(find(&shop, &asked(search)?.email).await.map_err(Error::from)?))
}

async fn find(shop: &Shop, part: &str) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    for id in shop.database.profiles.search(part, MOST).await? {
        // Gone since, perhaps.
        let Some((account, profile)) = shop.database.customer(&id).await? else { continue };
        found.push(Found {
            id,
            email: account.email,
            firstname: profile.firstname,
            lastname: profile.lastname,
            status: account.status,
            allows_assistance: account.allows_assistance,
        });
    }
    Ok(found)
}
