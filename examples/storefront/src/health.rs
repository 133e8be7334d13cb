use axum::{extract::State, http::StatusCode};
use commerce_auth::{CustomerId, error::StoreError, token::GrantId};
use time::OffsetDateTime;
use tracing::warn;

use crate::{errors::in_full, shop::Shop};

/// Answers a load balancer: 200 if the shop's database works, and 503 if it does not.
pub(crate) async fn health(State(shop): State<Shop>) -> (StatusCode, &'static str) {
    match ask_everything(&shop).await {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(error) => {
            warn!(cause = in_full(&error), "not healthy");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    }
}

/// Looks for a token and for customers that cannot be there.
async fn ask_everything(shop: &Shop) -> Result<(), StoreError> {
    let (nothing, nobody) = (GrantId::from_bytes([0; 32]), CustomerId::from(0));
    shop.database.tokens.find(&nothing, OffsetDateTime::now_utc()).await?;
    shop.database.customers.find_by_id(&nobody).await?;
    shop.database.profiles.find(&nobody).await?;
    Ok(())
}
