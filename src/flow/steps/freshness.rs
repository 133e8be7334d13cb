//! Changes of credentials require a fresh sign-in, because a stolen token must not be enough.

use crate::{
    service::{Services, stop::Stop},
    state::factor::Factor,
    token::AdminIdentity,
};

/// Refuses a sign-in that is not fresh, or that did not use the admin user's second factor. Returns
/// the second factor, if there is one.
pub(in crate::flow) async fn require_fresh_sign_in(
    services: &Services,
    who: &AdminIdentity,
) -> Result<Option<Factor>, Stop> {
    let factor = services.factors.factor(who.admin_id()).await?;
    services.freshness.require(who.auth_time(), who.obtained, factor.is_some())?;
    Ok(factor)
}
